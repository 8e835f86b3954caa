"""Conversion of the cells of a table to typed columns, all of them present."""

import json

import polars as pl

from overthink.data.record import Axis, Estimand
from overthink.storage.tables.columns import flags, numbers, objects, refuse_rows, shares, texts, whole_numbers

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
