"""Token ledger: total tokens of every rung of every arm, and tokens of one attempt, by category."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from overthink.data.category import Category
from overthink.stats.controls import ON_TRACE
from overthink.data.finding import At, Finding
from overthink.analysis.costs import ATTEMPT, NO_INTERVAL, PAID, cost_findings
from overthink.analysis.request import CurveContext
from overthink.cost.ledger import Amount, LedgerLine, Total, ledger

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
            yield _amount(context, f"paid_{category}", at, amount)
    for name, amount in (
        ("generated", line.decoded_tokens),
        ("unique", line.unique_tokens),
        ("apart", line.unshared_tokens),
    ):
        yield _amount(context, f"paid_{name}", at, amount)
    yield _total(context, "paid_in_all", at, line.paid_in_all, PAID)
    for category, tokens in line.attempt.items():
        if tokens or category in ALWAYS:
            finding = context.finding("ledger", f"attempt_{category}", at)
            yield replace(
                finding, estimate=tokens, reason=TOKENS_UNCOUNTED if tokens is None else NO_INTERVAL, limits=(ATTEMPT,)
            )
    yield _total(context, "attempt_in_all", at, line.attempt_in_all, ATTEMPT)


def _amount(context: CurveContext, metric: str, at: At, amount: Amount) -> Finding:
    finding = replace(context.finding("ledger", metric, at), limits=(PAID,))
    if amount.tokens is None:
        return replace(finding, reason=TOKENS_UNCOUNTED)
    silent = (f"at least: {amount.n_unknown} rows do not say",) if amount.n_unknown else ()
    return replace(finding, estimate=amount.tokens, reason=NO_INTERVAL, limits=(PAID, *silent))


def _total(context: CurveContext, metric: str, at: At, total: Total, definition: str) -> Finding:
    finding = context.finding("ledger", metric, at)
    missing = f"at least: not counted are {', '.join(total.unknown)}" if total.unknown else None
    return replace(finding, estimate=total.tokens, label=missing, reason=NO_INTERVAL, limits=(definition,))
