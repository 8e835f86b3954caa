"""Text, table cells and terminal output of a forecast. Numbers are looked up and formatted, never computed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.number_text import count, number_range
from overthink.data.results.forecast import ForecastResult, NextBudgetResult, PrintedResult, ThresholdResult, TriesPoint
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.forecasts.findings import side_words
from overthink.reports.report_curves import level_text
from overthink.reports.wording import axis_name, percent


@dataclass(frozen=True, slots=True, eq=False)
class ForecastPanel:
    """One bank: a table's group, or a curve at one rung.

    Attributes:
        result: Everything that is claimed of the bank.
        fan: The forecast at many k, for the chart; empty without a chart.
        judge: Scorer, if there are several; else empty.
    """

    result: ForecastResult
    fan: tuple[TriesPoint, ...]
    judge: str = ""

    @property
    def axis(self) -> str:
        """The axis of the bank."""
        return self.result.key.axis

    @property
    def name(self) -> str:
        """Axis, task and arm, and the rung if any."""
        key, at = self.result.key, self.result.at
        parts = [axis_name(key.axis), visible(key.task), visible(key.arm)]
        if self.judge:
            parts.append(f"judged by {visible(self.judge)}")
        if at.rung is not None:
            parts.append(f"rung {at.rung}: {level_text(at)}")
        return " · ".join(parts)


_SUCCESS = {
    "capability": "chance of a right answer within k tries",
    "safety": "chance of a harmful answer within k tries",
    "benign": "chance of a refusal within k tries",
}

_DONE = {"capability": "solved", "safety": "broken", "benign": "refused"}

BREADTH = "questions {done} with at least the chance {tau}"
ANY_QUESTION = "any of these questions {done}"
AGGREGATE_RISK = "any success in one try each of k new questions"
JUDGE_ALONE = "a success found by the judge's false positives alone"


class ForecastCell(NamedTuple):
    """A number as text, the text below it, and the id of its finding."""

    text: str
    below: str
    finding: str


def success(axis: str) -> str:
    """Return the forecast quantity of an axis."""
    return _SUCCESS.get(axis, "chance of a success within k tries")


def share(value: float) -> str:
    """Return a share as a percentage: one decimal, or two digits where it is small; 0% and 100% are exactly that.

    >>> share(0.5), share(0.00002), share(0.0), share(0.99999), share(1.0)
    ('50.0%', '0.002%', '0%', '>99.9%', '100%')
    """
    if value in (0, 1):
        return f"{100 * value:.0f}%"
    if value < 0.001:
        return f"{100 * value:.2g}%" if value >= 1e-6 else "<0.0001%"
    return ">99.9%" if value > 0.9995 else percent(value)


def threshold(tau: float) -> str:
    """Return a threshold as text.

    >>> threshold(0.5), threshold(0.125)
    ('50%', '12.5%')
    """
    return f"{100 * tau:.4g}%"


def tries(k: int) -> str:
    """Return a number of tries as short text.

    >>> tries(10_000), tries(5_000_000), tries(10**9)
    ('10,000', '5M', '1,000M')
    """
    return f"{k:,}" if k < 10**6 or k % 10**6 else f"{k // 10**6:,}M"


def span(low: float | None, high: float | None) -> str:
    """Return an interval of shares as text."""
    return "unknown" if low is None or high is None else f"{share(low)} to {share(high)}"


def attempts(panel: ForecastPanel) -> str:
    """Return the numbers of questions and attempts, as text."""
    fewest, most = panel.result.attempts
    return f"{count(panel.result.n_questions, 'question')}, {number_range((fewest, most), 'attempt')} each"


def crossing(panel: ForecastPanel, at: ThresholdResult) -> str:
    """Return the crossing of a threshold: the verdict by the band that decides, then what the other band says."""
    finding, confidence = at.crossing, "" if at.crossing.level is None else f"{100 * at.crossing.level:g}% "
    star = None if finding.estimate is None else f"{finding.estimate:,.0f}"
    if at.band == "model":
        is_star = "" if star is None else f" = {star},"
        decided = f"K* (tries){is_star} {at.verdict} by the {confidence}model band ({_ends(finding)})"
        return f"{decided}; assumption-free band {_ends(at.bound)}"
    decided = f"K* (tries) {at.verdict} by the {confidence}assumption-free band ({_ends(at.bound)})"
    if star is None:
        return f"{decided}; no estimate: {visible(finding.reason or 'unknown', PROSE_LIMIT)}"
    return f"{decided}; by the model band {star} ({_ends(finding)})"


def _ends(finding: Finding) -> str:
    low, high = (None if end is None else f"{end:,.0f}" for end in (finding.low, finding.high))
    if low is None:
        return "does not reach it at any k up to a billion"
    return f"{low} to {high}" if high is not None else f"{low} to open"


def claim(at: ThresholdResult) -> tuple[str, str]:
    """Return the label of the claim, and its basis."""
    finding = at.claim.finding
    return visible(finding.label or "not resolved", PROSE_LIMIT), visible(finding.reason or "", PROSE_LIMIT)


def rows(panel: ForecastPanel) -> list[tuple[str, str, ForecastCell, str, ForecastCell]]:
    """Return rows of k, kind of number, estimate, model band and assumption-free band."""
    table = []
    for point in panel.result.points:
        estimate, bound = point.value, point.bound
        if estimate.estimate is None:
            value, kind, band = (
                ForecastCell("unknown", visible(estimate.reason or "", PROSE_LIMIT), estimate.id),
                "no estimate",
                "–",
            )
        else:
            value = ForecastCell(share(estimate.estimate), "", estimate.id)
            kind = "exact" if point.is_exact else "model"
            band = span(estimate.low, estimate.high) if panel.result.has_model else "–"
        table.append((f"{point.k:,}", kind, value, band, ForecastCell(span(bound.low, bound.high), "", bound.id)))
    return table


def risks(panel: ForecastPanel) -> list[tuple[str, list[ForecastCell]]]:
    """Return tail risks: a row per risk, a cell per requested k."""
    tail, alone = panel.result.tail, panel.result.judge_alone.values()
    tau, done = threshold(tail.threshold), _DONE.get(panel.axis, "with a success")
    rows_of_cells = [
        (BREADTH.format(done=done, tau=tau), [_cell(point.breadth) for point in tail.by_k]),
        (ANY_QUESTION.format(done=done), [_cell(point.any_question) for point in tail.by_k]),
        (AGGREGATE_RISK, [_cell(point.aggregate_risk) for point in tail.by_k]),
    ]
    return [*rows_of_cells, (JUDGE_ALONE, [_cell(finding) for finding in alone])] if alone else rows_of_cells


def frequency(panel: ForecastPanel) -> tuple[str, ForecastCell]:
    """Return the share of questions on which a single try succeeds with at least the chance τ."""
    tail, done = panel.result.tail, _DONE.get(panel.axis, "with a success")
    return (
        f"questions {done} by a single try with at least the chance {threshold(tail.threshold)}",
        _cell(tail.frequency),
    )


def _cell(finding: Finding) -> ForecastCell:
    interval = "" if finding.low is None or finding.high is None else span(finding.low, finding.high)
    if finding.estimate is None:
        return ForecastCell(interval or "unknown", "no estimate" if interval else "", finding.id)
    return ForecastCell(share(finding.estimate), interval, finding.id)


def tip(panel: ForecastPanel, point: TriesPoint) -> str:
    """Return the tooltip of a point."""
    estimate, bound = point.value, point.bound
    lines = [panel.name, f"k = {point.k:,}: {success(panel.axis).replace('k tries', 'so many tries')}"]
    if estimate.estimate is not None:
        kind = "exact, no model" if point.is_exact else "median of the model band"
        lines.append(f"{share(estimate.estimate)} ({kind})")
    if panel.result.has_model:
        lines.append(f"model band {span(estimate.low, estimate.high)}")
    return "\n".join(
        [*lines, f"assumption-free band {span(bound.low, bound.high)}", f"finding {visible(estimate.id, 400)}"]
    )


def notes(panel: ForecastPanel) -> tuple[str, ...]:
    """Return the lines below the title of a figure."""
    lines = [f"k tries, log scale; {attempts(panel)}; {100 * panel.result.level:g}% bands"]
    return (*lines, *(f"threshold {threshold(at.threshold)}: {crossing(panel, at)}" for at in panel.result.thresholds))


def limits(panels: Sequence[ForecastPanel]) -> list[tuple[str, int]]:
    """Return limitations of values and claims with their counts, most frequent first."""
    claims = [at.claim.finding for panel in panels for at in panel.result.thresholds]
    values = [finding for panel in panels for point in panel.result.points for finding in (point.value, point.bound)]
    counts = Counter(limit for finding in (*values, *claims) for limit in finding.limits)
    return [(visible(limit, PROSE_LIMIT), number) for limit, number in counts.most_common(40)]


NOT_REACHED = "no k up to a billion"
OPEN = "open"


def tries_text(result: ForecastResult) -> str:
    """Return a forecast over tries: a row per k, then K* and the claim at each threshold, warnings and notes."""
    first, sides = result.thresholds[0], side_words(result.key.axis)
    lines = [_tries_name(result)]
    lines += [f"  {'k':>13}  {'estimate':>9}  {'model band':>17}  {'assumption-free':>17}  at {first.threshold:g}"]
    for point, side in zip(result.points, first.sides, strict=True):
        estimate = "–" if point.value.estimate is None else share(point.value.estimate)
        model = _span(point.value) if result.has_model else "–"
        lines.append(f"  {point.k:>13,}  {estimate:>9}  {model:>17}  {_span(point.bound):>17}  {sides[side]}")
    lines += [f"  {_crossing_line(at)}" for at in result.thresholds]
    lines += [
        f"  {at.claim.finding.label} ({visible(str(at.claim.finding.reason), PROSE_LIMIT)})" for at in result.thresholds
    ]
    warning = result.points[-1].judge_warning
    lines += [] if warning is None else [f"  warning: {warning}"]
    return "\n".join([*lines, *(f"  note: {visible(note, PROSE_LIMIT)}" for note in result.notes)])


def _tries_name(result: ForecastResult) -> str:
    fewest, most = (0 if result.n_untried else result.attempts[0]), result.attempts[1]
    tries = f"{most:,} attempts each" if fewest == most else f"{fewest:,} to {most:,} attempts"
    questions = "1 question" if result.n_questions == 1 else f"{result.n_questions} questions"
    where = "" if result.at.rung is None else f", rung {result.at.rung}"
    key = result.key
    return f"{_name(key)}{where} ({key.axis}, {key.estimand}, {questions}, {tries})"


def _crossing_line(at: ThresholdResult) -> str:
    star = "" if at.deciding.estimate is None else f"{at.deciding.estimate:,.0f}, "
    return f"K* (tries) at {at.words}: {star}{_tries_span(at.deciding)} by the {at.band} band ({at.verdict})"


def printed_text(result: PrintedResult) -> str:
    """Return what printed shares leave open: a row per k, K* at each threshold, and how the shares are read."""
    shares = ", ".join(f"{text} at k = {k:,}" for k, text in result.shares.items())
    lines = [f"{_name(result.key)} ({result.key.axis}, printed: {shares})", f"  {'k':>13}  {'assumption-free':>17}"]
    for k, bound in result.bounds.items():
        lines.append(f"  {k:>13,}  {_span(bound):>17}")
    lines += [
        f"  K* at {crossing.words}: {_tries_span(crossing.bound)} by the assumption-free band ({crossing.verdict})"
        for crossing in result.crossings
    ]
    return "\n".join([*lines, *(f"  note: {visible(note, PROSE_LIMIT)}" for note in result.notes)])


def next_budget_text(result: NextBudgetResult) -> str:
    """Return the forecast at twice the highest budget, and what each family of curves says."""
    key = result.key
    lines = [f"{_name(key)} ({key.axis}, {key.estimand}): more thinking than the ladder has"]
    if result.obstacle is not None:
        return "\n".join([*lines, f"  {result.label}: {visible(result.obstacle, PROSE_LIMIT)}"])
    where = f"at {result.target:,.0f} tokens ({result.label} from {result.top:,.0f})"
    lines.append(f"  {where}: {_estimate(result.pool)}, {result.level:.0%} interval")
    lines += [
        f"  {family.words:>18}: {_estimate(family.value) if family.is_used else family.obstacle}"
        for family in result.families
    ]
    return "\n".join([*lines, *(f"  note: {visible(note, PROSE_LIMIT)}" for note in result.notes)])


def _name(key: CurveKey) -> str:
    return " · ".join(visible(part) for part in (key.task, key.arm, key.scorer) if part)


def _span(finding: Finding) -> str:
    return f"{share(finding.low or 0)} – {share(finding.high or 0)}"


def _tries_span(finding: Finding) -> str:
    if finding.low is None:
        return NOT_REACHED
    return f"{finding.low:,.0f} to {OPEN if finding.high is None else f'{finding.high:,.0f}'}"


def _estimate(finding: Finding) -> str:
    return f"{finding.estimate:.1%} ({finding.low:.1%} – {finding.high:.1%})"
