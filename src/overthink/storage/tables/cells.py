"""Conversion of the cells of a plain table: numbers, counts, shares, texts, flags and objects.

Cells of the CSV that we write: a text that a spreadsheet would run as a formula is shown as text.

A cell that begins with ``=``, ``+``, ``-`` or ``@``, in ASCII or full width, with a tab or a line break, or with one
of these behind spaces and invisible characters, gets an apostrophe in front, which :func:`from_cell` takes away.
Numbers stay numbers, and a text that begins with apostrophes before a formula gets one more, so that every text comes
back.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from overthink.data.number_text import TOLERANCE
from overthink.errors import InputError

_TRUE = ("true", "yes")
_FALSE = ("false", "no")
_EMPTY = ("", "null", "none", "nan", "na", "n/a")

_SHARE = "a value from 0 to 1 (1 = correct, safe or answered), a percentage, true or false, pass or fail, or C, P, I, N"

GRADES = {"C": "1", "P": "0.5", "I": "0", "N": "0"}
"""Inspect's grades of an answer: correct, partly correct, incorrect, no answer."""


_RESULTS = dict.fromkeys(("pass", "passed", "correct"), "1") | dict.fromkeys(("fail", "failed", "incorrect"), "0")
"""Words for a score that mean nothing else, in lower case."""

_PERCENT = r"^(\d+(?:\.\d+)?|\.\d+)\s*%$"
_THOUSANDS = r"^\d{1,3}(,\d{3})+$"
_HINTS = (
    (re.compile(r"[-+]?[\d.]*,\d+"), "with a decimal point and no comma"),
    (re.compile(r"[-+]?[\d.,]+\s*[kKmM]"), "in digits, as 1k may be 1000 or 1024"),
    (re.compile(r"[-+]?[\d.,]+\s*%"), "without a percent sign"),
)
"""Forms of a number that are not certain, and what is needed instead."""


def numbers(cells: pl.Series, needed: str = "a number") -> pl.Series:
    """Cells as numbers; true and false are 1 and 0, empty words and NaN are null.

    Args:
        cells: The cells.
        needed: What the error says is needed.

    Raises:
        InputError: Some cells are neither; their rows are named.
    """
    if cells.dtype.is_numeric() or cells.dtype == pl.Boolean:
        return cells.cast(pl.Float64).fill_nan(None)
    words = texts(cells).str.to_lowercase()
    words = words.replace(dict.fromkeys(_TRUE, "1") | dict.fromkeys(_FALSE, "0"))
    read = words.cast(pl.Float64, strict=False)
    wrong = read.is_null() & words.is_not_null()
    hints = [hint for form, hint in _HINTS if any(form.fullmatch(word) for word in words.filter(wrong).head(5))]
    refuse_rows(cells, wrong, f"needed: {', '.join([needed, *hints])}")
    return read.fill_nan(None)


def quantities(cells: pl.Series) -> pl.Series:
    """Cells as numbers that count or measure something; true and false measure nothing.

    Raises:
        InputError: Some cells are true, false or no number; their rows are named.
    """
    words = texts(cells).str.to_lowercase()
    refuse_rows(cells, words.is_in([*_TRUE, *_FALSE]), "needed: a number, not true or false")
    return numbers(cells)


def digits(cells: pl.Series) -> pl.Series:
    """Cells that count something without the commas between thousands; a decimal comma has no place in a count.

    Example:
        >>> digits(pl.Series(["1,024", "12", "1,5"])).to_list()
        ['1024', '12', '1,5']
    """
    if cells.dtype != pl.String:
        return cells
    plain = cells.str.strip_chars()
    has_commas = plain.str.contains(_THOUSANDS).fill_null(value=False)
    return plain.str.replace_all(",", "", literal=True).zip_with(has_commas, cells)


def whole_numbers(cells: pl.Series) -> pl.Series:
    """Cells as whole numbers of at least 0, with or without commas between thousands.

    Raises:
        InputError: Some cells are not; their rows are named.
    """
    read = quantities(digits(cells))
    refuse_rows(cells, (read < 0) | (read != read.floor()) | (read > 2**53), "needed: a whole number, 0 or more")
    return read.cast(pl.Int64)


