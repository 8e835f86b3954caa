"""Frontiers as tables: the best choice within each budget, its value, and what each bin of difficulty chooses."""

from collections.abc import Iterator, Sequence

from overthink.cost.units import figure, noun
from overthink.data.curve_key import CurveKey
from overthink.data.finding import Finding
from overthink.data.record import Estimand
from overthink.data.results.budgets import FrontierResult
from overthink.data.visible import visible
from overthink.reports import wording
from overthink.reports.tables.table import Table, TextCell, finding_link, plain


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
    return Table(caption, head, tuple(row for line in lines for row in _rows(line)))


def _rows(frontier: FrontierResult) -> Iterator[tuple[TextCell, ...]]:
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
