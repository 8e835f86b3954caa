"""Ledger as tables: tokens, compute, money and time of the pool and of one attempt."""

from collections.abc import Iterator, Sequence

from overthink.cost.amounts import UNIT_NAMES, figure
from overthink.data.category import Category
from overthink.cost.units import Unit
from overthink.data.finding import Finding
from overthink.reports import wording
from overthink.reports.curve import level
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.tables import Table, TextCell, finding_link, plain

_IN_ALL, _DISTINCT, _UNSHARED = "in_all", "unique", "apart"
_NAMES = {_IN_ALL: "tokens in all", _DISTINCT: "decoded, each prefix once", _UNSHARED: "decoded, without sharing"}
_BEYOND = {str(unit): name for unit, name in UNIT_NAMES.items() if unit is not Unit.TOKENS} | {
    str(Unit.SECONDS): "seconds"
}
"""Column head by unit other than tokens."""

_COLUMNS = (*(str(category) for category in Category), _IN_ALL, _DISTINCT, _UNSHARED, *_BEYOND)
_CAPTIONS = {
    "paid": "What was paid, tokens and compute of all traces at the rung",
    "attempt": "What one attempt takes, tokens and compute of an attempt made by itself",
}
_MAX_REASONS = 5
"""Maximum number of reasons for an unknown column below the table; findings contain all."""

NO_BREAK_SPACE = "\u00a0"
"""No-break space inside numbers."""

LedgerRow = dict[str, Finding]


def ledger_tables(findings: Sequence[Finding]) -> tuple[Table, ...]:
    """Return one table of the pool's totals and one of a single attempt; empty without counts."""
    rows: dict[tuple[str, ...], LedgerRow] = {}
    for finding in findings:
        if finding.kind == "ledger" and finding.metric.partition("_")[0] in _CAPTIONS:
            key = (finding.axis, finding.task, finding.arm, finding.estimand, str(finding.at.rung))
            rows.setdefault(key, {})[finding.metric] = finding
    keys = sorted(rows, key=lambda key: wording.axis_position(key[0]))
    tables = (_table(kind, [rows[key] for key in keys]) for kind in _CAPTIONS)
    return tuple(table for table in tables if table.rows and len(table.head) > _FIXED_COLUMNS)


_FIXED_COLUMNS = 3
"""Number of fixed columns: curve, requested level, realised thinking."""


def _table(kind: str, rows: Sequence[LedgerRow]) -> Table:
    columns = [name for name in _COLUMNS if any(_has_estimate(row.get(f"{kind}_{name}")) for row in rows)]
    names = _NAMES | _BEYOND
    head = ("Curve", "Asked for", "Realised thinking", *(names.get(name, name) for name in columns))
    return Table(_CAPTIONS[kind], head, tuple(_ledger_row(kind, row, columns) for row in rows), tuple(_notes(kind, rows)))


def _has_estimate(finding: Finding | None) -> bool:
    return finding is not None and finding.estimate is not None


def _notes(kind: str, rows: Sequence[LedgerRow]) -> Iterator[str]:
    """Yield notes on columns without any value, with the reasons."""
    for unit, name in _BEYOND.items():
        findings = [row[f"{kind}_{unit}"] for row in rows if f"{kind}_{unit}" in row]
        if findings and not any(map(_has_estimate, findings)):
            reasons = list(dict.fromkeys(finding.reason or "no reason was recorded" for finding in findings))
            more = f"; {len(reasons) - _MAX_REASONS} more in the findings" if len(reasons) > _MAX_REASONS else ""
            text = f"{name[:1].upper()}{name[1:]} unknown: {'; '.join(reasons[:_MAX_REASONS])}{more}."
            yield visible(text, PROSE_LIMIT)


def _ledger_row(kind: str, row: LedgerRow, columns: Sequence[str]) -> tuple[TextCell, ...]:
    first = next(iter(row.values()))
    name = f"{wording.axis_name(first.axis)} · {visible(first.task)} · {visible(first.arm)}"
    name += "" if first.estimand == "forced" else f" · {visible(first.estimand)}"
    thinking = _ledger_cell(row.get(f"attempt_{Category.THINKING}"), Unit.TOKENS)
    return (
        plain(name),
        plain(level(first.at)),
        thinking,
        *(_ledger_cell(row.get(f"{kind}_{column}"), column) for column in columns),
    )


def _ledger_cell(finding: Finding | None, column: str) -> TextCell:
    """Return a number as text; incomplete numbers are lower bounds, missing ones "unknown"."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, "unknown"),)
    least = finding.label is not None or any(limit.startswith("at least") for limit in finding.limits)
    text = "0" if finding.estimate == 0 else figure(finding.estimate, column if column in _BEYOND else Unit.TOKENS)
    return (finding_link(finding, (f"≥ {text}" if least else text).replace(" ", NO_BREAK_SPACE)),)
