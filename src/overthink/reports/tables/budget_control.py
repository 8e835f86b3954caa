"""Budget control of curves (control, scaling, performance) as a text table."""

from collections import Counter
from collections.abc import Callable, Sequence

from overthink.data.finding import Finding
from overthink.data.results.curve import CurveResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.tables.table import Table, TextCell, curve_name, finding_link, plain

BUDGET_CONTROL_CAPTION = "Budget control: s1's three metrics, one row per curve"
BUDGET_CONTROL_HEAD = ("Curve", "Control", "Scaling, points per 1,000 tokens", "Performance")
BUDGET_CONTROL_NOTES = (
    "Control: the share of traces, over all rungs, whose thinking kept to its budget; one that ended early has.",
    (
        "Scaling: how much the value changes per 1,000 tokens more that thinking was allowed, the mean over every two "
        "budgets. Below 0, more thinking made it worse."
    ),
    (
        "Performance: the highest value of the curve. The highest of several is higher than the truly highest, on "
        "average; its interval holds for the whole curve."
    ),
)


def budget_control_table(curves: Sequence[CurveResult]) -> Table:
    """Return a table with a row per curve with token budgets, ordered by axis."""
    controlled = [curve for curve in curves if curve.budget_control is not None]
    judges = Counter(curve.key._replace(scorer="") for curve in controlled)
    rows = (
        _row(curve, judge=curve.key.scorer if judges[curve.key._replace(scorer="")] > 1 else "")
        for curve in sorted(controlled, key=lambda curve: wording.axis_position(curve.key.axis))
    )
    return Table(BUDGET_CONTROL_CAPTION, BUDGET_CONTROL_HEAD, tuple(rows), BUDGET_CONTROL_NOTES)


def _row(curve: CurveResult, *, judge: str) -> tuple[TextCell, ...]:
    result = curve.budget_control
    assert result is not None
    return (
        plain(f"{curve_name(curve.key)}, judged by {visible(judge)}" if judge else curve_name(curve.key)),
        _cell(result.control, wording.percent),
        _cell(result.scaling, wording.points),
        _cell(result.performance, wording.percent),
    )


def _cell(finding: Finding, show: Callable[[float], str]) -> TextCell:
    """Return the number with interval and failed gates, or the reason for no number."""
    if finding.estimate is None:
        return (finding_link(finding, "unknown"), *plain(f": {visible(finding.reason or 'no reason', PROSE_LIMIT)}"))
    ends = "" if finding.low is None or finding.high is None else f" ({show(finding.low)} to {show(finding.high)})"
    gates = ", ".join(visible(gate) for gate in finding.gates_failed)
    return (
        finding_link(finding, show(finding.estimate)),
        *plain(ends + (f"; a gate failed ({gates})" if gates else "")),
    )
