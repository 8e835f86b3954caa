"""The ledger as tables: every token that was paid, and every token of one attempt, rung by rung."""

from collections.abc import Sequence

from overthink.core.category import Category
from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.curve import level
from overthink.present.names import visible
from overthink.present.word_table import Cell, Table, linked, plain

_IN_ALL, _DISTINCT, _APART = "in_all", "unique", "apart"
_NAMES = {_IN_ALL: "in all", _DISTINCT: "decoded, each prefix once", _APART: "decoded, without sharing"}
_COLUMNS = (*(str(category) for category in Category), _IN_ALL, _DISTINCT, _APART)
_CAPTIONS = {
    "paid": "What was paid, tokens of all traces at the rung",
    "attempt": "What one attempt takes, tokens of an attempt made by itself",
}


def ledger_tables(findings: Sequence[Finding]) -> tuple[Table, ...]:
    """One table of what was paid and one of what an attempt takes; none where nothing was counted."""
    rows: dict[tuple[str, ...], dict[str, Finding]] = {}
    for finding in findings:
        if finding.kind == "ledger" and finding.metric.partition("_")[0] in _CAPTIONS:
            place = (finding.axis, finding.task, finding.arm, finding.estimand, str(finding.at.rung))
            rows.setdefault(place, {})[finding.metric] = finding
    ordered = sorted(rows, key=lambda place: wording.axis_place(place[0]))
    tables = (_table(kind, [rows[place] for place in ordered]) for kind in _CAPTIONS)
    return tuple(table for table in tables if table.rows and len(table.head) > _FIXED)


_FIXED = 3
"""Columns that every row has: the curve, what was asked, and what was thought."""


def _table(kind: str, rows: Sequence[dict[str, Finding]]) -> Table:
    used = [
        name
        for name in _COLUMNS
        if any(row.get(f"{kind}_{name}") is not None and row[f"{kind}_{name}"].estimate is not None for row in rows)
    ]
    head = ("Curve", "Asked for", "Realised thinking", *(_NAMES.get(name, name) for name in used))
    return Table(_CAPTIONS[kind], head, tuple(_row(kind, row, used) for row in rows))


def _row(kind: str, row: dict[str, Finding], used: Sequence[str]) -> tuple[Cell, ...]:
    first = next(iter(row.values()))
    name = f"{wording.axis_name(first.axis)} · {visible(first.task)} · {visible(first.arm)}"
    name += "" if first.estimand == "forced" else f" · {visible(first.estimand)}"
    thought = _cell(row.get(f"attempt_{Category.THINKING}"))
    return (plain(name), plain(level(first.at)), thought, *(_cell(row.get(f"{kind}_{one}")) for one in used))


def _cell(finding: Finding | None) -> Cell:
    """A number of tokens; one that some rows do not tell is a lower bound, and one that none tells is unknown."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (linked(finding, "unknown"),)
    least = finding.label is not None or any(limit.startswith("at least") for limit in finding.limits)
    shown = "0" if finding.estimate == 0 else wording.tokens(finding.estimate)
    return (linked(finding, f"≥ {shown}" if least else shown),)
