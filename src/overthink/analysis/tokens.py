"""Tokens of one trace at every rung, and token sums over the pool."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.stats.curve import question_means
from overthink.data.finding import At, Finding
from overthink.analysis.request import CurveContext
from overthink.stats.bootstrap import COUNT, mean_intervals
from overthink.cost.tokens import POOL_TOTALS, attempt_tokens, output_excludes_reasoning, pool_total

QUANTILES = (10, 50, 90)
"""Percentiles of the thinking tokens of traces: budgets are limits, and consumption below them varies."""

REASONING_EXCLUDED = "output tokens exclude reasoning tokens at this provider"


def token_findings(context: CurveContext) -> Iterator[Finding]:
    """Yield tokens per trace, and in total."""
    yield from _per_trace(context)
    yield from _in_all(context)


def _per_trace(context: CurveContext) -> Iterator[Finding]:
    reasoning_limit = (REASONING_EXCLUDED,) if output_excludes_reasoning(context.table) else ()
    columns = {
        "thinking_tokens": context.table.thinking_tokens,
        "answer_tokens": context.table.answer_tokens,
        "attempt_tokens": attempt_tokens(context.table),
    }
    for metric, tokens in columns.items():
        intervals = mean_intervals(question_means(tokens), context.weights, level=context.level, support=COUNT)
        draws = (~np.isnan(tokens)).sum(axis=1).max(axis=0, initial=0)
        for rung in range(context.rungs):
            unknown = "the source does not count them"
            finding = context.estimate("tokens", metric, context.at(rung), intervals, (rung,), unknown=unknown)
            yield replace(finding, n_draws=int(draws[rung]), limits=(*finding.limits, *reasoning_limit))
    yield from _quantiles(context)


def _quantiles(context: CurveContext) -> Iterator[Finding]:
    """Yield quantiles of the thinking tokens of traces, without interval: traces of a question are not independent."""
    for rung in range(context.rungs):
        values = context.table.thinking_tokens[:, :, rung]
        values = values[~np.isnan(values)]
        for q in QUANTILES:
            finding = context.finding("tokens", f"thinking_tokens_p{q}", context.at(rung))
            if not values.size:
                yield replace(finding, reason="the source does not count them")
            else:
                reason = "no interval: a quantile over traces, which share questions"
                yield replace(finding, estimate=float(np.quantile(values, q / 100)), reason=reason)


def _in_all(context: CurveContext) -> Iterator[Finding]:
    for metric in POOL_TOTALS:
        total, silent = pool_total(context.whole, metric)
        finding = context.finding("tokens", metric, At())
        partly = (f"at least: {silent} rows do not say",) if silent else ()
        duplicates = ("the same calls are counted under every scorer",) if context.scorers > 1 else ()
        if np.isnan(total):
            yield replace(finding, reason="the source does not count them")
        else:
            yield replace(finding, estimate=total, limits=(*finding.limits, *partly, *duplicates))
