"""The columns of a plain table: known names, and typed columns by meaning."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from overthink.data.record import Axis, Estimand
from overthink.data.safety_words import PROGRAM_ERROR, REFUSAL_ERROR
from overthink.errors import InputError
from overthink.storage.tables.cells import (
    column_key,
    digits,
    flags,
    numbers,
    objects,
    quantities,
    refuse_rows,
    shares,
    texts,
    whole_numbers,
)
from overthink.storage.tables.endings import endings

ALIASES: dict[str, tuple[str, ...]] = {
    "question": (
        *("question", "sample_id", "problem", "question_id", "problem_id", "id"),
        *("item", "item_id", "prompt_id", "example_id", "instance_id", "doc_id"),
    ),
    "value": ("value", "score", "correct", "is_correct"),
    "draw": ("draw", "epoch", "attempt", "trial", "repeat", "repetition", "rollout"),
    "budget": (
        *("budget", "requested_tokens", "thinking_budget"),
        *("budget_tokens", "thinking_budget_tokens", "reasoning_budget", "max_thinking_tokens"),
    ),
    "effort": ("effort", "reasoning_effort", "thinking_effort", "thinking_level", "reasoning_level"),
    "config": ("config",),
    "max_tokens": ("max_tokens",),
    "thinking_tokens": ("thinking_tokens", "reasoning_tokens"),
    "generated_tokens": ("generated_tokens", "out_tokens", "output_tokens", "completion_tokens", "tokens"),
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "seconds": ("seconds", "working_time", "total_time"),
    "answer": ("answer",),
    "verifier_score": ("verifier_score", "prm_score", "reward"),
    "arm": ("arm", "model", "model_name", "model_id", "llm", "llm_name"),
    "model": ("model", "model_name", "model_id", "llm", "llm_name"),
    "task": ("task", "task_name", "dataset", "benchmark"),
    "scorer": (
        *("scorer", "judge", "grader", "judge_model", "grader_model", "judge_name", "evaluator", "evaluator_model"),
        *("scorer_model", "judge_llm"),
    ),
    "axis": ("axis",),
    "estimand": ("estimand",),
    "run": ("run_id", "run"),
    "seed": ("seed",),
    "error": ("error", "error_message", "exception"),
    "stop": ("finish_reason", "stop_reason", "finishreason", "stopreason", "done_reason", "native_finish_reason"),
    "limit": (
        *("limit", "truncated", "is_truncated", "was_truncated", "cut_off", "hit_limit", "was_cut", "is_cut"),
        *("length_exceeded", "hit_max_tokens", "hit_token_limit", "limit_reached", "max_tokens_reached"),
        *("token_limit_reached", "stopped_early", "timed_out", "timeout"),
    ),
    "log": ("log",),
    "response": ("response", "output", "completion", "generation", "output_text", "model_output"),
    "reasoning": ("reasoning", "reasoning_content", "reasoning_trace", "reasoning_text", "thinking", "thoughts"),
}
"""Meaning of a column → its possible names, the preferred one first, each as :func:`column_key` gives it.

