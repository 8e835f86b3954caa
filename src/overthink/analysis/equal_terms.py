"""Arms on equal terms: at the lesser of their realised thinking, and at equal total compute, never a verdict."""

from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.arm_pairs import Pair, equal_compute_points
from overthink.analysis.arms import NOT_MET, at_total, base_finding, with_estimate
from overthink.cost.equal_terms import ThinkingArm, at_lesser_thinking, differs, price_parts
from overthink.cost.mitigation import NO_FALL, Fall, single_fall
from overthink.data.arrays import Array, Weights
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Limit, Phrase, one_of
from overthink.data.results.arms import PriceResult
from overthink.stats.bootstrap import CHANGE, mean_intervals
from overthink.stats.testing import paired_differences

OTHERS = ("reference", "placebo")
"""What an arm is compared with, in words."""

SAME_RUNG = Limit("at the highest thinking budget that both arms were given")
THINKING = Limit(
    "realised thinking, mean per trace: {arm:,.0f} tokens in the arm, {reference:,.0f} in the {other}",
    other=one_of(*OTHERS),
)
NO_THINKING = Limit("realised thinking is unknown: the source does not count it")
THINKS_LESS = Limit("the arm thinks over 10 % less: a claim of help needs a gain at equal realised thinking, too")
THINKS_MORE = Limit("the arm thinks over 10 % more than the {other}", other=one_of(*OTHERS))
LESSER = Phrase(
    "at equal realised thinking, {tokens:,.0f} tokens, the lesser of the two means; read between rungs evenly in the "
    "logarithm of thinking, 0 one doubling below the {other}'s lowest rung",
    other=one_of(*OTHERS),
)


@dataclass(frozen=True, slots=True, eq=False)
class RealisedThinking:
    """Realised thinking of two arms at the rungs compared.

    Attributes:
        cells: (question, 2) tokens of the reference, and of the arm.
        weights: (resample, question).
        gain: Gain of the arm at the lesser thinking; ``NO_FALL`` where it cannot be read.
        other: What the arm is compared with, in words.
    """

    cells: Array
    weights: Weights
    gain: Fall
    other: str

    @property
    def means(self) -> tuple[float, float]:
        """Mean tokens of the reference, and of the arm."""
        reference, arm = self.cells.mean(axis=0)
        return float(reference), float(arm)

    @property
    def differs(self) -> bool:
        """Whether the two differ by over 10 %."""
        return differs(*self.means)

    @property
    def is_less(self) -> bool:
        """Whether the arm thinks over 10 % less."""
        return self.differs and self.means[1] < self.means[0]

    @property
    def limits(self) -> tuple[str, ...]:
        """Limits that state both, and which is the larger where they differ."""
        reference, arm = self.means
        more = () if not self.differs else (THINKS_LESS if self.is_less else THINKS_MORE.text(other=self.other),)
        return (THINKING.text(arm=arm, reference=reference, other=self.other), *more)


def realised_thinking(pair: Pair, low: int, high: int, *, other: str) -> RealisedThinking | None:
    """Return the realised thinking at two rungs; None where it is known for fewer than two questions.

    Args:
        pair: The arms.
        low: Rung of the reference.
        high: Rung of the arm.
        other: What the arm is compared with, in words.
    """
    tables = [
        array[:, : 1 + top]
        for both in (pair.values, pair.thinking)
        for array, top in zip(both, (low, high), strict=True)
    ]
    is_known = ~np.logical_or.reduce([np.isnan(table).any(axis=1) for table in tables])
    if is_known.sum() < 2:
        return None
    base, own, base_thinking, own_thinking = (table[is_known] for table in tables)
    weights = pair.weights[:, is_known]
    read = at_lesser_thinking(ThinkingArm(base, base_thinking), ThinkingArm(own, own_thinking))
    gain = NO_FALL
    if read is not None:
        change = paired_differences(np.stack(read, axis=1), pairs=[(1, 0)], level=pair.arm.level)
        gain = single_fall(change.intervals, float(change.p[0]))
    return RealisedThinking(np.stack([base_thinking[:, -1], own_thinking[:, -1]], axis=1), weights, gain, other)


SAME_COMPUTE = (
    "at the highest total compute that both arms reached: a statement about price, not a verdict; an arm that only "
    "costs more thinks less here, which gives back what thinking takes"
)
BOUGHT = "the same compute buys the arm {arm:,.0f} thinking tokens, the reference {reference:,.0f}"
STEERS = "the arm minus the reference at the thinking that the compute buys the arm"
LESS_THINKING = "the reference at the thinking that the compute buys the arm, minus at what it buys the reference"
NO_COUNT = "the source does not count the thinking tokens of every rung"
NOT_AS_MUCH = "the reference was not measured at the thinking that the compute buys the arm"
PARTS = {Metric.STEERS: STEERS, Metric.THINKS_LESS: LESS_THINKING}


def price_result(pair: Pair) -> PriceResult:
    """Return what an arm gives back at the highest common total compute, and its two parts, on a safety task.

    Args:
        pair: The arm and its reference.
    """
    points = () if pair.no_axis_reason is not None else equal_compute_points(*pair.on_axis())
    if not points:
        reason = pair.no_axis_reason or NOT_MET
        return PriceResult(
            *(replace(_empty(pair, metric, At()), reason=reason) for metric in (Metric.EQUAL_COMPUTE, *PARTS))
        )
    top = points[-1]
    owner = pair.arm if top.meeting.is_arm_rung else pair.reference
    at = at_total(pair, owner.at(top.meeting.rung), top.meeting.cost)
    base, own = pair.on_axis()
    gates = pair.gates(reference=base.rungs_near(top.meeting.cost), arm=own.rungs_near(top.meeting.cost))
    weights = pair.weights[:, pair.complete]
    whole = replace(_empty(pair, Metric.EQUAL_COMPUTE, at), gates_failed=gates)
    gain = _estimated(pair, whole, top.arm - top.reference, weights)
    parts = [replace(_empty(pair, metric, at), gates_failed=gates) for metric in PARTS]
    thinking = [tokens[pair.complete] for tokens in pair.thinking]
    if any(np.isnan(tokens).any() for tokens in thinking):
        return PriceResult(gain, *(replace(part, reason=NO_COUNT) for part in parts))
    values = [array[pair.complete] for array in pair.values]
    costs = (pair.cost[0][pair.complete], pair.cost[1][pair.complete])
    reference, arm = (ThinkingArm(v, t) for v, t in zip(values, thinking, strict=True))
    split = price_parts(reference, arm, costs, top.meeting)
    bought = BOUGHT.format(arm=split.arm_thinking, reference=split.reference_thinking)
    parts = [replace(part, limits=(*part.limits, bought)) for part in parts]
    both = (
        replace(part, reason=NOT_AS_MUCH) if cells is None else _estimated(pair, part, cells, weights)
        for part, cells in zip(parts, (split.steers, split.thinks_less), strict=True)
    )
    return PriceResult(gain, *both)


def _empty(pair: Pair, metric: Metric, at: At) -> Finding:
    finding = base_finding(pair, Kind.MITIGATION, metric, at)
    what = (PARTS[metric],) if metric in PARTS else ()
    limits = (*finding.limits, f"against {pair.reference.table.arm}", SAME_COMPUTE, *what, *pair.compute_limits)
    return replace(finding, label=None, limits=limits)


def _estimated(pair: Pair, finding: Finding, cells: Array, weights: Weights) -> Finding:
    intervals = mean_intervals(cells[:, None], weights, level=pair.arm.level, support=CHANGE)
    return with_estimate(finding, intervals, 0, unknown=NOT_MET)
