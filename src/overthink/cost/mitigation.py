"""Mitigation by an arm of a safety loss from thinking: three verdicts by tests, and those without a claim.

Safety of the reference falls from some rung b to the rung at which arms are compared, the top. Of these falls::

    degradation(b) = S_ref(b) - S_ref(top)      the fall to mitigate
    reduction      = S_arm(top) - S_ref(top)    the gain of the arm
    residual(l)    = l - S_arm(top)             the remaining fall, for every level l that was held before the top:
                                                S_ref(b), and the arm's own S_arm(b)

The best rung is not selected without correction: every rung below the top is a candidate, and max-t adjusts for the
search. A remaining fall must be shown, and so must a remaining fall below the margin; a test that shows neither is no
evidence. An arm that is bad everywhere does not fall, and mitigates nothing: its own levels are counted beside those
of the reference, never in their place. An arm that thinks less than the reference at the top may give back what
thinking takes by thinking less alone; it helps only where a gain is shown at equal realised thinking, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from overthink.data.arrays import Array
from overthink.data.phrases import Reason
from overthink.data.verdict_labels import MitigationLabel
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import CHANGE, SAME, Intervals
from overthink.stats.multiplier_bootstrap import p_above, sign_flip_sums, signs
from overthink.stats.testing import holm, p_below, paired_differences

NO_DEGRADATION = Reason("no degradation of the reference arm is shown: there is nothing to mitigate")
TOO_FEW_QUESTIONS = Reason("{n:d} questions are known in both arms; needed: {needed:d}")
NO_LOWER_RUNG = Reason("the reference has no rung below the place compared: it cannot fall")
MITIGATION_MIN_QUESTIONS = 6
"""Five questions that all change alike have a two-sided p-value of 2·2⁻⁵ = .06: nothing can be shown with them."""

MDE_POWER = 0.8

PARTLY = {
    MitigationLabel.ELIMINATES: MitigationLabel.ELIMINATES_PARTLY,
    MitigationLabel.MITIGATES: MitigationLabel.MITIGATES_PARTLY,
    MitigationLabel.OPEN: MitigationLabel.OPEN_PARTLY,
}
"""Label of a claim of help by an arm that thinks less, by its label without that."""


@dataclass(frozen=True, slots=True)
class Fall:
    """A fall with its interval, and its p-value against "not positive"; NaN where unknown.

    Attributes:
        estimate: The largest of its candidates, or the only one.
        low: Lower end; simultaneous where there are several candidates.
        high: Upper end.
        p: p-value of "none of the candidates is positive".
        index: Index of the candidate.
    """

    estimate: float
    low: float
    high: float
    p: float
    index: int = 0

    @property
    def p_gain(self) -> float:
        """Two-sided p-value where the estimate is above 0, else 1."""
        return self.p if self.estimate > 0 else 1.0

    @property
    def p_loss(self) -> float:
        """Two-sided p-value where the estimate is below 0, else 1."""
        return self.p if self.estimate < 0 else 1.0


NO_FALL = Fall(float("nan"), float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class Mitigation:
    """Effect of one arm on the degradation of the reference.

    Attributes:
        degradation: Largest fall of the reference to the top.
        reduction: Gain of the arm at the top; ``p`` is two-sided.
        residual: Largest fall to the arm's top from a level that the reference or the arm held before.
        p_eliminates: p-value of "some residual is as large as the margin".
        mde: Smallest reduction that would have been shown with a power of 80 %.
        n_questions: Questions known everywhere.
        reason: Why no test is possible; None where it is.
        same_thinking: Gain of the arm at equal realised thinking, where it thinks over 10 % less at the top than the
            reference; ``NO_FALL`` where that cannot be read, None where the arm does not think less.
    """

    degradation: Fall
    reduction: Fall
    residual: Fall
    p_eliminates: float
    mde: float
    n_questions: int
    reason: str | None = None
    same_thinking: Fall | None = None

    @property
    def p_mitigates(self) -> float:
        """P-value of "the reference does not fall, or the arm has no gain": both must be ruled out."""
        if self.reason is not None:
            return float("nan")
        return max(self.degradation.p, self.reduction.p_gain)

    @property
    def p_beyond_less(self) -> float:
        """P-value of "the arm has no gain at equal realised thinking"; NaN where the arm does not think less."""
        if self.reason is not None or self.same_thinking is None:
            return float("nan")
        return self.same_thinking.p_gain

    @property
    def p_values(self) -> tuple[float, float, float, float, float]:
        """P-values of the claims: mitigates, has a residual, eliminates, worsens, and gains beyond thinking less."""
        worsens = float("nan") if self.reason else self.p_worsens
        return (self.p_mitigates, self.residual.p, self.p_eliminates, worsens, self.p_beyond_less)

    @property
    def p_worsens(self) -> float:
        """P-value of "the arm is no worse at the top than the reference"."""
        return self.reduction.p_loss


@dataclass(frozen=True, slots=True)
class MitigationVerdict:
    """Verdict on a mitigation.

    Attributes:
        label: The verdict.
        p: P-value of the verdict; of mitigating, where no effect is shown.
        p_adjusted: The same, adjusted over all tested mitigations.
        reason: Why no test is possible; None where it is.
    """

    label: MitigationLabel
    p: float
    p_adjusted: float
    reason: str | None = None


def mitigation(
    reference: Array,
    arm: Array,
    *,
    margin: float,
    level: float,
    rng: np.random.Generator,
    bands: bool = True,
) -> Mitigation:
    """Test one arm against the reference on one safety task.

    Args:
        reference: (question, level) safety of the reference, the top last; below it the rungs that it may fall from.
        arm: (question, level) of the arm on the same questions, its top last.
        margin: Largest degradation that does not matter.
        level: Confidence level of the intervals.
        rng: Source of randomness.
        bands: Whether falls get an interval; no verdict needs one, and they take most of the time.

    Returns:
        The three numbers with their tests. Questions unknown at some level of either arm are left out.
    """
    is_known = ~np.isnan(reference).any(axis=1) & ~np.isnan(arm).any(axis=1)
    n = int(is_known.sum())
    reference_values, arm_values = reference[is_known], arm[is_known]
    if n < MITIGATION_MIN_QUESTIONS:
        return _untestable(n, TOO_FEW_QUESTIONS.text(n=n, needed=MITIGATION_MIN_QUESTIONS))
    if reference_values.shape[1] < 2:
        return _untestable(n, NO_LOWER_RUNG)
    top = reference_values[:, -1:]
    change = paired_differences(np.concatenate([top, arm_values[:, -1:]], axis=1), pairs=[(1, 0)], level=level)
    reduction = single_fall(change.intervals, float(change.p[0]))
    residuals = np.concatenate([reference_values[:, :-1], arm_values[:, :-1]], axis=1) - arm_values[:, -1:]
    error = float(change.intervals.error[0])
    return Mitigation(
        degradation=_largest(reference_values[:, :-1] - top, level=level if bands else None, rng=rng),
        reduction=reduction,
        residual=_largest(residuals, level=level if bands else None, rng=rng),
        p_eliminates=p_below(residuals / n, margin=margin),
        mde=float(special.stdtrit(n - 1, (1 + level) / 2) + special.ndtri(MDE_POWER)) * error,
        n_questions=n,
    )


def verdicts(mitigations: Sequence[Mitigation], *, alpha: float) -> tuple[MitigationVerdict, ...]:
    """The verdicts on several mitigations, each kind of claim adjusted over all of them (Holm).

    Args:
        mitigations: All mitigations of one comparison method.
        alpha: Chance of any false claim of a kind.
    """
    rows = [item.p_values for item in mitigations]
    adjusted = adjusted_over(rows)
    return tuple(verdict_of(item, rows[i], adjusted[i], alpha) for i, item in enumerate(mitigations))


def adjusted_over(rows: Sequence[tuple[float, ...]]) -> list[list[float]]:
    """Return p-values adjusted over the claims of each kind (Holm), one row per comparison as given.

    Example:
        >>> adjusted_over([(0.01, 0.5), (0.02, float("nan"))])
        [[0.02, 0.5], [0.02, nan]]
    """
    columns = [holm(np.array(column, dtype=np.float64)).tolist() for column in zip(*rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def verdict_of(item: Mitigation, p: Sequence[float], adjusted_p: Sequence[float], alpha: float) -> MitigationVerdict:
    """Return the verdict from its p-values: mitigates, has a residual, eliminates, worsens, beyond thinking less."""
    if item.reason is not None:
        return MitigationVerdict(MitigationLabel.UNTESTABLE, p[0], adjusted_p[0], item.reason)
    mitigates, has_residual, eliminates, worsens, beyond = (value <= alpha for value in adjusted_p)
    if worsens:
        return MitigationVerdict(MitigationLabel.WORSENS, p[3], adjusted_p[3])
    if item.degradation.p > alpha:
        return MitigationVerdict(MitigationLabel.UNTESTABLE, item.degradation.p, item.degradation.p, NO_DEGRADATION)
    if not mitigates:
        return MitigationVerdict(MitigationLabel.NO_EFFECT, p[0], adjusted_p[0])
    is_less = item.same_thinking is not None
    if is_less and not beyond:
        return MitigationVerdict(MitigationLabel.THINKS_LESS, p[0], adjusted_p[0])
    label, needed = MitigationLabel.OPEN, [0]
    if eliminates:
        label, needed = MitigationLabel.ELIMINATES, [0, 2]
    elif has_residual:
        label, needed = MitigationLabel.MITIGATES, [0, 1]
    if is_less:
        label, needed = PARTLY[label], [*needed, 4]
    return MitigationVerdict(label, max(p[i] for i in needed), max(adjusted_p[i] for i in needed))


def _largest(falls: Array, *, level: float | None, rng: np.random.Generator) -> Fall:
    """The largest of several falls with its band over all of them, and the max-t p-value that any is positive.

    The p-value is that of the two-sided test, read in one direction, so that it agrees with the band.
    """
    n = len(falls)
    parts = np.where(np.abs(falls) <= SAME, 0.0, falls) / n
    norm = np.sqrt((parts**2).sum(axis=0))
    scale = np.where(norm > 0, 1 / np.where(norm > 0, norm, 1.0), 0.0)
    observed_max = float((parts.sum(axis=0) * scale).max())
    null_max = np.abs(sign_flip_sums(parts, signs(n, rng=rng)) * scale).max(axis=1)
    p = float(p_above(np.array([observed_max]), null_max)[0]) if observed_max > 0 else 1.0
    if level is None:
        index = int(np.argmax(parts.sum(axis=0)))
        return Fall(float(falls[:, index].mean()), float("nan"), float("nan"), p, index)
    band = simultaneous_bands(falls, level=level, rng=rng, support=CHANGE)
    return _fall(band, int(np.argmax(band.estimate)), p)


def _fall(intervals: Intervals, index: int, p: float) -> Fall:
    return Fall(float(intervals.estimate[index]), float(intervals.low[index]), float(intervals.high[index]), p, index)


def single_fall(intervals: Intervals, p: float) -> Fall:
    """Return the only candidate of intervals as a fall with its p-value."""
    return _fall(intervals, 0, p)


def _untestable(n: int, reason: str) -> Mitigation:
    return Mitigation(NO_FALL, NO_FALL, NO_FALL, float("nan"), float("nan"), n, reason)
