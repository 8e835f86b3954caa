"""Draw numbers of the rows of a table, and its runs of one setting that are draws of one thing.

Copies are no draws: rows of one question and setting are draws if the table numbers them, or if they are different
answers and nothing else tells them apart.
"""

from collections.abc import Callable, Collection, Sequence
from typing import cast

import numpy as np
import polars as pl

from overthink.data.conditions import INCOMPLETE, conditions_text, settings_in
from overthink.data.visible import name_list
from overthink.errors import InputError
from overthink.stats.testing import NOT_ALIKE, p_exchangeable
from overthink.storage.tables.cells import column_key, texts, word_set

_ARM = ["task", "axis", "scorer", "arm", "estimand"]
CURVE = [*_ARM, "rung"]
"""Columns that name a rung of a curve."""

_MAX_CODE = 2**62
_LEAST_OF_A_COPY = 5
"""Answers of a run of which a copy is told; fewer may be alike by chance."""

_OF_AN_ANSWER = ("answer", "thinking_tokens", "generated_tokens", "prompt_tokens", "seconds", "verifier_score")
"""Columns by meaning that hold what one answer was or took."""

ANSWER_NAMES = word_set(
    """answer response responses output outputs completion completions generation generations text output_text
    model_output raw_output raw_response prediction predicted predicted_answer extracted extracted_answer
    filtered_answer reasoning reasoning_content reasoning_trace reasoning_text thinking thoughts chain_of_thought cot
    trace transcript messages explanation rationale uuid answer_id response_id completion_id generation_id
    timestamp time date created created_at start_time end_time started_at finished_at latency duration elapsed
    total_tokens completion_tokens model_usage usage logprob logprobs cumulative_logprob message_count turn_count
    finish_reason stop_reason limit limit_reason error retries sample_uuid"""
)
"""Names of columns that hold what one answer was or took, read or not."""


def number_draws(rows: pl.DataFrame, everything: Callable[[], pl.DataFrame], read: Collection[str]) -> pl.DataFrame:
    """Replace the column ``draw`` by numbers from 0.

    Draws that the table numbers keep their order, and the same draw at another rung keeps its number, so
    that rungs stay paired. Where a number repeats because several runs had the same setting, numbers
    continue from run to run. A table without draws counts the rows of each question, which must be different answers.

    Args:
        rows: Typed rows with their placements.
        everything: Returns all cells of the table, in the order of the rows.
        read: Names of the columns that were read.

    Raises:
        InputError: Rows repeat a question and a draw, with no run or seed to distinguish them; or rows without draw
            numbers are copies, or differ in a column that was not read.
    """
    _refuse_copied_runs(rows)
    if rows["draw"].is_null().all():
        key = next((key for key in _keys([]) if not _has_repeats(rows, [*key])), None)
        if key is None:
            key = _keys([])[-1]
            refuse_copies(rows.select(key), rows, everything(), read)
        return rows.with_columns(draw=pl.int_range(pl.len()).over([*CURVE, "question"]))
    rows = rows.with_columns(order=pl.col("draw").cast(pl.Float64, strict=False))
    for scope, names in (
        (_ARM, ["order", "draw"]),
        (CURVE, ["run", "order", "draw"]),
        (CURVE, ["run", "seed", "order", "draw"]),
    ):
        if not _has_repeats(rows, [*CURVE, "question", *(name for name in names if name != "order")]):
            return rows.with_columns(draw=_rank(rows, scope, names)).drop("order")
    refuse_repeats(rows.select(_keys(["draw"])[-1]), everything(), read)
    raise AssertionError


def _refuse_copied_runs(rows: pl.DataFrame) -> None:
    """Raise an error for two runs of one setting with the same answers, as a file has that was pasted under a new name.

    Raises:
        InputError: There are such.
    """
    measured = [name for name in _OF_AN_ANSWER if rows[name].drop_nulls().n_unique() > 2]
    if not measured or not varying(rows, ["run"]):
        return
    content = pl.struct("question", "draw", "value", *measured).hash()
    runs = rows.group_by(*CURVE, "run").agg(content.sum().alias("content"), pl.len())
    runs = runs.filter((pl.len() > 1).over(*CURVE, "content", "len") & (pl.col("len") >= _LEAST_OF_A_COPY))
    if runs.height:
        first = runs.sort(*CURVE, "content", "run").row(0, named=True)
        twins = runs.filter(content=first["content"])["run"].sort()
        raise InputError(
            f"the runs {' and '.join(twins)} hold the same {first['len']} answers ({', '.join(measured)} are alike): "
            "copies are no draws. Leave one of them out"
        )


def has_unnumbered(rows: pl.DataFrame) -> bool:
    """Return whether rows repeat a question of one setting and run, whatever their draw."""
    return _has_repeats(rows, _keys([])[1])


