"""Mitigation verdicts at equal thinking: whether an arm reduces or eliminates the loss of safety by thinking.

Arms against the reference: differences, costs, and mitigation of unsafe effects of thinking.

Arms against their placebos: whether what an arm reads helps, beyond how often and when it acts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.arm_pairs import AGAINST, Pair, pairs_of, placebo_pairs_of
from overthink.analysis.arms import NO_INTERVAL, NO_RUNG, arm_differences, base_finding, compared_totals, safety_taxes
from overthink.analysis.equal_terms import (
    LESSER,
    NO_THINKING,
    SAME_RUNG,
    RealisedThinking,
    price_result,
    realised_thinking,
)
from overthink.analysis.paired import paired_results
from overthink.analysis.request import CurveContext
from overthink.cost.mitigation import NO_FALL, Fall, Mitigation, MitigationVerdict, mitigation
from overthink.cost.reading import Reading, ReadingVerdict, joint_verdicts, reading
from overthink.data.decisions import control_of, placebo_of
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Limit, one_of
from overthink.data.record import Axis
from overthink.data.results.arms import ArmResults, MitigationResult, ReadingResult
from overthink.data.verdict_labels import MitigationLabel
from overthink.stats.bootstrap import COUNT, mean_intervals
from overthink.stats.testing import TEST_NAME

YOKED = Limit(
    "the placebo acts at the steps at which the arm did on another question, of any task, so that on one task it may "
    "act more or less often; it makes every call and pays for it; among candidates it draws uniformly"
)
ON_HONEST = Limit(
    "the placebo acts at the rungs at which the protocol did on another question, of any task, and where the arm "
    "attacks on an honest run: as often as on those, without reading; it makes every call and pays for it"
)
ARM_MINUS = Limit("the estimate is the safety of the arm minus that of its placebo at the top")
GAIN = Limit("the arm minus its placebo {where}: {estimate:+.3f} ({low:+.3f} to {high:+.3f})", where=one_of(LESSER))
READING_ADJUSTED = Limit("adjusted over {n:d} (Holm), together with the arms against the reference")


@dataclass(frozen=True, slots=True, eq=False)
class ReadingCase:
    """An arm against its placebo on one safety task, at the highest common budget.

    Attributes:
        pair: The placebo, as the reference of the pair, and the arm.
        at: The top.
        result: Result of the test.
        gates: Gates that failed there on either curve.
        thinking: Realised thinking there; None where it is unknown.
    """

    pair: Pair
    at: At
    result: Reading
    gates: tuple[str, ...] = ()
    thinking: RealisedThinking | None = None


def reading_case(pair: Pair) -> ReadingCase:
    """Return the case of an arm and its placebo.

    Args:
        pair: The placebo, as the reference of the pair, and the arm.
    """
    if not pair.equal_rungs:
        return ReadingCase(pair, At(), Reading(NO_FALL, float("nan"), 0, NO_RUNG))
    low, high = pair.equal_rungs[-1]
    result = reading(pair.values[0][:, low], pair.values[1][:, high], level=pair.arm.level)
    thinking = realised_thinking(pair, low, high, other="placebo")
    if thinking is not None and thinking.is_less:
        result = replace(result, same_thinking=thinking.gain)
    return ReadingCase(pair, pair.arm.at(high), result, pair.gates(reference=[low], arm=[high]), thinking)


def reading_result(case: ReadingCase, verdict: ReadingVerdict, *, count: int) -> ReadingResult:
    """Return the result of a case.

    Args:
        case: The case.
        verdict: Its verdict.
        count: Claims that it is adjusted over, its own included.
    """
    return ReadingResult(case.pair.arm.key, case.pair.reference.key, _finding(case, verdict, count=count))


def _finding(case: ReadingCase, verdict: ReadingVerdict, *, count: int) -> Finding:
    finding = base_finding(case.pair, Kind.MITIGATION, Metric.AGAINST_PLACEBO, case.at)
    against = AGAINST.text(arm=case.pair.reference.table.arm)
    yoked = YOKED if control_of(case.pair.arm.table.arm) is None else ON_HONEST
    limits = (*finding.limits, against, yoked, SAME_RUNG, ARM_MINUS, *_thinking_limits(case.thinking))
    finding = replace(
        finding,
        label=verdict.label,
        n_questions=case.result.n_questions,
        gates_failed=case.gates,
        limits=(*limits, READING_ADJUSTED.text(n=count)),
    )
    if verdict.reason is not None:
        return replace(finding, reason=verdict.reason)
    change = case.result.change
    test = FindingTest(TEST_NAME, verdict.p, verdict.p_adjusted, case.result.mde)
    if np.isnan(change.low):
        return replace(finding, estimate=change.estimate, test=test, reason=NO_INTERVAL)
    return replace(finding, estimate=change.estimate, low=change.low, high=change.high, test=test)


def _thinking_limits(thinking: RealisedThinking | None) -> tuple[str, ...]:
    """Return the realised thinking, and the difference at the lesser of both where they differ by over 10 %."""
    if thinking is None:
        return (NO_THINKING,)
    gain = thinking.gain
    if not thinking.differs or np.isnan(gain.estimate) or np.isnan(gain.low):
        return thinking.limits
    where = LESSER.text(tokens=min(thinking.means), other=thinking.other)
    return (*thinking.limits, GAIN.text(where=where, estimate=gain.estimate, low=gain.low, high=gain.high))


MITIGATION_TEST = "falls to the top by max-t, reduction paired by question, residual by one-sided tests against δ"
REDUCTION = Limit("the estimate is what the arm gives back at the top: its safety minus the reference's")
ADJUSTED = Limit("δ = {margin:g}; adjusted over {n:d} (Holm)")
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
) -> tuple[tuple[MitigationResult, ...], tuple[ReadingResult, ...]]:
    """Return verdicts at equal thinking budget on the reference and on placebos, adjusted over all of them together.

    Args:
        pairs: Arms against the reference.
        against_placebos: Arms against their placebos.
        margin: Largest degradation that does not matter.
        alpha: Chance of any false claim of a kind.
    """
    cases = [_case(pair, margin) for pair in pairs if pair.arm.table.axis is Axis.SAFETY]
    readings = [reading_case(pair) for pair in against_placebos if pair.arm.table.axis is Axis.SAFETY]
    results = [case.result for case in cases if case.result is not None]
    verdicts, reading_verdicts = joint_verdicts(results, [case.result for case in readings], alpha=alpha)
    all_verdicts, count = iter(verdicts), len(results) + len(readings)
    adjustment = ADJUSTED.text(margin=margin, n=count)
    return (
        tuple(_result(case, None if case.result is None else next(all_verdicts), adjustment) for case in cases),
        tuple(
            reading_result(reading, verdict, count=count)
            for reading, verdict in zip(readings, reading_verdicts, strict=True)
        ),
    )


def _result(case: _Case, verdict: MitigationVerdict | None, adjustment: str) -> MitigationResult:
    """Return the verdict on an arm with the numbers behind it."""
    finding = base_finding(case.pair, Kind.MITIGATION, Metric.EQUAL_THINKING, case.at)
    thinking = (NO_THINKING,) if case.thinking is None else case.thinking.limits
    limits = (*finding.limits, _against(case.pair), SAME_RUNG, REDUCTION, *thinking, adjustment)
    finding = replace(finding, limits=limits, gates_failed=case.gates, label=MitigationLabel.UNTESTABLE)
    own, reference, price = case.pair.arm.key, case.pair.reference.key, price_result(case.pair)
    if case.result is None or verdict is None:
        return MitigationResult(own, reference, replace(finding, reason=NO_RUNG), price)
    test = None if np.isnan(verdict.p) else FindingTest(MITIGATION_TEST, verdict.p, verdict.p_adjusted, case.result.mde)
    finding = _number(finding, case.result, case.result.reduction)
    finding = replace(finding, label=verdict.label, test=test, reason=verdict.reason or finding.reason)
    result = MitigationResult(own, reference, finding, price)
    return _with_thinking(_with_falls(result, case, case.result), case)


def _against(pair: Pair) -> str:
    return AGAINST.text(arm=pair.reference.table.arm)


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


def _with_falls(result: MitigationResult, case: _Case, test: Mitigation) -> MitigationResult:
    """Return the result with the degradation and the residual behind its verdict."""
    if test.reason is not None:
        return result
    below, own = case.levels
    return replace(
        result,
        degradation=_fall(case, Metric.DEGRADATION_EQUAL_THINKING, test, test.degradation, below),
        residual=_fall(case, Metric.RESIDUAL_EQUAL_THINKING, test, test.residual, below + own),
    )


def _fall(case: _Case, metric: Metric, test: Mitigation, fall: Fall, count: int) -> Finding:
    """Return the largest of ``count`` falls to the top."""
    finding = base_finding(case.pair, Kind.MITIGATION, metric, case.at)
    bias = (LARGEST_OF_FALLS.format(count=count),) if count > 1 else ()
    limits = (*finding.limits, SAME_RUNG, *bias)
    finding = replace(finding, simultaneous=count > 1, gates_failed=case.gates, limits=limits)
    return replace(_number(finding, test, fall), test=FindingTest(MITIGATION_TEST, p=fall.p))


def _with_thinking(result: MitigationResult, case: _Case) -> MitigationResult:
    """Return the result with the realised thinking of both, and the gain at equal realised thinking if they differ."""
    thinking = case.thinking
    if thinking is None:
        return result
    tokens = mean_intervals(thinking.cells, thinking.weights, level=case.pair.arm.level, support=COUNT)
    both = []
    for i, metric in enumerate((Metric.REFERENCE_THINKING, Metric.ARM_THINKING)):
        finding = base_finding(case.pair, Kind.MITIGATION, metric, case.at)
        fall = Fall(float(tokens.estimate[i]), float(tokens.low[i]), float(tokens.high[i]), float("nan"))
        both.append(_estimated(replace(finding, n_questions=len(thinking.cells)), fall))
    return replace(
        result,
        reference_thinking=both[0],
        arm_thinking=both[1],
        equal_realised=_equal_realised(case, thinking) if thinking.differs else None,
    )


def _equal_realised(case: _Case, thinking: RealisedThinking) -> Finding:
    finding = base_finding(case.pair, Kind.MITIGATION, Metric.EQUAL_REALISED, case.at)
    limits = (*finding.limits, _against(case.pair), LESSER.text(tokens=min(thinking.means), other=thinking.other))
    finding = replace(finding, label=None, limits=limits, gates_failed=case.gates, n_questions=len(thinking.cells))
    if np.isnan(thinking.gain.estimate):
        return replace(finding, reason=NOT_AS_LOW)
    test = None if np.isnan(thinking.gain.p) else FindingTest(TEST_NAME, p=thinking.gain.p)
    return replace(_estimated(finding, thinking.gain), test=test)


def _number(finding: Finding, result: Mitigation, fall: Fall) -> Finding:
    finding = replace(finding, n_questions=result.n_questions)
    return replace(finding, reason=result.reason) if result.reason is not None else _estimated(finding, fall)


def _estimated(finding: Finding, fall: Fall) -> Finding:
    if np.isnan(fall.low):
        return replace(finding, estimate=fall.estimate, reason=NO_INTERVAL)
    return replace(finding, estimate=fall.estimate, low=fall.low, high=fall.high)


def comparisons(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> ArmResults:
    """Return all comparisons of arms; none without a reference or with a single arm.

    Args:
        contexts: The curves; controls are left out.
        rng: Source of randomness.
    """
    seed = int(rng.integers(2**63))
    pairs, against_placebos = tuple(pairs_of(contexts, seed=seed)), tuple(placebo_pairs_of(contexts, seed=seed))
    if not contexts:
        return ArmResults()
    analysis = contexts[0].analysis
    arms = [pair for pair in pairs if placebo_of(pair.arm.table.arm) is None]  # no verdict is on a placebo itself
    verdicts, readings = mitigations(arms, against_placebos, margin=analysis.margin, alpha=analysis.alpha)
    return ArmResults(
        totals=tuple(compared_totals(pairs)),
        paired=tuple(paired_results(contexts, margin=analysis.margin, alpha=analysis.alpha)),
        differences=tuple(arm_differences(pairs)),
        taxes=tuple(safety_taxes(arms, margin=analysis.margin, alpha=analysis.alpha)),
        mitigations=verdicts,
        readings=readings,
    )
