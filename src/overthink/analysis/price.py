"""Arms at equal total compute: what the same price buys, split into steering and thinking less. Never a verdict."""

from dataclasses import replace

import numpy as np

from overthink.analysis.arm_pairs import Pair, equal_compute_points
from overthink.analysis.arms import NOT_MET, at_total, base_finding, with_estimate
from overthink.cost.equal_thinking import ThinkingArm, price_parts
from overthink.data.arrays import Array, Weights
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.results.arms import PriceResult
from overthink.stats.bootstrap import CHANGE, mean_intervals

SAME_COMPUTE = (
    "at the highest total compute that both arms reached: a statement about price, not a verdict; an arm that only "
    "costs more thinks less here, which gives back what thinking takes"
)
BOUGHT = "the same compute buys the arm {arm:,.0f} thinking tokens, the reference {reference:,.0f}"
STEERS = "the arm minus the reference at the thinking that the compute buys the arm"
THINKS_LESS = "the reference at the thinking that the compute buys the arm, minus at what it buys the reference"
NO_THINKING = "the source does not count the thinking tokens of every rung"
NOT_AS_MUCH = "the reference was not measured at the thinking that the compute buys the arm"
PARTS = {Metric.STEERS: STEERS, Metric.THINKS_LESS: THINKS_LESS}


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
        return PriceResult(gain, *(replace(part, reason=NO_THINKING) for part in parts))
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
