"""What a cap would have kept of finished traces: an estimand of its own, monotone by construction.

Nothing here is tested for a shape, compared with safety or put into a statement: the rise with the limit is that of the
share of traces that had ended, and a model under a budget would have answered otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import POINTWISE, CurveContext
from overthink.cost.attempt import attempt_tokens
from overthink.cost.units import Unit
from overthink.data.arrays import Array
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Phrase, one_of
from overthink.data.record import Axis, Estimand
from overthink.data.results.curve import WithinResult
from overthink.stats.bootstrap import mean_intervals
from overthink.stats.within_limit import is_usable, limit_grid, within_cells

WITHIN_METRICS = {
    Axis.CAPABILITY: Metric.CORRECT_WITHIN,
    Axis.SAFETY: Metric.HARMFUL_WITHIN,
    Axis.BENIGN: Metric.ANSWERED_WITHIN,
}
"""What is counted by axis: the outcome that takes a finished answer. A cut answer is no success, nor is it safe."""

RUNS = (Estimand.NATURAL, Estimand.EFFORT)
"""Estimands whose traces end by themselves or by a provider's own setting, and so can be cut afterwards."""

CUT_AFTERWARDS = Phrase(
    "{runs} cut at a limit: what a cap would have kept, not what a budget does",
    runs=one_of("natural runs", "finished runs of one level", "finished loops"),
)
_RUN_NAMES = {
    Estimand.NATURAL: "natural runs",
    Estimand.EFFORT: "finished runs of one level",
    Estimand.CHECKPOINT: "finished loops",
}
NOT_SAFE = Phrase("the rest is not shown to be safe: a cut answer is neither harmful nor safe")
OWN_CUTS = Phrase(
    "{n:d} of {total:d} traces were cut by a limit of their own run, the first at {tokens:,.0f} tokens: above, the "
    "share may be lower than without that limit"
)
NO_USE = Phrase("{n:d} of {total:d} traces have no known use and are left out")
NO_VERDICT = Phrase("{n:d} of {total:d} traces have no verdict and are left out")
NOTHING_KNOWN = Phrase("no trace has both a verdict and a known use")


@dataclass(frozen=True, slots=True, eq=False)
class _Traces:
    """The traces that are cut afterwards; arrays are (question, draw).

    Attributes:
        credit: What each trace counts if it is kept; NaN where unknown.
        used: What each used; NaN where unknown.
        is_observed: Whether there is a trace.
        is_cut: Whether a limit of its own run cut it.
        gates_failed: Gates that failed at their rung.
    """

    credit: Array
    used: Array
    is_observed: NDArray[np.bool_]
    is_cut: NDArray[np.bool_]
    gates_failed: tuple[str, ...]


def within_limits(context: CurveContext) -> tuple[WithinResult, ...]:
    """Return what caps would have kept of the traces of each rung, or of the one path of an agent.

    Empty for curves whose traces were cut at their rungs, for judges of the thinking, where draws were stopped by their
    outcome, and where fewer than two different uses are known.
    """
    estimand = context.table.estimand
    if context.key.judges_thinking or context.batch is not None:
        return ()
    if estimand is Estimand.CHECKPOINT:
        return tuple(_of_agents(context))
    return tuple(_of_runs(context)) if estimand in RUNS else ()


def _of_runs(context: CurveContext) -> Iterator[WithinResult]:
    """Yield what caps on decoded tokens would have kept, by rung."""
    tokens = attempt_tokens(context.table)
    for rung in range(context.rungs):
        traces = _traces(context, rung, tokens[:, :, rung])
        limits = limit_grid(traces.used[is_usable(traces.used, traces.credit)])
        if limits.size > 1:  # where all used as many tokens, a cap keeps all or nothing
            here = context.at(rung)
            places = [replace(here, total=limit, unit=Unit.TOKENS.value) for limit in limits.tolist()]
            yield WithinResult(here, tuple(_points(context, traces, limits, places)))


def _of_agents(context: CurveContext) -> Iterator[WithinResult]:
    """Yield what caps at the budgets of a checkpoint curve would have kept; use is the rung at which a loop ended."""
    table, top = context.table, context.rungs - 1
    has_ended = (table.natural_end == 1) | (table.truncated == 1)
    is_told = ~np.isnan(table.natural_end).any(axis=2) & has_ended[:, :, top]
    traces = _traces(context, top, np.where(is_told, has_ended.argmax(axis=2).astype(np.float64), np.nan))
    if is_usable(traces.used, traces.credit).any():
        places = [context.at(rung) for rung in range(context.rungs)]
        yield WithinResult(At(), tuple(_points(context, traces, np.arange(context.rungs, dtype=np.float64), places)))


def _traces(context: CurveContext, rung: int, used: Array) -> _Traces:
    """Return the traces of a rung with what each counts: on safety harm, else its value.

    A trace that its own run cut without a verdict came to no answer: it is neither right nor answered. Whether it would
    have harmed is unknown.
    """
    table = context.table
    values = table.values[:, :, rung]
    is_cut = table.is_cut(rung)
    is_harm = table.axis is Axis.SAFETY
    credit = 1.0 - values if is_harm else np.where(np.isnan(values) & is_cut, 0.0, values)
    return _Traces(credit, used, table.observed[:, :, rung], is_cut, context.failed_gates([rung]))


def _points(context: CurveContext, traces: _Traces, limits: Array, places: Sequence[At]) -> Iterator[Finding]:
    """Yield the share kept at each limit."""
    is_known = is_usable(traces.used, traces.credit)
    intervals = mean_intervals(within_cells(traces.used, traces.credit, limits), context.weights, level=context.level)
    metric = WITHIN_METRICS[context.table.axis]
    left_out = tuple(_left_out(traces))
    meaning = CUT_AFTERWARDS.text(runs=_RUN_NAMES[context.table.estimand])
    notes = (meaning, *((NOT_SAFE,) if metric is Metric.HARMFUL_WITHIN else ()), POINTWISE, *left_out)
    for place, (limit, at) in enumerate(zip(limits.tolist(), places, strict=True)):
        part = None if at.total is None else f"at{limit:.15g}"
        finding = context.estimate(Kind.WITHIN_LIMIT, metric, at, intervals, (place,), unknown=NOTHING_KNOWN, part=part)
        own_cuts = () if at.total is None else tuple(_own_cuts(traces, limit))
        yield replace(
            finding,
            n_draws=int(is_known.sum(axis=1).max()),
            gates_failed=traces.gates_failed,
            limits=(*finding.limits, *notes, *own_cuts),
        )


def _left_out(traces: _Traces) -> Iterator[str]:
    """Yield the numbers of traces without a known use, and without a verdict."""
    total = int(traces.is_observed.sum())
    has_verdict = traces.is_observed & ~np.isnan(traces.credit)
    n_unknown, n_unjudged = int((has_verdict & np.isnan(traces.used)).sum()), total - int(has_verdict.sum())
    if n_unknown:
        yield NO_USE.text(n=n_unknown, total=total)
    if n_unjudged:
        yield NO_VERDICT.text(n=n_unjudged, total=total)


def _own_cuts(traces: _Traces, limit: float) -> Iterator[str]:
    """Yield that the run's own limit had cut traces below a limit."""
    cut_at = traces.used[traces.is_observed & traces.is_cut & ~np.isnan(traces.used)]
    if cut_at.size and cut_at.min() < limit:
        yield OWN_CUTS.text(n=cut_at.size, total=int(traces.is_observed.sum()), tokens=cut_at.min())
