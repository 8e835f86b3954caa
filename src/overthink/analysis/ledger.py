"""Ledger of every curve: tokens of a trace and of the pool, what was paid at each rung, and what one attempt takes.

Tokens are counted by category; FLOP, effective FLOP, USD and seconds follow from the models of the arm.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import CurveContext
from overthink.cost.attempt import POOL_TOTALS, attempt_tokens, output_excludes_reasoning, pool_total, prompts_known
from overthink.cost.bill import attempt_cost, paid_cost
from overthink.cost.ledger import Amount, LedgerLine, Total, cell_means, known_sum, ledger
from overthink.cost.units import Cost, Unit
from overthink.data.arrays import Array
from overthink.data.blocks import known_draws, outcome_blocks
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import Outcomes
from overthink.data.phrases import Reason
from overthink.data.record import Category
from overthink.data.results.budgets import LedgerAmount, LedgerResult, LedgerRung, Spending, TokenSum
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


PAID = "sum over the rows of this rung"
ATTEMPT = "one attempt made by itself, mean over draws, then over questions"
NO_INTERVAL = "no interval: counted, not estimated"
ON_THE_CLOCK = "wall clock as it was, requests of other traces in flight"
WITHOUT_PROMPT = "the prompt, whose tokens are not told"
ALWAYS = (Category.PROMPT, Category.THINKING, Category.ANSWER)
"""Categories that are listed even where they are unknown."""

TokenAmounts = Mapping[Category | TokenSum, LedgerAmount]


def ledgers(contexts: Sequence[CurveContext]) -> Iterator[LedgerResult]:
    """Yield the ledger of every curve: the pool at each rung, and one attempt, without empty categories.

    Scorers of the same traces share their model calls, so that only the first scorer's curve is counted. Unknown
    amounts have a reason instead of an estimate. Effective FLOP are left out without a stated hardware ratio.
    """
    counted_calls = set()
    for context in contexts:
        calls = context.key._replace(scorer="")
        if calls in counted_calls or context.key.judges_thinking:
            continue
        counted_calls.add(calls)
        paid, attempt = _costs(context)
        rungs = (
            LedgerRung(
                context.at(rung),
                Spending(_paid_tokens(context, rung, line), paid[rung]),
                Spending(_attempt_tokens(context, rung, line), attempt[rung]),
            )
            for rung, line in enumerate(ledger([context.whole]))
        )
        yield LedgerResult(context.key, tuple(rungs))


def _paid_tokens(context: CurveContext, rung: int, line: LedgerLine) -> TokenAmounts:
    amounts: dict[Category | TokenSum, Amount] = {
        category: amount for category, amount in line.usage.items() if amount.tokens or category in ALWAYS
    }
    amounts[TokenSum.GENERATED] = line.decoded_tokens
    amounts[TokenSum.UNIQUE] = line.unique_tokens
    amounts[TokenSum.UNSHARED] = line.unshared_tokens
    tokens = {
        name: _amount(context.finding(Kind.LEDGER, Metric(f"paid_{name}"), context.at(rung)), amount)
        for name, amount in amounts.items()
    }
    in_all = context.finding(Kind.LEDGER, Metric.PAID_IN_ALL, context.at(rung))
    return tokens | {TokenSum.IN_ALL: _total(in_all, line.paid_in_all, PAID)}


def _amount(finding: Finding, amount: Amount) -> LedgerAmount:
    if amount.tokens is None:
        return LedgerAmount(replace(finding, reason=TOKENS_UNCOUNTED, limits=(PAID,)))
    counted = replace(finding, estimate=amount.tokens, reason=NO_INTERVAL, limits=(PAID, *_silent(amount.n_unknown)))
    return LedgerAmount(counted, is_lower_bound=amount.n_unknown > 0)


def _attempt_tokens(context: CurveContext, rung: int, line: LedgerLine) -> TokenAmounts:
    amounts: dict[Category | TokenSum, LedgerAmount] = {}
    for category, tokens in line.attempt.items():
        if tokens or category in ALWAYS:
            finding = context.finding(Kind.LEDGER, Metric(f"attempt_{category}"), context.at(rung))
            reason = TOKENS_UNCOUNTED if tokens is None else NO_INTERVAL
            amounts[category] = LedgerAmount(replace(finding, estimate=tokens, reason=reason, limits=(ATTEMPT,)))
    in_all = context.finding(Kind.LEDGER, Metric.ATTEMPT_IN_ALL, context.at(rung))
    return amounts | {TokenSum.IN_ALL: _total(in_all, line.attempt_in_all, ATTEMPT)}


def _total(finding: Finding, total: Total, definition: str) -> LedgerAmount:
    missing = f"at least: not counted are {', '.join(total.unknown)}" if total.unknown else None
    counted = replace(finding, estimate=total.tokens, label=missing, reason=NO_INTERVAL, limits=(definition,))
    return LedgerAmount(counted, is_lower_bound=bool(total.unknown))


def _costs(context: CurveContext) -> tuple[list[dict[str, LedgerAmount]], list[dict[str, LedgerAmount]]]:
    """Return what was paid at every rung and what one attempt takes, by rung and unit other than tokens."""
    hardware, prompts = context.analysis.flop_per_byte, prompts_known(context.whole)
    of_pool: list[dict[str, LedgerAmount]] = [{} for _ in range(context.rungs)]
    of_attempt: list[dict[str, LedgerAmount]] = [{} for _ in range(context.rungs)]
    for unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP, Unit.USD, Unit.SECONDS):
        if unit is Unit.EFFECTIVE_FLOP and hardware is None:
            continue
        blocks = [_CostBlock.of(block, context, unit, prompts=prompts) for block in outcome_blocks(context.whole)]
        total, attempt = (
            _limits(costs) for costs in zip(*((block.paid, block.attempt) for block in blocks), strict=True)
        )
        if unit is not Unit.SECONDS and not prompts:
            attempt = replace(attempt, at_least=(WITHOUT_PROMPT, *attempt.at_least))
        means = cell_means(np.concatenate([block.attempt_cells for block in blocks]))
        for rung in range(context.rungs):
            own = sum((block.rows[rung] for block in blocks), Amount(None))
            n_silent = sum(int(block.n_silent[rung]) for block in blocks)
            of_pool[rung][unit.value] = _paid_cost(context, rung, unit, total, own)
            of_attempt[rung][unit.value] = _attempt_cost(context, rung, unit, attempt, means[rung], n_silent)
    return of_pool, of_attempt


@dataclass(frozen=True, slots=True, eq=False)
class _CostBlock:
    """Costs of some of the questions in one unit.

    Attributes:
        paid: What was paid, without its amounts.
        attempt: What one attempt takes, without its amounts.
        rows: By rung: the sum over the rows with a known cost, and the number of rows without.
        attempt_cells: (question, rung) mean over draws of an attempt.
        n_silent: (rung,) rows whose attempt has no known cost.
    """

    paid: Cost
    attempt: Cost
    rows: Sequence[Amount]
    attempt_cells: Array
    n_silent: NDArray[np.int64]

    @classmethod
    def of(cls, table: Outcomes, context: CurveContext, unit: Unit, *, prompts: bool) -> "_CostBlock":
        roles, hardware = context.analysis.parties.get(table.arm), context.analysis.flop_per_byte
        paid = paid_cost(table, roles, unit, flop_per_byte=hardware)
        attempt = attempt_cost(table, roles, unit, prompts=prompts, flop_per_byte=hardware)
        return cls(
            _without_amounts(paid),
            _without_amounts(attempt),
            [known_sum(paid.amount[:, :, r][table.observed[:, :, r]]) for r in range(len(table.rungs))],
            question_means(attempt.amount),
            (np.isnan(attempt.amount) & table.observed).sum(axis=(0, 1)),
        )


def _without_amounts(cost: Cost) -> Cost:
    return replace(cost, amount=np.empty(0))


def _limits(costs: Iterable[Cost]) -> Cost:
    """Return the limits of all blocks together."""
    return reduce(add, costs)


def _paid_cost(context: CurveContext, rung: int, unit: Unit, cost: Cost, rows: Amount) -> LedgerAmount:
    """Return the sum over the rows with a known cost."""
    finding = context.finding(Kind.LEDGER, Metric(f"paid_{unit}"), context.at(rung))
    limits = (PAID, *_clock(unit), *_silent(rows.n_unknown))
    return _cost(finding, rows.tokens, cost, limits, is_lower_bound=rows.n_unknown > 0)


def _attempt_cost(
    context: CurveContext, rung: int, unit: Unit, cost: Cost, mean: float | None, n_silent: int
) -> LedgerAmount:
    finding = context.finding(Kind.LEDGER, Metric(f"attempt_{unit}"), context.at(rung))
    partly = (f"the mean leaves out {n_silent} rows that do not say",) if n_silent else ()
    return _cost(finding, mean, cost, (ATTEMPT, *_clock(unit), *partly), is_lower_bound=False)


def _cost(
    finding: Finding, estimate: float | None, cost: Cost, limits: tuple[str, ...], *, is_lower_bound: bool
) -> LedgerAmount:
    """Return the amount with its limits; if unknown, with the definition and the reason only."""
    if estimate is None:
        reason = "; ".join(cost.unknown) or "there is no row"
        return LedgerAmount(replace(finding, reason=reason, limits=limits[:1]))
    counted = replace(finding, estimate=estimate, reason=NO_INTERVAL, limits=(*limits, *cost.limits))
    return LedgerAmount(counted, is_lower_bound or bool(cost.at_least))


def _silent(rows: int) -> tuple[str, ...]:
    return (f"at least: {rows} rows do not say",) if rows else ()


def _clock(unit: Unit) -> tuple[str, ...]:
    return (ON_THE_CLOCK,) if unit is Unit.SECONDS else ()
