"""How well curves keep to their budgets, and what more budget buys, as a table of words."""

from collections import Counter
from collections.abc import Callable, Sequence

from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.word_table import Cell, Table, linked, plain

CAPTION = "Budget control: s1's three metrics, one row per curve"
HEAD = ("Curve", "Control", "Scaling, points per 1,000 tokens", "Performance")
NOTES = (
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

_SHOWN: dict[str, Callable[[float], str]] = {
    "control": wording.percent,
    "scaling": wording.points,
    "performance": wording.percent,
}


def budget_control_table(findings: Sequence[Finding]) -> Table:
    """A row per curve with budgets in tokens, axis by axis; no row where there is none."""
    rows: dict[tuple[str, ...], dict[str, Finding]] = {}
    for finding in findings:
        if finding.kind == "budget_control":
            curve = (finding.axis, finding.task, finding.arm, finding.estimand, finding.scorer or "")
            rows.setdefault(curve, {})[finding.metric] = finding
    judges = Counter(curve[:4] for curve in rows)
    ordered = sorted(rows, key=lambda curve: wording.axis_place(curve[0]))
    made = (_row(rows[curve], judge=curve[4] if judges[curve[:4]] > 1 else "") for curve in ordered)
    return Table(CAPTION, HEAD, tuple(made), NOTES)


def _row(row: dict[str, Finding], *, judge: str) -> tuple[Cell, ...]:
    first = next(iter(row.values()))
    name = f"{wording.axis_name(first.axis)} · {visible(first.task)} · {visible(first.arm)}"
    name += "" if first.estimand == "forced" else f" · {visible(first.estimand)}"
    name += f", judged by {visible(judge)}" if judge else ""
    return (plain(name), *(_cell(row.get(metric), show) for metric, show in _SHOWN.items()))


def _cell(finding: Finding | None, show: Callable[[float], str]) -> Cell:
    """The number with its interval and the gates that failed behind it; a reason where it is unknown."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (linked(finding, "unknown"), *plain(f": {visible(finding.reason or 'no reason', PROSE_LIMIT)}"))
    ends = "" if finding.low is None or finding.high is None else f" ({show(finding.low)} to {show(finding.high)})"
    gates = ", ".join(visible(gate) for gate in finding.gates_failed)
    return (linked(finding, show(finding.estimate)), *plain(ends + (f"; a gate failed ({gates})" if gates else "")))
