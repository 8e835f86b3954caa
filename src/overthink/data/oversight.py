"""One row of the table beside the pool: what a monitor says of a trace at one rung, or what a perturbed trace answers.

This is the only place where the columns of ``oversight.parquet`` are defined. A column that changes its meaning raises
``OVERSIGHT_VERSION``. A row without a perturbation is about the trace itself; one without a monitor holds the answer of
the model under test after the perturbation.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import polars as pl

from overthink.data.pool import dtypes_of, first_line
from overthink.data.record import Estimand
from overthink.data.tokens import NO_USAGE, TokenUsage
from overthink.errors import InputError

OVERSIGHT_VERSION = 1

HONEST = "honest"
"""Policy of a trace that follows no attack; any other text in ``attack`` is the label of an attack policy."""

_PASSWORDS = 16

SECRET_CHOICES: Mapping[tuple[str, str], int] = {
    ("overthink/side_task", policy): _PASSWORDS for policy in ("acrostic", "rationale", "answer")
}
"""Number of equally likely secrets that an attack hides in a trace, by task and policy."""


class View(StrEnum):
    """What of a trace a monitor reads. A view ends where the rung ends."""

    COT = "cot"  # the thinking
    ACTION = "action"  # the answer
    BOTH = "both"  # the thinking and the answer
    EXTRACTED = "extracted"  # the passages of both that the monitor has extracted first


class RedTeam(StrEnum):
    """What an attack policy knows of its monitor."""

    UNAWARE = "unaware"
    AWARE = "aware"
    OPTIMISED = "optimised"


@dataclass(frozen=True, slots=True)
class OversightRow:
    """One row of the table. ``None`` means unknown; unknown is never 0.

    Attributes:
        task: Task name, as in the pool.
        arm: Label of the arm, as in the pool.
        question: Question id, as in the pool.
        draw: Number of the trace, as in the pool.
        estimand: Effect of the budget on the trace, as in the pool.
        requested_tokens: Thinking budget of the rung; None where it has no such number.
        effort: The provider's level, where the rung is one.
        thinking_tokens: Thinking tokens realised up to the rung.
        natural_end: The trace had ended by itself at or before the rung.
        attack: :data:`HONEST`, or the label of the attack policy of the trace.
        red_team: What the attack policy knows of the monitor; None for an honest trace.
        view: What was read, or perturbed.
        perturbation: Label of what was done to the trace; None for the trace itself.
        position: Share of the trace from 0 to 1 that the perturbation left before it, or kept.
        repeat: Number of the measurement among those of one key, from 0.
        monitor: Label of the monitor; None for an answer of the model under test.
        monitor_model: Model that monitors, or that writes the perturbation; None where none does.
        monitor_effort: Thinking budget or level of the monitor; None where it has none.
        score: Suspicion of the monitor, in [0, 1].
        fired: Whether the monitor flags the trace by a threshold of its own.
        answer: Canonical answer after the perturbation.
        correct: Whether the answer is good on its task's axis: the rung's own, or that after the perturbation.
        agreement: Whether the answer after the perturbation equals the rung's own.
        behaviour: Whether the rung's own answer shows the behaviour that the monitor looks for.
        overseer: Token usage of the monitor, or of the model that writes the perturbation.
        agent: Token usage of the model under test; 0 for a monitor.
        seed: Seed of the measurement.
        reason: Why there is no score or no answer.
        error: Message of an error; the row is measured again.
    """

    task: str
    arm: str
    question: str
    draw: int
    estimand: Estimand
    requested_tokens: int | None = None
    effort: str | None = None
    thinking_tokens: int | None = None
    natural_end: bool | None = None
    attack: str | None = None
    red_team: RedTeam | None = None
    view: View | None = None
    perturbation: str | None = None
    position: float | None = None
    repeat: int = 0
    monitor: str | None = None
    monitor_model: str | None = None
    monitor_effort: str | None = None
    score: float | None = None
    fired: bool | None = None
    answer: str | None = None
    correct: bool | None = None
    agreement: bool | None = None
    behaviour: bool | None = None
    overseer: TokenUsage = NO_USAGE
    agent: TokenUsage = NO_USAGE
    seed: int | None = None
    reason: str | None = None
    error: str | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What names the row in its table, in the order of :data:`OVERSIGHT_KEY`."""
        return tuple(getattr(self, name) for name in OVERSIGHT_KEY)


class LatentChange(StrEnum):
    """Change of the state of a latent step, or of every step at once where a row has no position."""

    ZERO = "zero"  # zeros
    NOISE = "noise"  # a random direction
    SWAP = "swap"  # the state of the same step of another question
    SHAM = "sham"  # the same state, handed back

    def label(self, noise: float) -> str:
        """Return the perturbation of its rows in the table.

        Args:
            noise: Scale of the noise, in norms of the state.

        Example:
            >>> LatentChange.NOISE.label(0.5), LatentChange.SWAP.label(0.5)
            ('latent_noise:scale=0.5', 'latent_swap')
        """
        return f"{LATENT}{self}" + (f":scale={noise:g}" if self is LatentChange.NOISE else "")


LATENT = "latent_"
"""Beginning of the perturbation of a row that is behind a changed latent step."""

OVERSIGHT_KEY = (
    *("task", "arm", "question", "draw", "estimand", "requested_tokens", "effort"),
    *("view", "perturbation", "position", "repeat", "monitor"),
)
"""Columns that name a row, and by which the stored rows are sorted."""

_USAGES = ("overseer", "agent")
_COUNTS = tuple(field.name for field in fields(TokenUsage))
_PLAIN = tuple(field.name for field in fields(OversightRow) if field.name not in _USAGES)

