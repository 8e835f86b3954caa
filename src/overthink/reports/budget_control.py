"""Budget control of curves (control, scaling, performance) as a text table."""

from collections import Counter
from collections.abc import Callable, Sequence

from overthink.data.finding import Finding
from overthink.reports import wording
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.tables import Table, TextCell, finding_link, plain

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

_FORMATS: dict[str, Callable[[float], str]] = {
    "control": wording.percent,
    "scaling": wording.points,
    "performance": wording.percent,
}


def budget_control_table(findings: Sequence[Finding]) -> Table:
    """Return a table with a row per curve with token budgets, ordered by axis."""
    rows: dict[tuple[str, ...], dict[str, Finding]] = {}
    for finding in findings:
        if finding.kind == "budget_control":
            curve = (finding.axis, finding.task, finding.arm, finding.estimand, finding.scorer or "")
            rows.setdefault(curve, {})[finding.metric] = finding
    judges = Counter(curve[:4] for curve in rows)
    keys = sorted(rows, key=lambda curve: wording.axis_position(curve[0]))
    cells = (_budget_control_row(rows[curve], judge=curve[4] if judges[curve[:4]] > 1 else "") for curve in keys)
    return Table(BUDGET_CONTROL_CAPTION, BUDGET_CONTROL_HEAD, tuple(cells), BUDGET_CONTROL_NOTES)


def _budget_control_row(row: dict[str, Finding], *, judge: str) -> tuple[TextCell, ...]:
    first = next(iter(row.values()))
    name = f"{wording.axis_name(first.axis)} · {visible(first.task)} · {visible(first.arm)}"
    name += "" if first.estimand == "forced" else f" · {visible(first.estimand)}"
    name += f", judged by {visible(judge)}" if judge else ""
    return (plain(name), *(_cell(row.get(metric), show) for metric, show in _FORMATS.items()))


def _cell(finding: Finding | None, show: Callable[[float], str]) -> TextCell:
    """Return the number with interval and failed gates, or the reason for no number."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, "unknown"), *plain(f": {visible(finding.reason or 'no reason', PROSE_LIMIT)}"))
    ends = "" if finding.low is None or finding.high is None else f" ({show(finding.low)} to {show(finding.high)})"
    gates = ", ".join(visible(gate) for gate in finding.gates_failed)
    return (
        finding_link(finding, show(finding.estimate)),
        *plain(ends + (f"; a gate failed ({gates})" if gates else "")),
    )
