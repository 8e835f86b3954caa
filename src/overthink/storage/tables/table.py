"""Reading of a plain foreign table as a pool: question, value, and a draw or a budget are enough.

Draw numbers of the rows of a table.
"""

from collections import defaultdict
from pathlib import Path

import polars as pl

from overthink.data.arms_of_runs import ModelRun, Placement, assign_curves
from overthink.data.ladder import ThinkingSetting
from overthink.data.record import Axis, Estimand, Reading, RungRecord, Verdict, verdict_of
from overthink.data.tokens import TokenUsage, split_output
from overthink.errors import InputError
from overthink.plan.study import HIGH_WORDS
from overthink.storage.tables.columns import ALIASES, TOKENS, match_columns, numbers, typed_columns
from overthink.storage.tables.table_files import read_cells

_ARM = ["task", "axis", "scorer", "arm", "estimand"]
_CURVE = [*_ARM, "rung"]


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
        if not rows.select(*_CURVE, "question", *names).is_duplicated().any():
            return _rank(rows, scope, names)
    duplicates = rows.select(*_CURVE, "question", "run", "seed", "draw").is_duplicated().arg_true().to_list()
    examples = ", ".join(str(row + 1) for row in duplicates[:8])
    raise InputError(
        f"{len(duplicates)} rows repeat a question and draw of the same arm and budget (rows {examples}); number "
        "the draws, or tell runs apart in a column run_id"
    )


def _rank(rows: pl.DataFrame, scope: list[str], names: list[str]) -> pl.DataFrame:
    """Number the distinct combinations of ``names`` within ``scope``, in order."""
    distinct = rows.select(*scope, *names).unique().sort(*names, nulls_last=False)
    distinct = distinct.with_columns(number=pl.int_range(pl.len()).over(scope))
    numbered_rows = rows.join(distinct, on=[*scope, *names], how="left", nulls_equal=True, maintain_order="left")
    return numbered_rows.with_columns(draw=pl.col("number")).drop("number", "order")


_CUT_REASONS = ("length", "max_tokens", "token", "tokens")
"""Stop reasons of truncated output."""

_WHOLE_ATTEMPT = (Estimand.EFFORT, Estimand.NATURAL)
"""Estimands whose rows are whole attempts; elsewhere a row may continue another."""


def read_table(path: Path, *, axis: str | None = None, high: str | None = None) -> Reading:
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

    Returns:
        The rows, and notes on all assumptions.

    Raises:
        InputError: The table cannot be read, lacks a column, or holds invalid cells; rows are named.
    """
    cells = read_cells(path)
    try:
        columns = match_columns(cells.columns)
        rows = typed_columns(cells, columns, name=path.stem)
        flip = _polarity(columns, axis, high)
        if "axis" not in columns:
            rows = rows.with_columns(axis=pl.lit(axis or Axis.CAPABILITY.value))
        placements = _placements(rows)
        rows = _with_placements(rows, placements, has_estimand="estimand" in columns)
        rows = number_draws(rows)
    except InputError as failure:
        raise InputError(f"{path}: {failure}") from failure
    records = _records(rows, flip=flip, study=path.stem, has_answers="answer" in columns)
    return Reading(
        tuple(records),
        tuple(_notes(rows, cells, columns, {p.arm for p in placements if p.excludes_reasoning}, axis)),
    )


def _polarity(columns: dict[str, str], axis: str | None, high: str | None) -> bool:
    """Whether values are reversed, so that 1 is the good end."""
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


def _placements(rows: pl.DataFrame) -> list[Placement]:
    """Placement of every row."""
    groups: dict[tuple[str, str, ThinkingSetting, str], list[int]] = defaultdict(list)
    for i, (task, arm, effort, budget, cap, other) in enumerate(
        rows.select("task", "arm", "effort", "budget", "max_tokens", "other").iter_rows()
    ):
        groups[task, arm, ThinkingSetting(effort, budget, cap), other].append(i)
    counts = rows.select("thinking_tokens", "generated_tokens").iter_rows()
    usage = [TokenUsage(thinking_tokens=thinking, decoded_tokens=output) for thinking, output in counts]
    runs = [
        ModelRun(task, arm, setting, {"config": other} if other else {}, [usage[i] for i in members])
        for (task, arm, setting, other), members in groups.items()
    ]
    placements: dict[int, Placement] = {}
    for members, placement in zip(groups.values(), assign_curves(runs), strict=True):
        placements |= dict.fromkeys(members, placement)
    return [placements[i] for i in range(rows.height)]


def _with_placements(rows: pl.DataFrame, placements: list[Placement], *, has_estimand: bool) -> pl.DataFrame:
    rows = rows.with_columns(
        arm=pl.Series([placement.arm for placement in placements]),
        rung=pl.Series([placement.rung for placement in placements]),
        effort=pl.Series([placement.effort for placement in placements], dtype=pl.String),
        budget=pl.Series([placement.requested_tokens for placement in placements], dtype=pl.Int64),
        apart=pl.Series([placement.excludes_reasoning for placement in placements]),
    )
    if has_estimand:
        return rows
    return rows.with_columns(estimand=pl.Series([placement.estimand.value for placement in placements]))


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
            has_abstained = has_answers and row["answer"] is None and axis is Axis.CAPABILITY
            verdict = Verdict.UNPARSED if has_abstained and value == 0 else verdict_of(value, axis)
        decoded_tokens, answer_tokens = split_output(
            row["thinking_tokens"], row["generated_tokens"], excludes_reasoning=row["apart"]
        )
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
                generated_tokens=decoded_tokens,
                prompt_tokens=row["prompt_tokens"],
                truncated=None if row["stop"] is None else row["stop"].lower() in _CUT_REASONS,
                answer=row["answer"] if axis is Axis.CAPABILITY else None,
                seconds=row["seconds"],
                attempt_seconds=row["seconds"] if error is None and row["estimand"] in _WHOLE_ATTEMPT else None,
                verifier_score=row["verifier_score"],
                model=row["model"],
                effort=row["effort"],
                seed=row["seed"],
                error=error,
            )
        )
    return records


def _notes(
    rows: pl.DataFrame,
    cells: pl.DataFrame,
    columns: dict[str, str],
    separate_arms: set[str],
    axis: str | None,
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
    duplicates = [
        n for n in cells.columns if n not in read and any(n.lower() in aliases for aliases in ALIASES.values())
    ]
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
    if separate_arms:
        notes.append(
            "Thinking tokens are counted beside the output, and were added to it, for: "
            f"{', '.join(sorted(separate_arms))}."
        )
    return notes
