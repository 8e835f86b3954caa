"""Frontiers as charts and tables: best value at each budget, naive best value, and by difficulty.

Frontier (best value at each budget) as a Vega-Lite template: one line per selection rule.

:mod:`overthink.reports.charts.frontier` fills it, for the page and for files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from overthink.cost.units import figure, noun
from overthink.data.finding import Finding
from overthink.data.kinds import Kind
from overthink.reports import wording
from overthink.reports.charts.axes import compute_axis
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.templates import axes
from overthink.reports.report_curves import SHOWN_ARMS
from overthink.reports.tables import Table, TextCell, finding_link, plain
from overthink.reports.wording import ID_LIMIT, PROSE_LIMIT, visible

LINE_KINDS = {
    "best": "valued on questions that did not choose it",
    "difficulty": "each bin of difficulty chooses for itself, and pays for being known",
    "naive": "naive best cell: optimistic",
}
"""Meaning by kind of line."""

_DASHES = ([1, 0], [2, 3], [7, 4])
_SHAPES = ("circle", "diamond", "stroke")
_PARAMETERS: dict[str, Any] = {"xlow": 1, "xhigh": 10, "xticks": [], "xlabels": []}


@cache
def frontier_chart() -> dict[str, Any]:
    """A Vega-Lite specification without data: values from 0 to 100 % over a log axis of total compute.

    Data set to fill: ``points`` (x, estimate, low, high, series, colour, name, kind, failed, tip). Parameters:
    ``xlow``, ``xhigh``, ``xticks`` with ``xlabels``.
    """
    import altair as alt

    x_scale = alt.Scale(
        type="log", domainMin=alt.ExprRef("xlow"), domainMax=alt.ExprRef("xhigh"), nice=False, zero=False
    )
    below = alt.Axis(
        title=None,
        values=alt.ExprRef("xticks"),
        labelExpr="xlabels[indexof(xticks, datum.value)]",
        labelOverlap="greedy",
        labelSeparation=8,
    )
    y_axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", minExtent=40, maxExtent=40)
    share = alt.Scale(domainMin=0, domainMax=1, nice=False, zero=False)
    x, y = alt.X("x:Q", scale=x_scale, axis=below), alt.Y("estimate:Q", scale=share, axis=y_axis)
    names = list(LINE_KINDS)
    dash = alt.StrokeDash("kind:N", legend=None, scale=alt.Scale(domain=names, range=list(_DASHES)))
    shape = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=names, range=list(_SHAPES)))
    colour = alt.Color("colour:N", scale=None)
    points = alt.Chart(alt.NamedData("points")).encode(x=x, color=colour)
    whiskers = points.transform_filter("isValid(datum.low) && isValid(datum.high) && datum.kind === 'best'")
    low = alt.Y("low:Q", scale=share, axis=y_axis)
    lines = points.encode(y=y, detail="series:N", strokeDash=dash)
    dots = points.encode(y=y, shape=shape, tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    layers: list[alt.Chart] = [
        whiskers.encode(y=low, y2="high:Q").mark_rule(opacity=0.7, strokeWidth=1.5, aria=False),
        lines.mark_line(strokeWidth=2.25, aria=False),
        dots.mark_point(filled=True, size=60, opacity=1),
    ]
    chart = (
        alt.layer(*layers)
        .add_params(*(alt.param(name=name, value=value) for name, value in _PARAMETERS.items()))
        .properties(width="container", height=220)
        .configure(background="transparent", font="inherit", axis=axes(), view=alt.ViewConfig(stroke=None))
    )
    specification: dict[str, Any] = chart.to_dict()
    return specification


ALL_ARMS = "all arms"
_ALL_ARMS_COLOUR = "var(--ink)"


@dataclass(slots=True)
class _Line:
    """Findings of the frontier of one arm or of all arms, by kind of line, in the order of budgets."""

    arm: str
    best: list[Finding] = field(default_factory=list)
    naive: list[Finding] = field(default_factory=list)
    difficulty: list[Finding] = field(default_factory=list)
    bins: list[Finding] = field(default_factory=list)

    @property
    def is_all(self) -> bool:
        return self.arm.startswith(ALL_ARMS)


FrontierKey = tuple[str, str, str, str]


def frontier_charts(findings: Sequence[Finding]) -> list[Chart]:
    """Return one chart per axis, task, scorer and estimand with a frontier."""
    return [chart for key, lines in _lines_by_key(findings).items() if (chart := _chart(key, lines)) is not None]


def frontier_tables(findings: Sequence[Finding]) -> tuple[Table, ...]:
    """Return the frontiers as tables: best choice within each budget, and its value."""
    return tuple(
        _table(key, lines) for key, lines in _lines_by_key(findings).items() if any(line.best for line in lines)
    )


def _lines_by_key(findings: Sequence[Finding]) -> dict[FrontierKey, list[_Line]]:
    lines: dict[FrontierKey, dict[str, _Line]] = {}
    for finding in findings:
        if finding.kind == Kind.FRONTIER and finding.at.total is not None:
            key = (finding.axis, finding.task, finding.scorer or "", finding.estimand)
            line = lines.setdefault(key, {}).setdefault(finding.arm, _Line(finding.arm))
            _kind(line, finding.metric).append(finding)
    keys = sorted(lines, key=lambda key: wording.axis_position(key[0]))
    return {key: sorted(lines[key].values(), key=lambda line: not line.is_all) for key in keys}


def _kind(line: _Line, metric: str) -> list[Finding]:
    if metric.startswith("naive"):
        return line.naive
    if "_by_difficulty" in metric:
        return line.bins if "_bin" in metric else line.difficulty
    return line.best


def _chart(key: FrontierKey, lines: Sequence[_Line]) -> Chart | None:
    """Return the chart of a frontier: each arm in its colour, all arms together in ink with the naive line."""
    axis_name, task, _, estimand = key
    selection = [line for line in lines if line.is_all] + [line for line in lines if not line.is_all][:SHOWN_ARMS]
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for number, line in enumerate(selection):
        several = len(selection) > 1
        colour = _ALL_ARMS_COLOUR if line.is_all else f"var(--s{number - sum(member.is_all for member in selection)})"
        name = visible(line.arm)
        series = {"best": line.best}
        if line.is_all or not several:
            series |= {"difficulty": line.difficulty, "naive": line.naive}
        for kind, series_findings in series.items():
            points_of = [member for member in series_findings if member.estimate is not None]
            points += [_point(member, kind, colour=colour, name=name) for member in points_of]
        keys[name] = colour
    if not points:
        return None
    axis = compute_axis([point["x"] for point in points], _unit(selection))
    kinds = {point["kind"] for point in points}
    notes = [axis.title, *(f"{_LOOKS[kind]}: {LINE_KINDS[kind]}" for kind in LINE_KINDS if kind in kinds)]
    worst = axis_name == "safety"
    title = f"{wording.axis_name(axis_name)}: {'the attacker’s worst' if worst else 'best'} value, {visible(task)}"
    name_parts = (axis_name, task, "frontier", estimand)
    data = {"points": points}
    span = {"xlow": axis.low, "xhigh": axis.high, "xticks": axis.ticks, "xlabels": axis.labels}
    return Chart(name_parts, title, tuple(notes), frontier_chart(), span, data, keys)


_LOOKS = {"best": "solid", "difficulty": "dotted", "naive": "dashed"}


def _point(finding: Finding, kind: str, *, colour: str, name: str) -> dict[str, Any]:
    tip = [
        f"{name}: {wording.percent(finding.estimate or 0.0)}, {wording.interval(finding) or 'no interval'}",
        visible(finding.label or "", PROSE_LIMIT),
        LINE_KINDS[kind],
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
        "tip": "\n".join(tip),
    }


def _table(key: FrontierKey, lines: Sequence[_Line]) -> Table:
    axis, task, scorer, estimand = key
    rows, unit = [], _unit(lines)
    for line in lines:
        best, naive, difficulty = (
            {finding.at.total or 0.0: finding for finding in series}
            for series in (line.best, line.naive, line.difficulty)
        )
        for budget in sorted({*best, *difficulty}):
            overall, by_bin = best.get(budget), difficulty.get(budget)
            how = "–" if overall is None else (overall.label or "").partition(": ")[2]
            own = [
                visible((finding.label or "").partition(", ")[2]) for finding in line.bins if finding.at.total == budget
            ]
            rows.append(
                (
                    plain(visible(line.arm)),
                    plain(figure(budget, unit)),
                    plain(visible(how)),
                    *(_value(finding) for finding in (overall, naive.get(budget), by_bin)),
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
    """Return the unit of budgets, equal within a report."""
    return next((finding.at.unit for line in lines for finding in (*line.best, *line.difficulty, *line.bins)), None)


def _value(finding: Finding | None) -> TextCell:
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, "unknown"),)
    ends = ""
    if finding.low is not None and finding.high is not None:
        ends = f" ({100 * finding.low:.1f}–{wording.percent(finding.high)})"
    return (finding_link(finding, f"{wording.percent(finding.estimate)}{ends}"),)
