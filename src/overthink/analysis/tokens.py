"""Tokens of one trace at every rung, and token sums over the pool."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from overthink.analysis.request import CurveContext
from overthink.cost.attempt import POOL_TOTALS, attempt_tokens, output_excludes_reasoning, pool_total
from overthink.data.blocks import known_draws
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Reason
from overthink.data.results.curve import PERCENTILES
from overthink.stats.bootstrap import COUNT, mean_intervals
from overthink.stats.curve import question_means

TOKENS_UNCOUNTED = Reason("the source does not count them")
REASONING_EXCLUDED = "output tokens exclude reasoning tokens at this provider"


def tokens_per_trace(context: CurveContext) -> tuple[Mapping[Metric, Finding], ...]:
    """Return the tokens of one trace, by rung and metric."""
    by_rung: tuple[dict[Metric, Finding], ...] = tuple({} for _ in range(context.rungs))
    reasoning_limit = (REASONING_EXCLUDED,) if output_excludes_reasoning(context.table) else ()
    columns = {
        Metric.THINKING_TOKENS: context.table.thinking_tokens,
        Metric.ANSWER_TOKENS: context.table.answer_tokens,
        Metric.ATTEMPT_TOKENS: attempt_tokens(context.table),
    }
    for metric, tokens in columns.items():
        intervals = mean_intervals(question_means(tokens), context.weights, level=context.level, support=COUNT)
        draws = known_draws(tokens).max(axis=0, initial=0)
        for rung in range(context.rungs):
            unknown = TOKENS_UNCOUNTED
            finding = context.estimate(Kind.TOKENS, metric, context.at(rung), intervals, (rung,), unknown=unknown)
            by_rung[rung][metric] = replace(
                finding, n_draws=int(draws[rung]), limits=(*finding.limits, *reasoning_limit)
            )
    for rung in range(context.rungs):
        by_rung[rung].update(_quantiles(context, rung))
    return by_rung


def _quantiles(context: CurveContext, rung: int) -> Iterator[tuple[Metric, Finding]]:
    """Yield quantiles of the thinking tokens of traces, without interval: traces of a question are not independent."""
    values = context.table.thinking_tokens[:, :, rung]
    values = values[~np.isnan(values)]
    for metric, q in PERCENTILES.items():
        finding = context.finding(Kind.TOKENS, metric, context.at(rung))
        if not values.size:
            yield metric, replace(finding, reason=TOKENS_UNCOUNTED)
        else:
            reason = "no interval: a quantile over traces, which share questions"
            yield metric, replace(finding, estimate=float(np.quantile(values, q / 100)), reason=reason)


def token_totals(context: CurveContext) -> Iterator[tuple[Metric, Finding]]:
    """Yield token sums over the pool, by metric."""
    for metric in POOL_TOTALS:
        total, silent = pool_total(context.whole, metric)
        finding = context.finding(Kind.TOKENS, metric, At())
        partly = (f"at least: {silent} rows do not say",) if silent else ()
        duplicates = ("the same calls are counted under every scorer",) if context.scorers > 1 else ()
        if np.isnan(total):
            yield metric, replace(finding, reason=TOKENS_UNCOUNTED)
        else:
            yield metric, replace(finding, estimate=total, limits=(*finding.limits, *partly, *duplicates))
