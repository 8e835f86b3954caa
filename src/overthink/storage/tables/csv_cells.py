r"""Cells of the CSV that we write: a text that a spreadsheet would run as a formula is shown as text.

A cell that begins with ``=``, ``+``, ``-`` or ``@``, in ASCII or full width, with a tab or a line break, or with one of
these behind spaces and invisible characters, gets an apostrophe in front, which :func:`from_cell` takes away. Numbers
stay numbers, and a text that begins with apostrophes before a formula gets one more, so that every text comes back.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence

Cell = str | float | int | None
"""A number, a text, or None where it is unknown."""

_FORMULA = re.compile(r"[\t\r\n]|[\s\x00-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    r"""Return rows as CSV (RFC 4180, lines end in ``\n``): numbers at full precision, unknown and infinite ones empty.

    No text begins as a formula does, also where it reads as a number: a text is never a number.

    Example:
        >>> print(csv_text([("task", "estimate"), ("-5", 1 / 3), ("=1+1", None)]), end="")
        task,estimate
        '-5,0.3333333333333333
        '=1+1,
    """
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([_printed(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def _printed(cell: Cell) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return repr(cell) if math.isfinite(cell) else ""
    safe = to_cell(cell)
    return f"'{safe}" if safe.startswith(("+", "-")) else safe  # a number


def to_cell(text: str) -> str:
    """Return a text as a cell of a CSV file.

    >>> [to_cell(text) for text in ("=1+1", " @x", "＝1", "'=1", "-5", "a=b", "it's")]
    ["'=1+1", "' @x", "'＝1", "''=1", '-5', 'a=b', "it's"]
    """
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def from_cell(cell: str) -> str:
    """Return the text of a cell: the inverse of :func:`to_cell`.

    >>> [from_cell(cell) for cell in ("'=1+1", "''=1", "=1", "'tis", "-5")]
    ['=1+1', "'=1", '=1', "'tis", '-5']
    """
    return cell[1:] if cell.startswith("'") and _is_formula(cell.lstrip("'")) else cell


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None
