"""What the curve cost: tokens of one trace at every rung, and sums over the pool."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.core.curve import question_means
from overthink.core.finding import At, Finding
from overthink.core.findings.page import Page
from overthink.core.interval import COUNT, mean_intervals
from overthink.core.tokens import SPENT, attempt_tokens, output_excludes_reasoning, spent

QUANTILES = (10, 50, 90)
"""Of the thinking tokens of traces, in per cent: budgets are limits, and what is consumed below them is spread out."""

REASONING_APART = "output tokens exclude reasoning tokens at this provider"


def spending(page: Page) -> Iterator[Finding]:
    """Tokens per trace, and in all."""
    yield from _per_trace(page)
    yield from _in_all(page)


def _per_trace(page: Page) -> Iterator[Finding]:
    apart = (REASONING_APART,) if output_excludes_reasoning(page.table) else ()
    columns = {
        "thinking_tokens": page.table.thinking_tokens,
        "answer_tokens": page.table.answer_tokens,
        "attempt_tokens": attempt_tokens(page.table),
    }
    for metric, tokens in columns.items():
        counted = mean_intervals(question_means(tokens), page.weights, level=page.level, support=COUNT)
        draws = (~np.isnan(tokens)).sum(axis=1).max(axis=0, initial=0)
        for rung in range(page.rungs):
            unknown = "the source does not count them"
            made = page.estimated("tokens", metric, page.at(rung), counted, (rung,), unknown=unknown)
            yield replace(made, n_draws=int(draws[rung]), limits=(*made.limits, *apart))
    yield from _quantiles(page)


def _quantiles(page: Page) -> Iterator[Finding]:
    """How the thinking of single traces is spread. There is no interval: traces of a question are not independent."""
    for rung in range(page.rungs):
        known = page.table.thinking_tokens[:, :, rung]
        known = known[~np.isnan(known)]
        for q in QUANTILES:
            made = page.finding("tokens", f"thinking_tokens_p{q}", page.at(rung))
            if not known.size:
                yield replace(made, reason="the source does not count them")
            else:
                said = "no interval: a quantile over traces, which share questions"
                yield replace(made, estimate=float(np.quantile(known, q / 100)), reason=said)


def _in_all(page: Page) -> Iterator[Finding]:
    for metric in SPENT:
        total, silent = spent(page.whole, metric)
        made = page.finding("tokens", metric, At())
        partly = (f"at least: {silent} rows do not say",) if silent else ()
        repeated = ("the same calls are counted under every scorer",) if page.scorers > 1 else ()
        if np.isnan(total):
            yield replace(made, reason="the source does not count them")
        else:
            yield replace(made, estimate=total, limits=(*made.limits, *partly, *repeated))
