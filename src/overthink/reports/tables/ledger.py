"""Ledger as tables: tokens, compute, money and time of the pool and of one attempt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from overthink.cost.units import UNIT_NAMES, Unit, figure
from overthink.data.curve_key import CurveKey
from overthink.data.record import Category
from overthink.data.results.budgets import LedgerAmount, LedgerResult, LedgerRung, Spending, TokenSum
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
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
