"""The rows of shards: each trace once, and what was paid for the others.

A trace is the same wherever it was collected: task, arm, question and draw name it, and its seed follows from these. So
the union of shards needs no agreement between them: of several copies the first complete one counts.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from overthink.data.missing_rungs import TraceKey
from overthink.data.pool import ROW_KEY, TRACE_KEY, frame_of, read, usage_by_trace
from overthink.data.record import RungRecord
from overthink.data.shards import Shard
from overthink.data.tokens import CutShort
from overthink.data.traces import with_traces
from overthink.errors import InputError
from overthink.paths import file_sha256, is_there
from overthink.plan.study import Plan
from overthink.storage.journal import journal_file
from overthink.storage.json_documents import Questions, read_plan, read_questions
from overthink.storage.pool import scan_own_pool, sink_pool
from overthink.storage.shards import ShardState, is_stored, read_shard_state
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.resume import cut_short, plan_changes

_TRACES_AT_ONCE = 5_000
"""Traces of a journal that become columns at once."""


@dataclass(frozen=True, eq=False)
class ShardRows:
    """A shard that is merged.

    Attributes:
        folder: Its folder.
        state: Which shard it is, and how far its run had come.
        rows: Rows of its traces, on disk and sorted.
        waste: Token usage of what was paid and is in no row.
        duplicates: Number of traces whose rows were left out, because an earlier shard has them.
    """

    folder: StudyFolder
    state: ShardState
    rows: pl.LazyFrame
    waste: tuple[CutShort, ...]
    duplicates: int = 0

    def n_traces(self) -> int:
        """Return the number of traces with rows."""
        return int(read(self.rows.group_by(TRACE_KEY).agg().select(pl.len())).item())


def common_plan(folders: Sequence[StudyFolder]) -> tuple[Plan, Questions]:
    """Return the plan and the questions of shards.

    Raises:
        InputError: Two have different plans, the version of Overthink included, or different questions; or no run has
            begun in any.
    """
    plans = [read_plan(folder.plan) for folder in folders]
    for folder, plan in zip(folders, plans, strict=True):
        if plan != plans[0]:
            changes = plan_changes(plans[0], plan)
            text = "; ".join(f"{name}: {first} there, {other} here" for name, (first, other) in changes.items())
            to_do = "merge shards of one plan"
            if [*changes] == ["overthink"]:
                to_do = "versions may ask and count differently: run its shard anew with the version of the others"
            raise InputError(
                f"{folder.path} is a shard of another plan than {folders[0].path} ({text}); {to_do}. Nothing "
                "was merged."
            )
    begun = [folder for folder in folders if is_there(folder.questions)]
    if not begun:
        raise InputError(f"{folders[0].path}: no run has begun in any of the shards; run them before they are merged")
    questions, sha256 = read_questions(begun[0].questions), file_sha256(begun[0].questions)
    for folder in begun[1:]:
        # mostly the same bytes, and reading thousands of questions for each of many shards would take a minute
        if file_sha256(folder.questions) != sha256 and read_questions(folder.questions) != questions:
            raise InputError(
                f"{folder.path} and {begun[0].path} are shards of different questions: the dataset differed between "
                "their runs, as one that is shuffled without a seed does; give it a seed, and run the shards again"
            )
    return plans[0], questions


def rows_of_shard(folder: StudyFolder, plan: Plan, scratch: Path) -> ShardRows:
    """Return the rows of a shard: those it stored at its end, or the complete traces of its journal.

    Args:
        folder: Its folder, in which no run goes on.
        plan: Its plan.
        scratch: File for the rows of a journal.

    Raises:
        InputError: A file of the folder is damaged, or of another version.
        StoppedError: The disk is full.
    """
    state = read_shard_state(folder.shard)
    assert state is not None
    if is_stored(folder, state):
        rows = scan_own_pool(folder.shard_pool)
    else:
        frame = _complete_traces(folder)
        sink_pool(scratch, with_traces(frame.lazy(), plan.sha256()).sort(ROW_KEY))
        rows = scan_own_pool(scratch)
    return ShardRows(folder, state, rows, cut_short(folder, rows))


def _complete_traces(folder: StudyFolder) -> pl.DataFrame:
    """Return the rows of the traces of a journal without an error; of repeated ones the last counts."""
    if not is_there(folder.journal):
        return frame_of([])
    last: dict[TraceKey, int] = {}
    frames = [frame_of([]).with_columns(line=pl.lit(0))]
    batch: list[RungRecord] = []
    lines: list[int] = []

    def add() -> None:
        frames.append(frame_of(batch).with_columns(line=pl.Series(lines, dtype=pl.Int32)))
        batch.clear()
        lines.clear()

    for line, trace in journal_file(folder.journal).read():
        if any(row.error is not None for row in trace):
            continue
        first = trace[0]
        last[first.task, first.arm, first.question, first.draw] = line
        batch += trace
        lines += [line] * len(trace)
        if len(batch) >= _TRACES_AT_ONCE:
            add()
    add()
    frame = pl.concat(frames)
    return frame.filter(pl.col("line").is_in(list(last.values()))).drop("line")


def without_duplicates(shards: Sequence[ShardRows], scratch: Path) -> list[ShardRows]:
    """Return the shards with every trace in one of them; what the other copies took is kept as paid and not used.

    Of several copies the first without an error counts, else the first. One that is the same sample of the same log, as
    in a folder that was copied, was paid once.

    Args:
        shards: The shards, in the order in which they were named.
        scratch: Folder for the rows of shards that lose some.
    """
    of_shards = pl.concat(
        [
            read(shard.rows.select("task", "question").unique()).with_columns(shard=number)
            for number, shard in _with_numbers(shards)
        ]
    )
    overlap = of_shards.filter(pl.struct("task", "question").is_duplicated()).select("task", "question").unique()
    if not overlap.height:
        return list(shards)
    copies = pl.concat(
        [
            read(
                shard.rows.join(overlap.lazy(), on=["task", "question"], how="semi")
                .group_by(TRACE_KEY)
                .agg(has_error=pl.col("error").is_not_null().any(), log=pl.col("log").first())
            ).with_columns(shard=number)
            for number, shard in _with_numbers(shards)
        ]
    )
    copies = copies.sort("has_error", "shard").with_columns(
        is_lost=pl.struct(TRACE_KEY).is_first_distinct().not_(),
        is_paid=(pl.col("log") != pl.col("log").first().over(TRACE_KEY)).fill_null(True),  # one log is one sample
    )
    result = list(shards)
    for number, shard in enumerate(shards):
        lost = copies.filter(pl.col("shard") == number, "is_lost").select(*TRACE_KEY, "is_paid")
        if lost.height:
            paid, own = lost.filter("is_paid").lazy(), lost.lazy()
            waste = usage_by_trace(shard.rows.join(paid, on=TRACE_KEY, how="semi"))
            path = scratch / f"{number}.rest.parquet"
            sink_pool(path, shard.rows.join(own, on=TRACE_KEY, how="anti", maintain_order="left"))
            result[number] = replace(
                shard, rows=scan_own_pool(path), waste=(*shard.waste, *waste), duplicates=lost.height
            )
    return result


def _with_numbers(shards: Sequence[ShardRows]) -> Iterator[tuple[pl.Expr, ShardRows]]:
    return ((pl.lit(number, pl.Int32), shard) for number, shard in enumerate(shards))


def planned_questions(questions: Questions, shard: Shard | None) -> Iterator[tuple[str, str]]:
    """Yield task and question of everything that a shard asks; None for the whole study."""
    for task, own in questions.items():
        for question in own:
            if shard is None or shard.holds(task, str(question.id)):
                yield task, str(question.id)


def missing_traces(
    shards: Sequence[ShardRows], plan: Plan, questions: Questions, draws: Mapping[tuple[str, str], int]
) -> Mapping[tuple[str, str], int]:
    """Return how many traces of the plan no shard has, by task and question; those with all are left out.

    Args:
        shards: The shards.
        plan: Their plan.
        questions: Its questions.
        draws: Draws by task and question, where these are adaptive.
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for shard in shards:
        draws_of_arms = shard.rows.group_by("task", "question", "arm").agg(pl.col("draw").n_unique())
        for task, question, _, count in read(draws_of_arms).iter_rows():
            counts[task, question] += count
    planned = {key: draws.get(key, plan.draws) * len(plan.arms) for key in planned_questions(questions, None)}
    return {key: count - counts[key] for key, count in planned.items() if counts[key] < count}