def _keys(names: list[str]) -> tuple[list[str], ...]:
    """Return the columns that name an answer: without runs, with runs, and with seeds."""
    key = [*CURVE, "question", *names]
    return key, [*key, "run"], [*key, "run", "seed"]


def refuse_repeats(keys: pl.DataFrame, everything: pl.DataFrame, read: Collection[str]) -> None:
    """Raise the error of rows that repeat a question and a draw of one setting.

    Args:
        keys: What names the answer of each row.
        everything: All cells of the table.
        read: Names of the columns that were read.

    Raises:
        InputError: Always.
    """
    repeated = keys.is_duplicated()
    head = (
        f"{repeated.sum()} rows repeat a question and draw of the same arm and budget (rows {_row_numbers(repeated)})"
    )
    if everything.filter(repeated).is_duplicated().all():
        raise InputError(f"{head} and are the same in every column: copies are no draws. Leave the copies out")
    unread = [name for name in everything.columns if name not in read]
    settings = [name for name in unread if column_key(name) not in ANSWER_NAMES]
    differing = _differing(keys, everything, settings) or _differing(keys, everything, unread)
    raise InputError(
        f"{head}; {_naming(differing)}"
        if differing
        else f"{head}; number the draws, or tell runs apart in a column run_id"
    )


def refuse_copies(keys: pl.DataFrame, rows: pl.DataFrame, everything: pl.DataFrame, read: Collection[str]) -> None:
    """Raise an error unless rows of one question and setting are different answers, and nothing more.

    Args:
        keys: What names the question and setting of each row.
        rows: Typed rows.
        everything: All cells of the table.
        read: Names of the columns that were read.

    Raises:
        InputError: Some are the same in every column, differ in a column that was not read and may be a setting, or
            differ in nothing but their score.
    """
    repeated = keys.is_duplicated()
    head = f"{repeated.sum()} rows repeat a question of the same arm and budget, without draw numbers"
    copies = everything.is_duplicated() & repeated
    unread = [name for name in everything.columns if name not in read]
    of_an_answer = [name for name in everything.columns if column_key(name) in ANSWER_NAMES]
    of_an_answer += [name for name in unread if name not in of_an_answer and _is_of_answers(rows, everything[name])]
    differing = _differing(keys, everything, [name for name in unread if name not in of_an_answer])
    if differing:
        raise InputError(f"{head} (rows {_row_numbers(repeated)}); {_naming(differing)}")
    if copies.any():
        raise InputError(
            f"{head}, and {copies.sum()} of them are the same in every column (rows {_row_numbers(copies)}), such as a "
            "file pasted twice: copies are no draws. Leave the copies out; draws that are the same need numbers in a "
            "column draw"
        )
    measured = [rows[name] for name in _OF_AN_ANSWER if rows[name].is_not_null().any()]
    answers = [keys, *(pl.DataFrame({f"measured {i}": cells}) for i, cells in enumerate(measured))]
    answers += [pl.DataFrame({f"unread {i}": texts_of(everything[name])}) for i, name in enumerate(of_an_answer)]
    same = pl.concat(answers, how="horizontal").is_duplicated()
    if same.any():
        raise InputError(
            f"{head}, and {same.sum()} of them differ in nothing but the score (rows {_row_numbers(same)}), as two "
            "judges of one answer do. Number the draws in a column draw, or name the judge in a column scorer"
        )


def _naming(differing: Sequence[str]) -> str:
    names = ", ".join(differing[:6])
    are = "the column" if len(differing) == 1 else "the columns"
    return (
        f"they differ in {are} {names}, which {'is' if len(differing) == 1 else 'are'} not read. Call it what it is: "
        "draw, run_id (another run of the same setting), arm or model, task, scorer (another judge), or a key of the "
        "JSON object in a column config (another setting)"
    )


