"""Reading of a plain foreign table as a pool: question, value, and a draw or a budget are enough."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from overthink.data.arms_of_runs import ModelRun, ReportedTokens, assign_curves, placement_notes
from overthink.data.conditions import settings_in
from overthink.data.ladder import ThinkingSetting, level_name
from overthink.data.pool import PoolReading
from overthink.data.record import Axis
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage.tables.axes import NAMES_BESIDE, harmful_beside, with_axes
from overthink.storage.tables.cells import column_key, has_result_words, texts
from overthink.storage.tables.columns import (
    ALIASES,
    ASSUMED_NAMES,
    match_columns,
    presence,
    question_candidates,
    setting_columns,
    typed_columns,
)
from overthink.storage.tables.draws import has_unnumbered, joined, number_draws, pooled_runs, varying
from overthink.storage.tables.endings import ending_column
from overthink.storage.tables.outcomes import pool_of_rows, with_origin
from overthink.storage.tables.questions import question_column
from overthink.storage.tables.score_columns import score_columns, with_scores
from overthink.storage.tables.table_files import read_cells, scan_table
from overthink.storage.tables.unread import (
    done_notes,
    ending_candidates,
    question_text_names,
    refuse_disagreement,
    text_notes,
    unread_names,
    unread_notes,
)

_SETTING = ["task", "arm", "effort", "budget", "max_tokens", "other"]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns of a table are read.

    Attributes:
        names: All columns, in order.
        scores: Columns of scores that become rows of a scorer each.
        scorer: The one scorer to read of a column of scorers.
        columns: Meaning → column, once scores are rows.
    """

    names: tuple[str, ...]
    scores: tuple[str, ...]
    scorer: str | None
    columns: dict[str, str]

    @classmethod
    def of(cls, names: Sequence[str], scorer: str | None) -> "_Layout":
        scores = score_columns(names, scorer)
        left = [n for n in names if n not in scores and column_key(n) not in ALIASES["value"]]
        columns = match_columns([*left, "value", "scorer"] if scores else names, columns_of_file=names)
        return cls(tuple(names), tuple(scores), None if scores else scorer, columns)

    @property
    def read(self) -> set[str]:
        """Columns of the table that are read."""
        return {*self.columns.values(), *self.scores, *question_candidates(self.names), *setting_columns(self.names)}

    def with_ending(self, scan: Callable[[], pl.LazyFrame]) -> "_Layout":
        """Return the layout with the column that says by its words how answers ended, where none does by its name."""
        names = [] if "stop" in self.columns else ending_candidates(self.names, self.read)
        stop = ending_column(scan(), names) if names else None  # JSON is read anew by each scan
        return self if stop is None else replace(self, columns={**self.columns, "stop": stop})

    def rows(self, cells: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """Return a row per score, and notes."""
        if self.scores:
            return with_scores(cells, self.scores)
        if self.scorer is None:
            return cells, ()
        of_scorer = cells.filter(pl.col(self.columns["scorer"]).cast(pl.String) == self.scorer)
        if of_scorer.is_empty():
            there = ", ".join(texts(cells[self.columns["scorer"]]).drop_nulls().unique().sort()[:10])
            raise InputError(f"the table has no scores of {self.scorer}; there are: {there}")
        return of_scorer, ()


def read_table(path: Path, meaning: StatedMeaning | None = None, *, max_rows: int | None = None) -> PoolReading:
    """Read a plain table (:mod:`overthink.storage.tables.table_files`) as rows of a pool.

    The names of columns that are known are in :data:`overthink.storage.tables.columns.ALIASES`. Rows of one task and
    arm that differ only in reasoning effort, reasoning tokens or max tokens become the rungs of an effort
    curve, by the rules of :func:`overthink.data.ladder.place_settings`; several runs of one setting become
    more draws. A row without a score, or with an error, has no value and the verdict ``errored``.

    Args:
        path: The table.
        meaning: Properties that it does not state.
        max_rows: Most rows to read; None for as many as memory allows.

    Returns:
        The rows, and notes on all assumptions.

    Raises:
        InputError: The table cannot be read, lacks a column, or holds invalid cells; rows are named.
    """
    meaning = meaning or StatedMeaning()
    layouts: list[_Layout] = []

    def choose(seen: Sequence[str]) -> Collection[str]:
        with _named(path):
            layouts.append(_Layout.of(seen, meaning.scorer))
        return layouts[0].read

    cells = read_cells(path, choose=choose, project=presence, max_rows=max_rows)
    layout = layouts[0].with_ending(lambda: scan_table(path))
    if layout is not layouts[0]:
        cells = read_cells(path, choose=lambda _: layout.read, project=presence, max_rows=max_rows)
    with _named(path):
        return _reading(
            cells,
            layout,
            meaning,
            name=name_text(path.stem),
            everything=lambda: read_cells(path, max_rows=max_rows),
            scan=lambda: scan_table(path),
        )


def table_of_frame(frame: pl.DataFrame, meaning: StatedMeaning, *, name: str) -> PoolReading:
    """Read a frame with the columns of a plain table as rows of a pool, by the rules of :func:`read_table`.

    Args:
        frame: The table.
        meaning: Properties that it does not state.
        name: Name of the study, and of the task where the frame names none.

    Raises:
        InputError: It lacks a column, or holds invalid cells; rows are named.
    """
    layout = _Layout.of(frame.columns, meaning.scorer).with_ending(frame.lazy)
    cells = frame.select(presence(column, kind) for column, kind in frame.schema.items() if column in layout.read)
    return _reading(cells, layout, meaning, name=name, everything=lambda: frame, scan=frame.lazy)


def _reading(
    cells: pl.DataFrame,
    layout: _Layout,
    meaning: StatedMeaning,
    *,
    name: str,
    everything: Callable[[], pl.DataFrame],
    scan: Callable[[], pl.LazyFrame],
) -> PoolReading:
    has_words = any(has_result_words(cells[n]) for n in layout.scores or [layout.columns["value"]])
    cells, notes = layout.rows(cells)
    columns = dict(layout.columns)
    refuse_disagreement(scan, layout.names, columns)
    levels = [columns[setting] for setting in ("budget", "effort", "config", "max_tokens") if setting in columns]
    question = question_column(
        cells,
        question_candidates(layout.names),
        draw=columns.get("draw"),
        settings=levels,
    )
    columns["question"] = question.name
    settings = _settings_of_runs(cells, layout.names, question.name)
    typed = typed_columns(cells, columns, name=name, settings=settings)
    beside = [n for n in layout.names if column_key(n) in NAMES_BESIDE and n not in columns.values()]
    task = columns.get("task", pl.lit(name))
    is_open = meaning.axis is None and "axis" not in columns
    harmful = harmful_beside(layout.rows(everything())[0], beside, task) if beside and is_open else {}
    axes = with_axes(typed.rows.with_row_index("row"), meaning, column=columns.get("axis"), beside=harmful)
    if has_words and axes.rows["flip"].any():
        raise InputError(_PASSED_HARM)
    read_rows, axis_rows = axes.rows["row"], axes.rows.drop("row")  # scores that no option names are left out
    placed, why_apart = _with_placements(with_origin(axis_rows), has_estimand="estimand" in columns)
    rows = number_draws(placed, lambda: layout.rows(everything())[0][read_rows], {*columns.values(), *layout.scores})
    rows, pooled = pooled_runs(rows)
    notes = (
        *filter(None, [question.note]),
        *notes,
        *typed.notes,
        *axes.notes,
        *pooled,
        *_notes(rows, columns, layout, settings),
        *why_apart,
    )
    if placed["draw"].is_null().all() and has_unnumbered(placed):
        notes = (*notes, _UNNUMBERED)
    own = [columns[kind] for kind in ("arm", "task", "scorer") if columns.get(kind) in layout.names]
    of_questions = question_text_names(layout.names, question=question.name)
    names = unread_names(layout.names, layout.read)
    if of_questions or names:  # JSON is read anew by each scan
        table, apart = scan(), [*dict.fromkeys([*own, *settings])]
        notes = (
            *notes,
            *text_notes(table, of_questions, question=question.name, apart=own),
            *(done_notes(table, names) if {"stop", "limit"}.isdisjoint(columns) else ()),
            *unread_notes(table, names, question=question.name, levels=levels, apart=apart),
        )
    pool = pool_of_rows(rows, study=name, has_answers="answer" in columns)
    return PoolReading(pool, notes, axes.stated, axes.polarity)


_PASSED_HARM = (
    "scores are pass and fail, or correct and incorrect, and a high score was stated to be the bad end: a pass would "
    "count as harm. Leave high= out if a pass is good, else write 1 and 0"
)

_UNNUMBERED = (
    "The table numbers no draws. Rows that repeat a question and a setting are different answers, by their text, "
    "tokens or time, and nothing else tells them apart: they are read as draws of the question."
)


def _settings_of_runs(cells: pl.DataFrame, names: Sequence[str], question: str) -> list[str]:
    """Return the columns of other settings: those with one value, and those in which answers to one question differ."""
    settings = setting_columns(names)
    if not settings:
        return []
    columns = pl.col(settings)
    most = cells.group_by(pl.col(question).alias("of")).agg(columns.n_unique()).select(columns.max())
    return [setting for setting in settings if most[setting][0] > 1 or cells[setting].n_unique() == 1]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in an error."""
    try:
        yield
    except InputError as failure:
        raise InputError(f"{path}: {failure}") from failure


_WHERE_LADDERS_ARE = (
    "A ladder is read from columns of effort, budget, max_tokens or config. If another column is the amount of "
    "thinking, give it the name budget."
)


def _with_placements(rows: pl.DataFrame, *, has_estimand: bool) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows with arm, rung and estimand of their settings, and why runs of one arm stand apart."""
    thinking, output = pl.col("thinking_tokens"), pl.col("generated_tokens")
    has_both = thinking.is_not_null() & output.is_not_null()
    keys = varying(rows, _SETTING)
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
            settings_in(other or "{}"),
            ReportedTokens(*counts),
        )
        for task, arm, effort, budget, cap, other, *counts in groups.select(*_SETTING, "n_both", "n_above").iter_rows()
    ]
    placements = assign_curves(runs)
    notes = placement_notes(runs, placements, advice=_WHERE_LADDERS_ARE)
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
        same = (pl.lit(values[0], dtype=kind).alias(name) for name, (values, kind) in columns.items())
        return rows.with_columns(same), notes
    placed = groups.select(keys).with_columns(pl.Series(f"placed {name}", *column) for name, column in columns.items())
    cells = joined(rows, placed)
    return rows.with_columns(cells[f"placed {name}"].alias(name) for name in columns), notes