def has_result_words(cells: pl.Series) -> bool:
    """Return whether scores are words whose good end is plain, as pass and fail.

    Example:
        >>> has_result_words(pl.Series(["Pass", None])), has_result_words(pl.Series(["1", "C"]))
        (True, False)
    """
    return cells.dtype == pl.String and bool(texts(cells).str.to_lowercase().is_in([*_RESULTS]).any())


def shares(cells: pl.Series) -> pl.Series:
    """Cells as numbers in [0, 1]; Inspect's grades C, P, I and N, pass and fail, and percentages are numbers.

    Nothing is clipped but a rounding error (:mod:`overthink.data.number_text`).

    Raises:
        InputError: Some cells are not; their rows are named.

    Example:
        >>> shares(pl.Series("score", ["C", "I", None])).to_list(), shares(pl.Series("score", [1.0000000000000002]))[0]
        ([1.0, 0.0, None], 1.0)
        >>> shares(pl.Series("score", ["Pass", "fail", "12.5%"])).to_list()
        [1.0, 0.0, 0.125]
    """
    if cells.dtype == pl.String:
        words = texts(cells).replace(GRADES)
        lower = words.str.to_lowercase()
        words = lower.replace(_RESULTS).zip_with(lower.is_in([*_RESULTS]).fill_null(value=False), words)
        percent = words.str.extract(_PERCENT).cast(pl.Float64) / 100
        cells = percent.cast(pl.String).zip_with(percent.is_not_null(), words).alias(cells.name)
    read = numbers(cells, _SHARE)
    inside = read.is_between(-TOLERANCE, 1 + TOLERANCE)
    refuse_rows(cells, ~inside, f"needed: {_SHARE}")
    return read.clip(0, 1)


def texts(cells: pl.Series) -> pl.Series:
    """Cells as texts without outer blanks; words for an empty cell become null."""
    try:
        read = cells.cast(pl.String).str.strip_chars()
    except pl.exceptions.PolarsError as failure:
        raise InputError(
            f"column {cells.name} holds {cells.dtype}; needed: numbers, texts or true and false"
        ) from failure
    return read.set(read.str.to_lowercase().is_in(_EMPTY), None)


def flags(cells: pl.Series, *, where_true: str) -> pl.Series:
    """Cells that are a flag or a text, as texts: null where empty or false, ``where_true`` where true."""
    read = texts(cells)
    lower = read.str.to_lowercase()
    read = read.set(lower.is_in([*_FALSE, "0"]), None)
    return read.set(lower.is_in([*_TRUE, "1"]), where_true)


def objects(cells: pl.Series) -> dict[str, dict[str, object]]:
    """Return the distinct texts of cells that hold a JSON object each, with their objects.

    Raises:
        InputError: A cell holds something else; its row is named.
    """
    read: dict[str, dict[str, object] | None] = {}
    for cell in cells.unique().drop_nulls():
        try:
            content = json.loads(cell)
        except (ValueError, RecursionError):
            content = None
        read[cell] = content if isinstance(content, dict) else None
    refuse_rows(
        cells, cells.is_in([cell for cell, content in read.items() if content is None]), "needed: a JSON object"
    )
    return {cell: content for cell, content in read.items() if content is not None}


def object_in(cell: object) -> dict[str, Any]:
    """Return the JSON object in a cell; an empty one for anything else.

    Example:
        >>> object_in('{"a": 1}'), object_in("1"), object_in(None)
        ({'a': 1}, {}, {})
    """
    try:
        content = json.loads(cell) if isinstance(cell, str) else cell
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def refuse_rows(cells: pl.Series, wrong: pl.Series, message: str) -> None:
    """Raise one error that names the rows where ``wrong`` is true.

    Raises:
        InputError: Some are.
    """
    rows = wrong.fill_null(value=False).arg_true().to_list()
    if rows:
        examples = ", ".join(f"{row + 1} ({str(cells[row])[:40]!r})" for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise InputError(f"column {cells.name!r}, rows {examples}{more}: {message}")


def column_key(name: str) -> str:
    """Return the name of a column as the lists of names have it: lower case, words joined by underscores.

    Example:
        >>> column_key("Question ID"), column_key("finishReason"), column_key(" Correct? "), column_key("max-tokens")
        ('question_id', 'finish_reason', 'correct', 'max_tokens')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", words.lower()).strip("_")


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


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
