"""How the answers of a table ended: the words of tools and providers for a limit, a filter and a natural end."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from overthink.storage.tables.cells import texts, word_set

CUT = word_set(
    """length max_length max_token max_tokens max_output_tokens max_completion_tokens max_new_tokens model_length
    model_context_window_exceeded context context_length context_length_exceeded context_window context_window_exceeded
    max_len max_context token tokens token_limit truncated incomplete cut time time_limit message messages
    message_limit turn turns turn_limit max_turns max_steps working working_limit cost cost_limit operator
    custom limit"""
)
"""A limit ended the answer."""

REFUSED = word_set(
    """content_filter content_filtered content_filter_error content_policy content_policy_violation refusal refused
    safety image_safety blocked blocklist prohibited_content spii recitation guardrail guardrail_intervened"""
)
"""A filter or the model itself withheld the answer."""

NATURAL = word_set(
    """stop stopped end end_turn end_of_text eos eos_token stop_sequence stop_string complete completed finished finish
    done natural tool_call tool_calls tool_use function_call"""
)
"""The answer ended by itself."""

GEMINI_CODES: dict[float, str] = {
    1: "stop",
    2: "max_tokens",
    3: "safety",
    4: "recitation",
    7: "blocklist",
    8: "prohibited_content",
}
"""Codes of Gemini's FinishReason whose meaning is the same, or alike, in both of its interfaces.

