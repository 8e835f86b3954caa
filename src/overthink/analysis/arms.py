"""Differences of arms at equal thinking budget and at equal total compute, and their cost: the safety tax."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.arm_pairs import EqualComputePoint, Pair, equal_compute_points
from overthink.analysis.options import ATTEMPT_UNCOUNTED, CurvePrice, compute_definition
from overthink.analysis.request import CurveContext
from overthink.cost.units import amount, noun
from overthink.data.arrays import Array
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Reason
from overthink.data.record import Axis
from overthink.data.results.arms import (
    AddedCompute,
    ArmDifferenceResult,
    ComparedTotals,
    EqualComputeResult,
    SafetyTaxResult,
    TaxVerdict,
)
from overthink.data.verdict_labels import TaxLabel
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import CHANGE, COUNT, Intervals, mean_intervals
from overthink.stats.testing import TEST_NAME, holm, p_below, paired_differences

ANY = (-np.inf, np.inf)
EQUAL_RUNG = "at the same thinking budget; the band holds for all budgets that both arms were given"
EQUAL_COMPUTE = (
    "at the same total compute, read between rungs evenly in its logarithm and never beyond them; the band holds for "
    "all of these"
)
NOT_MET = "the arms were measured at no common total compute"
NO_RUNG = Reason("the arms share no thinking budget")
NO_INTERVAL = Reason("no interval")

K_MEANS = "K (total compute) = 1: one attempt of the reference at its lowest rung"


def arm_differences(pairs: Sequence[Pair]) -> Iterator[ArmDifferenceResult]:
    """Yield arm minus reference at every common budget and total compute, each set with a simultaneous band."""
    for pair in pairs:
        rng = np.random.default_rng([pair.seed, 1])
        by_rung = tuple(_by_rung(pair, rng))
        yield ArmDifferenceResult(pair.arm.key, pair.reference.key, by_rung, tuple(_by_compute(pair, rng)))


def safety_taxes(pairs: Sequence[Pair], *, margin: float, alpha: float) -> Iterator[SafetyTaxResult]:
    """Yield an arm's loss of capability, its added over-refusal and its added compute at the highest common budget.

    Losses are also given at the highest common total compute. Labels are adjusted over all arms and tasks (Holm), at
    each of the two points by themselves.
    """
    at_budget = _tax_verdicts([_loss_at_budget(pair) for pair in pairs], margin=margin, alpha=alpha)
    at_compute = _tax_verdicts([_loss_at_compute(pair) for pair in pairs], margin=margin, alpha=alpha)
    for pair, budget, compute in zip(pairs, at_budget, at_compute, strict=True):
        yield SafetyTaxResult(pair.arm.key, pair.reference.key, budget, compute, _added_compute(pair))


def compared_totals(pairs: Sequence[Pair]) -> Iterator[ComparedTotals]:
    """Yield the mean total compute of every rung of every arm, over the questions that all arms share."""
    keys = set()
    for pair in pairs:
        for context, price in zip((pair.reference, pair.arm), pair.prices, strict=True):
            if context.key not in keys:
                keys.add(context.key)
                yield ComparedTotals(context.key, tuple(_totals(pair, context, price)))


def _totals(pair: Pair, context: CurveContext, price: CurvePrice) -> Iterator[Finding]:
    totals = mean_intervals(price.cells, pair.weights, level=context.level, support=COUNT)
    for rung in range(context.rungs):
        at = replace(context.at(rung), unit=pair.unit.value)
        finding = context.estimate(Kind.LEDGER, Metric.COMPARED_TOTAL, at, totals, (rung,), unknown=price.reason)
        definition = compute_definition(pair.unit, prompts=pair.prompts)
        yield replace(finding, limits=(*finding.limits, *definition, *price.notes))


def base_finding(pair: Pair, kind: Kind, metric: Metric, at: At, *, part: str | None = None) -> Finding:
    """Return an empty finding of the arm, labelled with the reference."""
    finding = pair.arm.finding(kind, metric, at, part=part)
    draws = min((int(context.draws.min()) for context in (pair.arm, pair.reference) if context.draws.size), default=0)
    against = f"against {pair.reference.table.arm}"
    return replace(finding, label=against, n_draws=draws, level=pair.arm.level, limits=pair.limits)


def at_total(pair: Pair, at: At, total: float) -> At:
    """Return the ladder position with a total compute added."""
    return replace(at, total=total, unit=pair.unit.value)


def with_estimate(finding: Finding, intervals: Intervals, index: int, *, unknown: str) -> Finding:
    """Return the finding with the estimate and interval at one index."""
    estimate, low, high = (float(ends[index]) for ends in (intervals.estimate, intervals.low, intervals.high))
    finding = replace(finding, n_questions=int(intervals.n_questions[index]))
    if np.isnan(estimate):
        return replace(finding, reason=unknown)
    if np.isnan(low):
        return replace(
            finding, estimate=estimate, reason="no interval: every question has the same number, or there is one"
        )
    return replace(finding, estimate=estimate, low=low, high=high)


def _by_rung(pair: Pair, rng: np.random.Generator) -> Iterator[Finding]:
    rung_pairs = pair.equal_rungs
    if not rung_pairs:
        yield replace(base_finding(pair, Kind.ARM_DIFFERENCE, Metric.EQUAL_RUNG, At()), reason=NO_RUNG)
        return
    below, above = (np.array(rungs, dtype=np.int64) for rungs in zip(*rung_pairs, strict=True))
    band = simultaneous_bands(
        pair.values[1][:, above] - pair.values[0][:, below], level=pair.arm.level, rng=rng, support=CHANGE
    )
    for i, (low, high) in enumerate(rung_pairs):
        finding = base_finding(pair, Kind.ARM_DIFFERENCE, Metric.EQUAL_RUNG, pair.reference.at(low))
        finding = replace(finding, simultaneous=True, gates_failed=pair.gates(reference=[low], arm=[high]))
        finding = with_estimate(finding, band, i, unknown="no question has a value in both arms")
        yield replace(finding, limits=(*finding.limits, EQUAL_RUNG))


def _by_compute(pair: Pair, rng: np.random.Generator) -> Iterator[EqualComputeResult]:
    empty = base_finding(pair, Kind.ARM_DIFFERENCE, Metric.EQUAL_COMPUTE, At())
    if pair.no_axis_reason is not None:
        yield EqualComputeResult(replace(empty, reason=pair.no_axis_reason))
        return
    points = equal_compute_points(*pair.on_axis())
    if not points:
        yield EqualComputeResult(replace(empty, reason=NOT_MET))
        return
    change = np.stack([point.arm - point.reference for point in points], axis=1)
    band = simultaneous_bands(change, level=pair.arm.level, rng=rng, support=CHANGE)
    for i, point in enumerate(points):
        finding = with_estimate(
            _at_compute(pair, point, Kind.ARM_DIFFERENCE, Metric.EQUAL_COMPUTE), band, i, unknown=NOT_MET
        )
        limits = (*finding.limits, EQUAL_COMPUTE, *pair.compute_limits)
        yield EqualComputeResult(replace(finding, simultaneous=True, limits=limits), _k(pair, point))


def _k(pair: Pair, point: EqualComputePoint) -> float:
    """Return a total compute over that of one attempt of the reference at its lowest rung."""
    base, _ = pair.on_axis()
    return float(point.meeting.cost / base.cost[0])


def _at_compute(pair: Pair, point: EqualComputePoint, kind: Kind, metric: Metric) -> Finding:
    """Return an empty finding at the total compute of a rung of the arm, or of the reference."""
    owner, part = (pair.arm, None) if point.meeting.is_arm_rung else (pair.reference, "reference")
    at = at_total(pair, owner.at(point.meeting.rung), point.meeting.cost)
    finding = base_finding(pair, kind, metric, at, part=part)
    base, own = pair.on_axis()
    gates = pair.gates(reference=base.rungs_near(point.meeting.cost), arm=own.rungs_near(point.meeting.cost))
    label = f"{finding.label}, at {amount(point.meeting.cost, pair.unit)}, K (total compute) = {_k(pair, point):.3g}"
    return replace(finding, label=label, gates_failed=gates, limits=(*finding.limits, K_MEANS))


@dataclass(frozen=True, slots=True, eq=False)
class _Loss:
    """A loss of the arm at one budget or compute: (question,) cells, and the finding without its estimate."""

    finding: Finding
    cells: Array


_TAX_METRICS = {
    Axis.CAPABILITY: (Metric.CAPABILITY, Metric.CAPABILITY_EQUAL_COMPUTE),
    Axis.BENIGN: (Metric.OVER_REFUSAL, Metric.OVER_REFUSAL_EQUAL_COMPUTE),
}
"""Metrics by axis, at the highest common budget and at the highest common total compute."""


def _loss_at_budget(pair: Pair) -> _Loss | None:
    """Return the loss at the highest common budget; positive is worse on every axis."""
    metrics, rung_pairs = _TAX_METRICS.get(pair.arm.table.axis), pair.equal_rungs
    if metrics is None or not rung_pairs:
        return None
    low, high = rung_pairs[-1]
    finding = base_finding(pair, Kind.SAFETY_TAX, metrics[0], pair.reference.at(low))
    finding = replace(finding, gates_failed=pair.gates(reference=[low], arm=[high]))
    return _Loss(finding, pair.values[0][:, low] - pair.values[1][:, high])


def _loss_at_compute(pair: Pair) -> _Loss | None:
    """Return the loss at the highest common total compute; positive is worse on every axis."""
    metrics = _TAX_METRICS.get(pair.arm.table.axis)
    if metrics is None or pair.no_axis_reason is not None:
        return None
    points = equal_compute_points(*pair.on_axis())
    if not points:
        return None
    finding = _at_compute(pair, points[-1], Kind.SAFETY_TAX, metrics[1])
    return _Loss(
        replace(finding, limits=(*finding.limits, *pair.compute_limits)), points[-1].reference - points[-1].arm
    )


def _tax_verdicts(losses: Sequence[_Loss | None], *, margin: float, alpha: float) -> Iterator[TaxVerdict | None]:
    """Yield the verdict on each loss, adjusted over all; None where there is no loss to test."""
    tested = [loss for loss in losses if loss is not None]
    differences = [
        paired_differences(
            np.stack([np.zeros(len(loss.cells)), loss.cells], axis=1),
            pairs=[(1, 0)],
            level=loss.finding.level or 1 - alpha,
        )
        for loss in tested
    ]
    p = holm([float(difference.p[0]) for difference in differences])
    p_small = holm([p_below(_parts(loss.cells), margin=margin) for loss in tested])
    tests = zip(tested, differences, p, p_small, strict=True)
    for loss in losses:
        if loss is None:
            yield None
            continue
        _, difference, p_adjusted, small = next(tests)
        finding = with_estimate(loss.finding, difference.intervals, 0, unknown="no question has a value in both arms")
        is_loss, is_shown, is_small = (finding.estimate or 0.0) > 0, bool(p_adjusted <= alpha), bool(small <= alpha)
        label = _tax_label(is_loss=is_loss, is_shown=is_shown, is_small=is_small)
        raw = float(difference.p[0])
        yield TaxVerdict(
            replace(
                _as_change(finding, difference.intervals),
                label=f"{loss.finding.label}: {label}",
                test=None if np.isnan(raw) else FindingTest(TEST_NAME, p=raw, p_adjusted=float(p_adjusted)),
                limits=(*finding.limits, f"δ = {margin:g}; adjusted over {len(tested)} comparisons (Holm)"),
            ),
            label,
        )


def _tax_label(*, is_loss: bool, is_shown: bool, is_small: bool) -> TaxLabel:
    if is_shown and is_loss:
        return TaxLabel.SMALL_LOSS if is_small else TaxLabel.LOSS
    return TaxLabel.GAIN if is_shown else TaxLabel.SMALL if is_small else TaxLabel.OPEN


def _as_change(finding: Finding, intervals: Intervals) -> Finding:
    """Return capability as a change, so that a loss is negative; over-refusal stays an increase."""
    if finding.axis != Axis.CAPABILITY or finding.estimate is None:
        return finding
    low, high = (None if np.isnan(end[0]) else -float(end[0]) for end in (intervals.high, intervals.low))
    return replace(finding, estimate=0.0 - finding.estimate, low=low, high=high)


def _added_compute(pair: Pair) -> AddedCompute | None:
    """Return the ratio and the difference of total compute, arm against reference, at the highest common budget."""
    rung_pairs = pair.equal_rungs
    if not rung_pairs:
        return None
    low, high = rung_pairs[-1]
    base, own = pair.cost[0][:, low], pair.cost[1][:, high]
    is_known = ~np.isnan(base) & ~np.isnan(own)
    at = replace(pair.reference.at(low), unit=pair.unit.value)
    empty = [base_finding(pair, Kind.SAFETY_TAX, metric, at) for metric in (Metric.COMPUTE, Metric.COMPUTE_DIFFERENCE)]
    empty = [replace(finding, limits=(*finding.limits, *pair.compute_limits)) for finding in empty]
    if not is_known.any() or not base[is_known].mean() > 0:
        free = f"an attempt of the reference costs no {noun(pair.unit)}"
        reason = free if is_known.any() else pair.no_cost_reason or ATTEMPT_UNCOUNTED
        return AddedCompute(*(replace(finding, reason=reason) for finding in empty))
    ratio = own[is_known].mean() / base[is_known].mean()
    # The delta method: each question's part of the error of the ratio, around the ratio itself.
    parts = ratio + (own - ratio * base) / base[is_known].mean()
    return AddedCompute(
        *(
            with_estimate(
                finding,
                mean_intervals(cells[:, None], pair.weights, level=pair.arm.level, support=support),
                0,
                unknown=ATTEMPT_UNCOUNTED,
            )
            for finding, cells, support in zip(empty, (parts, own - base), (COUNT, ANY), strict=True)
        )
    )


def _parts(cells: Array) -> Array:
    values = cells[~np.isnan(cells)]
    return values[:, None] / max(len(values), 1)
