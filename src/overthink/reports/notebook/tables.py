"""Tables of a study as Polars frames: the columns of the tables for a paper, with their types."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl

from overthink.data.finding import Finding
from overthink.data.planted import PlantedCurve
from overthink.data.results.curve import CurveResult, RungResult
from overthink.reports.paper.contents import Content, content_findings, data_table
from overthink.reports.paper.printed_tables import claim_text
from overthink.reports.paper.table import DataTable

CURVE_COLUMNS = (
    "axis", "task", "arm", "requested_tokens", "effort", "estimate", "low", "high", "level", "n_questions", "n_draws",
    "gates", "gates_failed", "verdict", "thinking_tokens", "rung", "estimand", "scorer", "metric", "reason", "id",
)  # fmt: skip
"""Columns of :func:`curve_frame`, among those of ``overthink table --what curves --format csv``."""

VERDICT_COLUMNS = (
    "axis", "task", "arm", "label", "claim", "estimate", "low", "high", "level", "p", "p_adjusted", "n_questions",
    "gates_failed", "kind", "test", "estimand", "scorer", "reason", "id",
)  # fmt: skip
"""Columns of :func:`verdict_frame`, among those of ``overthink table --what verdicts --format csv``."""

PLANTED_SCHEMA = pl.Schema(
    {
        "axis": pl.String, "task": pl.String, "arm": pl.String, "requested_tokens": pl.Int64, "planted": pl.Float64,
        "measured": pl.Float64, "low": pl.Float64, "high": pl.Float64, "inside": pl.Boolean, "rung": pl.Int64,
        "scorer": pl.String, "reason": pl.String,
    }
)  # fmt: skip
"""Columns of :func:`planted_frame`, with their types."""

_WHOLE = ("rung", "requested_tokens", "from_rung", "k", "part", "n_questions", "n_draws", "questions_needed")
_REAL = (
    "estimate", "low", "high", "level", "p", "p_adjusted", "mde", "total", "thinking_tokens", "verdict_p",
    "verdict_p_adjusted",
)  # fmt: skip
_TYPES: Mapping[str, type[pl.DataType]] = MappingProxyType(
    dict.fromkeys(_WHOLE, pl.Int64) | dict.fromkeys(_REAL, pl.Float64)
)


def curve_frame(findings: Sequence[Finding]) -> pl.DataFrame:
    """Return one row per value of a curve: axis, task, arm and rung, its interval, sizes, gates and verdict.

    Args:
        findings: All findings of a study.
    """
    return _frame(data_table(findings, Content.CURVES)).select(CURVE_COLUMNS)


def verdict_frame(findings: Sequence[Finding]) -> pl.DataFrame:
    """Return one row per verdict on a shape or a hypothesis.

    Args:
        findings: All findings of a study.
    """
    claims = [claim_text(finding) for finding in content_findings(findings, Content.VERDICTS)]
    frame = _frame(data_table(findings, Content.VERDICTS))
    return frame.with_columns(claim=pl.Series(claims, dtype=pl.String)).select(VERDICT_COLUMNS)


def finding_frame(findings: Sequence[Finding]) -> pl.DataFrame:
    """Return one row per finding, with the columns of ``overthink table --what findings --format csv``.

    Args:
        findings: Findings, in order.
    """
    return _frame(data_table(findings, Content.FINDINGS))


def planted_frame(planted: Sequence[PlantedCurve], curves: Sequence[CurveResult]) -> pl.DataFrame:
    """Return one row per rung with a planted value; one per curve, with a reason, where it cannot be stated.

    Args:
        planted: Planted truth of a simulated model; empty for every real one.
        curves: What was measured.
    """
    by_key = {curve.key: {rung.at.rung: rung for rung in curve.rungs} for curve in curves}
    rows: list[tuple[object, ...]] = []
    for truth in planted:
        names, scorer = (truth.key.axis, truth.key.task, truth.key.arm), truth.key.scorer
        if truth.obstacle:
            rows.append((*names, *(None,) * 7, scorer, truth.obstacle))
        for number, value in truth.values.items():
            rung = by_key[truth.key][number]
            rows.append((*names, rung.at.requested_tokens, value, *_measurement(truth, rung), number, scorer, None))
    return pl.DataFrame(rows, schema=PLANTED_SCHEMA, orient="row")


def _measurement(truth: PlantedCurve, rung: RungResult) -> tuple[object, ...]:
    """Return the value at a rung, its band for all rungs at once, and whether the planted value is inside it."""
    band, value = rung.band, None if rung.mean is None else rung.mean.estimate
    if band is None or band.low is None or band.high is None or truth.outside is None:
        return value, None, None, None
    return value, band.low, band.high, rung.at.rung not in truth.outside


def _frame(table: DataTable) -> pl.DataFrame:
    schema = {name: _TYPES.get(name, pl.String) for name in table.columns}
    frame = pl.DataFrame(table.rows, schema=schema, orient="row")
    flags = [name for name in ("simultaneous",) if name in schema]
    return frame.with_columns(pl.col(name) == "true" for name in flags)
