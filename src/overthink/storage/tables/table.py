"""Reading of a plain foreign table as a pool: question, value, and a draw or a budget are enough.

Draw numbers of the rows of a table.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import polars as pl

from overthink.data.arms_of_runs import ModelRun, ReportedTokens, assign_curves
from overthink.data.ladder import ThinkingSetting, level_name
from overthink.data.pool import COLUMNS, SCHEMA, PoolReading
from overthink.data.record import Axis, Estimand, Verdict, verdict_of
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.plan.stated_tasks import StatedTask
from overthink.storage.tables.axes import AxisOptions, with_axes
from overthink.storage.tables.columns import ALIASES, TOKENS, match_columns, numbers, typed_columns
from overthink.storage.tables.table_files import read_cells

_ARM = ["task", "axis", "scorer", "arm", "estimand"]
_CURVE = [*_ARM, "rung"]
_MAX_CODE = 2**62
_SETTING = ["task", "arm", "effort", "budget", "max_tokens", "other"]


def number_draws(rows: pl.DataFrame) -> pl.DataFrame:
    """Replace the column ``draw`` by numbers from 0.

    Draws that the table numbers keep their order, and the same draw at another rung keeps its number, so
    that rungs stay paired. Where a number repeats because several runs had the same setting, numbers
    continue from run to run. A table without draws counts the rows of each question.

    Raises:
        InputError: Rows repeat a question and a draw, with no run or seed to distinguish them.
    """
    if rows["draw"].is_null().all():
        return rows.with_columns(draw=pl.int_range(pl.len()).over([*_CURVE, "question"]))
    rows = rows.with_columns(order=pl.col("draw").cast(pl.Float64, strict=False))
    for scope, names in (
        (_ARM, ["order", "draw"]),
        (_CURVE, ["run", "order", "draw"]),
        (_CURVE, ["run", "seed", "order", "draw"]),
    ):
        if not _has_repeats(rows, [*_CURVE, "question", *(name for name in names if name != "order")]):
            return rows.with_columns(draw=_rank(rows, scope, names)).drop("order")
    duplicates = rows.select(*_CURVE, "question", "run", "seed", "draw").is_duplicated().arg_true().to_list()
    examples = ", ".join(str(row + 1) for row in duplicates[:8])
    raise InputError(
        f"{len(duplicates)} rows repeat a question and draw of the same arm and budget (rows {examples}); number "
        "the draws, or tell runs apart in a column run_id"
    )


def _rank(rows: pl.DataFrame, scope: list[str], names: list[str]) -> pl.Series:
    """Return the number of each row's combination of ``names`` among those of its ``scope``, in order."""
    scope, names = _varying(rows, scope), _varying(rows, names)
    if not names:
        return pl.repeat(0, rows.height, dtype=pl.Int64, eager=True)
    distinct = rows.select(*scope, *names).unique().sort(*names, nulls_last=False)
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    distinct = distinct.with_columns(number=number.over(scope) if scope else number)
    return _joined(rows, distinct)["number"]


