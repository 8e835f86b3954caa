"""The columns of a plain table: known names, and conversion of cells."""

import json
from collections.abc import Sequence

import polars as pl

from overthink.errors import InputError

ALIASES: dict[str, tuple[str, ...]] = {
    "question": ("question", "sample_id", "problem", "question_id", "problem_id", "id"),
    "value": ("value", "score", "correct"),
    "draw": ("draw", "epoch"),
    "budget": ("budget", "requested_tokens", "thinking_budget"),
    "effort": ("effort", "reasoning_effort"),
    "config": ("config",),
    "max_tokens": ("max_tokens",),
    "thinking_tokens": ("thinking_tokens", "reasoning_tokens"),
    "generated_tokens": ("generated_tokens", "out_tokens", "output_tokens", "tokens"),
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "seconds": ("seconds", "working_time", "total_time"),
    "answer": ("answer",),
    "verifier_score": ("verifier_score", "prm_score", "reward"),
    "arm": ("arm", "model"),
    "model": ("model",),
    "task": ("task",),
    "scorer": ("scorer",),
    "axis": ("axis",),
    "estimand": ("estimand",),
    "run": ("run_id", "run"),
    "seed": ("seed",),
    "error": ("error",),
    "stop": ("limit", "finish_reason", "stop_reason"),
}
"""Meaning of a column → its possible names, the preferred one first. Case does not matter.

``value`` is 1 = correct, safe or answered; ``config`` is a JSON object that may hold ``reasoning_effort``,
``reasoning_tokens`` (a requested budget) and ``max_tokens``; ``error`` is a text or true; ``stop`` is the
reason why the output ended. Where two columns mean the same, the first is read and the other is named in a
note.
"""

_TRUE = ("true", "yes")
_FALSE = ("false", "no")
_EMPTY = ("", "null", "none", "nan", "na", "n/a")


def match_columns(names: Sequence[str]) -> dict[str, str]:
    """Match the known columns of a table with their meanings.

    Returns:
        Meaning → name in the table.

    Raises:
        InputError: There is no question, no value, or neither a draw nor anything that sets a budget.
    """
    present = {name.strip().lower(): name for name in reversed(names)}
    columns = {}
    for meaning, aliases in ALIASES.items():
        name = next((present[alias] for alias in aliases if alias in present), None)
        if name is not None:
            columns[meaning] = name
    missing = [meaning for meaning in ("question", "value") if meaning not in columns]
    if not {"draw", "budget", "effort", "config", "max_tokens"} & columns.keys():
        missing.append("draw (or budget, or effort)")
    if missing:
        needed_names = "; ".join(f"{meaning}: {' | '.join(ALIASES[meaning.split()[0]])}" for meaning in missing)
        raise InputError(
            f"the table has no column for {', '.join(missing)}. Seen: {', '.join(names)[:500]}. Needed: {needed_names}"
        )
    return columns


def numbers(cells: pl.Series) -> pl.Series:
    """Cells as numbers; true and false are 1 and 0, empty words and NaN are null.

    Raises:
        InputError: Some cells are neither; their rows are named.
    """
    if cells.dtype.is_numeric() or cells.dtype == pl.Boolean:
        return cells.cast(pl.Float64).fill_nan(None)
    words = texts(cells).str.to_lowercase()
    words = words.replace(dict.fromkeys(_TRUE, "1") | dict.fromkeys(_FALSE, "0"))
    read = words.cast(pl.Float64, strict=False)
    refuse_rows(cells, read.is_null() & words.is_not_null(), "needed: a number")
    return read.fill_nan(None)


def whole_numbers(cells: pl.Series) -> pl.Series:
    """Cells as whole numbers of at least 0.

    Raises:
        InputError: Some cells are not; their rows are named.
    """
    read = numbers(cells)
    refuse_rows(cells, (read < 0) | (read != read.floor()) | (read > 2**53), "needed: a whole number, 0 or more")
    return read.cast(pl.Int64)


def shares(cells: pl.Series) -> pl.Series:
    """Cells as numbers in [0, 1]. Nothing is clipped.

    Raises:
        InputError: Some cells are not; their rows are named.
    """
    read = numbers(cells)
    refuse_rows(cells, ~read.is_between(0, 1), "needed: a value from 0 to 1 (1 = correct, safe or answered)")
    return read


def texts(cells: pl.Series) -> pl.Series:
    """Cells as texts without outer blanks; words for an empty cell become null."""
    read = cells.cast(pl.String).str.strip_chars()
    return read.set(read.str.to_lowercase().is_in(_EMPTY), None)


def flags(cells: pl.Series, *, where_true: str) -> pl.Series:
    """Cells that are a flag or a text, as texts: null where empty or false, ``where_true`` where true."""
    read = texts(cells)
    lower = read.str.to_lowercase()
    read = read.set(lower.is_in([*_FALSE, "0"]), None)
    return read.set(lower.is_in([*_TRUE, "1"]), where_true)


def objects(cells: pl.Series) -> list[dict[str, object]]:
    """Cells that hold a JSON object each; an empty cell is an empty object.

    Raises:
        InputError: A cell holds something else; its row is named.
    """
    cells = texts(cells)
    read: dict[str | None, dict[str, object] | None] = {None: {}}
    for cell in cells.unique().drop_nulls():
        try:
            content = json.loads(cell)
        except (ValueError, RecursionError):
            content = None
        read[cell] = content if isinstance(content, dict) else None
    refuse_rows(cells, pl.Series([read[cell] is None for cell in cells]), "needed: a JSON object")
    return [read[cell] or {} for cell in cells]


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
