"""A curve's forecast beyond its ladder in words: what the pool says, and family by family why it was used or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.names import PROSE_LIMIT, visible

HEAD = ("Family", "Value there", "Interval", "Error on held-out rungs", "Used")


@dataclass(frozen=True, slots=True)
class Octave:
    """One curve, ready to be laid out.

    Attributes:
        name: Axis, task, arm and estimand.
        told: The forecast, or why there is none.
        finding: Id of the finding that says it.
        rows: A row of cells per family, in the order of ``HEAD``, and the id of its finding.
        limits: What qualifies it.
    """

    name: str
    told: str
    finding: str
    rows: list[tuple[str, tuple[str, ...]]]
    limits: list[str]


def octave(findings: Sequence[Finding]) -> Octave:
    """The forecast of one curve in words.

    Args:
        findings: Of kind ``next_octave``: the forecast first, then each family, followed by its error where it has one.
    """
    pool, *others = findings
    errors = {finding.metric: finding for finding in others if finding.metric.endswith("_error")}
    families = [finding for finding in others if not finding.metric.endswith("_error")]
    parts = [wording.axis_name(pool.axis), visible(pool.task), visible(pool.arm), visible(pool.estimand)]
    return Octave(
        name=" · ".join([*parts, *([f"judged by {visible(pool.scorer)}"] if pool.scorer else [])]),
        told=_told(pool),
        finding=visible(pool.id, PROSE_LIMIT),
        rows=[(visible(one.id, PROSE_LIMIT), _row(one, errors.get(f"{one.metric}_error"))) for one in families],
        limits=[visible(limit, PROSE_LIMIT) for limit in pool.limits],
    )


def _told(pool: Finding) -> str:
    if pool.estimate is None:
        return f"{visible(pool.label or 'no forecast')}: {visible(pool.reason or 'unknown', PROSE_LIMIT)}"
    where = "" if pool.at.requested_tokens is None else f" at {pool.at.requested_tokens:,} tokens"
    return f"{wording.axis_value(pool.axis)}{where}: {wording.percent(pool.estimate)} ({wording.interval(pool)})"


def _row(family: Finding, error: Finding | None) -> tuple[str, ...]:
    value = "–" if family.estimate is None else wording.percent(family.estimate)
    span = "–"
    if family.low is not None and family.high is not None:
        span = f"{wording.percent(family.low)} to {wording.percent(family.high)}"
    missed = "–" if error is None or error.estimate is None else f"{wording.points(error.estimate).lstrip('+')} points"
    why = f": {visible(family.reason, PROSE_LIMIT)}" if family.reason else ""
    return visible(family.metric.replace("_", " ")), value, span, missed, f"{visible(family.label or '')}{why}"
