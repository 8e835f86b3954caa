"""Reliability: agreement of draws, traces that flip between rungs, and the rung at which answers settle.

Gates of a curve, floor and ceiling effects, and rungs without effect.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.request import POINTWISE, CurveContext
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Phrase
from overthink.data.record import Axis, Estimand
from overthink.data.results.curve import FlipResult
from overthink.data.selectors import Selector
from overthink.data.verdict_labels import GateLabel
from overthink.stats.bootstrap import Intervals, mean_intervals
from overthink.stats.curve import question_means
from overthink.stats.gates import RISE_MIN, GateResult, effort_moved
from overthink.stats.reliability import flips, forced_answer_lock, reliability, returns, settled_shares
from overthink.stats.subsets import is_binary

SAME_TRACES = (Estimand.FORCED, Estimand.TRUNCATED, Estimand.CHECKPOINT)
"""Estimands with one trace per draw, scored at every rung. Elsewhere the draws of two rungs are unrelated."""

FORCED_LOCK = "read from forced answers: not where the trace itself commits, which needs resampling"


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityResult:
    """How far the answers of a curve agree.

    Attributes:
        all_of_k: Probability that all k tries are good, by rung and k; empty off the capability axis.
        disagreement: Disagreement of two draws, by rung; empty where draws are no random sample.
        flips: Traces that changed sides; None where draws of two rungs are unrelated.
        settled: Share of settled answers, by rung below the top.
    """

    all_of_k: tuple[Mapping[int, Finding], ...]
    disagreement: tuple[Finding, ...]
    flips: FlipResult | None
    settled: tuple[Finding, ...]


def reliability_result(context: CurveContext) -> ReliabilityResult:
    """Return pass^k, disagreement between draws, flips and returns, and the share of settled answers."""
    # Draws that stop at a success are no random sample.
    all_of_k, disagreement = _reliability(context) if context.batch is None else ((), ())
    has_flips = context.table.estimand in SAME_TRACES and context.rungs > 1 and _binary(context)
    return ReliabilityResult(
        all_of_k,
        disagreement,
        flips=_flips(context) if has_flips else None,
        settled=tuple(_settling(context)) if has_flips else (),
    )


def _binary(context: CurveContext) -> bool:
    return bool(context.draws.any()) and is_binary(context.table.values)


def _reliability(context: CurveContext) -> tuple[tuple[Mapping[int, Finding], ...], tuple[Finding, ...]]:
    """Return pass^k by rung and k, and the disagreement of two draws by rung."""
    if context.draws.max(initial=0) < 2:
        return (), ()
    result = reliability(context.table.values, context.weights, level=context.level)
    # On the other axes pass^k is the value worst_at_k.
    several = [(i, k) for i, k in enumerate(result.k.tolist()) if k > 1 and context.table.axis is Axis.CAPABILITY]
    all_of_k: tuple[dict[int, Finding], ...] = tuple({} for _ in range(context.rungs))
    disagreement = []
    for rung in range(context.rungs):
        for i, k in several:
            at = replace(context.at(rung), k=k, selector=Selector.ALL)
            unknown = f"no question has {k} draws with a value here"
            finding = context.estimate(
                Kind.RELIABILITY, Metric.ALL_OF_K, at, result.all_of_k, (rung, i), unknown=unknown
            )
            all_of_k[rung][k] = _with_gates(context, finding, rung)
        unknown = "no question has two draws with a value here"
        at = context.at(rung)
        finding = context.estimate(
            Kind.RELIABILITY, Metric.DISAGREEMENT, at, result.disagreement, (rung,), unknown=unknown
        )
        disagreement.append(_with_gates(context, finding, rung))
    return all_of_k, tuple(disagreement)


def _with_gates(context: CurveContext, finding: Finding, rung: int) -> Finding:
    limits = (*finding.limits, POINTWISE)
    return replace(finding, n_draws=int(context.draws[rung]), gates_failed=context.failed_gates([rung]), limits=limits)


def _flips(context: CurveContext) -> FlipResult:
    result = flips(context.table.values, context.weights, level=context.level)

    def steps(metric: Metric, shares: Intervals) -> Iterator[Finding]:
        for i, (rung, below) in enumerate(result.pairs):
            unknown = "no trace has a value at both rungs"
            finding = context.estimate(Kind.FLIP, metric, context.between(rung, below), shares, (i,), unknown=unknown)
            limits = (*finding.limits, POINTWISE)
            draws = int(min(context.draws[rung], context.draws[below]))
            yield replace(finding, n_draws=draws, gates_failed=context.failed_gates([below, rung]), limits=limits)

    both = FlipResult(tuple(steps(Metric.LOST, result.losses)), tuple(steps(Metric.GAINED, result.gains)))
    if context.rungs < 3:
        return both
    came_back = returns(context.table.values, context.weights, level=context.level)

    def whole(metric: Metric, shares: Intervals) -> Finding:
        unknown = "no trace has a value at every rung"
        finding = context.estimate(Kind.FLIP, metric, At(), shares, (), unknown=unknown)
        return replace(finding, gates_failed=context.failed_gates(range(context.rungs)))

    return replace(
        both,
        lost_and_regained=whole(Metric.LOST_AND_REGAINED, came_back.lost_and_regained),
        gained_and_lost=whole(Metric.GAINED_AND_LOST, came_back.gained_and_lost),
    )


def _settling(context: CurveContext) -> Iterator[Finding]:
    """Yield the share of traces whose answer does not change from this rung to the top."""
    table = context.table
    has_codes = (table.answers >= 0).any()
    lock = forced_answer_lock(table.answers if has_codes else np.where(np.isnan(table.values), -1, table.values)).rung
    shares = mean_intervals(settled_shares(lock, context.rungs - 1), context.weights, level=context.level)
    for rung in range(context.rungs - 1):
        unknown = "no trace has an answer from here on"
        finding = context.estimate(Kind.LOCK, Metric.SETTLED, context.at(rung), shares, (rung,), unknown=unknown)
        if table.estimand is Estimand.FORCED:
            finding = replace(finding, limits=(*finding.limits, FORCED_LOCK))
        yield _with_gates(context, finding, rung)


SEEN = Phrase("seen at {n:,d} of {total:,d} rows only")

FLOOR = 0.05
"""A task whose mean is at most this at every rung is at the floor."""

CEILING = 0.95
"""A task whose mean is at least this at every rung is at the ceiling."""


def gate_findings(context: CurveContext) -> tuple[Mapping[Metric, Finding], ...]:
    """Return the results of the gates, by rung and metric."""
    by_rung: tuple[dict[Metric, Finding], ...] = tuple({} for _ in range(context.rungs))
    for gate in context.gate_results:
        metric = Metric(gate.name)
        finding = context.finding(Kind.GATE, metric, context.at(gate.rung))
        by_rung[gate.rung][metric] = replace(
            finding, estimate=gate.estimate, label=_gate_label(gate), reason=gate.reason, limits=_part_seen(gate)
        )
    return by_rung


def _part_seen(gate: GateResult) -> tuple[str, ...]:
    """Return of how many rows a gate is, where it could not see all of them."""
    if gate.n_seen is None or gate.n_rows is None or gate.n_seen == gate.n_rows:
        return ()
    return (SEEN.text(n=gate.n_seen, total=gate.n_rows),)


def _gate_label(gate: GateResult) -> GateLabel | None:
    if gate.passed is None:
        return None if gate.estimate is None else GateLabel.INFORMATION
    return GateLabel.PASSED if gate.passed else GateLabel.FAILED


def extreme(context: CurveContext) -> Finding | None:
    """Return the floor or ceiling effect of a curve; None without one."""
    cells = question_means(context.table.values)
    means = np.array([cell[~np.isnan(cell)].mean() for cell in cells.T if not np.isnan(cell).all()])
    if means.size and means.max() <= FLOOR:
        label = f"at the floor: at most {means.max():.1%} at every rung; a fall cannot be seen"
        return replace(context.finding(Kind.EXTREME, Metric.FLOOR, At()), estimate=float(means.max()), label=label)
    if means.size and means.min() >= CEILING:
        label = f"at the ceiling: at least {means.min():.1%} at every rung; a rise cannot be seen"
        return replace(context.finding(Kind.EXTREME, Metric.CEILING, At()), estimate=float(means.min()), label=label)
    return None


def no_op(context: CurveContext) -> Finding | None:
    """Return that the levels of a curve could not have an effect; None where they could."""
    if context.table.estimand is Estimand.EFFORT:
        ratio = effort_moved(context.table)
        if ratio < RISE_MIN:
            label = f"the levels did not move the reasoning tokens: at most {ratio:.2f} times the lowest"
            return replace(context.finding(Kind.NO_OP, Metric.EFFORT, At()), estimate=ratio, label=label)
    elif context.table.estimand is Estimand.CHECKPOINT and len(context.table.rungs) > 1:
        natural_end = context.table.natural_end[:, :, 0]
        values = natural_end[~np.isnan(natural_end)]
        if values.size and values.all():
            label = "every loop had ended by the lowest checkpoint, so what a longer one does was not seen"
            return replace(context.finding(Kind.NO_OP, Metric.CHECKPOINT, At()), estimate=1.0, label=label)
    return None
