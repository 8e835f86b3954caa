"""Ledger as tables: tokens, compute, money and time of the pool and of one attempt; estimated and actual cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from overthink.cost.estimate import AmountRange
from overthink.cost.units import UNIT_NAMES, Unit, figure
from overthink.data.ids import CurveKey
from overthink.data.record import Category
from overthink.data.results.budgets import LedgerAmount, LedgerResult, LedgerRung, Spending, TokenSum
from overthink.data.tokens import TokenUsage
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.about import About
from overthink.reports.report_curves import level
from overthink.reports.tables.table import Table, TextCell, curve_name, finding_link, plain

_MAX_REASONS = 5
"""Maximum number of reasons for an unknown column below the table; findings contain all."""

NO_BREAK_SPACE = "\u00a0"
"""No-break space inside numbers."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One rung: the names of its curve, its thinking, and the amounts of the table."""

    key: CurveKey
    rung: LedgerRung
    amounts: Spending


def ledger_tables(ledgers: Sequence[LedgerResult]) -> tuple[Table, ...]:
    """Return one table of the pool's totals and one of a single attempt; empty without counts."""
    by_axis = sorted(ledgers, key=lambda ledger: wording.axis_position(ledger.key.axis))
    rungs = [(ledger.key, rung) for ledger in by_axis for rung in ledger.rungs]
    tables = (
        _table(
            "What was paid, tokens and compute of all traces at the rung",
            [_Row(key, rung, rung.paid) for key, rung in rungs],
        ),
        _table(
            "What one attempt takes, tokens and compute of an attempt made by itself",
            [_Row(key, rung, rung.attempt) for key, rung in rungs],
        ),
    )
    return tuple(table for table in tables if table is not None)


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of amounts.

    Attributes:
        head: Its head.
        unit: Unit of its numbers.
        tokens: Which tokens are in it; None for a cost in its unit.
    """

    head: str
    unit: str
    tokens: Category | TokenSum | None = None

    def amount(self, amounts: Spending) -> LedgerAmount | None:
        """Its amount of a row; None where there is nothing to count."""
        return amounts.costs.get(self.unit) if self.tokens is None else amounts.tokens.get(self.tokens)

    def has_number(self, rows: Sequence[_Row]) -> bool:
        """Whether some row has a number in it."""
        amounts = (self.amount(row.amounts) for row in rows)
        return any(amount is not None and amount.finding.estimate is not None for amount in amounts)


_TOKEN_COLUMNS = (
    *(_Column(category.value, Unit.TOKENS, category) for category in Category),
    _Column("tokens in all", Unit.TOKENS, TokenSum.IN_ALL),
    _Column("decoded, each prefix once", Unit.TOKENS, TokenSum.UNIQUE),
    _Column("decoded, without sharing", Unit.TOKENS, TokenSum.UNSHARED),
)
_COST_COLUMNS = tuple(_Column(name, unit) for unit, name in UNIT_NAMES.items() if unit is not Unit.TOKENS)


def _table(caption: str, rows: Sequence[_Row]) -> Table | None:
    """Return a table of the columns with a number; None without any."""
    columns = [column for column in (*_TOKEN_COLUMNS, *_COST_COLUMNS) if column.has_number(rows)]
    if not columns:
        return None
    head = ("Curve", "Asked for", "Realised thinking", *(column.head for column in columns))
    return Table(caption, head, tuple(_cells(row, columns) for row in rows), tuple(_notes(rows)))


def _notes(rows: Sequence[_Row]) -> Iterator[str]:
    """Yield notes on costs that no row knows, with the reasons."""
    for column in _COST_COLUMNS:
        name, amounts = column.head, [column.amount(row.amounts) for row in rows]
        findings = [amount.finding for amount in amounts if amount is not None]
        if findings and all(finding.estimate is None for finding in findings):
            reasons = list(dict.fromkeys(finding.reason or "no reason was recorded" for finding in findings))
            more = f"; {len(reasons) - _MAX_REASONS} more in the findings" if len(reasons) > _MAX_REASONS else ""
            text = f"{name[:1].upper()}{name[1:]} unknown: {'; '.join(reasons[:_MAX_REASONS])}{more}."
            yield visible(text, PROSE_LIMIT)


def _cells(row: _Row, columns: Sequence[_Column]) -> tuple[TextCell, ...]:
    return (
        plain(curve_name(row.key)),
        plain(level(row.rung.at)),
        _cell(row.rung.attempt.tokens.get(Category.THINKING), Unit.TOKENS),
        *(_cell(column.amount(row.amounts), column.unit) for column in columns),
    )


def _cell(amount: LedgerAmount | None, unit: str) -> TextCell:
    """Return a number as text; incomplete numbers are lower bounds, missing ones "unknown"."""
    if amount is None:
        return plain("–")
    if amount.finding.estimate is None:
        return (finding_link(amount.finding, "unknown"),)
    number = "0" if amount.finding.estimate == 0 else figure(amount.finding.estimate, unit)
    text = f"≥ {number}" if amount.is_lower_bound else number
    return (finding_link(amount.finding, text.replace(" ", NO_BREAK_SPACE)),)


COST_HEAD = ("", "estimated", "spent")


def cost_rows(about: About) -> list[tuple[str, str, str]]:
    """Return rows of name, estimate and actual cost; empty without an estimate."""
    estimate, actual = about.estimate, about.actual_cost
    if estimate is None or actual is None:
        return []
    cache_note = f" ({actual.cached_tokens:,} from a cache)" if actual.cached_tokens else ""
    rows = [
        (
            "prompt tokens",
            _about(estimate.prompt_tokens, is_bound=not estimate.in_steps),
            _count(actual.prompt_tokens) + cache_note,
        ),
        ("decoded tokens", _most(estimate.decoded_tokens), _count(actual.decoded_tokens)),
    ]
    if estimate.judge_calls or actual.judge_tokens:
        rows.append(("judge tokens", _about(estimate.judge_tokens), _count(actual.judge_tokens)))
    if actual.n_cut_short:
        rows.append(("of it in traces that were cut short and made again", "none", _usage(actual.retry_usage)))
    rows += [(f"beside it, {name}", "not of the run", _usage(usage)) for name, usage in actual.beside.items()]
    if estimate.usd is None:
        rows.append(
            ("USD", "none" if estimate.free and estimate.judge_free else "unknown", _usd(actual.usd, estimate.free))
        )
    else:
        rows.append(("USD", _usd(estimate.usd, estimate.free), _usd(actual.usd, estimate.free)))
    return rows


def cost_note(about: About) -> str:
    """Return a note on the basis of the cost table."""
    estimate, actual = about.estimate, about.actual_cost
    if estimate is None or actual is None:
        return ""
    most = "About" if estimate.in_steps else "At most"
    notes = [
        f"{most} {estimate.calls:,} calls were expected; prompts were estimated from their length.",
        f"{estimate.price}.",
    ]
    if actual.n_failed:
        which = "1 trace failed: what it" if actual.n_failed == 1 else f"{actual.n_failed:,} traces failed: what they"
        notes.append(f"{which} took is counted, but for the request that failed itself, which nobody knows.")
    if actual.n_unanswered:
        which = "1 request" if actual.n_unanswered == 1 else f"{actual.n_unanswered:,} requests"
        notes.append(
            f"Unknown, and in no sum: what {which} took that were in flight, or failed, where traces were cut short."
        )
    if actual.beside:
        notes.append("USD are those of the run: monitors and changes of the thinking are beside it, in tokens.")
    return visible(" ".join(notes), PROSE_LIMIT)


def _usage(usage: TokenUsage) -> str:
    text = f"{_count(usage.prompt_tokens)} prompt, {_count(usage.decoded_tokens)} decoded"
    return text if usage.judge_tokens == 0 else f"{text}, {_count(usage.judge_tokens)} judge"


def _most(tokens: AmountRange) -> str:
    return f"{tokens[0]:,.0f} or more" if tokens[1] is None else f"at most {tokens[1]:,.0f}"


def _about(tokens: AmountRange, *, is_bound: bool = True) -> str:
    """Return an estimated count: its upper bound, or its lower bound if unbounded above."""
    if tokens[1] is None:
        return f"about {tokens[0]:,.0f} or more"
    return f"{'up to ' if is_bound else ''}about {tokens[1]:,.0f}"


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,}"


def _usd(bill: AmountRange | None, free: bool) -> str:
    if bill is None:
        return "none" if free else "unknown"
    low, high = bill
    if high is None:
        return f"{_money(low)} or more"
    return _money(low) if _money(low) == _money(high) else f"{_money(low)} to {_money(high)}"


def _money(usd: float) -> str:
    return f"{usd:,.2f}" if usd >= 0.1 or usd == 0 else f"{usd:.2g}"