0 and 5 say nothing; 6 is a language or a blocklist, and 9 private data or a malformed call, by the interface.
"""

_PLAIN_CUT = CUT - word_set(
    "context token tokens cut time message messages turn turns working cost operator custom limit"
)
"""Words of a limit that name nothing else, where no name of a column says what they are about."""

_MOST_WORDS = 12

_TRUE = word_set("true yes y t 1 1.0")
_FALSE = word_set("false no n f 0 0.0")
"""Cells of a flag; a table with empty cells holds its 0 and 1 as 0.0 and 1.0."""


FLAGS = _TRUE | _FALSE
"""Cells of a flag, in lower case."""


class Endings(NamedTuple):
    """How each answer ended.

    Attributes:
        truncated: Whether a limit ended it; null where unknown.
        refused: Whether it was withheld; null where unknown.
        cut: Whether the reason of its end is a limit on the output; null where unknown.
        unknown_words: Words without a known meaning, with their rows.
        notes: How a column was read whose cells alone do not say it, or why it was not, for the report.
    """

    truncated: pl.Series
    refused: pl.Series
    cut: pl.Series
    unknown_words: dict[str, int]
    notes: tuple[str, ...] = ()


def ending_word(text: str) -> str:
    """Return a reason as the word of the lists above.

    Example:
        >>> ending_word("FinishReason.MAX_TOKENS"), ending_word("content-filter"), ending_word("FINISH_REASON_STOP")
        ('max_tokens', 'content_filter', 'stop')
    """
    word = re.sub(r"[^a-z]+", "_", text.strip(" .").lower().rpartition(".")[2]).strip("_")
    return re.sub(r"^((finish|stop|done)_)?reason_(?=.)", "", word)


def ending_column(table: pl.LazyFrame, names: Sequence[str]) -> str | None:
    """Return the first column of texts whose every word is that of an end, natural ones and cut ones; None without any.

    Args:
        table: The whole table.
        names: Columns whose names say nothing of an end.

    Example:
        >>> rows = pl.LazyFrame({"set": ["length", "color"], "finish": ["stop", "max_tokens"]})
        >>> ending_column(rows, ["set", "finish"])
        'finish'
    """
    schema = table.collect_schema()
    columns = [name for name in names if schema[name] in (pl.String, pl.Categorical, pl.Enum)]
    if not columns:
        return None
    sizes = table.select(pl.col(columns).approx_n_unique()).collect(engine="streaming").row(0, named=True)
    for name in columns:
        if 1 < sizes[name] <= _MOST_WORDS:
            cells = texts(table.select(name).unique().collect(engine="streaming")[name])
            words = {ending_word(cell) for cell in cells.drop_nulls()}
            if words <= CUT | REFUSED | NATURAL and words & _PLAIN_CUT and words & NATURAL:
                return name
    return None


def endings(reasons: pl.Series | None, limits: pl.Series | None, *, rows: int) -> Endings:
    """Return how each answer ended.

    A column of limits names the limit that ended an answer, so an empty cell beside others says that none did. A column
    of reasons names every end; an empty cell is unknown there, unless no cell of the column names a natural end: then
    it is a column of limits.

    Args:
        reasons: Reasons why the outputs ended, in the words of any tool; None without such a column.
        limits: Limits that ended them; None without such a column.
        rows: Number of rows.
    """
    known = [_of_column(cells, is_limit=cells is limits) for cells in (reasons, limits) if cells is not None]
    unknown_words: dict[str, int] = {}
    for ending in known:
        unknown_words |= ending.unknown_words
    nothing = pl.Series([None], dtype=pl.Boolean).new_from_index(0, rows)
    if not known:
        return Endings(nothing, nothing, nothing, {})
    truncated, refused = (_either(*parts) for parts in zip(*(ending[:2] for ending in known), strict=True))
    of_output = nothing if reasons is None else known[0].truncated
    return Endings(truncated, refused, of_output, unknown_words, tuple(note for each in known for note in each.notes))


def _either(first: pl.Series, second: pl.Series | None = None) -> pl.Series:
    return first if second is None else first | second


_CODES = (
    "The numbers in column {name} are read as Gemini's FinishReason: 1 stop, 2 a limit, 3, 4, 7 and 8 a filter, others "
    "unknown. If they are something else, write the words: stop, length or content_filter."
)
_FLAG = (
    "Column {name} holds nothing but true and false, or 1 and 0, and is not read: it does not say which of them is a "
    "cut answer. Write the words, stop or length, or call it truncated if true means cut."
)
_SETTING = (
    "Column {name} holds numbers above 1 and is not read: a limit that was set does not say which answers met it. "
    "A column truncated (true or false) or finish_reason (a word) would."
)


def _of_column(cells: pl.Series, *, is_limit: bool) -> Endings:
    stated = texts(cells)
    distinct = [cell for cell in stated.unique().to_list() if cell is not None]
    nothing = pl.Series([None], dtype=pl.Boolean).new_from_index(0, len(cells))
    values = [float(cell) for cell in distinct if _is_number(cell)]
    words = {cell: ending_word(cell) for cell in distinct}
    notes: tuple[str, ...] = ()
    if is_limit and max(values, default=0) > 1:  # a limit of 4096 tokens is a setting, and says nothing of an answer
        return Endings(nothing, nothing, nothing, {}, (_SETTING.format(name=cells.name),))
    if is_limit:
        words |= {cell: "" for cell in distinct if cell.lower() in _FALSE}
        words |= {cell: "limit" for cell in distinct if cell.lower() in _TRUE}
    elif distinct and len(values) == len(distinct) and max(values) > 1:
        words, notes = (
            {cell: GEMINI_CODES.get(float(cell), "?") for cell in distinct},
            (_CODES.format(name=cells.name),),
        )
    elif distinct and all(cell.lower() in _TRUE | _FALSE for cell in distinct):
        return Endings(nothing, nothing, nothing, {}, (_FLAG.format(name=cells.name),))
    names_natural_ends = any(word in NATURAL for word in words.values())
    empty = False if distinct and (is_limit or not names_natural_ends) else None
    truncated: dict[str, bool | None] = {}
    refused: dict[str, bool | None] = {}
    for cell, word in words.items():
        is_known = word in CUT | REFUSED | NATURAL or not word
        truncated[cell] = word in CUT if is_known else (True if is_limit else None)
        refused[cell] = word in REFUSED if is_known or is_limit else None
    counts = stated.value_counts(name="rows").rows()
    unknown = {cell: int(n) for cell, n in counts if cell is not None and refused[cell] is None}
    cut = _replaced(stated, truncated, empty)
    return Endings(cut, _replaced(stated, refused, empty), cut, unknown, notes)


def _replaced(cells: pl.Series, words: dict[str, bool | None], empty: bool | None) -> pl.Series:
    read = cells.replace_strict(
        list(words), pl.Series(list(words.values()), dtype=pl.Boolean), default=None, return_dtype=pl.Boolean
    )
    return read if empty is None else read.set(cells.is_null(), empty)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
