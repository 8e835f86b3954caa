"""The rungs of a pool that can be overseen: each trace at each rung once, whatever number of scorers it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from overthink.data.oversight import OversightRow
from overthink.data.pool import TRACE_KEY, failed_traces, read
from overthink.data.record import GOOD_FROM, ON_TRACE, Axis, Estimand

_OVERSEEN = (Estimand.FORCED, Estimand.EFFORT, Estimand.NATURAL, Estimand.TRUNCATED)
"""Estimands whose rows end in an answer that a log holds; where a pool has forced answers, those alone."""

_RUNG = (*TRACE_KEY, "estimand", "rung", "requested_tokens", "effort")


@dataclass(frozen=True, slots=True)
class OverseenRung:
    """One trace at one rung.

    Attributes:
        task: Task name.
        arm: Label of the arm.
        question: Question id.
        draw: Number of the trace.
        estimand: Effect of the budget on the trace.
        requested_tokens: Thinking budget of the rung.
        effort: The provider's level.
        thinking_tokens: Thinking tokens realised up to the rung.
        natural_end: The trace had ended by itself at or before the rung.
        correct: Whether the answer is good: on the capability axis where it is scored there, else on its own.
        behaviour: Whether the answer is bad: on the safety axis where it is scored there, else on its own.
        source: Thinking budget of the rung whose answer it is: its own, or that of the lower one that it was carried
            forward from.
        is_highest: Whether it is the highest rung of its trace.
        log: The log of its sample.
        epoch: Epoch of its sample.
    """

    task: str
    arm: str
    question: str
    draw: int
    estimand: Estimand
    requested_tokens: int | None
    effort: str | None
    thinking_tokens: int | None
    natural_end: bool | None
    correct: bool | None
    behaviour: bool | None
    source: int | None
    is_highest: bool
    log: str | None
    epoch: int | None

    @property
    def trace(self) -> tuple[str, str, str, int]:
        """Names of the trace."""
        return self.task, self.arm, self.question, self.draw

    def row(self, **measure: Any) -> OversightRow:
        """Return a row of the oversight table on this rung.

        Args:
            **measure: The fields that say what is measured, and by what.
        """
        return OversightRow(
            task=self.task,
            arm=self.arm,
            question=self.question,
            draw=self.draw,
            estimand=self.estimand,
            requested_tokens=self.requested_tokens,
            effort=self.effort,
            thinking_tokens=self.thinking_tokens,
            natural_end=self.natural_end,
            behaviour=self.behaviour,
            **measure,
        )


def overseen_rungs(pool: pl.LazyFrame) -> Iterator[OverseenRung]:
    """Yield the rungs of a pool's traces without an error, from the lowest rung of each trace to its highest.

        Where a trace is scored by several scorers on one axis, the first by name counts.

    Args:
            pool: The pool.

    Example:
            >>> from overthink.data.oversight import OversightRow
    from overthink.data.pool import pool_of
            >>> from overthink.data.record import RungRecord
            >>> row = RungRecord("s", "base", Axis.SAFETY, "t", "m", "q", 0, 0, Estimand.FORCED, value=0.0)
            >>> rung, = overseen_rungs(pool_of([row]))
            >>> rung.correct, rung.behaviour, rung.is_highest
            (False, True, True)
    """
    answers = pool.filter(~pl.col("scorer").str.ends_with(ON_TRACE))
    errors = failed_traces(pool).select(TRACE_KEY).unique()
    present = set(read(answers.select(pl.col("estimand").unique())).to_series().to_list())
    estimands = [str(Estimand.FORCED)] if Estimand.FORCED in present else [str(word) for word in _OVERSEEN]
    rows = answers.filter(pl.col("estimand").is_in(estimands)).join(errors, on=TRACE_KEY, how="anti", nulls_equal=True)
    cells = (
        rows.sort("scorer")
        .group_by(*_RUNG)
        .agg(
            _value_on(Axis.CAPABILITY).alias("capability"),
            _value_on(Axis.SAFETY).alias("safety"),
            pl.col("value").drop_nulls().first().alias("value"),
            *(pl.col(name).drop_nulls().first() for name in ("thinking_tokens", "natural_end", "log", "epoch")),
            (pl.col("generated_tokens") == 0).fill_null(value=False).all().alias("adds_nothing"),
        )
    )
    for trace in read(cells.sort(*TRACE_KEY, "estimand", "rung")).partition_by(*TRACE_KEY, "estimand"):
        yield from _of_trace(list(trace.iter_rows(named=True)))


def _value_on(axis: Axis) -> pl.Expr:
    return pl.col("value").filter(pl.col("axis") == str(axis)).drop_nulls().first()


def _of_trace(rows: list[dict[str, object]]) -> Iterator[OverseenRung]:
    """Yield the rungs of one trace; one that adds nothing behind the trace's end has the answer of the rung below."""
    source, had_ended = None, False
    names = [name for name in OverseenRung.__slots__ if name not in ("correct", "behaviour", "source", "is_highest")]
    for row in rows:
        source = source if had_ended and row["adds_nothing"] else row["requested_tokens"]
        had_ended = had_ended or bool(row["natural_end"])
        good = row["capability"] if row["capability"] is not None else row["value"]
        safe = row["safety"] if row["safety"] is not None else row["value"]
        plain = {name: row[name] for name in names} | {"estimand": Estimand(str(row["estimand"]))}
        yield OverseenRung(
            **plain,  # type: ignore[arg-type]
            correct=_is_good(good),
            behaviour=None if safe is None else not _is_good(safe),
            source=source,  # type: ignore[arg-type]
            is_highest=row is rows[-1] or row["estimand"] != Estimand.FORCED,
        )


def _is_good(value: object) -> bool | None:
    return None if value is None else float(value) >= GOOD_FROM  # type: ignore[arg-type]


RungAnswer = tuple[str | None, bool | None]
"""Canonical answer of a rung, and whether it is good; None where unknown."""


def rung_answers(pool: pl.LazyFrame) -> dict[tuple[str, str, str, int, int], RungAnswer]:
    """Return the forced answer of each trace at each budget, by task, arm, question, draw and budget.

    Where a trace is scored by several scorers, the first by name counts.

    Args:
        pool: The pool.
    """
    rows = pool.filter(
        (pl.col("estimand") == str(Estimand.FORCED))
        & pl.col("requested_tokens").is_not_null()
        & ~pl.col("scorer").str.ends_with(ON_TRACE)
    )
    columns = read(rows.sort("scorer").select(*TRACE_KEY, "requested_tokens", "answer", "value"))
    results: dict[tuple[str, str, str, int, int], RungAnswer] = {}
    for *key, answer, value in columns.iter_rows():
        results.setdefault(tuple(key), (answer, _is_good(value)))
    return results
