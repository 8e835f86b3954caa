"""Tables about budgets: frontiers, models matched by FLOP, process against outcome supervision, control of a budget."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from overthink.cost.units import Unit, amount, figure, noun
from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.record import Estimand
from overthink.data.results.budgets import FlopMatch, FlopMatchResult, FrontierResult, SupervisionResult
from overthink.data.results.curve import CurveResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.tables.table import Table, TextCell, curve_name, finding_link, plain


def frontiers_by_task(frontiers: Sequence[FrontierResult]) -> list[list[FrontierResult]]:
    """Return the frontiers that there are, by axis, task, scorer and estimand; the one over all arms first."""
    tasks: dict[CurveKey, list[FrontierResult]] = {}
    for frontier in frontiers:
        if frontier.unknown is None:
            tasks.setdefault(frontier.key._replace(arm=""), []).append(frontier)
    ordered = sorted(tasks, key=lambda key: wording.axis_position(key.axis))
    return [sorted(tasks[key], key=lambda frontier: not frontier.is_over_arms) for key in ordered]


def frontier_tables(frontiers: Sequence[FrontierResult]) -> tuple[Table, ...]:
    """Return the frontiers as tables: best choice within each budget, and its value."""
    return tuple(_table(lines) for lines in frontiers_by_task(frontiers) if any(frontier.points for frontier in lines))


def _table(lines: Sequence[FrontierResult]) -> Table:
    key, unit = lines[0].key, lines[0].unit
    caption = f"{wording.axis_name(key.axis)} · {visible(key.task)}"
    caption += "" if key.estimand == Estimand.FORCED else f" · {visible(key.estimand)}"
    caption += f" · {visible(key.scorer)}" if key.scorer else ""
    budget_head = f"Budget, {visible(noun(unit))}"
    head = ("Arm", budget_head, "What to do", "Value", "Naive, optimistic", "By difficulty", "What each bin does")
    return Table(caption, head, tuple(row for line in lines for row in _frontier_rows(line)))


def _frontier_rows(frontier: FrontierResult) -> Iterator[tuple[TextCell, ...]]:
    """Yield a row per budget within which all questions together, or every bin, can afford an allocation."""
    points = {point.budget: point for point in frontier.points}
    splits = {split.budget: split for split in frontier.by_difficulty}
    whole = {budget for budget, split in splits.items() if split.value is not None}
    for budget in sorted(points.keys() | whole):
        point, split = points.get(budget), splits.get(budget)
        bins = "" if split is None else "; ".join(visible(str(each.choice)) for each in split.bins)
        yield (
            plain(visible(frontier.key.arm)),
            plain(figure(budget, frontier.unit)),
            plain("–" if point is None else visible(str(point.choice))),
            _value(None if point is None else point.value),
            _value(None if point is None else point.naive),
            _value(None if split is None else split.value),
            plain(bins or "–"),
        )


def _value(finding: Finding | None) -> TextCell:
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, "unknown"),)
    ends = ""
    if finding.low is not None and finding.high is not None:
        ends = f" ({100 * finding.low:.1f}–{wording.percent(finding.high)})"
    return (finding_link(finding, f"{wording.percent(finding.estimate)}{ends}"),)


SUPERVISION_CAPTION = (
    "Steps against answers, at equal verifier tokens: what best-of-k by each selects, steps minus answers"
)
SUPERVISION_HEAD = ("task", "rung", "budget and tries", "difference", "interval")


def supervision_table(comparisons: Sequence[SupervisionResult]) -> Table:
    """Return a table with a row per task, rung and budget, for the selected values."""
    rows = (
        _supervision_row(result, value)
        for result in comparisons
        if (value := result.differences[Metric.VALUE]).estimate is not None
    )
    return Table(SUPERVISION_CAPTION, SUPERVISION_HEAD, tuple(rows))


def _supervision_row(result: SupervisionResult, value: Finding) -> tuple[TextCell, ...]:
    assert value.estimate is not None
    ends = "" if value.low is None or value.high is None else " to ".join(map(wording.points, (value.low, value.high)))
    level = result.at.effort if result.at.requested_tokens is None else f"{result.at.requested_tokens:,} tokens"
    return (
        plain(visible(f"{result.by_steps.axis}: {result.by_steps.task}", PROSE_LIMIT)),
        plain(visible(level or "", PROSE_LIMIT)),
        plain(visible(value.label or "", PROSE_LIMIT)),
        (finding_link(value, wording.points(value.estimate)),),
        plain(ends),
    )


FLOP_MATCHED_CAPTION = "A smaller model with more inference, against a larger one: times the FLOP of the larger one"
FLOP_MATCHED_HEAD = (
    "Task · arm",
    "Larger model, within",
    "What it does",
    "What the smaller one does",
    "As good at",
    "No worse than δ at",
    "Less in all, with training, below",
)


def flop_matched_table(results: Sequence[FlopMatchResult]) -> Table:
    """Return a table with a row per budget of a larger model at which an entry changes."""
    by_axis = sorted(results, key=lambda result: wording.axis_position(result.key.axis))
    return Table(
        FLOP_MATCHED_CAPTION, FLOP_MATCHED_HEAD, tuple(row for result in by_axis for row in _match_rows(result))
    )


def _match_rows(result: FlopMatchResult) -> Iterator[tuple[TextCell, ...]]:
    """Yield the rows that differ from the preceding one in more than the budget."""
    name = plain(f"{visible(result.key.task)} · {visible(result.key.arm)}")
    larger = "–" if result.larger is None else visible(result.larger)
    if result.unknown is not None:
        reason = (finding_link(result.unknown, visible(result.unknown.reason or "unknown", PROSE_LIMIT)),)
        yield (name, plain(larger), plain("–"), plain("–"), reason, plain("–"), plain("–"))
    before: list[str] = []
    for match in result.matches:
        cells = _cells(match)
        texts = ["".join(piece.text for piece in cell) for cell in cells]
        if texts != before:
            yield (name, plain(f"{larger}, {amount(match.budget, Unit.FLOP)}"), *cells)
        before = texts


def _cells(match: FlopMatch) -> tuple[TextCell, ...]:
    multiple = match.multiple.estimate
    return (
        plain(visible(str(match.large), PROSE_LIMIT)),
        plain("–" if match.small is None else visible(str(match.small), PROSE_LIMIT)),
        _match_cell(match.multiple, "×", unknown="not reached"),
        _match_cell(match.shown, "×", unknown="not shown"),
        _match_cell(match.tokens_served, "R =", unknown="any R" if multiple is not None and multiple <= 1 else "–"),
    )


def _match_cell(finding: Finding, sign: str, *, unknown: str) -> TextCell:
    low, high = (None if end is None else _number(end) for end in (finding.low, finding.high))
    if low is not None and high is not None:
        ends = f" ({low} to {high})"
    else:
        ends = f" ({low} or more)" if low is not None else f" ({high} or less)" if high is not None else ""
    number = unknown if finding.estimate is None else f"{sign} {_number(finding.estimate)}"
    return (finding_link(finding, f"{number}{ends}"),)


def _number(value: float) -> str:
    """Return a number with two significant digits, or all integer digits."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


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
        _control_row(curve, judge=curve.key.scorer if judges[curve.key._replace(scorer="")] > 1 else "")
        for curve in sorted(controlled, key=lambda curve: wording.axis_position(curve.key.axis))
    )
    return Table(BUDGET_CONTROL_CAPTION, BUDGET_CONTROL_HEAD, tuple(rows), BUDGET_CONTROL_NOTES)


def _control_row(curve: CurveResult, *, judge: str) -> tuple[TextCell, ...]:
    result = curve.budget_control
    assert result is not None
    return (
        plain(f"{curve_name(curve.key)}, judged by {visible(judge)}" if judge else curve_name(curve.key)),
        _control_cell(result.control, wording.percent),
        _control_cell(result.scaling, wording.points),
        _control_cell(result.performance, wording.percent),
    )


def _control_cell(finding: Finding, show: Callable[[float], str]) -> TextCell:
    """Return the number with interval and failed gates, or the reason for no number."""
    if finding.estimate is None:
        return (finding_link(finding, "unknown"), *plain(f": {visible(finding.reason or 'no reason', PROSE_LIMIT)}"))
    ends = "" if finding.low is None or finding.high is None else f" ({show(finding.low)} to {show(finding.high)})"
    gates = ", ".join(visible(gate) for gate in finding.gates_failed)
    return (
        finding_link(finding, show(finding.estimate)),
        *plain(ends + (f"; a gate failed ({gates})" if gates else "")),
    )