def _differing(keys: pl.DataFrame, everything: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns that have several values within rows of one key."""
    if not names:
        return []
    code = keys.select(pl.struct(pl.all()).rank("dense").alias("key"))["key"]
    cells = pl.DataFrame({str(i): texts_of(everything[name]) for i, name in enumerate(names)})
    counts = cells.with_columns(key=code).group_by("key").agg(pl.exclude("key").n_unique()).drop("key").max()
    return [name for name, most in zip(names, counts.row(0), strict=True) if most > 1]


def _is_of_answers(rows: pl.DataFrame, cells: pl.Series) -> bool:
    """Return whether a column has another value for each answer, and so is no setting, which questions share."""
    pairs = pl.DataFrame({"question": rows["question"], "cell": texts_of(cells)}).unique()
    shared = pairs["cell"].is_duplicated()
    return pairs["question"].n_unique() > 2 and not shared.any() and 2 * pairs.height > len(cells)


def texts_of(cells: pl.Series) -> pl.Series:
    """Return any cells as texts, lists and objects included."""
    if cells.dtype.is_nested():
        return pl.Series(cells.name, [None if cell is None else str(cell) for cell in cells.to_list()], dtype=pl.String)
    return texts(cells)


def _row_numbers(rows: pl.Series) -> str:
    return name_list([str(row + 1) for row in rows.arg_true().to_list()], 8)


def _rank(rows: pl.DataFrame, scope: list[str], names: list[str]) -> pl.Series:
    """Return the number of each row's combination of ``names`` among those of its ``scope``, in order."""
    scope, names = varying(rows, scope), varying(rows, names)
    if not names:
        return pl.repeat(0, rows.height, dtype=pl.Int64, eager=True)
    distinct = rows.select(*scope, *names).unique().sort(*names, nulls_last=False)
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    distinct = distinct.with_columns(number=number.over(scope) if scope else number)
    return joined(rows, distinct)["number"]


def varying(rows: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns with more than one value; others tell no rows apart, and take no memory."""
    return [name for name in names if rows[name].ne_missing(rows[name][0]).any()]


def _has_repeats(rows: pl.DataFrame, names: Sequence[str]) -> bool:
    """Return whether two rows have the same cells in these columns."""
    code, size = pl.Series([0], dtype=pl.Int64), 1
    for name in varying(rows, names):
        cells = rows[name].cast(pl.Categorical).to_physical() if rows[name].dtype == pl.String else rows[name]
        place = cells.rank("dense").cast(pl.Int64).fill_null(0)
        size *= int(cast(int, place.max())) + 1
        if size > _MAX_CODE:
            return rows.select(names).is_duplicated().any()
        code = code * (int(cast(int, place.max())) + 1) + place
    return code.n_unique() < rows.height


def joined(rows: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of each row's group; columns of both tell which that is."""
    keys = [name for name in groups.columns if name in rows.columns]
    return rows.select(keys).join(groups, on=keys, how="left", nulls_equal=True, maintain_order="left").drop(keys)


_MOST_RUNS = 30
"""Runs of one rung of which all pairs are compared."""

_MOST_NAMES = 4


def pooled_runs(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows, and notes on the rungs with draws of several runs: how many there are, and which are not alike.

    Rows of runs that are shown not to be draws of one thing get the run among their conditions, so that no verdict
    rests on their mean.

    Args:
        rows: Typed rows with their placements and draws.
    """
    if not varying(rows, ["run"]):
        return rows, ()
    cells = rows.filter(pl.col("value").is_not_null() & pl.col("run").is_not_null())
    means = cells.group_by(*CURVE, "question", "run", maintain_order=True).agg(pl.col("value").mean())
    n_pooled, unlike = 0, []
    for key, group in means.group_by(*CURVE, maintain_order=True):
        if group["run"].n_unique() < 2:
            continue
        n_pooled += 1
        if group["run"].n_unique() <= _MOST_RUNS and _p(group) < NOT_ALIKE:
            unlike.append(key)
    if not n_pooled:
        return rows, ()
    notes = [f"{n_pooled} {'rung has' if n_pooled == 1 else 'rungs have'} draws of several runs, which are pooled."]
    if unlike:
        places = [f"{scorer} of {task}, arm {arm}, rung {rung}" for task, _, scorer, arm, _, rung in unlike]
        notes.append(
            f"Runs are not alike (paired by question, p < {NOT_ALIKE:g}) at "
            f"{name_list(places, _MOST_NAMES, separator='; ')}: "
            "something differs that the table does not state. Name it in a column arm or config."
        )
    return _with_runs(rows, unlike) if unlike else rows, tuple(notes)


def _p(means: pl.DataFrame) -> float:
    wide = means.select("question", "run", "value").pivot(on="run", index="question", values="value")
    return p_exchangeable(wide.drop("question").to_numpy().astype(np.float64))


def _with_runs(rows: pl.DataFrame, keys: list[tuple[object, ...]]) -> pl.DataFrame:
    """Return the rows, those of some rungs with their run among their conditions."""
    marked = pl.DataFrame(keys, schema={name: rows.schema[name] for name in CURVE}, orient="row")
    is_marked = rows.join(marked.with_columns(marked=True), on=CURVE, how="left", maintain_order="left")["marked"]
    conditions = [
        conditions_text({INCOMPLETE: "", **settings_in(text or "{}"), "run": run}) if mark else text
        for text, run, mark in zip(rows["conditions"], rows["run"], is_marked, strict=True)
    ]
    return rows.with_columns(conditions=pl.Series(conditions, dtype=pl.String))
