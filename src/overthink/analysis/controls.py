"""Controls: forced against natural answers, and verdicts on the thinking against verdicts on the answer.

Budget adherence and its value: the control, scaling and performance metrics of s1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import POINTWISE, CurveContext
from overthink.analysis.thought_judge import thought_judge_limit
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.record import ON_TRACE, Estimand
from overthink.data.thought_judges import judge_of_thought
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.budget_control import control, scaling, steepest
from overthink.stats.controls import Disagreement, disagreement, two_by_two
from overthink.stats.testing import TEST_NAME

ENDED_TRACES_ONLY = "only traces that ended by themselves below the top budget"
CUT_TOO = "where the trace was still thinking here, the cut counts as well as the forcing"


def controls(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield every control comparison between curves of one task, arm and scorer.

    The natural curve is compared with the forced one at every rung and with the sham; a scorer's curve on the trace
    with its curve on the answers. Comparisons with the same number of questions share one bootstrap.
    """
    by_name = {_curve_key(context): context for context in contexts}
    seed = int(rng.integers(2**63))
    for context in contexts:
        *task, scorer, estimand = _curve_key(context)
        natural = by_name.get((*task, scorer, Estimand.NATURAL))
        if natural is not None and not scorer.endswith(ON_TRACE):
            if estimand == Estimand.FORCED:
                yield from _disagreement(natural, context, Metric.NATURAL, _weights(context, seed))
            elif estimand == Estimand.SHAM:
                yield from _disagreement(natural, context, Metric.SHAM, _weights(context, seed))
        on_trace = None if scorer.endswith(ON_TRACE) else _on_trace(by_name, context)
        if on_trace is not None:
            yield from _trace_and_answer(on_trace, context, _weights(context, seed))


def _curve_key(context: CurveContext) -> tuple[str, ...]:
    table = context.table
    return (table.axis, table.task, table.arm, table.scorer, table.estimand)


def _on_trace(by_name: Mapping[tuple[str, ...], CurveContext], context: CurveContext) -> CurveContext | None:
    """Return the curve on the thinking that belongs to a curve of answers: by the same scorer, or by one of its own."""
    *task, scorer, estimand = _curve_key(context)
    same = by_name.get((*task, scorer + ON_TRACE, estimand))
    if same is not None:
        return same
    alike = {name[-2]: curve for name, curve in by_name.items() if (*name[:-2], name[-1]) == (*task, estimand)}
    own = [name for name in alike if name.endswith(ON_TRACE) and judge_of_thought(name) not in alike]
    return alike[own[0]] if own else None


def _weights(context: CurveContext, seed: int) -> NDArray[np.float64]:
    return question_weights(len(context.table.questions), rng=np.random.default_rng(seed))


def _disagreement(
    natural: CurveContext, context: CurveContext, metric: Metric, weights: NDArray[np.float64]
) -> Iterator[Finding]:
    own = _aligned_values(natural, like=context)[:, :, 0]
    result = disagreement(context.table.values, own, weights, level=context.level)
    for rung in range(context.rungs):
        at = At() if metric is Metric.SHAM else context.at(rung)
        unknown = "no trace has both answers: none ended by itself, or none was scored"
        share = context.estimate(Kind.DISAGREEMENT, metric, at, result.share, (rung,), unknown=unknown)
        change = context.estimate(
            Kind.DISAGREEMENT, Metric(f"{metric}_difference"), at, result.difference.intervals, (rung,), unknown=unknown
        )
        p = float(result.difference.p[rung])
        for finding, test in ((share, None), (change, None if np.isnan(p) else FindingTest(TEST_NAME, p=p))):
            yield replace(
                finding,
                test=test,
                n_draws=_most_draws(context.table.values[:, :, rung], own),
                gates_failed=tuple(dict.fromkeys((*context.failed_gates([rung]), *natural.failed_gates([0])))),
                limits=(*finding.limits, POINTWISE, *_caveats(result, context, rung, metric)),
            )


def _caveats(result: Disagreement, context: CurveContext, rung: int, metric: Metric) -> tuple[str, ...]:
    all_traces = int(context.table.observed[:, :, rung].sum())
    fewer = (
        f"{ENDED_TRACES_ONLY}: {result.traces[rung]} of {all_traces}"
        if result.traces[rung] < all_traces
        else ENDED_TRACES_ONLY
    )
    return (fewer,) if metric is Metric.SHAM else (fewer, CUT_TOO)


