"""Reliability: agreement of draws, traces that flip between rungs, and the rung at which answers settle.

Gates of a curve, floor and ceiling effects, and rungs without effect.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.analysis.request import POINTWISE, CurveContext
from overthink.data.finding import At, Finding
from overthink.data.kinds import GateLabel, Kind, Metric
from overthink.data.record import Axis, Estimand
from overthink.data.selectors import Selector
from overthink.stats.bootstrap import mean_intervals
from overthink.stats.curve import question_means
from overthink.stats.gates import RISE_MIN, GateResult, effort_moved
from overthink.stats.reliability import flips, forced_answer_lock, reliability, returns

SAME_TRACES = (Estimand.FORCED, Estimand.TRUNCATED, Estimand.CHECKPOINT)
"""Estimands with one trace per draw, scored at every rung. Elsewhere the draws of two rungs are unrelated."""

FORCED_LOCK = "read from forced answers: not where the trace itself commits, which needs resampling"


def reliability_findings(context: CurveContext) -> Iterator[Finding]:
    """Yield pass^k, disagreement between draws, flips and returns, and the share of settled answers."""
    if context.batch is None:  # draws that stop at a success are no random sample
        yield from _reliability(context)
    if context.table.estimand in SAME_TRACES and context.rungs > 1 and _binary(context):
        yield from _flips(context)
        yield from _settling(context)


def _binary(context: CurveContext) -> bool:
    values = context.table.values[~np.isnan(context.table.values)]
    return bool(values.size and ((values == 0) | (values == 1)).all())


def _reliability(context: CurveContext) -> Iterator[Finding]:
    if context.draws.max(initial=0) < 2:
        return
    result = reliability(context.table.values, context.weights, level=context.level)
    for rung in range(context.rungs):
        if context.table.axis is Axis.CAPABILITY:  # on the other axes pass^k is the value worst_at_k
            for i, k in enumerate(result.k.tolist()):
                if k > 1:
                    at = replace(context.at(rung), k=k, selector=Selector.ALL)
                    unknown = f"no question has {k} draws with a value here"
                    finding = context.estimate(
                        Kind.RELIABILITY, Metric.ALL_OF_K, at, result.all_of_k, (rung, i), unknown=unknown
                    )
                    yield _with_gates(context, finding, rung)
        unknown = "no question has two draws with a value here"
        at = context.at(rung)
        yield _with_gates(
            context,
            context.estimate(Kind.RELIABILITY, Metric.DISAGREEMENT, at, result.disagreement, (rung,), unknown=unknown),
            rung,
        )


def _with_gates(context: CurveContext, finding: Finding, rung: int) -> Finding:
    limits = (*finding.limits, POINTWISE)
    return replace(finding, n_draws=int(context.draws[rung]), gates_failed=context.failed_gates([rung]), limits=limits)


def _flips(context: CurveContext) -> Iterator[Finding]:
    result = flips(context.table.values, context.weights, level=context.level)
    for i, (rung, below) in enumerate(result.pairs):
        for metric, shares in ((Metric.LOST, result.losses), (Metric.GAINED, result.gains)):
            unknown = "no trace has a value at both rungs"
            finding = context.estimate(Kind.FLIP, metric, context.between(rung, below), shares, (i,), unknown=unknown)
            limits = (*finding.limits, POINTWISE)
            draws = int(min(context.draws[rung], context.draws[below]))
            yield replace(finding, n_draws=draws, gates_failed=context.failed_gates([below, rung]), limits=limits)
    if context.rungs > 2:
        came_back = returns(context.table.values, context.weights, level=context.level)
        for metric in (Metric.LOST_AND_REGAINED, Metric.GAINED_AND_LOST):
            unknown = "no trace has a value at every rung"
            finding = context.estimate(Kind.FLIP, metric, At(), getattr(came_back, metric), (), unknown=unknown)
            yield replace(finding, gates_failed=context.failed_gates(range(context.rungs)))


def _settling(context: CurveContext) -> Iterator[Finding]:
    """Yield the share of traces whose answer does not change from this rung to the top."""
    table = context.table
    has_codes = (table.answers >= 0).any()
    lock = forced_answer_lock(table.answers if has_codes else np.where(np.isnan(table.values), -1, table.values)).rung
    for rung in range(context.rungs - 1):
        stays = np.where(np.isnan(lock), np.nan, lock <= rung)
        shares = mean_intervals(question_means(stays[:, :, None]), context.weights, level=context.level)
        unknown = "no trace has an answer from here on"
        finding = context.estimate(Kind.LOCK, Metric.SETTLED, context.at(rung), shares, (0,), unknown=unknown)
        if table.estimand is Estimand.FORCED:
            finding = replace(finding, limits=(*finding.limits, FORCED_LOCK))
        yield _with_gates(context, finding, rung)


FLOOR = 0.05
"""A task whose mean is at most this at every rung is at the floor."""

CEILING = 0.95
"""A task whose mean is at least this at every rung is at the ceiling."""


def checks(context: CurveContext) -> Iterator[Finding]:
    """Yield gate results, floor or ceiling effects, and rungs that could not have an effect."""
    yield from _gates(context)
    yield from _extreme(context)
    yield from _no_op(context)


def _gates(context: CurveContext) -> Iterator[Finding]:
    for gate in context.gate_results:
        label = _gate_label(gate)
        finding = context.finding(Kind.GATE, Metric(gate.name), context.at(gate.rung))
        yield replace(finding, estimate=gate.estimate, label=label, reason=gate.reason)


def _gate_label(gate: GateResult) -> GateLabel | None:
    if gate.passed is None:
        return None if gate.estimate is None else GateLabel.INFORMATION
    return GateLabel.PASSED if gate.passed else GateLabel.FAILED


def _extreme(context: CurveContext) -> Iterator[Finding]:
    cells = question_means(context.table.values)
    means = np.array([cell[~np.isnan(cell)].mean() for cell in cells.T if not np.isnan(cell).all()])
    if means.size and means.max() <= FLOOR:
        label = f"at the floor: at most {means.max():.1%} at every rung; a fall cannot be seen"
        yield replace(context.finding(Kind.EXTREME, Metric.FLOOR, At()), estimate=float(means.max()), label=label)
    elif means.size and means.min() >= CEILING:
        label = f"at the ceiling: at least {means.min():.1%} at every rung; a rise cannot be seen"
        yield replace(context.finding(Kind.EXTREME, Metric.CEILING, At()), estimate=float(means.min()), label=label)


def _no_op(context: CurveContext) -> Iterator[Finding]:
    if context.table.estimand is Estimand.EFFORT:
        ratio = effort_moved(context.table)
        if ratio < RISE_MIN:
            label = f"the levels did not move the reasoning tokens: at most {ratio:.2f} times the lowest"
            yield replace(context.finding(Kind.NO_OP, Metric.EFFORT, At()), estimate=ratio, label=label)
    elif context.table.estimand is Estimand.CHECKPOINT and len(context.table.rungs) > 1:
        natural_end = context.table.natural_end[:, :, 0]
        values = natural_end[~np.isnan(natural_end)]
        if values.size and values.all():
            label = "every loop had ended by the lowest checkpoint, so what a longer one does was not seen"
            yield replace(context.finding(Kind.NO_OP, Metric.CHECKPOINT, At()), estimate=1.0, label=label)
