"""Tokens of one trace at every rung, and token sums over the pool.

Ledger in FLOP, effective FLOP, USD and seconds: the total of every rung, and the mean of one attempt.

Token ledger: total tokens of every rung of every arm, and tokens of one attempt, by category.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.request import CurveContext
from overthink.cost.attempt import POOL_TOTALS, attempt_tokens, output_excludes_reasoning, pool_total, prompts_known
from overthink.cost.bill import attempt_cost, paid_cost
from overthink.cost.ledger import Amount, LedgerLine, Total, ledger, rung_means
from overthink.cost.units import Cost, Unit
from overthink.data.blocks import known_draws
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.record import ON_TRACE, Category
from overthink.data.results.curve import PERCENTILES
from overthink.stats.bootstrap import COUNT, mean_intervals
from overthink.stats.curve import question_means

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
            unknown = "the source does not count them"
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
            yield metric, replace(finding, reason="the source does not count them")
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
            yield metric, replace(finding, reason="the source does not count them")
        else:
            yield metric, replace(finding, estimate=total, limits=(*finding.limits, *partly, *duplicates))


PAID = "sum over the rows of this rung"
ATTEMPT = "one attempt made by itself, mean over draws, then over questions"
NO_INTERVAL = "no interval: counted, not estimated"
ON_THE_CLOCK = "wall clock as it was, requests of other traces in flight"
WITHOUT_PROMPT = "the prompt, whose tokens are not told"


def cost_findings(context: CurveContext) -> Iterator[Finding]:
    """Yield the total cost of every rung and the cost of one attempt, in every unit other than tokens.

    Unknown costs have a reason instead of an estimate. Effective FLOP are left out without a stated hardware ratio.
    """
    analysis, table = context.analysis, context.whole
    roles, hardware = analysis.parties.get(table.arm), analysis.flop_per_byte
    prompts = prompts_known(table)
    for unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP, Unit.USD, Unit.SECONDS):
        if unit is Unit.EFFECTIVE_FLOP and hardware is None:
            continue
        total = paid_cost(table, roles, unit, flop_per_byte=hardware)
        attempt = attempt_cost(table, roles, unit, prompts=prompts, flop_per_byte=hardware)
        if unit is not Unit.SECONDS and not prompts:
            attempt = replace(attempt, at_least=(WITHOUT_PROMPT, *attempt.at_least))
        yield from _rung_totals(context, unit, total)
        yield from _attempts(context, unit, attempt)


def _rung_totals(context: CurveContext, unit: Unit, cost: Cost) -> Iterator[Finding]:
    """Yield sums over the rows with a known cost."""
    for rung in range(context.rungs):
        finding = context.finding(Kind.LEDGER, Metric(f"paid_{unit}"), context.at(rung))
        rows = cost.amount[:, :, rung][context.whole.observed[:, :, rung]]
        values = rows[~np.isnan(rows)]
        silent = rows.size - values.size
        partly = (f"at least: {silent} rows do not say",) if silent else ()
        yield _with_amount(finding, float(values.sum()) if values.size else None, cost, (PAID, *_clock(unit), *partly))


def _attempts(context: CurveContext, unit: Unit, cost: Cost) -> Iterator[Finding]:
    for rung, mean in enumerate(rung_means(cost.amount)):
        finding = context.finding(Kind.LEDGER, Metric(f"attempt_{unit}"), context.at(rung))
        silent = int((np.isnan(cost.amount) & context.whole.observed)[:, :, rung].sum())
        partly = (f"the mean leaves out {silent} rows that do not say",) if silent else ()
        yield _with_amount(finding, mean, cost, (ATTEMPT, *_clock(unit), *partly))


def _with_amount(finding: Finding, estimate: float | None, cost: Cost, limits: tuple[str, ...]) -> Finding:
    """Return the finding with its estimate and limits; if unknown, with the definition and the reason only."""
    if estimate is None:
        return replace(finding, reason="; ".join(cost.unknown) or "there is no row", limits=limits[:1])
    return replace(finding, estimate=estimate, reason=NO_INTERVAL, limits=(*limits, *cost.limits))


def _clock(unit: Unit) -> tuple[str, ...]:
    return (ON_THE_CLOCK,) if unit is Unit.SECONDS else ()


ALWAYS = (Category.PROMPT, Category.THINKING, Category.ANSWER)
"""Categories that are listed even where they are unknown."""

TOKENS_UNCOUNTED = "the source does not count them"


def ledger_findings(contexts: Sequence[CurveContext]) -> Iterator[Finding]:
    """Yield the total cost of the pool at each rung and the cost of one attempt, without empty categories.

    Scorers of the same traces share their model calls, so that only the first scorer's curve is counted.
    """
    reported_calls = set()
    for context in contexts:
        table = context.whole
        calls = (table.axis, table.task, table.arm, table.estimand)
        if calls in reported_calls or table.scorer.endswith(ON_TRACE):
            continue
        reported_calls.add(calls)
        for rung, line in enumerate(ledger([table])):
            yield from _line(context, line, context.at(rung))
        yield from cost_findings(context)


def _line(context: CurveContext, line: LedgerLine, at: At) -> Iterator[Finding]:
    for category, amount in line.usage.items():
        if amount.tokens or category in ALWAYS:
            yield _amount(context, Metric(f"paid_{category}"), at, amount)
    for name, amount in (
        ("generated", line.decoded_tokens),
        ("unique", line.unique_tokens),
        ("apart", line.unshared_tokens),
    ):
        yield _amount(context, Metric(f"paid_{name}"), at, amount)
    yield _total(context, Metric.PAID_IN_ALL, at, line.paid_in_all, PAID)
    for category, tokens in line.attempt.items():
        if tokens or category in ALWAYS:
            finding = context.finding(Kind.LEDGER, Metric(f"attempt_{category}"), at)
            yield replace(
                finding, estimate=tokens, reason=TOKENS_UNCOUNTED if tokens is None else NO_INTERVAL, limits=(ATTEMPT,)
            )
    yield _total(context, Metric.ATTEMPT_IN_ALL, at, line.attempt_in_all, ATTEMPT)


def _amount(context: CurveContext, metric: Metric, at: At, amount: Amount) -> Finding:
    finding = replace(context.finding(Kind.LEDGER, metric, at), limits=(PAID,))
    if amount.tokens is None:
        return replace(finding, reason=TOKENS_UNCOUNTED)
    silent = (f"at least: {amount.n_unknown} rows do not say",) if amount.n_unknown else ()
    return replace(finding, estimate=amount.tokens, reason=NO_INTERVAL, limits=(PAID, *silent))


def _total(context: CurveContext, metric: Metric, at: At, total: Total, definition: str) -> Finding:
    finding = context.finding(Kind.LEDGER, metric, at)
    missing = f"at least: not counted are {', '.join(total.unknown)}" if total.unknown else None
    return replace(finding, estimate=total.tokens, label=missing, reason=NO_INTERVAL, limits=(definition,))
