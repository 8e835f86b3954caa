"""What a table for a paper can hold, and which findings that is; tables of numbers with a row per rung or finding."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.reports.paper.printed_tables import curve_table, finding_table, gate_table, verdict_table
from overthink.reports.paper.rung_findings import RungFindings, curve_order, rung_findings
from overthink.reports.paper.table import DataTable, PrintedTable
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


class Content(StrEnum):
    """What a table holds."""

    CURVES = "curves"
    VERDICTS = "verdicts"
    GATES = "gates"
    DIFFERENCES = "differences"
    COMPARE = "compare"
    FORECAST = "forecast"
    FINDINGS = "findings"


_KINDS: Mapping[Content, frozenset[Kind]] = MappingProxyType(
    {
        Content.CURVES: frozenset({Kind.VALUE}),
        Content.VERDICTS: frozenset({Kind.SHAPE, Kind.HYPOTHESIS}),
        Content.GATES: frozenset({Kind.GATE}),
        Content.DIFFERENCES: frozenset({Kind.DIFFERENCE}),
        Content.COMPARE: frozenset({Kind.ARM_DIFFERENCE, Kind.SAFETY_TAX, Kind.MITIGATION, Kind.FLOP_MATCHED}),
        Content.FORECAST: frozenset({Kind.FORECAST, Kind.NEXT_OCTAVE}),
        Content.FINDINGS: frozenset(Kind),
    }
)
_WORDS: Mapping[Content, str] = MappingProxyType(
    {
        Content.DIFFERENCES: "Differences between rungs, paired by question,",
        Content.COMPARE: "Arms against their reference: comparisons",
        Content.FORECAST: "Forecasts",
        Content.FINDINGS: "All findings",
    }
)
_SIZES = (Metric.RISE, Metric.DRAWDOWN)


def content_findings(findings: Sequence[Finding], content: Content) -> tuple[Finding, ...]:
    """Return the findings that a table shows, curve by curve, each curve's in the order of findings.json.

    Args:
        findings: All findings of a study.
        content: What the table holds.

    Example:
        >>> from overthink.data.finding import At
        >>> rise = Finding("a", Kind.SHAPE, "safety", "t", "base", "forced", Metric.RISE, At())
        >>> content_findings((rise,), Content.VERDICTS), len(content_findings((rise,), Content.FINDINGS))
        ((), 1)
    """
    kinds = _KINDS[content]
    chosen = [finding for finding in findings if finding.kind in kinds]
    if content is Content.FINDINGS:
        return tuple(chosen)
    if content is Content.VERDICTS:
        chosen = [finding for finding in chosen if finding.metric not in _SIZES]
    return tuple(sorted(chosen, key=curve_order))


def data_table(findings: Sequence[Finding], content: Content) -> DataTable:
    """Return the numbers of a table at full precision.

    Args:
        findings: All findings of a study.
        content: What the table holds.
    """
    if content is Content.CURVES:
        return curve_data(rung_findings(findings))
    return finding_data(content_findings(findings, content))


def printed_table(findings: Sequence[Finding], content: Content, *, source: str) -> PrintedTable:
    """Return a table to print.

    Args:
        findings: All findings of a study.
        content: What the table holds.
        source: Name of the study; untrusted.
    """
    if content is Content.CURVES:
        return curve_table(rung_findings(findings), source=source)
    chosen = content_findings(findings, content)
    if content is Content.VERDICTS:
        return verdict_table(chosen, source=source)
    if content is Content.GATES:
        return gate_table(chosen, source=source)
    return finding_table(chosen, source=source, content=_WORDS[content])
