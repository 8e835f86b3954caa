"""What a table for a paper can hold, and which findings that is."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.reports.paper.data_tables import curve_data, finding_data
from overthink.reports.paper.printed_tables import curve_table, finding_table, gate_table, verdict_table
from overthink.reports.paper.rung_findings import curve_order, rung_findings
from overthink.reports.paper.table import DataTable, PrintedTable


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
