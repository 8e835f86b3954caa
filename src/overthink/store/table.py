"""A plain table from elsewhere, read as a pool: question, value, and a draw or a budget are enough."""

from collections import defaultdict
from pathlib import Path

import polars as pl

from overthink.core.layout import Run, Seat, lay_out
from overthink.core.reading import Reading
from overthink.core.record import Axis, Estimand, RungRecord, Verdict
from overthink.core.rungs import Setting
from overthink.core.usage import split_output
from overthink.core.verdict import verdict_of
from overthink.errors import InputError
from overthink.plan import HIGH_WORDS
from overthink.store.columns import ALIASES, match_columns, numbers
from overthink.store.draws import number_draws
from overthink.store.table_files import read_cells
from overthink.store.typed import TOKENS, typed_columns

_CUT_OFF = ("length", "max_tokens", "token", "tokens")
"""Reasons to stop that mean the output was cut."""

_WHOLE = (Estimand.EFFORT, Estimand.NATURAL)
"""What a row of these took is a whole attempt; elsewhere a row may go on from another."""


def read_table(path: Path, *, axis: str | None = None, high: str | None = None) -> Reading:
    """Read a plain table (.parquet, .csv, .jsonl, .json) as rows of a pool.

    The names of columns that are known are in :data:`overthink.store.columns.ALIASES`. Rows of one task and
    arm that differ only in reasoning effort, reasoning tokens or max tokens become the rungs of an effort
    curve, by the rules of :func:`overthink.core.rungs.place_settings`; several runs of one setting become
    more draws. A row without a score, or with an error, has no value and the verdict ``errored``.

    Args:
        path: The table.
        axis: What it measures, where it has no such column: "capability" (if None), "safety" or "benign".
        high: What a high value means, such as "safe" or "harm"; needed where ``axis`` is safety or benign.
            A table with an axis column holds 1 = correct, safe or answered.

    Returns:
        The rows, and notes on all that was assumed.

    Raises:
        InputError: The table cannot be read, lacks a column, or holds cells that mean nothing; rows are
            named.
    """
    cells = read_cells(path)
    try:
        columns = match_columns(cells.columns)
        rows = typed_columns(cells, columns, name=path.stem)
        flip = _polarity(columns, axis, high)
        if "axis" not in columns:
            rows = rows.with_columns(axis=pl.lit(axis or Axis.CAPABILITY.value))
        seats = _seats(rows)
        rows = _seated(rows, seats, stated="estimand" in columns)
        rows = number_draws(rows)
    except InputError as failure:
        raise InputError(f"{path}: {failure}") from failure
    records = _records(rows, flip=flip, study=path.stem, has_answers="answer" in columns)
    return Reading(
        tuple(records), tuple(_notes(rows, cells, columns, {seat.arm for seat in seats if seat.apart}, axis))
    )


def _polarity(columns: dict[str, str], axis: str | None, high: str | None) -> bool:
    """Whether values are turned round, so that 1 is the good end."""
    if axis is None:
        if high is not None:
            raise InputError(f"high={high} was given without an axis; needed: {' | '.join(HIGH_WORDS)}")
        return False
    if axis not in HIGH_WORDS:
        raise InputError(f"unknown axis {axis!r}; needed: {' | '.join(HIGH_WORDS)}")
    if "axis" in columns:
        raise InputError(f"the table states its axis in column {columns['axis']!r}; leave the given {axis!r} out")
    good, bad = HIGH_WORDS[axis]
    if high is None and axis == Axis.CAPABILITY:
        return False
    if high not in (good, bad):
        raise InputError(f"a high value on the {axis} axis may mean {good} or {bad}; seen: {high}; say which")
    return high == bad


def _seats(rows: pl.DataFrame) -> list[Seat]:
    """The seat of every row."""
    groups: dict[tuple[str, str, Setting, str], list[int]] = defaultdict(list)
    for i, (task, arm, effort, budget, cap, other) in enumerate(
        rows.select("task", "arm", "effort", "budget", "max_tokens", "other").iter_rows()
    ):
        groups[task, arm, Setting(effort, budget, cap), other].append(i)
    usage = list(rows.select("thinking_tokens", "generated_tokens").iter_rows())
    runs = [
        Run(task, arm, setting, {"config": other} if other else {}, [usage[i] for i in members])
        for (task, arm, setting, other), members in groups.items()
    ]
    seats: dict[int, Seat] = {}
    for members, seat in zip(groups.values(), lay_out(runs), strict=True):
        seats |= dict.fromkeys(members, seat)
    return [seats[i] for i in range(rows.height)]


