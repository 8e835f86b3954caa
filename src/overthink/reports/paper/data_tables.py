"""Findings as tables of numbers: a row per rung of every curve, or a row per finding."""

from collections.abc import Sequence

from overthink.data.finding import Finding
from overthink.reports.paper.rung_findings import RungFindings
from overthink.reports.paper.table import DataTable
from overthink.storage.tables.cells import Cell

CURVE_COLUMNS = (
    "axis", "task", "scorer", "arm", "estimand", "rung", "requested_tokens", "effort", "thinking_tokens", "metric",
    "estimate", "low", "high", "level", "simultaneous", "n_questions", "n_draws", "gates", "gates_failed",
    "gates_not_checked", "verdict", "verdict_test", "verdict_p", "verdict_p_adjusted", "reason", "thinking_reason",
    "verdict_reason", "id", "verdict_id",
)  # fmt: skip
"""Columns of :func:`curve_data`."""

FINDING_COLUMNS = (
    "kind", "axis", "task", "scorer", "arm", "estimand", "metric", "rung", "requested_tokens", "effort", "from_rung",
    "k", "selector", "total", "unit", "part", "estimate", "low", "high", "level", "simultaneous", "n_questions",
    "n_draws", "test", "p", "p_adjusted", "mde", "label", "reason", "claim", "questions_needed", "gates_failed",
    "limits", "id",
)  # fmt: skip
"""Columns of :func:`finding_data`: every field of a finding, with the names of findings.json."""


def curve_data(rows: Sequence[RungFindings]) -> DataTable:
    """Return one row per rung: the value, its gates, and the verdict on the curve.

    Args:
        rows: Values with what belongs to them.
    """
    return DataTable(CURVE_COLUMNS, tuple(map(_curve_row, rows)))


def finding_data(findings: Sequence[Finding]) -> DataTable:
    """Return one row per finding, in the order given; lists of texts are joined with ``"; "``."""
    return DataTable(FINDING_COLUMNS, tuple(map(_finding_row, findings)))


def _curve_row(row: RungFindings) -> tuple[Cell, ...]:
    value, thinking, verdict, gates = row.value, row.thinking, row.verdict, row.gates
    test = None if verdict is None else verdict.test
    return (
        value.axis, value.task, value.scorer, value.arm, value.estimand, value.at.rung, value.at.requested_tokens,
        value.at.effort, None if thinking is None else thinking.estimate, value.metric.value,
        value.estimate, value.low, value.high, value.level, _flag(value.simultaneous), value.n_questions,
        value.n_draws, gates.word, _list(gates.failed), _list([gate.metric for gate in gates.unchecked]),
        None if verdict is None else verdict.label, None if test is None else test.name,
        None if test is None else test.p, None if test is None else test.p_adjusted,
        value.reason, None if thinking is None else thinking.reason, None if verdict is None else verdict.reason,
        value.id, None if verdict is None else verdict.id,
    )  # fmt: skip


def _finding_row(finding: Finding) -> tuple[Cell, ...]:
    at, test = finding.at, finding.test
    of_test = (None,) * 4 if test is None else (test.name, test.p, test.p_adjusted, test.mde)
    return (
        finding.kind.value, finding.axis, finding.task, finding.scorer, finding.arm, finding.estimand,
        finding.metric.value, at.rung, at.requested_tokens, at.effort, at.from_rung, at.k,
        None if at.selector is None else str(at.selector), at.total, at.unit, at.part,
        finding.estimate, finding.low, finding.high, finding.level, _flag(finding.simultaneous),
        finding.n_questions, finding.n_draws, *of_test, finding.label, finding.reason, finding.claim,
        finding.questions_needed, _list(finding.gates_failed), _list(finding.limits), finding.id,
    )  # fmt: skip


def _flag(flag: bool) -> str:
    return "true" if flag else "false"


def _list(texts: Sequence[str]) -> str | None:
    return "; ".join(texts) or None
