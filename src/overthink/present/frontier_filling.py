"""Frontiers as charts and tables: the best value at each budget, the naive one beside it, and by difficulty."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from overthink.core.amounts import figure, noun
from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.axis import compute_axis
from overthink.present.filling import Chart
from overthink.present.frontier_chart import KINDS, frontier_chart
from overthink.present.layout import SHOWN_ARMS
from overthink.present.names import ID_LIMIT, PROSE_LIMIT, visible
from overthink.present.word_table import Cell, Table, linked, plain

ALL = "all arms"
_TOGETHER = "var(--ink)"


@dataclass(slots=True)
class _Line:
    """The frontier of one arm, or of all together; by kind of line, in the order of budgets."""

    arm: str
    best: list[Finding] = field(default_factory=list)
    naive: list[Finding] = field(default_factory=list)
    difficulty: list[Finding] = field(default_factory=list)
    bins: list[Finding] = field(default_factory=list)

    @property
    def is_all(self) -> bool:
        return self.arm.startswith(ALL)


Place = tuple[str, str, str, str]


def frontier_charts(findings: Sequence[Finding]) -> list[Chart]:
    """One chart per axis, task, scorer and estimand that has a frontier."""
    return [chart for place, lines in _sorted(findings).items() if (chart := _chart(place, lines)) is not None]


def frontier_tables(findings: Sequence[Finding]) -> tuple[Table, ...]:
    """The same as tables: what to do within each budget, and what it is worth."""
    return tuple(_table(place, lines) for place, lines in _sorted(findings).items() if any(line.best for line in lines))


def _sorted(findings: Sequence[Finding]) -> dict[Place, list[_Line]]:
    found: dict[Place, dict[str, _Line]] = {}
    for finding in findings:
        if finding.kind == "frontier" and finding.at.total is not None:
            place = (finding.axis, finding.task, finding.scorer or "", finding.estimand)
            line = found.setdefault(place, {}).setdefault(finding.arm, _Line(finding.arm))
            _kind(line, finding.metric).append(finding)
    places = sorted(found, key=lambda place: wording.axis_place(place[0]))
    return {place: sorted(found[place].values(), key=lambda line: not line.is_all) for place in places}


def _kind(line: _Line, metric: str) -> list[Finding]:
    if metric.startswith("naive"):
        return line.naive
    if "_by_difficulty" in metric:
        return line.bins if "_bin" in metric else line.difficulty
    return line.best


def _chart(place: Place, lines: Sequence[_Line]) -> Chart | None:
    """Several arms: their own frontiers thin in their colours, the common one in ink with the naive one beside it."""
    axis_name, task, _, estimand = place
    shown = [line for line in lines if line.is_all] + [line for line in lines if not line.is_all][:SHOWN_ARMS]
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for number, line in enumerate(shown):
        several = len(shown) > 1
        colour = _TOGETHER if line.is_all else f"var(--s{number - sum(one.is_all for one in shown)})"
        name = visible(line.arm)
        drawn = {"best": line.best}
        if line.is_all or not several:
            drawn |= {"difficulty": line.difficulty, "naive": line.naive}
        for kind, made in drawn.items():
            known = [one for one in made if one.estimate is not None]
            points += [_point(one, kind, colour=colour, name=name) for one in known]
        keys[name] = colour
    if not points:
        return None
    axis = compute_axis([point["x"] for point in points], _unit(shown))
    kinds = {point["kind"] for point in points}
    notes = [axis.title, *(f"{_LOOKS[kind]}: {KINDS[kind]}" for kind in KINDS if kind in kinds)]
    worst = axis_name == "safety"
    title = f"{wording.axis_name(axis_name)}: {'the attacker’s worst' if worst else 'best'} value, {visible(task)}"
    called = (axis_name, task, "frontier", estimand)
    data = {"points": points}
    span = {"xlow": axis.low, "xhigh": axis.high, "xticks": axis.ticks, "xlabels": axis.labels}
    return Chart(called, title, tuple(notes), frontier_chart(), span, data, keys)


_LOOKS = {"best": "solid", "difficulty": "dotted", "naive": "dashed"}


def _point(finding: Finding, kind: str, *, colour: str, name: str) -> dict[str, Any]:
    told = [
        f"{name}: {wording.percent(finding.estimate or 0.0)}, {wording.interval(finding) or 'no interval'}",
        visible(finding.label or "", PROSE_LIMIT),
        KINDS[kind],
        f"finding {visible(finding.id, ID_LIMIT)}",
    ]
    return {
        "x": finding.at.total,
        "estimate": finding.estimate,
        "low": finding.low,
        "high": finding.high,
        "series": f"{name} {kind}",
        "colour": colour,
        "name": name,
        "kind": kind,
        "failed": bool(finding.gates_failed),
        "tip": "\n".join(told),
    }


def _table(place: Place, lines: Sequence[_Line]) -> Table:
    axis, task, scorer, estimand = place
    rows, unit = [], _unit(lines)
    for line in lines:
        best, naive, difficulty = (
            {one.at.total or 0.0: one for one in made} for made in (line.best, line.naive, line.difficulty)
        )
        for budget in sorted({*best, *difficulty}):
            there, by_bin = best.get(budget), difficulty.get(budget)
            how = "–" if there is None else (there.label or "").partition(": ")[2]
            own = [visible((one.label or "").partition(", ")[2]) for one in line.bins if one.at.total == budget]
            rows.append(
                (
                    plain(visible(line.arm)),
                    plain(figure(budget, unit)),
                    plain(visible(how)),
                    *(_value(one) for one in (there, naive.get(budget), by_bin)),
                    plain("; ".join(own) or "–"),
                )
            )
    caption = f"{wording.axis_name(axis)} · {visible(task)}"
    caption += "" if estimand == "forced" else f" · {visible(estimand)}"
    caption += f" · {visible(scorer)}" if scorer else ""
    budget_head = f"Budget, {visible(noun(unit))}"
    head = ("Arm", budget_head, "What to do", "Value", "Naive, optimistic", "By difficulty", "What each bin does")
    return Table(caption, head, tuple(rows))


def _unit(lines: Sequence[_Line]) -> str | None:
    """What budgets are counted in: the same in the whole report."""
    return next((one.at.unit for line in lines for one in (*line.best, *line.difficulty, *line.bins)), None)


def _value(finding: Finding | None) -> Cell:
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (linked(finding, "unknown"),)
    ends = ""
    if finding.low is not None and finding.high is not None:
        ends = f" ({100 * finding.low:.1f}–{wording.percent(finding.high)})"
    return (linked(finding, f"{wording.percent(finding.estimate)}{ends}"),)
