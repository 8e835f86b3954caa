"""The columns of a plain table: known names, and conversion of cells.

Conversion of the cells of a table to typed columns, all of them present.
"""

import json
from collections.abc import Sequence

import polars as pl

from overthink.data.record import Axis, Estimand
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


_CONFIG_KEYS = {"reasoning_effort": "effort", "reasoning_tokens": "budget", "max_tokens": "max_tokens"}
"""Key of a config object → column meaning."""

_TEXTS = ("answer", "effort", "model", "stop", "run", "draw")
_COUNTS = ("budget", "max_tokens", "seed")
TOKENS = ("thinking_tokens", "generated_tokens", "prompt_tokens")
"""Measured counts. Public logs hold negative ones (a provider's error): those are unknown."""


def typed_columns(cells: pl.DataFrame, columns: dict[str, str], *, name: str) -> pl.DataFrame:
    """All columns by meaning, typed; null where the table has none.

    Args:
        cells: The table without conversion.
        columns: Meaning → column, from :func:`overthink.storage.tables.columns.match_columns`.
        name: Task name for a table that names none.

    Raises:
        InputError: Some cells are invalid; their rows are named.
    """

    def cell(meaning: str) -> pl.Series:
        if meaning in columns:
            return cells[columns[meaning]]
        return pl.Series(meaning, [None] * cells.height, dtype=pl.String)

    read = {meaning: texts(cell(meaning)) for meaning in _TEXTS}
    read |= {meaning: whole_numbers(cell(meaning)) for meaning in _COUNTS}
    for meaning in TOKENS:
        counts = numbers(cell(meaning))
        read[meaning] = whole_numbers(counts.set(counts < 0, None))
    time = numbers(cell("seconds"))
    read["seconds"] = time.set(~((time >= 0) & time.is_finite()), None)
    read["question"] = _require(cell("question"))
    read["task"] = _require(cell("task")) if "task" in columns else _constant(cells, name)
    read["arm"] = _require(cell("arm")) if "arm" in columns else _constant(cells, "base")
    read["scorer"] = _require(cell("scorer")) if "scorer" in columns else _constant(cells, columns["value"])
    read["value"] = shares(cell("value"))
    read["error"] = flags(cell("error"), where_true="marked as an error in the table")
    read["verifier_score"] = numbers(cell("verifier_score"))
    refuse_rows(cell("verifier_score"), read["verifier_score"].is_infinite(), "needed: a finite number")
    if "draw" in columns:
        _require(cell("draw"))
    for meaning, kind in (("axis", Axis), ("estimand", Estimand)):
        read[meaning] = _from_list(cell(meaning), [str(m) for m in kind]) if meaning in columns else cell(meaning)
    read["other"] = pl.Series([""] * cells.height)
    if "config" in columns:
        _read_config(cell("config"), read)
    read["effort"] = read["effort"].str.to_lowercase()
    return pl.DataFrame({meaning: series.alias(meaning) for meaning, series in read.items()})


def _read_config(cells: pl.Series, read: dict[str, pl.Series]) -> None:
    """Fill effort, budget and cap from the config, where no column states them; keep the rest as text."""
    configs = objects(cells)
    for key, meaning in _CONFIG_KEYS.items():
        config_values = pl.Series(cells.name, [_plain(config.get(key)) for config in configs], dtype=pl.String)
        value = texts(config_values) if meaning == "effort" else whole_numbers(config_values)
        read[meaning] = pl.select(pl.coalesce(read[meaning], value)).to_series()
    rest = [{key: value for key, value in config.items() if key not in _CONFIG_KEYS} for config in configs]
    read["other"] = pl.Series([json.dumps(other, sort_keys=True) if other else "" for other in rest])


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _constant(cells: pl.DataFrame, value: str) -> pl.Series:
    return pl.Series([value] * cells.height)


def _require(cells: pl.Series) -> pl.Series:
    read = texts(cells)
    refuse_rows(cells, read.is_null(), "empty; every row needs one")
    return read


def _from_list(cells: pl.Series, members: list[str]) -> pl.Series:
    read = texts(cells).str.to_lowercase()
    refuse_rows(cells, ~read.is_in(members) | read.is_null(), f"needed: {' | '.join(members)}")
    return read
