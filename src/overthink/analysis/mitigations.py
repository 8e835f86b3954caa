"""Mitigation verdicts at equal thinking: whether an arm reduces or eliminates the loss of safety by thinking.

Arms against the reference: differences, costs, and mitigation of unsafe effects of thinking.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.arm_pairs import Pair, pairs_of, placebo_pairs_of
from overthink.analysis.arms import NO_RUNG, arm_differences, base_finding, compared_totals, safety_taxes
from overthink.analysis.price import price_statements
from overthink.analysis.readings import reading_case, reading_finding
from overthink.analysis.realised_thinking import LESSER, NO_THINKING, SAME_RUNG, RealisedThinking, realised_thinking
from overthink.analysis.request import CurveContext
from overthink.cost.mitigation import Fall, Mitigation, mitigation
from overthink.cost.reading import joint_verdicts
from overthink.data.arm_labels import MitigationLabel
from overthink.data.decisions import placebo_of
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.stats.bootstrap import COUNT, mean_intervals
from overthink.stats.testing import TEST_NAME

MITIGATION_TEST = "falls to the top by max-t, reduction paired by question, residual by one-sided tests against δ"
REDUCTION = "the estimate is what the arm gives back at the top: its safety minus the reference's"
LARGEST_OF_FALLS = "the largest of {count} falls, so a little too high; the band holds for all of them"
NOT_AS_LOW = "no equal realised thinking: no rung of the one that thinks more is as low"


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One arm on one safety task, compared at the highest common budget.

    Attributes:
        pair: The arms.
        at: The top level.
        gates: Gates that failed at any level compared.
        result: Result of the test; None where there is none.
        levels: Number of levels below the top, of the reference and of the arm.
        thinking: Realised thinking at the top; None where it is unknown.
    """

    pair: Pair
    at: At
    gates: tuple[str, ...] = ()
    result: Mitigation | None = None
    levels: tuple[int, int] = (0, 0)
    thinking: RealisedThinking | None = None


def mitigations(
    pairs: Sequence[Pair], against_placebos: Sequence[Pair], *, margin: float, alpha: float
) -> Iterator[Finding]:
    """Yield verdicts at equal thinking budget, adjusted over all arms and safety tasks, with numbers behind them.

    Args:
        pairs: Arms against the reference.
        against_placebos: Arms against their placebos, adjusted together with the others.
        margin: Largest degradation that does not matter.
        alpha: Chance of any false claim of a kind.
    """
    cases = [_case(pair, margin) for pair in pairs if pair.arm.table.axis is Axis.SAFETY]
    readings = [reading_case(pair) for pair in against_placebos if pair.arm.table.axis is Axis.SAFETY]
    results = [case.result for case in cases if case.result is not None]
    verdicts, reading_verdicts = joint_verdicts(results, [case.result for case in readings], alpha=alpha)
    all_verdicts, count = iter(verdicts), len(results) + len(readings)
    for case in cases:
        finding = base_finding(case.pair, Kind.MITIGATION, Metric.EQUAL_THINKING, case.at)
        adjustment = f"δ = {margin:g}; adjusted over {count} (Holm)"
        thinking = (NO_THINKING,) if case.thinking is None else case.thinking.limits
        limits = (*finding.limits, _against(case.pair), SAME_RUNG, REDUCTION, *thinking, adjustment)
        finding = replace(finding, limits=limits, gates_failed=case.gates, label=MitigationLabel.UNTESTABLE)
        if case.result is None:
            yield replace(finding, reason=NO_RUNG)
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
        if case.thinking is not None:
            yield from _thinking_findings(case, case.thinking)
    for reading, reading_verdict in zip(readings, reading_verdicts, strict=True):
        yield reading_finding(reading, reading_verdict, count=count)


def _against(pair: Pair) -> str:
    return f"against {pair.reference.table.arm}"


