"""Controls: forced against natural answers, and verdicts on the thinking against verdicts on the answer.

Budget adherence and its value: the control, scaling and performance metrics of s1.

What is known of the scorer behind the verdicts on the thinking, as a limit of every finding that rests on them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import POINTWISE, CurveContext
from overthink.data.arrays import Weights
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.record import ON_TRACE, Axis, Estimand
from overthink.data.results.beside import DisagreementResult, TwoByTwoResult
from overthink.data.results.curve import BudgetControlResult
from overthink.data.thought_judges import (
    BAD_THOUGHTS,
    THOUGHT_COUNTS,
    ThoughtCounts,
    is_measured,
    judge_of_thought,
    names_refusals,
)
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.controls import Disagreement, control, disagreement, scaling, steepest, two_by_two
from overthink.stats.proportion import clustered_proportion
from overthink.stats.testing import TEST_NAME

THOUGHT_JUDGE = "the thinking is judged by "
"""Beginning of the limit."""

_LEVEL = 0.95


def thought_judge_limit(scorer: str, task: str, axis: str) -> str:
    """Return the measured error of a scorer of the thinking, or why its verdicts may say nothing.

    Args:
        scorer: Scorer of the curve on the thinking.
        task: Name of the task in the pool.
        axis: Its axis.

    Example:
        >>> thought_judge_limit("refusal on the trace", "t", "safety").partition(": ")[2]
        'it marks refusals, and a thought is no reply, so bad thinking here only says that it does not refuse'
    """
    name = judge_of_thought(scorer)
    start = f"{THOUGHT_JUDGE}{name}: "
    if is_measured(name, task):
        errors = "; ".join(_counts(counts) for counts in THOUGHT_COUNTS[task])
        return f"{start}bad thinking {BAD_THOUGHTS[task]}; {errors}"
    if axis == Axis.BENIGN or names_refusals(name):
        says = "does not refuse" if axis == Axis.SAFETY else "refuses"
        return f"{start}it marks refusals, and a thought is no reply, so bad thinking here only says that it {says}"
    return f"{start}its error on thinking is not measured"


def _counts(counts: ThoughtCounts) -> str:
    found, spared = (_share(*pair) for pair in ((counts.bad_right, counts.bad), (counts.good_right, counts.good)))
    return f"of labelled thoughts {counts.source} it calls {found} bad ones bad and {spared} good ones good"


def _share(right: int, n: int) -> str:
    """Return a count with Clopper and Pearson's interval of its share; every thought is one trial."""
    successes = np.repeat([1, 0], [right, n - right])
    share = clustered_proportion(successes, np.ones(n, dtype=np.int64), level=_LEVEL)
    return f"{right} of {n} ({100 * share.low:.0f} to {100 * share.high:.0f} %)"


ENDED_TRACES_ONLY = "only traces that ended by themselves below the top budget"
CUT_TOO = "where the trace was still thinking here, the cut counts as well as the forcing"


def controls(
    contexts: Sequence[CurveContext], *, rng: np.random.Generator
) -> Iterator[DisagreementResult | TwoByTwoResult]:
    """Yield every control comparison between curves of one task, arm and scorer.

    The natural curve is compared with the forced one at every rung and with the sham; a scorer's curve on the trace
    with its curve on the answers. Comparisons with the same number of questions share one bootstrap.
    """
    by_key = {context.key: context for context in contexts}
    seed = int(rng.integers(2**63))
    for context in contexts:
        key = context.key
        if key.judges_thinking:
            continue
        natural = by_key.get(key._replace(estimand=Estimand.NATURAL))
        if natural is not None and key.estimand in (Estimand.FORCED, Estimand.SHAM):
            yield _disagreement(natural, context, _weights(context, seed))
        on_trace = _on_trace(by_key, context)
        if on_trace is not None:
            yield TwoByTwoResult(key, _trace_and_answer(on_trace, context, _weights(context, seed)))


def _on_trace(by_key: Mapping[CurveKey, CurveContext], context: CurveContext) -> CurveContext | None:
    """Return the curve on the thinking that belongs to a curve of answers: by the same scorer, or by one of its own."""
    same = by_key.get(context.key._replace(scorer=context.key.scorer + ON_TRACE))
    if same is not None:
        return same
    nameless = context.key._replace(scorer="")
    alike = {key.scorer: key for key in by_key if key._replace(scorer="") == nameless}
    own = [key for key in alike.values() if key.judges_thinking and judge_of_thought(key.scorer) not in alike]
    return by_key[own[0]] if own else None


def _weights(context: CurveContext, seed: int) -> Weights:
    return question_weights(len(context.table.questions), rng=np.random.default_rng(seed))


