"""The ledger as tables: every token that was paid or that one attempt takes, and its compute, money and time."""

from collections.abc import Iterator, Sequence

from overthink.core.amounts import NAMES, figure
from overthink.core.category import Category
from overthink.core.costing import Unit
from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.curve import level
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.word_table import Cell, Table, linked, plain

_IN_ALL, _DISTINCT, _APART = "in_all", "unique", "apart"
_NAMES = {_IN_ALL: "tokens in all", _DISTINCT: "decoded, each prefix once", _APART: "decoded, without sharing"}
_BEYOND = {str(unit): name for unit, name in NAMES.items() if unit is not Unit.TOKENS} | {str(Unit.SECONDS): "seconds"}
"""By unit beyond tokens: the head of its column."""

_COLUMNS = (*(str(category) for category in Category), _IN_ALL, _DISTINCT, _APART, *_BEYOND)
_CAPTIONS = {
    "paid": "What was paid, tokens and compute of all traces at the rung",
    "attempt": "What one attempt takes, tokens and compute of an attempt made by itself",
}
_REASONS = 5
"""So many reasons why a column is unknown are told below the table; all of them stand in the findings."""

UNBROKEN = "\u00a0"
"""The space inside a number, which may not end a line."""

Row = dict[str, Finding]


def ledger_tables(findings: Sequence[Finding]) -> tuple[Table, ...]:
    """One table of what was paid and one of what an attempt takes; none where nothing was counted."""
    rows: dict[tuple[str, ...], Row] = {}
    for finding in findings:
        if finding.kind == "ledger" and finding.metric.partition("_")[0] in _CAPTIONS:
            place = (finding.axis, finding.task, finding.arm, finding.estimand, str(finding.at.rung))
            rows.setdefault(place, {})[finding.metric] = finding
    ordered = sorted(rows, key=lambda place: wording.axis_place(place[0]))
    tables = (_table(kind, [rows[place] for place in ordered]) for kind in _CAPTIONS)
    return tuple(table for table in tables if table.rows and len(table.head) > _FIXED)


_FIXED = 3
"""Columns that every row has: the curve, what was asked, and what was thought."""


def _table(kind: str, rows: Sequence[Row]) -> Table:
    used = [name for name in _COLUMNS if any(_known(row.get(f"{kind}_{name}")) for row in rows)]
    names = _NAMES | _BEYOND
    head = ("Curve", "Asked for", "Realised thinking", *(names.get(name, name) for name in used))
    return Table(_CAPTIONS[kind], head, tuple(_row(kind, row, used) for row in rows), tuple(_notes(kind, rows)))


def _known(finding: Finding | None) -> bool:
    return finding is not None and finding.estimate is not None


def _notes(kind: str, rows: Sequence[Row]) -> Iterator[str]:
    """What no row of the table knows, said once, and what would have to be given."""
    for unit, name in _BEYOND.items():
        told = [row[f"{kind}_{unit}"] for row in rows if f"{kind}_{unit}" in row]
        if told and not any(map(_known, told)):
            reasons = list(dict.fromkeys(finding.reason or "no reason was recorded" for finding in told))
            more = f"; {len(reasons) - _REASONS} more in the findings" if len(reasons) > _REASONS else ""
            text = f"{name[:1].upper()}{name[1:]} unknown: {'; '.join(reasons[:_REASONS])}{more}."
            yield visible(text, PROSE_LIMIT)


def _row(kind: str, row: Row, used: Sequence[str]) -> tuple[Cell, ...]:
    first = next(iter(row.values()))
    name = f"{wording.axis_name(first.axis)} · {visible(first.task)} · {visible(first.arm)}"
    name += "" if first.estimand == "forced" else f" · {visible(first.estimand)}"
    thought = _cell(row.get(f"attempt_{Category.THINKING}"), Unit.TOKENS)
    return (plain(name), plain(level(first.at)), thought, *(_cell(row.get(f"{kind}_{one}"), one) for one in used))


def _cell(finding: Finding | None, column: str) -> Cell:
    """A number; one that leaves something out is a lower bound, and one that nobody knows is unknown."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (linked(finding, "unknown"),)
    least = finding.label is not None or any(limit.startswith("at least") for limit in finding.limits)
    shown = "0" if finding.estimate == 0 else figure(finding.estimate, column if column in _BEYOND else Unit.TOKENS)
    return (linked(finding, (f"≥ {shown}" if least else shown).replace(" ", UNBROKEN)),)
