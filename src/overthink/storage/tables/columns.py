"""The columns of a plain table: known names, and conversion of cells.

Conversion of the cells of a table to typed columns, all of them present.
"""

import json
from collections.abc import Mapping, Sequence

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
    own = {meaning: cells[column] for meaning, column in columns.items()}
    read = {meaning: texts(own[meaning]) for meaning in _TEXTS if meaning in own}
    read |= {meaning: whole_numbers(own[meaning]) for meaning in _COUNTS if meaning in own}
    for meaning in TOKENS:
        if meaning in own:
            counts = numbers(own[meaning])
            read[meaning] = whole_numbers(counts.set(counts < 0, None))
    if "seconds" in own:
        time = numbers(own["seconds"])
        read["seconds"] = time.set(~((time >= 0) & time.is_finite()), None)
    read |= {meaning: _require(own[meaning]) for meaning in ("question", "task", "arm", "scorer") if meaning in own}
    read["value"] = shares(own["value"])
    if "error" in own:
        read["error"] = flags(own["error"], where_true="marked as an error in the table")
    if "verifier_score" in own:
        read["verifier_score"] = numbers(own["verifier_score"])
        refuse_rows(own["verifier_score"], read["verifier_score"].is_infinite(), "needed: a finite number")
    if "draw" in own:
        _require(own["draw"])
    for meaning, kind in (("axis", Axis), ("estimand", Estimand)):
        if meaning in own:
            read[meaning] = _from_list(own[meaning], [str(m) for m in kind])
    if "config" in own:
        _read_config(own["config"], read)
    if "effort" in read:
        read["effort"] = read["effort"].str.to_lowercase()
    table = pl.DataFrame({meaning: series.alias(meaning) for meaning, series in read.items()})
    defaults = {"task": name, "arm": "base", "scorer": columns["value"], "other": ""}
    missing = {meaning: kind for meaning, kind in _TYPES.items() if meaning not in read}
    return table.with_columns(pl.lit(defaults.get(m), dtype=kind).alias(m) for m, kind in missing.items())


_TYPES = (
    dict.fromkeys((*_TEXTS, "question", "task", "arm", "scorer", "error", "axis", "estimand", "other"), pl.String)
    | dict.fromkeys((*_COUNTS, *TOKENS), pl.Int64)
    | dict.fromkeys(("seconds", "value", "verifier_score"), pl.Float64)
)
"""Type of the column of each meaning; ``other`` is the rest of a config."""


def _read_config(cells: pl.Series, read: dict[str, pl.Series]) -> None:
    """Fill effort, budget and cap from the config, where no column states them; keep the rest as text."""
    cells = texts(cells)
    configs = objects(cells)
    for key, meaning in _CONFIG_KEYS.items():
        config_values = _replaced(cells, {cell: _plain(config.get(key)) for cell, config in configs.items()})
        value = texts(config_values) if meaning == "effort" else whole_numbers(config_values)
        read[meaning] = pl.select(pl.coalesce(read[meaning], value)).to_series() if meaning in read else value
    rest = {
        cell: {key: value for key, value in config.items() if key not in _CONFIG_KEYS}
        for cell, config in configs.items()
    }
    other = {cell: json.dumps(config, sort_keys=True) if config else "" for cell, config in rest.items()}
    read["other"] = _replaced(cells, other).fill_null("")


def _replaced(cells: pl.Series, words: Mapping[str, str | None]) -> pl.Series:
    """Return the word of each cell; null for an empty cell."""
    return cells.replace_strict(list(words), pl.Series(list(words.values()), dtype=pl.String), default=None)


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _require(cells: pl.Series) -> pl.Series:
    read = texts(cells)
    refuse_rows(cells, read.is_null(), "empty; every row needs one")
    return read


def _from_list(cells: pl.Series, members: list[str]) -> pl.Series:
    read = texts(cells).str.to_lowercase()
    refuse_rows(cells, ~read.is_in(members) | read.is_null(), f"needed: {' | '.join(members)}")
    return read