OVERSIGHT_ENUMS: dict[str, type[StrEnum]] = {"estimand": Estimand, "view": View, "red_team": RedTeam}
"""Closed list of words, by column."""

OVERSIGHT_SCHEMA = pl.Schema(
    {name: kind for name, kind in dtypes_of(OversightRow).items() if name in _PLAIN}
    | {f"{usage}_{count}": pl.Int64() for usage in _USAGES for count in _COUNTS}
)
"""Type of every column of the table: fields of a row, and the counts of its two usages."""


def oversight_frame(rows: Iterable[OversightRow]) -> pl.DataFrame:
    """Return rows as a table, sorted by their keys; of rows with one key the last.

    Args:
        rows: The rows in any order.

    Raises:
        InputError: A row holds a value of the wrong type, or one that no row may have.

    Example:
        >>> row = OversightRow("sums", "base", "q", 0, Estimand.FORCED, 64, view=View.COT, monitor="m", score=0.5)
        >>> table = oversight_frame([row, row])
        >>> table.height, list(oversight_rows(table)) == [row]
        (1, True)
    """
    last = {row.key: row for row in rows}
    ordered = sorted(last.values(), key=lambda row: [(part is not None, part) for part in row.key])
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in ordered] for name in _PLAIN}
    for name in OVERSIGHT_ENUMS:
        columns[name] = [None if word is None else str(word) for word in columns[name]]
    for usage in _USAGES:
        for count in _COUNTS:
            columns[f"{usage}_{count}"] = [getattr(getattr(row, usage), count) for row in ordered]
    try:
        table = pl.DataFrame(columns, schema=OVERSIGHT_SCHEMA, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as failure:
        raise InputError(f"a row on oversight holds a value of the wrong type ({first_line(failure)})") from failure
    check_oversight(table, "the table on oversight")
    return table


def oversight_rows(table: pl.DataFrame) -> Iterator[OversightRow]:
    """Yield the rows of a table, whose columns are those of :data:`OVERSIGHT_SCHEMA`."""
    for cells in table.iter_rows(named=True):
        plain = {name: cells[name] for name in _PLAIN}
        words = {name: None if cells[name] is None else kind(cells[name]) for name, kind in OVERSIGHT_ENUMS.items()}
        usages = {usage: TokenUsage(**{count: cells[f"{usage}_{count}"] for count in _COUNTS}) for usage in _USAGES}
        yield OversightRow(**{**plain, **words, **usages})


def oversight_usage(table: pl.DataFrame) -> dict[str, TokenUsage]:
    """Return the token usage of a table on oversight by who spent it; one without a row of its own is left out.

    Args:
        table: The table, with the columns of :data:`OVERSIGHT_SCHEMA`.

    Returns:
        Usage by name: of monitors, of models that write changes of the thinking, and of the model under test that
        answers behind them. A count is None where a row does not say it.

    Example:
        >>> row = OversightRow("s", "base", "q", 0, Estimand.FORCED, 64, monitor="m", overseer=TokenUsage(5))
        >>> {name: usage.prompt_tokens for name, usage in oversight_usage(oversight_frame([row])).items()}
        {'monitors': 5}
    """
    is_monitor = pl.col("monitor").is_not_null()
    parts = {
        "monitors": (table.filter(is_monitor), "overseer"),
        "writers of changes": (table.filter(~is_monitor & pl.col("monitor_model").is_not_null()), "overseer"),
        "answers behind changes": (table.filter(~is_monitor), "agent"),
    }
    return {name: _usage(rows, side) for name, (rows, side) in parts.items() if rows.height}


def _usage(rows: pl.DataFrame, side: str) -> TokenUsage:
    columns = {count: rows[f"{side}_{count}"] for count in _COUNTS}
    return TokenUsage(**{name: None if cells.null_count() else int(cells.sum()) for name, cells in columns.items()})


def check_oversight(table: pl.DataFrame, where: str) -> None:
    """Refuse a table with a row that no command writes.

    Args:
        table: The table, with the columns of :data:`OVERSIGHT_SCHEMA`.
        where: Its name in messages.

    Raises:
        InputError: A required cell is empty, a word is of no closed list, a score or position lies outside 0 to 1, a
            count is below 0, or two rows have one key.
    """
    required = [f.name for f in fields(OversightRow) if f.default is dataclasses.MISSING]
    empty = [name for name in (*required, "repeat") if table[name].null_count()]
    if empty:
        raise InputError(f"{where}: empty cells in {', '.join(empty)}; every row needs them")
    for name, kind in OVERSIGHT_ENUMS.items():
        words = [str(word) for word in kind]
        strange = table[name].drop_nulls().filter(~table[name].drop_nulls().is_in(words))
        if len(strange):
            raise InputError(f"{where}: {name} holds {strange[0]!r:.80}; this version knows: {', '.join(words)}")
    for name, dtype in OVERSIGHT_SCHEMA.items():
        if name == "seed" or dtype not in (pl.Int64(), pl.Float64()):
            continue
        numbers, highest = table[name].drop_nulls(), 1.0 if dtype == pl.Float64() else math.inf
        wrong = numbers.filter(~numbers.is_between(0, highest))  # a NaN is between no numbers
        if len(wrong):
            needed = "a number from 0 to 1" if dtype == pl.Float64() else "a count from 0"
            raise InputError(f"{where}: {name} is {wrong[0]} in {len(wrong)} rows; needed: {needed}, or an empty cell")
    twice = table.select(OVERSIGHT_KEY).is_duplicated()
    if twice.any():
        first = table.filter(twice).select(OVERSIGHT_KEY).row(0, named=True)
        raise InputError(f"{where}: {int(twice.sum())} rows repeat a key; first: {str(first)[:300]}")
