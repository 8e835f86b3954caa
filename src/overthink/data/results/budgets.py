"""Results about budgets: the best use of one, models matched by FLOP, supervision, and the ledger of what was paid."""

from collections.abc import Mapping
from dataclasses import dataclass

from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import ClosedList, Metric
from overthink.data.record import Category
from overthink.data.selectors import Allocation


@dataclass(frozen=True, slots=True, eq=False)
class FrontierPoint:
    """The best allocation within one budget.

    Attributes:
        budget: Limit on the mean cost per question.
        choice: The allocation that all questions together choose.
        value: Its cross-fitted value: on questions that did not choose it.
        naive: Its value on the questions that chose it: too good.
    """

    budget: float
    choice: Allocation
    value: Finding
    naive: Finding


@dataclass(frozen=True, slots=True)
class BinChoice:
    """What the questions of one bin of difficulty choose.

    Attributes:
        number: The bin, from 0 for the hardest questions.
        bins: Number of bins.
        allocation: What it chooses.

    Example:
        >>> from overthink.data.selectors import Selector
        >>> str(BinChoice(0, 2, Allocation(3, 1, Selector.SINGLE)))
        'the hardest questions: one try at rung 3'
    """

    number: int
    bins: int
    allocation: Allocation

    def __str__(self) -> str:
        last = "the easiest" if self.number == self.bins - 1 else "in between"
        return f"{'the hardest questions' if self.number == 0 else last}: {self.allocation}"


@dataclass(frozen=True, slots=True, eq=False)
class BinResult:
    """One bin of difficulty within a budget: what it chooses, and its own cross-fitted value."""

    choice: BinChoice
    value: Finding


@dataclass(frozen=True, slots=True, eq=False)
class DifficultyPoint:
    """One budget within which each bin of difficulty chooses for itself, and pays for being known.

    Attributes:
        budget: Limit on the mean cost per question.
        value: Cross-fitted value over all questions; None where some bin can afford nothing.
        bins: The bins that can afford an allocation, hardest first; never empty.
    """

    budget: float
    value: Finding | None
    bins: tuple[BinResult, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FrontierResult:
    """Best allocations of total compute for one task.

    Attributes:
        key: Names of the curve; the arm stands for all where the choice is among several.
        is_over_arms: Whether arms are part of the choice.
        unit: Unit of the budgets.
        points: By budget, lowest first; empty where there is no frontier.
        by_difficulty: By budget, where the difficulty of questions could be estimated.
        unknown: A finding with the reason why there is no frontier; None where there is one.
    """

    key: CurveKey
    is_over_arms: bool
    unit: str
    points: tuple[FrontierPoint, ...] = ()
    by_difficulty: tuple[DifficultyPoint, ...] = ()
    unknown: Finding | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FlopMatch:
    """A smaller model against a larger one at one budget of the larger one.

    Attributes:
        budget: FLOP per question within which the larger model chooses.
        large: What the larger model does.
        small: With what the smaller one is as good; None where it is with nothing that was run.
        multiple: FLOP of the smaller one over those of the larger one.
        shown: The same where the smaller one is shown to be no worse than the margin.
        tokens_served: Tokens served per token of pre-training, below which the smaller one costs less in all.
    """

    budget: float
    large: Allocation
    small: Allocation | None
    multiple: Finding
    shown: Finding
    tokens_served: Finding


@dataclass(frozen=True, slots=True, eq=False)
class FlopMatchResult:
    """A smaller model with more inference against a larger one.

    Attributes:
        key: Names of the smaller model's curve, or of the one that stands for its arms.
        larger: Name of the larger model; None where it is unknown which one that is.
        matches: By budget of the larger model.
        unknown: A finding with the reason why they are not compared; None where they are.
    """

    key: CurveKey
    larger: str | None
    matches: tuple[FlopMatch, ...] = ()
    unknown: Finding | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SupervisionResult:
    """Selection by scores of steps against selection by scores of answers, at equal verifier tokens.

    Attributes:
        by_steps: The curve whose steps were scored, whose findings these are.
        by_answers: The same tries with scores of answers.
        at: The rung.
        budget: Verifier tokens per question.
        tries: Tries judged within the budget: by steps, and by answers.
        differences: Steps minus answers, by measure.
    """

    by_steps: CurveKey
    by_answers: CurveKey
    at: At
    budget: float
    tries: tuple[int, int]
    differences: Mapping[Metric, Finding]


@dataclass(frozen=True, slots=True, eq=False)
class SteeringDepthResult:
    """How many early steps must be steered, for a family of arms that differ in nothing else.

    Attributes:
        key: The curve of the arm that steers most of them.
        depths: The number of steps, by rung above a budget of 0.
    """

    key: CurveKey
    depths: tuple[Finding, ...]


class TokenSum(ClosedList):
    """Sum of tokens over categories."""

    GENERATED = "generated"  # everything that the model under test decoded
    UNIQUE = "unique"  # the same, each prefix counted once
    UNSHARED = "apart"  # what the same attempts would decode without shared prefixes
    IN_ALL = "in_all"


@dataclass(frozen=True, slots=True, eq=False)
class LedgerAmount:
    """One amount of a ledger.

    Attributes:
        finding: The amount, or why it is unknown.
        is_lower_bound: Whether rows or parts of it are not counted, so that it is more.
    """

    finding: Finding
    is_lower_bound: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Spending:
    """Amounts of one rung.

    Attributes:
        tokens: By category, then sums.
        costs: By unit of compute other than tokens.
    """

    tokens: Mapping[Category | TokenSum, LedgerAmount]
    costs: Mapping[str, LedgerAmount]


@dataclass(frozen=True, slots=True, eq=False)
class LedgerRung:
    """One rung of a ledger.

    Attributes:
        at: Position on the ladder.
        paid: All traces of the pool at the rung.
        attempt: One attempt made by itself, on average.
    """

    at: At
    paid: Spending
    attempt: Spending


@dataclass(frozen=True, slots=True, eq=False)
class LedgerResult:
    """The ledger of the calls of one curve, and of the curves of other scorers of the same calls.

    Attributes:
        key: The first of these curves.
        rungs: Its rungs, lowest first.
    """

    key: CurveKey
    rungs: tuple[LedgerRung, ...]
