"""Tables of a study as Polars frames: the columns of the tables for a paper, with their types."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl

from overthink.data.finding import Finding
from overthink.data.results.beside import PlantedCurve
from overthink.data.results.curve import CurveResult, RungResult
from overthink.reports.paper.contents import Content, content_findings, data_table
from overthink.reports.paper.printed_tables import claim_text
from overthink.reports.paper.table import DataTable

CURVE_COLUMNS = (
    "axis", "task", "arm", "requested_tokens", "effort", "rung", "thinking_tokens", "n_questions", "n_draws", "verdict",
    "gates_failed", "estimand", "scorer", "metric", "level", "reason", "id", "estimate", "low", "high", "gates",
)  # fmt: skip
"""Columns of :func:`curve_frame`, among those of ``overthink table --what curves --format csv``.

Here and below what matters most stands first and last, as notebooks show the first and last columns of a wide table.
"""

VERDICT_COLUMNS = (
    "axis", "task", "arm", "claim", "p", "p_adjusted", "n_questions", "gates_failed", "kind", "test", "estimand",
    "scorer", "level", "reason", "id", "label", "estimate", "low", "high",
)  # fmt: skip
"""Columns of :func:`verdict_frame`, among those of ``overthink table --what verdicts --format csv``."""

PLANTED_SCHEMA = pl.Schema(
    {
        "axis": pl.String, "task": pl.String, "arm": pl.String, "requested_tokens": pl.Int64, "rung": pl.Int64,
        "scorer": pl.String, "low": pl.Float64, "high": pl.Float64, "reason": pl.String, "planted": pl.Float64,
        "measured": pl.Float64, "inside": pl.Boolean,
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
    rows: list[dict[str, object]] = []
    for truth in planted:
        names = {name: getattr(truth.key, name) for name in ("axis", "task", "arm", "scorer")}
        if truth.obstacle:
            rows.append(names | {"reason": truth.obstacle})
        for number, value in truth.values.items():
            rung = by_key[truth.key][number]
            own = {"requested_tokens": rung.at.requested_tokens, "rung": number, "planted": value}
            rows.append(names | own | _measurement(truth, rung))
    return pl.DataFrame(rows, schema=PLANTED_SCHEMA, orient="row")


def _measurement(truth: PlantedCurve, rung: RungResult) -> dict[str, object]:
    """Return the value at a rung, its band for all rungs at once, and whether the planted value is inside it."""
    band, value = rung.band, None if rung.mean is None else rung.mean.estimate
    if band is None or band.low is None or band.high is None or truth.outside is None:
        return {"measured": value}
    return {"measured": value, "low": band.low, "high": band.high, "inside": rung.at.rung not in truth.outside}


def _frame(table: DataTable) -> pl.DataFrame:
    schema = {name: _TYPES.get(name, pl.String) for name in table.columns}
    frame = pl.DataFrame(table.rows, schema=schema, orient="row")
    flags = [name for name in ("simultaneous",) if name in schema]
    return frame.with_columns(pl.col(name) == "true" for name in flags)