def _varying(rows: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns with more than one value; others tell no rows apart, and take no memory."""
    return [name for name in names if rows[name].ne_missing(rows[name][0]).any()]


def _has_repeats(rows: pl.DataFrame, names: Sequence[str]) -> bool:
    """Return whether two rows have the same cells in these columns."""
    code, size = pl.Series([0], dtype=pl.Int64), 1
    for name in _varying(rows, names):
        cells = rows[name].cast(pl.Categorical).to_physical() if rows[name].dtype == pl.String else rows[name]
        place = cells.rank("dense").cast(pl.Int64).fill_null(0)
        size *= int(cast(int, place.max())) + 1
        if size > _MAX_CODE:
            return rows.select(names).is_duplicated().any()
        code = code * (int(cast(int, place.max())) + 1) + place
    return code.n_unique() < rows.height


def _joined(rows: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of each row's group; columns of both tell which that is."""
    keys = [name for name in groups.columns if name in rows.columns]
    return rows.select(keys).join(groups, on=keys, how="left", nulls_equal=True, maintain_order="left").drop(keys)


_CUT_REASONS = ("length", "max_tokens", "token", "tokens")
"""Stop reasons of truncated output."""

_WHOLE_ATTEMPT = (Estimand.EFFORT, Estimand.NATURAL)
"""Estimands whose rows are whole attempts; elsewhere a row may continue another."""


def read_table(
    path: Path,
    *,
    axis: str | None = None,
    high: str | None = None,
    tasks: tuple[StatedTask, ...] = (),
    max_rows: int | None = None,
) -> PoolReading:
    """Read a plain table (:mod:`overthink.storage.tables.table_files`) as rows of a pool.

    The names of columns that are known are in :data:`overthink.storage.tables.columns.ALIASES`. Rows of one task and
    arm that differ only in reasoning effort, reasoning tokens or max tokens become the rungs of an effort
    curve, by the rules of :func:`overthink.data.ladder.place_settings`; several runs of one setting become
    more draws. A row without a score, or with an error, has no value and the verdict ``errored``.

    Args:
        path: The table.
        axis: Its axis, where it has no such column: "capability" (if None), "safety" or "benign".
        high: Meaning of a high value, such as "safe" or "harm"; needed where ``axis`` is safety or benign.
            A table with an axis column holds 1 = correct, safe or answered.
        tasks: What is stated of single tasks, instead of axis and high.
        max_rows: Most rows to read; None for as many as memory allows.

    Returns:
        The rows, and notes on all assumptions.

    Raises:
        InputError: The table cannot be read, lacks a column, or holds invalid cells; rows are named.
    """
    names: list[str] = []
    columns: dict[str, str] = {}

    def choose(seen: Sequence[str]) -> Collection[str]:
        names.extend(seen)
        with _named(path):
            columns.update(match_columns(seen))
        return columns.values()

    cells = read_cells(path, choose=choose, max_rows=max_rows)
    with _named(path):
        rows = typed_columns(cells, columns, name=name_text(path.stem))
        axes = with_axes(rows, AxisOptions(axis, high, tasks), column=columns.get("axis"))
        rows = number_draws(_with_placements(axes.rows, has_estimand="estimand" in columns))
    notes = (*axes.notes, *_notes(rows, cells, columns, names))
    pool = _pool(rows, study=name_text(path.stem), has_answers="answer" in columns)
    return PoolReading(pool, notes, axes.stated)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in an error."""
    try:
        yield
    except InputError as failure:
        raise InputError(f"{path}: {failure}") from failure


def _with_placements(rows: pl.DataFrame, *, has_estimand: bool) -> pl.DataFrame:
    """Return the rows with arm, rung and estimand of their settings."""
    thinking, output = pl.col("thinking_tokens"), pl.col("generated_tokens")
    has_both = thinking.is_not_null() & output.is_not_null()
    keys = _varying(rows, _SETTING)
    sums = (
        *(pl.col(name).first() for name in _SETTING if name not in keys),
        has_both.sum().alias("n_both"),
        (thinking > output).sum().alias("n_above"),
    )
    groups = rows.group_by(keys, maintain_order=True).agg(sums) if keys else rows.select(sums)
    runs = [
        ModelRun(
            task,
            arm,
            ThinkingSetting(level_name(effort), budget, cap),
            {"config": other} if other else {},
            ReportedTokens(*counts),
        )
        for task, arm, effort, budget, cap, other, *counts in groups.select(*_SETTING, "n_both", "n_above").iter_rows()
    ]
    placements = assign_curves(runs)
    columns: dict[str, tuple[list[object], type[pl.DataType]]] = {
        "arm": ([placement.arm for placement in placements], pl.String),
        "rung": ([placement.rung for placement in placements], pl.Int64),
        "effort": ([placement.effort for placement in placements], pl.String),
        "budget": ([placement.requested_tokens for placement in placements], pl.Int64),
        "estimand": ([str(placement.estimand) for placement in placements], pl.String),
        "apart": ([placement.excludes_reasoning for placement in placements], pl.Boolean),
    }
    if has_estimand:
        del columns["estimand"]
    if not keys:
        return rows.with_columns(pl.lit(values[0], dtype=kind).alias(name) for name, (values, kind) in columns.items())
    placed = groups.select(keys).with_columns(pl.Series(f"placed {name}", *column) for name, column in columns.items())
    cells = _joined(rows, placed)
    return rows.with_columns(cells[f"placed {name}"].alias(name) for name in columns)


def _pool(rows: pl.DataFrame, *, study: str, has_answers: bool) -> pl.LazyFrame:
    """Return the rows as a pool, whose columns are computed where they are read."""
    no_score = pl.when(pl.col("value").is_null()).then(pl.lit("no score in the table"))
    read = rows.lazy().with_columns(error=pl.coalesce("error", no_score))
    value = pl.when("flip").then(1 - pl.col("value")).otherwise("value")
    read = read.with_columns(value=pl.when(pl.col("error").is_null()).then(value))
    thinking, output = pl.col("thinking_tokens"), pl.col("generated_tokens")
    is_capability = pl.col("axis") == str(Axis.CAPABILITY)
    within = pl.when(output >= thinking).then(output - thinking)
    whole_attempt = pl.col("estimand").is_in([str(estimand) for estimand in _WHOLE_ATTEMPT])
    read = read.with_columns(
        study=pl.lit(study),
        verdict=_verdict(has_answers=has_answers),
        requested_tokens=pl.col("budget"),
        answer_tokens=pl.when("apart").then(pl.when(thinking.is_not_null()).then(output)).otherwise(within),
        generated_tokens=pl.when("apart").then(thinking + output).otherwise(output),
        truncated=pl.col("stop").str.to_lowercase().is_in(_CUT_REASONS),
        answer=pl.when(is_capability).then("answer"),
        attempt_seconds=pl.when(pl.col("error").is_null() & whole_attempt).then("seconds"),
    )
    unknown = [name for name in COLUMNS if name not in read.collect_schema()]
    read = read.with_columns(pl.lit(None).alias(name) for name in unknown)
    return read.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def _verdict(*, has_answers: bool) -> pl.Expr:
    """Return the verdict on each row, whose value and error are settled."""
    axes = [str(axis) for axis in Axis]
    good, bad = (
        pl.col("axis").replace_strict(axes, [str(verdict_of(value, axis)) for axis in Axis]) for value in (1.0, 0.0)
    )
    verdict = pl.when(pl.col("value") >= 0.5).then(good).otherwise(bad)
    abstained = pl.col("answer").is_null() & (pl.col("axis") == str(Axis.CAPABILITY)) & (pl.col("value") == 0)
    if has_answers:
        verdict = pl.when(abstained).then(pl.lit(str(Verdict.UNPARSED))).otherwise(verdict)
    return pl.when(pl.col("error").is_not_null()).then(pl.lit(str(Verdict.ERRORED))).otherwise(verdict)


def _notes(
    rows: pl.DataFrame,
    cells: pl.DataFrame,
    columns: dict[str, str],
    names: Sequence[str],
) -> list[str]:
    notes = []
    if "estimand" not in columns and "budget" in columns:
        notes.append(
            "The table does not say how its budgets were imposed; they are read as the provider's own levels "
            "(estimand effort). A column estimand can say otherwise: forced, truncated, natural."
        )
    read = set(columns.values())
    duplicates = [n for n in names if n not in read and any(n.lower() in aliases for aliases in ALIASES.values())]
    if duplicates:
        notes.append(f"Columns left out, because another one with the same meaning was read: {', '.join(duplicates)}.")
    negative = sum((numbers(cells[columns[m]]) < 0).sum() for m in TOKENS if m in columns)
    if negative:
        notes.append(f"{negative} token counts are negative; they are read as unknown.")
    n_unscored = rows.filter(pl.col("value").is_null() | pl.col("error").is_not_null()).height
    if n_unscored:
        notes.append(
            f"{n_unscored} of {rows.height} rows have an error or no score; they have no value, and are not 0."
        )
    separate_arms = rows.filter("apart")["arm"].unique().sort().to_list()
    if separate_arms:
        notes.append(
            f"Thinking tokens are counted beside the output, and were added to it, for: {', '.join(separate_arms)}."
        )
    return notes
