"""Shapes of a curve in words: verdicts on the parts of a hypothesis and on its whole, and the largest rise and fall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overthink.data.hypothesis import Part
from overthink.data.kinds import Metric
from overthink.data.number_text import fixed
from overthink.data.verdict_labels import Direction, HypothesisLabel

STATED_AFTERWARDS = "stated after the data were collected"

DIRECTION_TEXTS = {Direction.UP: "improves", Direction.FLAT: "flat", Direction.DOWN: "degrades"}
"""Claim of a part, by direction. 1 is the good value of every axis."""

LABEL_TEXTS = {
    HypothesisLabel.CONFIRMED: "confirmed",
    HypothesisLabel.SHOWN: "shown",
    HypothesisLabel.CONTRADICTED: "contradicted",
    HypothesisLabel.NOT_SHOWN: "not shown",
    HypothesisLabel.HAD_ENDED: "had ended: most traces had stopped before, and equal answers show nothing",
}
"""Verdict on a part or a whole, by label."""

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class PartResult:
    """The verdict on one part, ready for a sentence.

    Attributes:
        part: Its direction and right edge.
        label: Its verdict.
        estimate: Last rung minus first, as a share; None where unknown.
        low: Lower end of the interval; None where unknown.
        high: Upper end.
        level: Level of the interval; None where unknown.
        n_questions: Questions behind it.
        questions_needed: Questions with which it would be shown; None where that is no number.
        rungs: Its first and last rung, as text; None where unknown. Its edges may lie between rungs.
        reason: Why it is not shown, where that is the other curves of its family; None for no such reason.
    """

    part: Part
    label: HypothesisLabel
    estimate: float | None
    low: float | None
    high: float | None
    level: float | None
    n_questions: int
    questions_needed: int | None
    rungs: tuple[str, str] | None
    reason: str | None = None


def part_texts(results: Sequence[PartResult], *, is_registered: bool) -> list[str]:
    """Return an opening, then a clause for each part; of one part only the clause.

    Args:
        results: The verdicts on all parts, in the order of the ladder.
        is_registered: Whether the hypothesis was stated before the data were collected.

    Example:
        >>> part = PartResult(Part(Direction.UP), HypothesisLabel.SHOWN, 0.2, 0.1, 0.3, 0.9, 50, 40, ("0", "64"))
        >>> part_texts([part], is_registered=True)
        ['Your hypothesis: improves (rungs 0 to 64): shown (+20.0 points, 90% interval +10.0 to +30.0).']
    """
    when = "" if is_registered else f", {STATED_AFTERWARDS}"
    befores = (None, *(result.part for result in results[:-1]))
    texts = [f"{_claim(result, before)}: {_verdict(result)}" for result, before in zip(results, befores, strict=True)]
    if len(texts) == 1:
        return [f"Your hypothesis{when}: {texts[0]}."]
    count = _COUNTS[len(texts)] if len(texts) < len(_COUNTS) else str(len(texts))
    return [f"Of your {count} parts{when}:", *(f"{text};" for text in texts[:-1]), f"{texts[-1]}."]


def whole_text(label: HypothesisLabel, reason: str | None) -> str:
    """Return the sentence on the whole.

    Args:
        label: Its verdict.
        reason: Why it is not confirmed, beyond its parts; None for no such reason.

    Example:
        >>> whole_text(HypothesisLabel.NOT_SHOWN, None)
        'As a whole: not confirmed.'
    """
    verdict = LABEL_TEXTS[label]
    if label == HypothesisLabel.NOT_SHOWN:
        verdict = "not confirmed" if reason is None else f"not confirmed: {reason}"
    if label == HypothesisLabel.HAD_ENDED:
        verdict = "not confirmed, for a part had ended"
    return f"As a whole: {verdict}."


def untested_text(claim: str, reason: str | None, *, is_registered: bool) -> str:
    """Return the sentence on a hypothesis that could not be tested.

    >>> untested_text("up@64,down", "no rung", is_registered=True)
    'Your hypothesis up@64,down: not tested: no rung.'
    """
    when = "" if is_registered else f", {STATED_AFTERWARDS}"
    return f"Your hypothesis {claim}{when}: not tested: {reason or 'no reason was recorded'}."


def _claim(result: PartResult, before: Part | None) -> str:
    text = DIRECTION_TEXTS[result.part.direction]
    if result.part.up_to is not None:
        text += f" to {result.part.up_to:,.0f} tokens"
    elif before is not None:
        text += " beyond"
    return text if result.rungs is None else f"{text} (rungs {result.rungs[0]} to {result.rungs[1]})"


def _verdict(result: PartResult) -> str:
    text = LABEL_TEXTS[result.label]
    if result.label == HypothesisLabel.HAD_ENDED:
        return text
    if result.estimate is not None and result.low is not None and result.high is not None:
        level = "" if result.level is None else f"{100 * result.level:g}% "
        ends = f"{_points(result.low)} to {_points(result.high)}"
        text += f" ({_points(result.estimate)} points, {level}interval {ends})"
    if result.label == HypothesisLabel.CONTRADICTED:
        return text + _why_contradicted(result)
    if result.label == HypothesisLabel.NOT_SHOWN and result.reason is not None:
        return f"{text}: {result.reason}"
    if result.label == HypothesisLabel.NOT_SHOWN and result.questions_needed is not None:
        if result.questions_needed > result.n_questions:
            return f"{text}, about {result.questions_needed:,} questions would be needed"
        return f"{text}, though {result.questions_needed:,} questions would show it in four studies of five"
    return text


def _why_contradicted(result: PartResult) -> str:
    """Return what contradicts a part where the change from its first to its last rung does not."""
    if result.part.direction == Direction.FLAT:
        return ", two of its rungs differ by more than the margin"
    is_up = result.part.direction == Direction.UP
    end = result.high if is_up else result.low
    is_in_ends = end is not None and (end < 0 if is_up else end > 0)
    return "" if is_in_ends else f", it {'falls' if is_up else 'rises'} by more than the margin in between"


def _points(value: float) -> str:
    return fixed(100 * value, 1, sign=True).replace("-", "−")


TURN_WORDS: Mapping[Metric, str] = {Metric.RISE: "rise", Metric.DRAWDOWN: "fall"}
"""Words of the two sizes, by metric."""


def shown_turn_text(word: str, low: float, high: float, *, start: str, end: str) -> str:
    """Return how large a rise or fall is that is shown, and where.

    Args:
        word: "rise" or "fall".
        low: Lower end of its size, as a share; above 0.
        high: Upper end.
        start: The rung from which it goes, as text; "" where unknown.
        end: The rung to which it goes, as text.

    Example:
        >>> shown_turn_text("fall", 0.02, 0.125, start="64", end="1,024 tokens")
        'falls 2.0 to 12.5 points from 64 to 1,024 tokens'
    """
    return f"{word}s {_size(low)} to {_size(high)} points{f' from {start}' if start else ''} to {end}"


def no_turn_text(word: str, high: float, *, in_list: bool = False) -> str:
    """Return that no rise or fall is shown, and how large it may be.

    Args:
        word: "rise" or "fall".
        high: Upper end of its size, as a share.
        in_list: Whether it stands in a list whose items end in a semicolon.

    Example:
        >>> no_turn_text("rise", 0.03)
        'no rise shown; at most 3.0 points'
        >>> no_turn_text("rise", 0.03, in_list=True)
        'no rise is shown, at most 3.0 points'
    """
    return f"no {word} {'is shown,' if in_list else 'shown;'} at most {_size(high)} points"


def _size(share: float) -> str:
    return fixed(100 * share, 1)