def _seated(rows: pl.DataFrame, seats: list[Seat], *, stated: bool) -> pl.DataFrame:
    rows = rows.with_columns(
        arm=pl.Series([seat.arm for seat in seats]),
        rung=pl.Series([seat.rung for seat in seats]),
        effort=pl.Series([seat.effort for seat in seats], dtype=pl.String),
        budget=pl.Series([seat.requested_tokens for seat in seats], dtype=pl.Int64),
        apart=pl.Series([seat.apart for seat in seats]),
    )
    return rows if stated else rows.with_columns(estimand=pl.Series([seat.estimand.value for seat in seats]))


def _records(rows: pl.DataFrame, *, flip: bool, study: str, has_answers: bool) -> list[RungRecord]:
    records = []
    for row in rows.iter_rows(named=True):
        axis = Axis(row["axis"])
        value, error = row["value"], row["error"]
        if value is None and error is None:
            error = "no score in the table"
        if error is not None:
            value, verdict = None, Verdict.ERRORED
        else:
            value = 1 - value if flip else value
            abstained = has_answers and row["answer"] is None and axis is Axis.CAPABILITY
            verdict = Verdict.UNPARSED if abstained and value == 0 else verdict_of(value, axis)
        decoded, answer_tokens = split_output(row["thinking_tokens"], row["generated_tokens"], apart=row["apart"])
        records.append(
            RungRecord(
                study=study,
                arm=row["arm"],
                axis=axis,
                task=row["task"],
                scorer=row["scorer"],
                question=row["question"],
                draw=row["draw"],
                rung=row["rung"],
                estimand=Estimand(row["estimand"]),
                verdict=verdict,
                value=value,
                requested_tokens=row["budget"],
                thinking_tokens=row["thinking_tokens"],
                answer_tokens=answer_tokens,
                generated_tokens=decoded,
                prompt_tokens=row["prompt_tokens"],
                truncated=None if row["stop"] is None else row["stop"].lower() in _CUT_OFF,
                answer=row["answer"] if axis is Axis.CAPABILITY else None,
                seconds=row["seconds"],
                attempt_seconds=row["seconds"] if error is None and row["estimand"] in _WHOLE else None,
                verifier_score=row["verifier_score"],
                model=row["model"],
                effort=row["effort"],
                seed=row["seed"],
                error=error,
            )
        )
    return records


def _notes(
    rows: pl.DataFrame, cells: pl.DataFrame, columns: dict[str, str], apart: set[str], axis: str | None
) -> list[str]:
    notes = []
    if "axis" not in columns and axis is None:
        notes.append("The table states no axis; it is read as capability, 1 = correct. State another one with --axis.")
    if "estimand" not in columns and "budget" in columns:
        notes.append(
            "The table does not say how its budgets were imposed; they are read as the provider's own levels "
            "(estimand effort). A column estimand can say otherwise: forced, truncated, natural."
        )
    read = set(columns.values())
    doubles = [n for n in cells.columns if n not in read and any(n.lower() in aliases for aliases in ALIASES.values())]
    if doubles:
        notes.append(f"Columns left out, because another one with the same meaning was read: {', '.join(doubles)}.")
    negative = sum((numbers(cells[columns[m]]) < 0).sum() for m in TOKENS if m in columns)
    if negative:
        notes.append(f"{negative} token counts are negative; they are read as unknown.")
    unscored = rows.filter(pl.col("value").is_null() | pl.col("error").is_not_null()).height
    if unscored:
        notes.append(f"{unscored} of {rows.height} rows have an error or no score; they have no value, and are not 0.")
    if apart:
        notes.append(
            f"Thinking tokens are counted beside the output, and were added to it, for: {', '.join(sorted(apart))}."
        )
    return notes
