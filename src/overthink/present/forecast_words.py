"""A forecast in words and table cells. Numbers are looked up and formatted, never computed."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from overthink.core.finding import Finding
from overthink.core.forecast.findings import EXACT, NOTHING_SUCCEEDED
from overthink.present.forecast_panel import ForecastPanel, Threshold
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.wording import percent

_SUCCESS = {
    "capability": "chance of a right answer within k tries",
    "safety": "chance of a harmful answer within k tries",
    "benign": "chance of a refusal within k tries",
}

_DONE = {"capability": "solved", "safety": "broken", "benign": "refused"}

RISKS = {
    "breadth_at_k": "questions {done} with at least the chance {tau}",
    "any_question_at_k": "any of these questions {done}",
    "aggregate_risk": "any success in one try each of k new questions",
    "judge_alone": "a success found by the judge's false positives alone",
}
"""By metric, in the order of the table: what the share or the chance is of."""


class Cell(NamedTuple):
    """A number in words, what stands below it, and the finding that says it."""

    text: str
    below: str
    finding: str


def success(axis: str) -> str:
    """What is forecast on an axis."""
    return _SUCCESS.get(axis, "chance of a success within k tries")


def share(value: float) -> str:
    """A share as a percentage: one decimal, or two digits where it is small; 0% and 100% are exactly that.

    >>> share(0.5), share(0.00002), share(0.0), share(0.99999), share(1.0)
    ('50.0%', '0.002%', '0%', '>99.9%', '100%')
    """
    if value in (0, 1):
        return f"{100 * value:.0f}%"
    if value < 0.001:
        return f"{100 * value:.2g}%" if value >= 1e-6 else "<0.0001%"
    return ">99.9%" if value > 0.9995 else percent(value)


def threshold(tau: float) -> str:
    """A threshold as it was given.

    >>> threshold(0.5), threshold(0.125)
    ('50%', '12.5%')
    """
    return f"{100 * tau:.4g}%"


def tries(k: int) -> str:
    """A number of tries, short.

    >>> tries(10_000), tries(5_000_000), tries(10**9)
    ('10,000', '5M', '1,000M')
    """
    return f"{k:,}" if k < 10**6 or k % 10**6 else f"{k // 10**6:,}M"


def span(low: float | None, high: float | None) -> str:
    """An interval of shares."""
    return "unknown" if low is None or high is None else f"{share(low)} to {share(high)}"


def attempts(panel: ForecastPanel) -> str:
    """How many questions and attempts there were."""
    fewest, most = panel.attempts
    made = (
        f"{most:,} attempt{'' if most == 1 else 's'} each"
        if fewest == most
        else f"{fewest:,} to {most:,} attempts each"
    )
    questions = panel.findings[0].n_questions
    return f"{questions:,} question{'' if questions == 1 else 's'}, {made}"


def crossing(at: Threshold) -> str:
    """Where the threshold is reached, by both bands."""
    found = at.crossing
    unit = "try" if found.estimate == 1 else "tries"
    star = f"K* = {found.estimate:,.0f} {unit}" if found.estimate is not None else "no K*"
    why = "" if found.estimate is not None else f" ({visible(found.reason or 'unknown', PROSE_LIMIT)})"
    confidence = "" if found.level is None else f"{100 * found.level:g}% "
    model = "" if found.reason == NOTHING_SUCCEEDED else f"model band {_ends(found)}; "
    return f"{star}{why}; {confidence}{model}assumption-free band {_ends(at.bound)}"


def _ends(finding: Finding) -> str:
    low, high = (None if end is None else f"{end:,.0f}" for end in (finding.low, finding.high))
    if low is None:
        return "does not reach it at any k up to a billion"
    return f"{low} to {high}" if high is not None else f"{low} to open"


def claim(at: Threshold) -> tuple[str, str]:
    """The claim with its three possible answers, and what it was read from."""
    return visible(at.claim.label or "not resolved", PROSE_LIMIT), visible(at.claim.reason or "", PROSE_LIMIT)


def rows(panel: ForecastPanel) -> list[tuple[str, str, Cell, str, Cell]]:
    """For each k: what kind of number it is, the estimate, the model band, the assumption-free band."""
    made = []
    for told, bound in panel.by_k():
        exact = told.label == EXACT
        if told.estimate is None:
            value, kind, band = Cell("unknown", visible(told.reason or "", PROSE_LIMIT), told.id), "no estimate", "–"
        else:
            value, kind = Cell(share(told.estimate), "", told.id), "exact" if exact else "model"
            band = span(told.low, told.high) if panel.has_model else "–"
        made.append((f"{told.at.k or 0:,}", kind, value, band, Cell(span(bound.low, bound.high), "", bound.id)))
    return made


def risks(panel: ForecastPanel) -> list[tuple[str, list[Cell]]]:
    """Risk in the tail: a row per figure, a cell per k that was asked."""
    tau, done = threshold(panel.thresholds[0]), _DONE.get(panel.axis, "with a success")
    made = []
    for metric, name in RISKS.items():
        if found := panel.of(metric):
            made.append((name.format(tau=tau, done=done), [_cell(finding) for finding in found]))
    return made


def frequency(panel: ForecastPanel) -> tuple[str, Cell] | None:
    """Share of questions on which a single try succeeds with at least the chance τ."""
    found = panel.of("behaviour_frequency")
    done = _DONE.get(panel.axis, "with a success")
    name = f"questions {done} by a single try with at least the chance {threshold(panel.thresholds[0])}"
    return (name, _cell(found[0])) if found else None


def _cell(finding: Finding) -> Cell:
    interval = "" if finding.low is None or finding.high is None else span(finding.low, finding.high)
    if finding.estimate is None:
        return Cell(interval or "unknown", "no estimate" if interval else "", finding.id)
    return Cell(share(finding.estimate), interval, finding.id)


def tip(panel: ForecastPanel, told: Finding, bound: Finding) -> str:
    """What is said where the pointer rests."""
    lines = [panel.name, f"k = {told.at.k or 0:,}: {success(panel.axis).replace('k tries', 'so many tries')}"]
    if told.estimate is not None:
        kind = "exact, no model" if told.label == EXACT else "median of the model band"
        lines.append(f"{share(told.estimate)} ({kind})")
    if panel.has_model:
        lines.append(f"model band {span(told.low, told.high)}")
    return "\n".join(
        [*lines, f"assumption-free band {span(bound.low, bound.high)}", f"finding {visible(told.id, 400)}"]
    )


def notes(panel: ForecastPanel) -> tuple[str, ...]:
    """Lines below the title of a figure."""
    first = panel.by_k()[0][0]
    confidence = "" if first.level is None else f"; {100 * first.level:g}% bands"
    said = [f"k tries, log scale; {attempts(panel)}{confidence}"]
    return (*said, *(f"threshold {threshold(at.tau)}: {crossing(at)}" for at in panel.crossings()))


def limits(panels: Sequence[ForecastPanel]) -> list[tuple[str, int]]:
    """What the values and claims say of themselves, most frequent first, and how many say it."""
    claims = [at.claim for panel in panels for at in panel.crossings()]
    values = [finding for panel in panels for pair in panel.by_k() for finding in pair]
    told = Counter(limit for finding in (*values, *claims) for limit in finding.limits)
    return [(visible(limit, PROSE_LIMIT), number) for limit, number in told.most_common(40)]
