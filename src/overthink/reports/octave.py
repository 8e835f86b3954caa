"""Forecast of a curve one octave beyond its ladder as text: pooled forecast, and each family with its use."""

from collections.abc import Sequence
from dataclasses import dataclass

from overthink.data.finding import Finding
from overthink.reports import wording
from overthink.reports.names import PROSE_LIMIT, visible

NEXT_DOUBLING_HEAD = ("Family", "Value there", "Interval", "Error on held-out rungs", "Used")


@dataclass(frozen=True, slots=True)
class NextDoubling:
    """Text of one curve's forecast.

    Attributes:
        name: Axis, task, arm and estimand.
        text: The forecast, or the reason for none.
        finding: Id of its finding.
        rows: A row of cells per family, in the order of ``HEAD``, and the id of its finding.
        limits: Limits of the forecast.
    """

    name: str
    text: str
    finding: str
    rows: list[tuple[str, tuple[str, ...]]]
    limits: list[str]


def next_doubling(findings: Sequence[Finding]) -> NextDoubling:
    """Return the forecast of one curve as text.

    Args:
        findings: Of kind ``next_octave``: the forecast first, then each family, followed by its error where it has one.
    """
    pool, *others = findings
    errors = {finding.metric: finding for finding in others if finding.metric.endswith("_error")}
    families = [finding for finding in others if not finding.metric.endswith("_error")]
    parts = [wording.axis_name(pool.axis), visible(pool.task), visible(pool.arm), visible(pool.estimand)]
    return NextDoubling(
        name=" · ".join([*parts, *([f"judged by {visible(pool.scorer)}"] if pool.scorer else [])]),
        text=_forecast_text(pool),
        finding=visible(pool.id, PROSE_LIMIT),
        rows=[
            (visible(family.id, PROSE_LIMIT), _next_budget_row(family, errors.get(f"{family.metric}_error"))) for family in families
        ],
        limits=[visible(limit, PROSE_LIMIT) for limit in pool.limits],
    )


def _forecast_text(pool: Finding) -> str:
    if pool.estimate is None:
        return f"{visible(pool.label or 'no forecast')}: {visible(pool.reason or 'unknown', PROSE_LIMIT)}"
    where = "" if pool.at.requested_tokens is None else f" at {pool.at.requested_tokens:,} tokens"
    return f"{wording.axis_value(pool.axis)}{where}: {wording.percent(pool.estimate)} ({wording.interval(pool)})"


def _next_budget_row(family: Finding, error: Finding | None) -> tuple[str, ...]:
    value = "–" if family.estimate is None else wording.percent(family.estimate)
    span = "–"
    if family.low is not None and family.high is not None:
        span = f"{wording.percent(family.low)} to {wording.percent(family.high)}"
    error_text = (
        "–" if error is None or error.estimate is None else f"{wording.points(error.estimate).lstrip('+')} points"
    )
    why = f": {visible(family.reason, PROSE_LIMIT)}" if family.reason else ""
    return visible(family.metric.replace("_", " ")), value, span, error_text, f"{visible(family.label or '')}{why}"
