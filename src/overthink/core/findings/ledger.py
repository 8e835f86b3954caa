"""The ledger: what every rung of every arm paid, and what one attempt there takes, by what it was spent on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from overthink.core.category import Category
from overthink.core.controls import ON_TRACE
from overthink.core.finding import At, Finding
from overthink.core.findings.costs import ATTEMPT, NO_INTERVAL, PAID, cost_findings
from overthink.core.findings.page import Page
from overthink.core.ledger import Amount, LedgerLine, Total, ledger

ALWAYS = (Category.PROMPT, Category.THINKING, Category.ANSWER)
"""Told even where they are unknown."""

UNCOUNTED = "the source does not count them"


def ledger_findings(pages: Sequence[Page]) -> Iterator[Finding]:
    """What the pool paid at each rung, and what an attempt takes there; categories without a token are left out.

    Several scorers tell of the same calls: the first one's curve stands for all of them.
    """
    told = set()
    for page in pages:
        table = page.whole
        calls = (table.axis, table.task, table.arm, table.estimand)
        if calls in told or table.scorer.endswith(ON_TRACE):
            continue
        told.add(calls)
        for rung, line in enumerate(ledger([table])):
            yield from _line(page, line, page.at(rung))
        yield from cost_findings(page)


def _line(page: Page, line: LedgerLine, at: At) -> Iterator[Finding]:
    for category, amount in line.paid.items():
        if amount.tokens or category in ALWAYS:
            yield _amount(page, f"paid_{category}", at, amount)
    for name, amount in (("generated", line.generated), ("unique", line.unique), ("apart", line.apart)):
        yield _amount(page, f"paid_{name}", at, amount)
    yield _total(page, "paid_in_all", at, line.paid_in_all, PAID)
    for category, tokens in line.attempt.items():
        if tokens or category in ALWAYS:
            made = page.finding("ledger", f"attempt_{category}", at)
            yield replace(made, estimate=tokens, reason=UNCOUNTED if tokens is None else NO_INTERVAL, limits=(ATTEMPT,))
    yield _total(page, "attempt_in_all", at, line.attempt_in_all, ATTEMPT)


def _amount(page: Page, metric: str, at: At, amount: Amount) -> Finding:
    made = replace(page.finding("ledger", metric, at), limits=(PAID,))
    if amount.tokens is None:
        return replace(made, reason=UNCOUNTED)
    silent = (f"at least: {amount.silent} rows do not say",) if amount.silent else ()
    return replace(made, estimate=amount.tokens, reason=NO_INTERVAL, limits=(PAID, *silent))


def _total(page: Page, metric: str, at: At, total: Total, means: str) -> Finding:
    made = page.finding("ledger", metric, at)
    missing = f"at least: not counted are {', '.join(total.unknown)}" if total.unknown else None
    return replace(made, estimate=total.tokens, label=missing, reason=NO_INTERVAL, limits=(means,))
