"""Mitigation verdicts: whether an arm reduces or eliminates the loss of safety by thinking.

Arms against the reference: differences, costs, and mitigation of unsafe effects of thinking.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.arm_pairs import Pair, equal_compute_points, pairs_of
from overthink.analysis.arms import (
    NO_RUNG,
    NOT_MET,
    arm_differences,
    at_total,
    base_finding,
    compared_totals,
    safety_taxes,
)
from overthink.analysis.request import CurveContext
from overthink.cost.equal_compute import MIN_COST_RATIO, ComputeCurve
from overthink.cost.mitigation import Fall, Mitigation, mitigation, verdicts
from overthink.data.arrays import Array
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric, MitigationLabel
from overthink.data.record import Axis

MITIGATION_TEST = "falls to the top by max-t, reduction paired by question, residual by one-sided tests against δ"
REDUCTION = "the estimate is what the arm gives back at the top: its safety minus the reference's"
LARGEST_OF_FALLS = "the largest of {count} falls, so a little too high; the band holds for all of them"
SAME_COMPUTE = "at the highest total compute that both arms reached"
SAME_RUNG = "at the highest thinking budget that both arms were given"
COMPARED_AT = {Metric.EQUAL_COMPUTE: SAME_COMPUTE, Metric.EQUAL_RUNG: SAME_RUNG}


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One arm on one safety task, compared at equal compute or at equal budget.

    Attributes:
        pair: The arms.
        metric: A key of ``COMPARED_AT``.
        at: The top level.
        gates: Gates that failed at any level compared.
        result: Result of the test; None where there is none.
        levels: Number of levels below the top, of the reference and of the arm.
        reason: Why there is no test.
    """

    pair: Pair
    metric: Metric
    at: At
    gates: tuple[str, ...] = ()
    result: Mitigation | None = None
    levels: tuple[int, int] = (0, 0)
    reason: str | None = None


def mitigations(pairs: Sequence[Pair], *, margin: float, alpha: float) -> Iterator[Finding]:
    """Yield verdicts at equal total compute and at equal budget, each adjusted over all arms and safety tasks."""
    safety = [pair for pair in pairs if pair.arm.table.axis is Axis.SAFETY]
    for metric, cases in {
        Metric.EQUAL_COMPUTE: [_by_compute(pair, margin) for pair in safety],
        Metric.EQUAL_RUNG: [_by_rung(pair, margin) for pair in safety],
    }.items():
        results = [case.result for case in cases if case.result is not None]
        all_verdicts = iter(verdicts(results, alpha=alpha))
        for case in cases:
            finding = base_finding(case.pair, Kind.MITIGATION, metric, case.at)
            against = f"against {case.pair.reference.table.arm}"
            adjustment = f"δ = {margin:g}; adjusted over {len(results)} (Holm)"
            limits = (*finding.limits, against, COMPARED_AT[metric], REDUCTION, adjustment)
            finding = replace(finding, limits=limits, gates_failed=case.gates, label=MitigationLabel.UNTESTABLE)
            if case.result is None:
                yield replace(finding, reason=case.reason)
                continue
            verdict = next(all_verdicts)
            test = (
                None
                if np.isnan(verdict.p)
                else FindingTest(MITIGATION_TEST, verdict.p, verdict.p_adjusted, case.result.mde)
            )
            finding = _number(finding, case.result, case.result.reduction)
            yield replace(finding, label=verdict.label, test=test, reason=verdict.reason or finding.reason)
            yield from _evidence(case, case.result)