def _trace_and_answer(on_trace: CurveContext, context: CurveContext, weights: NDArray[np.float64]) -> Iterator[Finding]:
    thinking = _aligned_values(on_trace, like=context)
    cells = two_by_two(thinking, context.table.values, weights, level=context.level)
    judge = thought_judge_limit(on_trace.table.scorer, context.table.task, context.table.axis)
    for rung in range(context.rungs):
        for metric, intervals in cells.items():
            finding = context.estimate(
                Kind.TWO_BY_TWO,
                Metric(metric),
                context.at(rung),
                intervals,
                (rung,),
                unknown="no trace has both verdicts at this rung",
            )
            yield replace(
                finding,
                n_draws=_most_draws(context.table.values[:, :, rung], thinking[:, :, rung]),
                gates_failed=context.failed_gates([rung]),
                limits=(*finding.limits, POINTWISE, judge),
            )


def _aligned_values(context: CurveContext, *, like: CurveContext) -> NDArray[np.float64]:
    """Return the values of a curve on the axes of another, (question, draw, rung); NaN where it has none.

    A curve of one rung without a budget, such as a natural one, keeps that rung.
    """
    table, other = context.table, like.table
    whole = len(table.rungs) == 1 and table.rungs[0].requested_tokens is None
    rungs = tuple(r.index for r in table.rungs) if whole else tuple(r.index for r in other.rungs)
    values = np.full((len(other.questions), len(other.draws), len(rungs)), np.nan)
    axes = (
        (table.questions, other.questions),
        (table.draws, other.draws),
        (tuple(r.index for r in table.rungs), rungs),
    )
    source, target = [], []
    for labels, target_labels in axes:
        position = {label: i for i, label in enumerate(labels)}
        both = [(position[label], i) for i, label in enumerate(target_labels) if label in position]
        source.append([pair[0] for pair in both])
        target.append([pair[1] for pair in both])
    values[np.ix_(*target)] = table.values[np.ix_(*source)]
    return values


def _most_draws(first: NDArray[np.float64], second: NDArray[np.float64]) -> int:
    """Return the maximum over questions of the number of draws with both values; both are (question, draw)."""
    return int((~np.isnan(first) & ~np.isnan(second)).sum(axis=1).max(initial=0))


PER = 1000
"""Tokens per unit of scaling."""

NO_MINIMUM = "budgets are upper limits here: a trace that ends early has kept to its budget"
SLOPE = f"value per {PER:,} tokens of requested thinking, the mean over every two budgets"
HIGHEST = "the highest of several means is higher than the mean that is truly highest, on average"


def budget_control(context: CurveContext, *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield the three metrics of a curve with at least two budgets in tokens."""
    budgets = [rung.requested_tokens for rung in context.table.rungs]
    targets = [tokens for tokens in budgets if tokens is not None]
    cut = context.table.estimand in (Estimand.FORCED, Estimand.EFFORT)
    if context.is_control or not cut or len(targets) < max(2, len(budgets)):
        return
    gates = context.failed_gates(range(context.rungs))
    adherence = mean_intervals(control(context.table.thinking_tokens, targets), context.weights, level=context.level)
    finding = context.estimate(
        Kind.BUDGET_CONTROL, Metric.CONTROL, At(), adherence, (), unknown="thinking tokens are unknown"
    )
    yield replace(finding, limits=(*finding.limits, NO_MINIMUM))
    most = steepest(targets) * PER
    slopes = mean_intervals(
        scaling(context.cells, targets) * PER, context.weights, level=context.level, support=(-most, most)
    )
    finding = context.estimate(
        Kind.BUDGET_CONTROL, Metric.SCALING, At(), slopes, (), unknown="no question has a value at every budget"
    )
    yield replace(finding, gates_failed=gates, limits=(*finding.limits, SLOPE))
    yield replace(_performance(context, rng), gates_failed=gates)


def _performance(context: CurveContext, rng: np.random.Generator) -> Finding:
    """Return the highest mean; the highest ends of the simultaneous band bound the highest true mean."""
    finding = replace(
        context.finding(Kind.BUDGET_CONTROL, Metric.PERFORMANCE, At()), level=context.level, simultaneous=True
    )
    band = simultaneous_bands(context.cells, level=context.level, rng=rng)
    if np.isnan(band.estimate).all():
        return replace(finding, reason="no value is known at any budget")
    finding = replace(finding, estimate=float(np.nanmax(band.estimate)), limits=(HIGHEST,))
    if np.isnan(band.low).any():
        return replace(finding, reason="no interval: a rung is known for one question only")
    return replace(finding, low=float(band.low.max()), high=float(band.high.max()))
