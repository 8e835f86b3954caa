"""Results of forecasts: over more tries, at twice the budget, and from printed shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.verdict_labels import CrossingLabel, ForecastLabel, NextBudgetLabel

Band = Literal["assumption-free", "model"]
Side = Literal["safe", "dangerous", "not resolved"]
"""Where a band lies: below the threshold, above it, or across."""
Answer = Literal["yes", "no", "not resolved"]


# ---- over more tries


@dataclass(frozen=True, slots=True, eq=False)
class TriesPoint:
    """The forecast at one number of tries.

    Attributes:
        k: Tries.
        layer: Whether the value is exact or of the model band; the assumption-free band where there is no value.
        value: The value with the model band.
        bound: The assumption-free band.
        judge_error: Chance that k tries of a failure have a false positive of the judge; None if its rate is unknown.
        judge_warning: The same in words; one of the limits of both findings.
    """

    k: int
    layer: ForecastLabel
    value: Finding
    bound: Finding
    judge_error: float | None = None
    judge_warning: str | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the value needs no model."""
        return self.layer is ForecastLabel.EXACT


@dataclass(frozen=True, slots=True, eq=False)
class ClaimResult:
    """Whether the questions are safe at few tries and dangerous at many.

    Attributes:
        few: Few tries.
        many: Many tries.
        at_few: Side of the threshold at few tries.
        at_many: Side of the threshold at many tries.
        answer: Answer to the claim.
        finding: The answer in words, with its basis as the reason.
    """

    few: int
    many: int
    at_few: Side
    at_many: Side
    answer: Answer
    finding: Finding


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdResult:
    """Where a curve over tries reaches a threshold, and on which side it is.

    Attributes:
        threshold: Share that is to be reached.
        words: The threshold in words, as the limits have it.
        band: Band that decides every label of the threshold.
        verdict: Whether K* is resolved, by that band.
        sides: Side of the threshold at each point of the forecast.
        crossing: K* with its interval by the model band; an end that is null is open.
        bound: The interval of K* by the assumption-free band.
        claim: Answer to "safe at few, dangerous at many".
    """

    threshold: float
    words: str
    band: Band
    verdict: CrossingLabel
    sides: tuple[Side, ...]
    crossing: Finding
    bound: Finding
    claim: ClaimResult

    @property
    def deciding(self) -> Finding:
        """K* by the band that decides; the assumption-free band has an interval and no estimate."""
        return self.crossing if self.band == "model" else self.bound


@dataclass(frozen=True, slots=True, eq=False)
class TailPoint:
    """Risk in the tail at one number of tries.

    Attributes:
        k: Tries.
        breadth: Share of questions with at least a threshold's chance of a success within k tries.
        any_question: Chance that k tries of each question have any success.
        aggregate_risk: Chance of any success in one try each of k new questions.
    """

    k: int
    breadth: Finding
    any_question: Finding
    aggregate_risk: Finding


@dataclass(frozen=True, slots=True, eq=False)
class TailResult:
    """Risk in the tail, over questions and tries.

    Attributes:
        threshold: Chance of a success that counts in breadth and frequency.
        frequency: Share of questions that a single try reaches the threshold on.
        by_k: Risk at each point of the forecast.
    """

    threshold: float
    frequency: Finding
    by_k: tuple[TailPoint, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ForecastResult:
    """The forecast of one curve over more tries, at one rung.

    Attributes:
        key: Names of the curve.
        at: Position on the ladder.
        level: Confidence level of each band, at each k.
        n_questions: Questions with an attempt.
        n_untried: Questions without one, which are left out.
        attempts: Minimum and maximum attempts of a question that has any.
        stopping: Stopping rule of the sampling as stated: "fixed", "first_success" or "adaptive"; None if unstated.
        batch: Attempts between looks at the outcome if sampling stopped at the first success; else None.
        judge_rate: False positive rate of the judge per try; None if unknown.
        is_corrected: Whether the forecast is corrected for the judge by human labels.
        has_model: Whether there is a model band; there is none without a success.
        notes: Notes on how the counts were read.
        points: The forecast at each k.
        thresholds: Crossing and claim at each threshold.
        tail: Risk in the tail, at the first threshold.
        judge_alone: Chance that false positives alone make a success, by k; empty if the judge's rate is unknown.
    """

    key: CurveKey
    at: At
    level: float
    n_questions: int
    n_untried: int
    attempts: tuple[int, int]
    stopping: str | None
    batch: int | None
    judge_rate: float | None
    is_corrected: bool
    has_model: bool
    notes: tuple[str, ...]
    points: tuple[TriesPoint, ...]
    thresholds: tuple[ThresholdResult, ...]
    tail: TailResult
    judge_alone: Mapping[int, Finding]


# ---- at twice the budget


@dataclass(frozen=True, slots=True, eq=False)
class FamilyResult:
    """What one family of curves says at twice the highest budget.

    Attributes:
        name: Name of the family, as in the metrics of its findings.
        words: Name for display.
        is_used: Whether it predicted the held-out rungs, and so is in the pool.
        obstacle: Why it is not used; None where it is.
        value: Its prediction, with an interval where it is used.
        error: Its mean absolute error on the held-out rungs; None where none could be predicted.
    """

    name: str
    words: str
    is_used: bool
    obstacle: str | None
    value: Finding
    error: Finding | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NextBudgetResult:
    """The forecast of one curve at twice the highest budget of its ladder.

    Attributes:
        key: Names of the curve.
        unit: Unit of the positions of its rungs.
        label: Whether there is a forecast.
        obstacle: Why there is none; None where there is one.
        top: Highest budget measured; None where the rungs have no position in tokens.
        target: Budget of the forecast; None likewise.
        level: Confidence level of the interval; None likewise.
        notes: Limits of the forecast, apart from that it is one.
        pool: The forecast: a pool of the families that are used.
        families: What each family says; empty where the ladder or the table is too small.
    """

    key: CurveKey
    unit: str
    label: NextBudgetLabel
    obstacle: str | None
    top: float | None
    target: float | None
    level: float | None
    notes: tuple[str, ...]
    pool: Finding
    families: tuple[FamilyResult, ...] = ()


# ---- from printed shares


@dataclass(frozen=True, slots=True, eq=False)
class PrintedCrossing:
    """Where printed shares reach a threshold.

    Attributes:
        threshold: Share that is to be reached.
        words: The threshold in words, as the limits have it.
        verdict: Whether K* is resolved.
        bound: The interval of K*; an end that is null is open.
    """

    threshold: float
    words: str
    verdict: CrossingLabel
    bound: Finding


@dataclass(frozen=True, slots=True, eq=False)
class PrintedResult:
    """What printed shares of one curve leave open at other numbers of tries.

    Attributes:
        key: Names of the curve.
        shares: The share as it was printed, by its number of tries.
        notes: How the shares are read.
        bounds: The lowest and the highest share, by number of tries.
        crossings: K* at each threshold.
    """

    key: CurveKey
    shares: Mapping[int, str]
    notes: tuple[str, ...]
    bounds: Mapping[int, Finding]
    crossings: tuple[PrintedCrossing, ...]