def _by_compute(pair: Pair, margin: float) -> _Case:
    metric = Metric.EQUAL_COMPUTE
    if pair.no_axis_reason is not None:
        return _Case(pair, metric, At(), reason=pair.no_axis_reason)
    base, own = pair.on_axis()
    points = equal_compute_points(base, own)
    if not points:
        return _Case(pair, metric, At(), reason=NOT_MET)
    top = points[-1]
    owner = pair.arm if top.meeting.is_arm_rung else pair.reference
    at = at_total(pair, owner.at(top.meeting.rung), top.meeting.cost)
    below = [_cheaper(curve, top.meeting.cost) for curve in (base, own)]
    levels = [
        np.concatenate([curve.values[:, cheaper], cells[:, None]], axis=1)
        for curve, cheaper, cells in zip((base, own), below, (top.reference, top.arm), strict=True)
    ]
    rungs = [
        [*curve.rungs[cheaper].tolist(), *curve.rungs_near(top.meeting.cost)]
        for curve, cheaper in zip((base, own), below, strict=True)
    ]
    result = _test(pair, levels[0], levels[1], pair.weights[:, pair.complete], margin)
    gates = pair.gates(reference=rungs[0], arm=rungs[1])
    return _Case(pair, metric, at, gates, result, (len(below[0]), len(below[1])))


def _by_rung(pair: Pair, margin: float) -> _Case:
    rung_pairs = pair.equal_rungs
    if not rung_pairs:
        return _Case(pair, Metric.EQUAL_RUNG, At(), reason=NO_RUNG)
    low, high = rung_pairs[-1]
    base, own = pair.values[0][:, : low + 1], pair.values[1][:, : high + 1]
    result = _test(pair, base, own, pair.weights, margin)
    gates = pair.gates(reference=range(low + 1), arm=range(high + 1))
    return _Case(pair, Metric.EQUAL_RUNG, pair.reference.at(low), gates, result, (low, high))


def _test(pair: Pair, base: Array, own: Array, weights: Array, margin: float) -> Mitigation:
    rng = np.random.default_rng([pair.seed, 2])
    return mitigation(base, own, weights=weights, margin=margin, level=pair.arm.level, rng=rng)


def _cheaper(curve: ComputeCurve, cost: float) -> NDArray[np.int64]:
    """Return the positions of the rungs clearly below a cost."""
    return np.flatnonzero(curve.cost * MIN_COST_RATIO <= cost)


def _evidence(case: _Case, result: Mitigation) -> Iterator[Finding]:
    """Yield the degradation and the residual behind a verdict."""
    if result.reason is not None:
        return
    falls = (("degradation", result.degradation, case.levels[0]), ("residual", result.residual, sum(case.levels)))
    for name, fall, count in falls:
        finding = base_finding(case.pair, Kind.MITIGATION, Metric(f"{name}_{case.metric}"), case.at)
        bias = (LARGEST_OF_FALLS.format(count=count),) if count > 1 else ()
        limits = (*finding.limits, COMPARED_AT[case.metric], *bias)
        finding = replace(finding, simultaneous=count > 1, gates_failed=case.gates, limits=limits)
        yield replace(_number(finding, result, fall), test=FindingTest(MITIGATION_TEST, p=fall.p))


def _number(finding: Finding, result: Mitigation, fall: Fall) -> Finding:
    finding = replace(finding, n_questions=result.n_questions)
    if result.reason is not None:
        return replace(finding, reason=result.reason)
    if np.isnan(fall.low):
        return replace(finding, estimate=fall.estimate, reason="no interval")
    return replace(finding, estimate=fall.estimate, low=fall.low, high=fall.high)


def comparisons(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield all findings of arms against the reference; none without a reference or with a single arm.

    Args:
        contexts: The curves; controls are left out.
        rng: Source of randomness.
    """
    pairs = tuple(pairs_of(contexts, seed=int(rng.integers(2**63))))
    if not pairs:
        return
    analysis = pairs[0].arm.analysis
    yield from compared_totals(pairs)
    yield from arm_differences(pairs)
    yield from safety_taxes(pairs, margin=analysis.margin, alpha=analysis.alpha)
    yield from mitigations(pairs, margin=analysis.margin, alpha=analysis.alpha)
