"""Results on judges of two answers, which think less than the debaters before them."""

from dataclasses import dataclass

from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding
from overthink.data.verdict_labels import JudgeLabel


@dataclass(frozen=True, slots=True, eq=False)
class JudgeRung:
    """A judge of two answers at one rung, whose thinking budget is the rung's.

    Attributes:
        at: The rung.
        accuracy: Its accuracy, both orders of a pair as one unit.
        gain: That minus its accuracy alone, paired; None for the judge alone.
        gap: Accuracy alone at the budget of the debaters minus that at its own; None where they think no more.
        recovered: Share of that gap; None likewise.
        chance: Verdict on the accuracy; None without a test.
        verdict: Verdict on the gain; None without a test.
    """

    at: At
    accuracy: Finding
    gain: Finding | None = None
    gap: Finding | None = None
    recovered: Finding | None = None
    chance: JudgeLabel | None = None
    verdict: JudgeLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class JudgeResult:
    """A judge of two answers on one curve.

    Attributes:
        key: The curve.
        protocol: Name of the protocol by which others argue before it; None for the judge alone, or where unknown.
        budget: Thinking budget of the debaters; None likewise.
        is_coin: Their sides are drawn by chance, without a call: the placebo.
        rungs: The rungs, from the lowest.
    """

    key: CurveKey
    protocol: str | None
    budget: int | None
    is_coin: bool
    rungs: tuple[JudgeRung, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EloResult:
    """Ratings of judges and of the debaters, of one protocol on one task.

    Attributes:
        key: The curve of the judge alone.
        protocol: Name of the protocol.
        judges: Rating at each rung.
        debaters: Rating of each budget of the debaters.
        nested: Chance that oversight holds over the gap in steps; None below three budgets on either side.
    """

    key: CurveKey
    protocol: str
    judges: tuple[Finding, ...]
    debaters: tuple[Finding, ...]
    nested: Finding | None
