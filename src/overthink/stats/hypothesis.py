"""The verdict on a hypothesis with directions: what is shown of each part, and of the whole.

*up*: the last rung of the part is above its first, and no rung lies the margin or more below an earlier one. *down*:
the mirror image. *flat*: every two rungs differ by less than the margin. Each is an intersection-union test at α, so a
hypothesis is confirmed at α where every part is shown at α. A part is contradicted where its opposite is shown, Holm's
adjustment over the parts: of up, a last rung below the first, or a fall of more than the margin; of flat, a difference
of more than the margin, not merely another than 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.data.arrays import Signs
from overthink.data.hypothesis import Part, part_rungs
from overthink.data.verdict_labels import Direction, HypothesisLabel
from overthink.stats.multiplier_bootstrap import Units, all_pairs, errors, p_above, sign_flip_sums, with_pseudo_units
from overthink.stats.testing import each_p_below, holm, p_below, p_equivalent

Array = NDArray[np.float64]

POWER_RESAMPLES = 2000

POWER = 0.8
"""Chance of showing a part with the questions that are said to be needed."""

_UNSOLVED = (HypothesisLabel.CONTRADICTED, HypothesisLabel.HAD_ENDED)
"""Labels of parts that more questions would not show."""


@dataclass(frozen=True, slots=True)
class PartVerdict:
    """The verdict on one part.

    Attributes:
        part: Its direction and right edge.
        from_rung: Its first rung, position on the ladder; shared with the part before.
        rung: Its last rung.
        label: "shown", "contradicted", "not_shown" or "had_ended".
        estimate: Last rung minus first.
        low: Lower end of the interval of level 1 - 2α, which excludes 0 where a one-sided test at α does.
        high: Upper end.
        p_shown: P-value of the part's claim.
        p_opposite: P-value of its opposite, adjusted over the parts.
        questions_needed: Questions with which the part would be shown with a power of 80 % at the spread of these data,
            if it changed by the margin (up, down) or not at all (flat); None where contradicted or had ended.
    """

    part: Part
    from_rung: int
    rung: int
    label: HypothesisLabel
    estimate: float
    low: float
    high: float
    p_shown: float
    p_opposite: float
    questions_needed: int | None


@dataclass(frozen=True, slots=True)
class HypothesisVerdict:
    """The verdict on a hypothesis.

    Attributes:
        parts: The verdict on each part.
        label: "confirmed": every part is shown. "contradicted": an opposite is shown. "had_ended": some part cannot be
            tested because most traces had ended before it. Else "not_shown".
    """

    parts: tuple[PartVerdict, ...]
    label: HypothesisLabel

    @property
    def confirmed(self) -> bool:
        """Whether every part is shown."""
        return self.label == HypothesisLabel.CONFIRMED

    @property
    def p_value(self) -> float:
        """P-value of the label: of the part hardest to show, or of the opposite that is best shown."""
        if self.label == HypothesisLabel.CONTRADICTED:
            return min(part.p_opposite for part in self.parts)
        return max(part.p_shown for part in self.parts)


@dataclass(frozen=True, slots=True)
class HypothesisTest:
    """Specification of the test of a hypothesis.

    Attributes:
        parts: The hypothesis.
        margin: Largest difference that does not matter, in the units of the values.
        alpha: Level of each part's test.
        family: Curves whose verdicts are adjusted together. The questions needed are those of a part that survives the
            first step of that adjustment, at α/family.
    """

    parts: tuple[Part, ...]
    margin: float
    alpha: float
    family: int = 1


def hypothesis_verdict(
    on_rungs: Units, budgets: Sequence[float], spec: HypothesisTest, flips: Signs, *, n_questions: int
) -> HypothesisVerdict:
    """Return the verdict on a hypothesis.

    Args:
        on_rungs: The units of inference on every rung.
        budgets: (rung,) tokens, increasing.
        spec: Specification of the test.
        flips: Random signs of the units, from :func:`~overthink.stats.multiplier_bootstrap.signs`.
        n_questions: Questions behind the units.

    Raises:
        ValueError: A part has fewer than two rungs.
    """
    parts, margin, alpha = spec.parts, spec.margin, spec.alpha
    spans = part_rungs(parts, budgets)
    tests = [_PartTest.of(on_rungs, span, part, flips, margin) for part, span in zip(parts, spans, strict=True)]
    p_opposite = holm([test.p_opposite for test in tests])
    verdicts = []
    for part, (first, last), test, opposite in zip(parts, spans, tests, p_opposite, strict=True):
        label = HypothesisLabel.SHOWN if test.p_shown <= alpha else HypothesisLabel.NOT_SHOWN
        if opposite <= alpha:
            label = HypothesisLabel.CONTRADICTED
        half = float(special.stdtrit(len(on_rungs.parts) + 1, 1 - alpha)) * test.error
        needed = None if label in _UNSOLVED else _questions(test, flips, margin, alpha / spec.family, n_questions)
        low, high = max(test.change - half, -1.0), min(test.change + half, 1.0)
        verdicts.append(
            PartVerdict(part, first, last, label, test.change, low, high, test.p_shown, float(opposite), needed)
        )
    return HypothesisVerdict(tuple(verdicts), _whole(verdicts))


def with_ended(verdict: HypothesisVerdict, ended: NDArray[np.bool_]) -> HypothesisVerdict:
    """Return the verdict without what rests on traces that had ended by themselves.

    Such a trace has one answer at every higher budget, so that its rungs are equal whatever a longer thought would do.
    A part had ended where over half of the traces had by its first rung. "Flat" claims every two rungs to be equal, so
    it had ended where over half had by any rung but its last. An opposite that is shown remains.

    Args:
        verdict: The verdict on all rungs.
        ended: (rung,) from :func:`~overthink.stats.gates.had_ended`.
    """
    parts = []
    for part in verdict.parts:
        lower = slice(part.from_rung, part.rung if part.part.direction == Direction.FLAT else part.from_rung + 1)
        has_ended = part.label != HypothesisLabel.CONTRADICTED and bool(ended[lower].any())
        parts.append(replace(part, label=HypothesisLabel.HAD_ENDED, questions_needed=None) if has_ended else part)
    return HypothesisVerdict(tuple(parts), _whole(parts))


def _whole(parts: Sequence[PartVerdict]) -> HypothesisLabel:
    labels = [part.label for part in parts]
    for label in _UNSOLVED:
        if label in labels:
            return label
    is_confirmed = all(label == HypothesisLabel.SHOWN for label in labels)
    return HypothesisLabel.CONFIRMED if is_confirmed else HypothesisLabel.NOT_SHOWN


@dataclass(frozen=True, slots=True, eq=False)
class _PartTest:
    """One part tested.

    Attributes:
        direction: Its claim.
        pairs: (unit, pair) parts of the differences of every two rungs, in the direction claimed.
        steps: (pair,) rungs between the two, as a share of those of the part.
        change: Last rung minus first.
        error: Its standard error.
        p_shown: P-value of the claim.
        p_opposite: P-value of its opposite.
    """

    direction: Direction
    pairs: Array
    steps: Array
    change: float
    error: float
    p_shown: float
    p_opposite: float

    @classmethod
    def of(cls, on_rungs: Units, span: tuple[int, int], part: Part, flips: Signs, margin: float) -> "_PartTest":
        first, last = span
        own = Units(on_rungs.parts[:, first : last + 1])
        later, earlier = all_pairs(own.n_levels)
        pairs = own.differences(later, earlier)
        steps = (later - earlier) / (own.n_levels - 1)
        ends = steps == 1
        change, error = float(pairs[:, ends].sum()), float(errors(with_pseudo_units(pairs[:, ends]))[0])
        if part.direction == Direction.FLAT:
            beyond = np.minimum(each_p_below(-pairs, margin=-margin), each_p_below(pairs, margin=-margin))
            opposite = min(2 * pairs.shape[1] * float(beyond.min()), 1.0)
            return cls(part.direction, pairs, steps, change, error, p_equivalent(pairs, margin=margin), opposite)
        if part.direction == Direction.DOWN:
            own, pairs = Units(-own.parts), -pairs
        changed = _p_changed(own, pairs[:, ends], flips)
        reversed_ = _p_changed(Units(-own.parts), -pairs[:, ends], flips)
        falls = each_p_below(pairs[:, ~ends], margin=-margin)
        if falls.size:
            reversed_ = min(2 * min(reversed_, falls.size * float(falls.min())), 1.0)
        shown = max(changed, _p_no_fall(-pairs, margin=margin))
        return cls(part.direction, pairs, steps, change, error, shown, reversed_)


def _p_no_fall(falls: Array, *, margin: float) -> float:
    """Return the p-value of "some fall is the margin or more": the largest over the pairs.

    Where no unit changed between two rungs, the bound is exact too: a fall of the margin needs a share of units as
    large as that, and (1 - margin)^n is the chance that none is in the sample.
    """
    p = each_p_below(falls, margin=margin)
    exact = np.where(falls.any(axis=0), 0.0, (1 - margin) ** len(falls))
    return float(np.maximum(p, exact).max())


def _p_changed(own: Units, ends: Array, flips: Signs) -> float:
    """Return the p-value of "the last rung is not above the first": the larger of random signs' and Student's.

    Random signs are exact with few questions; Student's is that of the interval.
    """
    rungs = np.array([own.n_levels - 1]), np.array([0])
    observed, null = own.standardise(*rungs, sign_flip_sums(own.parts, flips).T)
    return max(float(p_above(observed, null[0])[0]), p_below(-ends, margin=0.0))


def _questions(test: _PartTest, flips: Signs, margin: float, alpha: float, n_questions: int) -> int:
    """Return the number of questions with which all tests of the part reject at once with the power wanted.

    With N questions and a truth that is ``distance`` away from the edge of a test, the test rejects where distance + W
    √(n/N) is above z √(n/N) times the error, W being the error of these data. So all tests reject where √(N/n) is above
    the largest (z error + W) / distance, and the power wanted is a quantile of that over random signs. A truth of *up*
    rises by the margin in equal steps, so that "no fall" is as hard as there; one of *flat* does not change.
    """
    if test.direction == Direction.FLAT and not test.pairs.any():
        return int(np.ceil(np.log(alpha / 2) / np.log(1 - margin)))  # the exact bound of equivalence, without a spread
    padded_parts = with_pseudo_units(test.pairs)
    error = errors(padded_parts)
    centred_parts = padded_parts - padded_parts.mean(axis=0)
    few = flips[: POWER_RESAMPLES // 2]
    pseudo = np.stack([few[:, 0] * few[:, 1], few[:, -1] * few[:, -2]], axis=1)  # signs for the two that were added
    noise = sign_flip_sums(centred_parts, np.concatenate([few, pseudo], axis=1))
    ends = test.steps == 1
    needed = n_questions
    for _ in range(3):  # Student's quantile depends on the number that is looked for
        z = float(special.stdtrit(max(needed, 3), 1 - alpha)) * error
        if test.direction == Direction.FLAT:
            ratio = ((z + np.abs(noise)) / margin).max(axis=1)
        else:
            no_fall = ((z + noise) / (margin * (1 + test.steps))).max(axis=1)
            ratio = np.maximum(no_fall, (z[ends] + noise[:, ends])[:, 0] / margin)
        needed = max(int(np.ceil(n_questions * np.quantile(ratio, POWER) ** 2)), 2)
    return needed