``value`` is 1 = correct, safe or answered; ``config`` is a JSON object that may hold ``reasoning_effort``,
``reasoning_tokens`` (a requested budget) and ``max_tokens``; ``error`` is a text or true; ``stop`` is the
reason why the output ended, and ``limit`` the limit that ended it. Of ``response`` and ``reasoning`` nothing is read
but whether there is a text. Where two columns mean the same, the first is read and the other is named in a note.
"""

SETTING_NAMES = (
    "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "frequency_penalty", "presence_penalty",
    "system_prompt", "system_message", "system", "prompt_template", "prompt_name", "prompt_version", "num_fewshot",
    "n_shot", "few_shot", "shots", "task_version", "dataset_version", "scaffold", "solver", "agent", "tools",
    "quantization", "precision", "dtype", "base_url", "provider", "backend", "engine", "deployment",
    "deployment_name", "prompt_style", "prompt_v", "prompt_variant",
)  # fmt: skip
"""Columns that are other settings of a run, as a key of ``config`` is."""

ASSUMED_NAMES = {
    "arm": ALIASES["arm"][2:],
    "task": ("dataset", "benchmark"),
    "scorer": ALIASES["scorer"][1:],
    "limit": ALIASES["limit"][ALIASES["limit"].index("was_cut") :],
}
"""Names whose meaning is assumed, and said."""

TEXT_MEANINGS = ("response", "reasoning")
"""Columns of long texts, of which only the presence is read."""


def match_columns(names: Sequence[str], *, columns_of_file: Sequence[str] | None = None) -> dict[str, str]:
    """Match the known columns of a table with their meanings.

    Args:
        names: Columns, once scores are rows.
        columns_of_file: Columns of the file, which an error names; None if they are the same.

    Returns:
        Meaning → name in the table.

    Raises:
        InputError: There is no question, no value, or neither a draw nor anything that sets a budget.
    """
    present = by_key(names)
    columns = {}
    for meaning, aliases in ALIASES.items():
        name = next((present[alias] for alias in aliases if alias in present), None)
        if name is not None:
            columns[meaning] = name
    missing = [meaning for meaning in ("question", "value") if meaning not in columns]
    if not {"draw", "budget", "effort", "config", "max_tokens"} & columns.keys():
        missing.append("draw (or budget, or effort)")
    if missing:
        needed = "; ".join(f"{meaning}: {' | '.join(ALIASES[meaning.split()[0]])}" for meaning in missing)
        raise InputError(
            f"the table has no column for {', '.join(missing)}. Seen: {', '.join(columns_of_file or names)[:500]}. "
            f"Needed: {needed}. Rename the columns, or write a reader of such files (docs/extend.md) and name it with "
            "--reader"
        )
    return columns


def presence(name: str, kind: pl.DataType) -> pl.Expr:
    """Return what is read of a column: of a long text whether there is one, else its cells.

    A number is no reasoning, but it may be a response.
    """
    cells = pl.col(name)
    meaning = next((meaning for meaning in TEXT_MEANINGS if column_key(name) in ALIASES[meaning]), None)
    if meaning is None:
        return cells
    if kind != pl.String:
        return (cells.is_not_null() if meaning == "response" or kind.is_nested() else pl.lit(value=False)).alias(name)
    text = cells.str.strip_chars().str.to_lowercase()
    none = text.is_in(["", "null", "none", "nan", "[]", "{}", '""', "[null]", '[""]'])
    number = text.str.contains(r"^[-+]?[\d.,]+$") if meaning == "reasoning" else pl.lit(value=False)
    return (~(none | number)).fill_null(value=False).alias(name)


def by_key(names: Sequence[str]) -> dict[str, str]:
    """Return the names of columns by their key; of several, the first."""
    return {column_key(name): name for name in reversed(names)}


def question_candidates(names: Sequence[str]) -> list[str]:
    """Return the columns that may name the question, the preferred one first."""
    present = by_key(names)
    return [present[alias] for alias in ALIASES["question"] if alias in present]


def setting_columns(names: Sequence[str]) -> list[str]:
    """Return the columns that are other settings of a run."""
    present = by_key(names)
    return [present[name] for name in SETTING_NAMES if name in present]


_CONFIG_KEYS = {"reasoning_effort": "effort", "reasoning_tokens": "budget", "max_tokens": "max_tokens"}
"""Key of a config object → column meaning."""

_TEXTS = ("answer", "effort", "model", "run", "draw", "log")
_COUNTS = ("budget", "max_tokens", "seed")
TOKENS = ("thinking_tokens", "generated_tokens", "prompt_tokens")
"""Measured counts. Public logs hold negative ones (a provider's error): those are unknown."""


class TypedTable(NamedTuple):
    """A table by meaning.

    Attributes:
        rows: Typed columns, null where the table has none.
        notes: What was read as unknown, for the report.
    """

    rows: pl.DataFrame
    notes: tuple[str, ...]


def typed_columns(
    cells: pl.DataFrame, columns: dict[str, str], *, name: str, settings: Sequence[str] = ()
) -> TypedTable:
    """All columns by meaning, typed; null where the table has none.

    Args:
        cells: The table without conversion.
        columns: Meaning → column, from :func:`overthink.storage.tables.columns.match_columns`.
        name: Task name for a table that names none.
        settings: Columns that are other settings of a run.

    Raises:
        InputError: Some cells are invalid; their rows are named.
    """
    own = {meaning: cells[column] for meaning, column in columns.items()}
    read = {meaning: texts(own[meaning]) for meaning in _TEXTS if meaning in own}
    read |= {meaning: whole_numbers(own[meaning]) for meaning in _COUNTS if meaning in own}
    counts, notes = measured_counts({meaning: own[meaning] for meaning in (*TOKENS, *TEXT_MEANINGS) if meaning in own})
    read |= counts
    if "seconds" in own:
        time = quantities(own["seconds"])
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
    if "config" in own or settings:
        _read_config(own.get("config"), [cells[column] for column in settings], read)
    if "effort" in read:
        read["effort"] = read["effort"].str.to_lowercase()
    ends = endings(own.get("stop"), own.get("limit"), rows=cells.height)
    read |= {"truncated": ends.truncated, "refused": ends.refused, "cut": ends.cut}
    if "error" in read:
        declined = read["error"].str.contains(REFUSAL_ERROR) & ~read["error"].str.contains(PROGRAM_ERROR)
        declined = declined.fill_null(value=False)
        read["refused"] = read["refused"].set(declined, value=True)
        read["error"] = read["error"].set(declined, None)
    read["ungraded"] = (texts(own["value"]) == "N").fill_null(value=False)
    if ends.unknown_words:
        words = ", ".join(f"{word[:40]!r} ({count} rows)" for word, count in sorted(ends.unknown_words.items())[:5])
        notes.append(f"Reasons of an end without a known meaning are read as unknown: {words}.")
    notes += ends.notes
    if "response" in own:
        read["empty"] = ~own["response"]
    table = pl.DataFrame({meaning: series.alias(meaning) for meaning, series in read.items()})
    defaults = {"task": name, "arm": "base", "scorer": columns["value"], "other": ""}
    missing = {meaning: kind for meaning, kind in _TYPES.items() if meaning not in read}
    rows = table.with_columns(pl.lit(defaults.get(m), dtype=kind).alias(m) for m, kind in missing.items())
    uncounted = _uncounted(rows)
    if uncounted.any():
        rows = rows.with_columns(thinking_tokens=rows["thinking_tokens"].set(uncounted, None))
        notes.append(
            f"{uncounted.sum()} of {rows.height} rows count 0 thinking tokens though thinking was asked for, as all of "
            "their arm do; their count is read as unknown."
        )
    return TypedTable(rows, tuple(notes))


_TYPES = (
    dict.fromkeys((*_TEXTS, "question", "task", "arm", "scorer", "error", "axis", "estimand", "other"), pl.String)
    | dict.fromkeys((*_COUNTS, *TOKENS), pl.Int64)
    | dict.fromkeys(("seconds", "value", "verifier_score"), pl.Float64)
    | {"empty": pl.Boolean}
)
"""Type of the column of each meaning; ``other`` is the rest of a config, ``empty`` whether a response has no text."""


def measured_counts(own: Mapping[str, pl.Series]) -> tuple[dict[str, pl.Series], list[str]]:
    """Return token counts by meaning, and notes on those that are no measurement and read as unknown.

    Args:
        own: Cells of the counts; and whether there is a text, for a response and its reasoning.

    Raises:
        InputError: A count is no whole number; its row is named.
    """
    read, notes, negative = {}, [], 0
    for meaning in TOKENS:
        if meaning in own:
            counts = quantities(digits(own[meaning]))
            read[meaning] = whole_numbers(counts.set(counts < 0, None))
            negative += int((counts < 0).sum())
    if negative:
        notes.append(f"{negative} token counts are negative; they are read as unknown.")
    for meaning, text in (("thinking_tokens", "reasoning"), ("generated_tokens", "response")):
        if meaning in read and text in own:
            wrong = ((read[meaning] == 0) & own[text]).fill_null(value=False)
            if wrong.any():
                read[meaning] = read[meaning].set(wrong, None)
                known = len(wrong) - read[meaning].null_count()
                notes.append(
                    f"{wrong.sum()} of {len(wrong)} rows count 0 tokens in {own[meaning].name} beside a text in "
                    f"{own[text].name}; their count is read as unknown, and known for {known} rows."
                )
    return read, notes


def _uncounted(rows: pl.DataFrame) -> pl.Series:
    """Return in which rows 0 thinking tokens measure nothing: their arm counts none, though thinking was asked for."""
    asked = (pl.col("budget") > 0) | ~pl.col("effort").is_in(["none", "minimal"])
    never = (pl.col("thinking_tokens").max() == 0) & asked.fill_null(value=False).any()
    wrong = never.over("task", "arm") & (pl.col("thinking_tokens") == 0)
    return rows.select(wrong.fill_null(value=False).alias("wrong"))["wrong"]


def _read_config(cells: pl.Series | None, settings: Sequence[pl.Series], read: dict[str, pl.Series]) -> None:
    """Fill effort, budget and cap from the config, where no column states them; keep the rest as text."""
    height = len(read["value"])
    cells = pl.repeat(None, height, dtype=pl.String, eager=True) if cells is None else texts(cells)
    configs = objects(cells)
    for key, meaning in _CONFIG_KEYS.items():
        config_values = _replaced(cells, {cell: _plain(config.get(key)) for cell, config in configs.items()})
        value = texts(config_values) if meaning == "effort" else whole_numbers(config_values)
        read[meaning] = pl.select(pl.coalesce(read[meaning], value)).to_series() if meaning in read else value
    rest = {
        cell: {key: value for key, value in config.items() if key not in _CONFIG_KEYS}
        for cell, config in configs.items()
    }
    parts = pl.DataFrame({"config": cells, **{setting.name: texts(setting) for setting in settings}})
    distinct = parts.unique(maintain_order=True)
    others = [
        _other(rest.get(config, {}), row)
        for config, row in zip(distinct["config"], distinct.drop("config").iter_rows(named=True), strict=True)
    ]
    distinct = distinct.with_columns(other=pl.Series(others, dtype=pl.String))
    read["other"] = parts.join(distinct, on=parts.columns, how="left", nulls_equal=True, maintain_order="left")["other"]


def _other(config: Mapping[str, object], settings: Mapping[str, str | None]) -> str:
    """Return the settings of a run beside its amount of thinking, as text; "" without any."""
    stated = {name: value for name, value in settings.items() if value is not None}
    return json.dumps({**config, **stated}, sort_keys=True) if config or stated else ""


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