def _case(pair: Pair, margin: float) -> _Case:
    rung_pairs = pair.equal_rungs
    if not rung_pairs:
        return _Case(pair, At())
    low, high = rung_pairs[-1]
    base, own = pair.values[0][:, : low + 1], pair.values[1][:, : high + 1]
    rng = np.random.default_rng([pair.seed, 2])
    result = mitigation(base, own, margin=margin, level=pair.arm.level, rng=rng)
    thinking = realised_thinking(pair, low, high, other="reference")
    if thinking is not None and thinking.is_less:
        result = replace(result, same_thinking=thinking.gain)
    gates = pair.gates(reference=range(low + 1), arm=range(high + 1))
    return _Case(pair, pair.reference.at(low), gates, result, (low, high), thinking)


def _evidence(case: _Case, result: Mitigation) -> Iterator[Finding]:
    """Yield the degradation and the residual behind a verdict."""
    if result.reason is not None:
        return
    falls = (
        (Metric.DEGRADATION_EQUAL_THINKING, result.degradation, case.levels[0]),
        (Metric.RESIDUAL_EQUAL_THINKING, result.residual, sum(case.levels)),
    )
    for metric, fall, count in falls:
        finding = base_finding(case.pair, Kind.MITIGATION, metric, case.at)
        bias = (LARGEST_OF_FALLS.format(count=count),) if count > 1 else ()
        limits = (*finding.limits, SAME_RUNG, *bias)
        finding = replace(finding, simultaneous=count > 1, gates_failed=case.gates, limits=limits)
        yield replace(_number(finding, result, fall), test=FindingTest(MITIGATION_TEST, p=fall.p))


def _thinking_findings(case: _Case, thinking: RealisedThinking) -> Iterator[Finding]:
    """Yield the realised thinking of both, and the gain at equal realised thinking where they differ."""
    tokens = mean_intervals(thinking.cells, thinking.weights, level=case.pair.arm.level, support=COUNT)
    for i, metric in enumerate((Metric.REFERENCE_THINKING, Metric.ARM_THINKING)):
        finding = base_finding(case.pair, Kind.MITIGATION, metric, case.at)
        fall = Fall(float(tokens.estimate[i]), float(tokens.low[i]), float(tokens.high[i]), float("nan"))
        yield _estimated(replace(finding, n_questions=len(thinking.cells)), fall)
    if not thinking.differs:
        return
    finding = base_finding(case.pair, Kind.MITIGATION, Metric.EQUAL_REALISED, case.at)
    limits = (*finding.limits, _against(case.pair), LESSER.format(tokens=min(thinking.means), other=thinking.other))
    finding = replace(finding, label=None, limits=limits, gates_failed=case.gates, n_questions=len(thinking.cells))
    if np.isnan(thinking.gain.estimate):
        yield replace(finding, reason=NOT_AS_LOW)
    else:
        test = None if np.isnan(thinking.gain.p) else FindingTest(TEST_NAME, p=thinking.gain.p)
        yield replace(_estimated(finding, thinking.gain), test=test)


def _number(finding: Finding, result: Mitigation, fall: Fall) -> Finding:
    finding = replace(finding, n_questions=result.n_questions)
    return replace(finding, reason=result.reason) if result.reason is not None else _estimated(finding, fall)


def _estimated(finding: Finding, fall: Fall) -> Finding:
    if np.isnan(fall.low):
        return replace(finding, estimate=fall.estimate, reason="no interval")
    return replace(finding, estimate=fall.estimate, low=fall.low, high=fall.high)


def comparisons(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield all findings of arms against the reference; none without a reference or with a single arm.

    Args:
        contexts: The curves; controls are left out.
        rng: Source of randomness.
    """
    seed = int(rng.integers(2**63))
    pairs, against_placebos = tuple(pairs_of(contexts, seed=seed)), tuple(placebo_pairs_of(contexts, seed=seed))
    if not pairs and not against_placebos:
        return
    analysis = (*pairs, *against_placebos)[0].arm.analysis
    yield from compared_totals(pairs)
    yield from arm_differences(pairs)
    arms = [pair for pair in pairs if placebo_of(pair.arm.table.arm) is None]  # no verdict is on a placebo itself
    yield from safety_taxes(arms, margin=analysis.margin, alpha=analysis.alpha)
    yield from mitigations(arms, against_placebos, margin=analysis.margin, alpha=analysis.alpha)
    yield from price_statements(arms)