def _disagreement(natural: CurveContext, context: CurveContext, weights: Weights) -> DisagreementResult:
    is_sham = context.table.estimand is Estimand.SHAM
    metrics = (Metric.SHAM, Metric.SHAM_DIFFERENCE) if is_sham else (Metric.NATURAL, Metric.NATURAL_DIFFERENCE)
    shares: list[Finding] = []
    differences: list[Finding] = []
    own = _aligned_values(natural, like=context)[:, :, 0]
    result = disagreement(context.table.values, own, weights, level=context.level)
    for rung in range(context.rungs):
        at = At() if is_sham else context.at(rung)
        p = float(result.difference.p[rung])
        for findings, metric, intervals, test in (
            (shares, metrics[0], result.share, None),
            (
                differences,
                metrics[1],
                result.difference.intervals,
                None if np.isnan(p) else FindingTest(TEST_NAME, p=p),
            ),
        ):
            unknown = "no trace has both answers: none ended by itself, or none was scored"
            finding = context.estimate(Kind.DISAGREEMENT, metric, at, intervals, (rung,), unknown=unknown)
            finding = replace(
                finding,
                test=test,
                n_draws=_most_draws(context.table.values[:, :, rung], own),
                gates_failed=tuple(dict.fromkeys((*context.failed_gates([rung]), *natural.failed_gates([0])))),
                limits=(*finding.limits, POINTWISE, *_caveats(result, context, rung, is_sham=is_sham)),
            )
            findings.append(finding)
    return DisagreementResult(context.key, is_sham, tuple(shares), tuple(differences))


def _caveats(result: Disagreement, context: CurveContext, rung: int, *, is_sham: bool) -> tuple[str, ...]:
    all_traces = int(context.table.observed[:, :, rung].sum())
    fewer = (
        f"{ENDED_TRACES_ONLY}: {result.traces[rung]} of {all_traces}"
        if result.traces[rung] < all_traces
        else ENDED_TRACES_ONLY
    )
    return (fewer,) if is_sham else (fewer, CUT_TOO)


def _trace_and_answer(
    on_trace: CurveContext, context: CurveContext, weights: Weights
) -> tuple[Mapping[Metric, Finding], ...]:
    """Return the share of traces of each cell, by rung and metric."""
    thinking = _aligned_values(on_trace, like=context)
    cells = two_by_two(thinking, context.table.values, weights, level=context.level)
    judge = thought_judge_limit(on_trace.table.scorer, context.table.task, context.table.axis)
    by_rung: tuple[dict[Metric, Finding], ...] = tuple({} for _ in range(context.rungs))
    for rung in range(context.rungs):
        for name, intervals in cells.items():
            metric = Metric(name)
            finding = context.estimate(
                Kind.TWO_BY_TWO,
                metric,
                context.at(rung),
                intervals,
                (rung,),
                unknown="no trace has both verdicts at this rung",
            )
            by_rung[rung][metric] = replace(
                finding,
                n_draws=_most_draws(context.table.values[:, :, rung], thinking[:, :, rung]),
                gates_failed=context.failed_gates([rung]),
                limits=(*finding.limits, POINTWISE, judge),
            )
    return by_rung


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


def budget_control(context: CurveContext, *, rng: np.random.Generator) -> BudgetControlResult | None:
    """Return the three metrics of a curve with at least two budgets in tokens; None of any other."""
    budgets = [rung.requested_tokens for rung in context.table.rungs]
    targets = [tokens for tokens in budgets if tokens is not None]
    cut = context.table.estimand in (Estimand.FORCED, Estimand.EFFORT)
    if context.is_control or not cut or len(targets) < max(2, len(budgets)):
        return None
    gates = context.failed_gates(range(context.rungs))
    adherence = mean_intervals(control(context.table.thinking_tokens, targets), context.weights, level=context.level)
    within = context.estimate(
        Kind.BUDGET_CONTROL, Metric.CONTROL, At(), adherence, (), unknown="thinking tokens are unknown"
    )
    most = steepest(targets) * PER
    slopes = mean_intervals(
        scaling(context.cells, targets) * PER, context.weights, level=context.level, support=(-most, most)
    )
    slope = context.estimate(
        Kind.BUDGET_CONTROL, Metric.SCALING, At(), slopes, (), unknown="no question has a value at every budget"
    )
    return BudgetControlResult(
        control=replace(within, limits=(*within.limits, NO_MINIMUM)),
        scaling=replace(slope, gates_failed=gates, limits=(*slope.limits, SLOPE)),
        performance=replace(_performance(context, rng), gates_failed=gates),
    )


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