def _notes(rows: pl.DataFrame, columns: dict[str, str], layout: _Layout, settings: Sequence[str]) -> list[str]:
    notes = []
    if "estimand" not in columns and "budget" in columns:
        notes.append(
            "The table does not say how its budgets were imposed; they are read as the provider's own levels "
            "(estimand effort). A column estimand can say otherwise: forced, truncated, natural."
        )
    read = set(columns.values())
    duplicates = [
        n for n in layout.names if n not in read and any(column_key(n) in aliases for aliases in ALIASES.values())
    ]
    if duplicates:
        notes.append(f"Columns left out, because another one with the same meaning was read: {', '.join(duplicates)}.")
    assumed = [f"{columns[m]} is the {m}" for m, of in ASSUMED_NAMES.items() if column_key(columns.get(m, "")) in of]
    assumed += [f"{setting} is a setting of the run" for setting in settings]
    if assumed:
        notes.append(f"Columns read by their names: {', '.join(assumed)}.")
    if column_key(columns.get("stop", "")) not in ("", *ALIASES["stop"]):
        notes.append(
            f"Column {columns['stop']} is read as finish_reason, as every word in it is one of how an answer ended. "
            "If it says something else, leave it out of the table."
        )
    notes += _ends(rows)
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


def _ends(rows: pl.DataFrame) -> Iterator[str]:
    """Yield notes on how answers ended."""
    known = rows.height - rows["truncated"].null_count()
    if 0 < known < rows.height:
        yield f"How the answer ended is known of {known} of {rows.height} rows."
    refused = rows["refused"].sum()
    if refused:
        yield (
            f"{refused} of {rows.height} rows were ended by a content filter, or by an error that is a refusal: they "
            "are refusals, by the axis safe, an over-refusal, or wrong."
        )
    others = rows.filter(pl.col("axis") != str(Axis.CAPABILITY))
    silent = (others["empty"] & ~others["refused"].fill_null(value=False)).sum()
    if silent:
        yield (
            f"{silent} of {rows.height} rows on the safety or benign axis hold no text: silence is neither a refusal "
            "nor an answer, so they have no value."
        )
    cut = others["cut"].sum()
    if cut:
        yield f"{cut} of {rows.height} rows on the safety or benign axis were cut, so they have no value."
