"""The workflow `status`: how far the runs in some folders have come, read from their files while they go on.

Nothing is written to a folder, and no run is asked: a journal grows by whole lines, and a lock says who runs.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overthink.cost.estimate import AmountRange, Estimate, usage_cost
from overthink.data.missing_rungs import TraceKey
from overthink.data.pool import TRACE_KEY, failed_try, n_failed, pool_of, read, usage_by_trace, usage_of_pool
from overthink.data.record import RungRecord
from overthink.data.shards import Shard
from overthink.data.tokens import NO_USAGE, TokenUsage
from overthink.errors import InputError
from overthink.paths import is_there, path_status
from overthink.plan.study import Plan
from overthink.reports.status_text import FolderStatus, StatusTable
from overthink.storage.journal import journal_file, read_tries
from overthink.storage.json_documents import read_estimate, read_plan, read_questions
from overthink.storage.pool import scan_pool
from overthink.storage.shards import (
    SHARDS_SUFFIX,
    ShardState,
    is_stored,
    read_merged,
    read_shard_state,
    shard_folders,
    shards_folder,
)
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import is_held
from overthink.workflows import arguments as arg
from overthink.workflows.shard_rows import planned_questions

_FIRST_RUN_SECONDS = 5.0
"""Between the plan and the estimate of a first run; a run that goes on has a plan that is older."""


def status(*paths: str | Path) -> "StatusTable":
    """Return how far the runs in some folders have come.

    Args:
        *paths: Folders of studies or shards. One of a merged study stands for its shards, where these are there, and so
            does one that workers collect.

    Returns:
        The folders and their sum: traces, failures, tokens, cost, traces per second, seconds left; None where unknown.

    Raises:
        InputError: A folder holds no study, or a file in it is damaged.

    Example:
        >>> import overthink, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = overthink.experiment(
        ...         model="overthink/simulated", safety="overthink/secret", budgets="0,8", limit=4, draws=2,
        ...         shard="1/1", out=f"{folder}/1", progress=False,
        ...     )
        ...     overthink.status(f"{folder}/1").total.done
        8
    """
    return StatusReader(paths).read()


class StatusReader:
    """Reads the state of folders again and again; of a journal what is new.

    Args:
        paths: The folders, as for :func:`status`.

    Raises:
        InputError: No folder is named, or one holds no study.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        for path in paths:
            arg.a_path(path, "path")
        if not paths:
            raise InputError("no folder was named; needed: folders of studies or shards")
        self._folders = [_FolderReader(folder) for path in paths for folder in _shards_or_own(StudyFolder(Path(path)))]

    def read(self) -> "StatusTable":
        """Return the state as of now."""
        return StatusTable(tuple(folder.read() for folder in self._folders))


def _shards_or_own(folder: StudyFolder) -> list[StudyFolder]:
    """Return the shards of a merged study where they are there, or those that workers collect, else the folder itself.

    Raises:
        InputError: The folder holds no study.
    """
    merged = read_merged(folder.merged)
    shards = [StudyFolder(Path(shard.path)) for shard in (() if merged is None else merged.shards)]
    if shards and all(is_there(shard.shard) for shard in shards):
        return shards
    if not is_there(folder.plan) and (workers := _shards_of_workers(folder)):
        return workers
    if not is_there(folder.plan):
        raise InputError(f"{folder.path} holds no study that was run; needed: a folder made by `overthink run`")
    return [folder]


def _shards_of_workers(folder: StudyFolder) -> list[StudyFolder]:
    """Return the shards that workers collect, of a study, of the folder of its shards, or of one that has not begun."""
    siblings = shard_folders(folder.path.parent)
    if folder.is_free() and any(own.path.name == folder.path.name for own in siblings.values()):
        return [folder]
    top = folder.path if folder.path.name.endswith(SHARDS_SUFFIX) else shards_folder(folder.path)
    shards = shard_folders(top)
    return [shards[shard] for shard in sorted(shards, key=lambda shard: shard.number)]


@dataclass
class _Counts:
    """What the files of a folder hold so far."""

    done: int | None = 0
    failed: int | None = 0
    usage: TokenUsage = NO_USAGE
    unanswered: int | None = 0


class _FolderReader:
    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._lines = 0
        self._traces: dict[TraceKey, TokenUsage] = {}
        self._failed: set[TraceKey] = set()
        self._failed_tries = 0
        self._usage = NO_USAGE
        self._first: tuple[float, int] | None = None

    def read(self) -> FolderStatus:
        folder = self._folder
        if not is_there(folder.plan):
            return _not_begun(folder)
        plan, state = read_plan(folder.plan), read_shard_state(folder.shard)
        shard = None if state is None else state.part
        is_running, now = is_held(folder.path), time.time()
        counts = self._counts(plan, is_running=is_running)
        planned = _planned(folder, plan, shard)
        is_complete = planned is not None and counts.done is not None and counts.done >= planned
        rate = self._rate(counts, now) if is_running else None
        left = None
        if rate and planned is not None and counts.done is not None:
            left = (planned - counts.done) / rate
        return FolderStatus(
            path=str(folder.path),
            shard=None if shard is None else str(shard),
            state="running" if is_running else _state(folder, state, is_complete=is_complete),
            done=counts.done,
            planned=planned,
            failed=counts.failed,
            prompt_tokens=counts.usage.prompt_tokens,
            decoded_tokens=counts.usage.decoded_tokens,
            unanswered_requests=counts.unanswered,
            usd=_cost(read_estimate(folder.estimate), counts),
            traces_per_second=rate,
            seconds_left=left,
            last_trace_seconds=_age(folder, now),
        )

    def _counts(self, plan: Plan, *, is_running: bool) -> _Counts:
        folder = self._folder
        without_rows, in_flight = read_tries(folder.unfinished)
        usage = sum((trace.paid for trace in (*without_rows, *in_flight)), NO_USAGE)
        unanswered = sum(trace.unanswered for trace in (without_rows if is_running else (*without_rows, *in_flight)))
        if is_there(folder.journal):
            self._read_journal()
            unanswered += self._failed_tries
            return _Counts(len(self._traces), len(self._failed), self._usage + usage, unanswered)
        pool = next((path for path in (folder.pool, folder.shard_pool) if is_there(path)), None)
        if pool is not None:
            rows = scan_pool(pool)
            failed, key = n_failed(rows), ["rung", *TRACE_KEY] if plan.efforts else TRACE_KEY
            n_traces = read(rows.select(key).unique()).height
            return _Counts(n_traces - failed, failed, usage_of_pool(rows) + usage, unanswered + failed)
        is_of_logs = plan.efforts is not None and is_there(folder.logs)
        return _Counts(None, None, _UNKNOWN, None) if is_of_logs else _Counts(usage=usage, unanswered=unanswered)

    def _read_journal(self) -> None:
        complete: dict[TraceKey, tuple[RungRecord, ...]] = {}
        for _, trace in journal_file(self._folder.journal).read(skip=self._lines):
            self._lines += 1
            key = trace[0].task, trace[0].arm, trace[0].question, trace[0].draw
            if all(row.error is None for row in trace):
                complete[key] = trace
                self._failed.discard(key)
            else:
                self._usage += failed_try(trace).paid
                self._failed_tries += 1
                if key not in self._traces and key not in complete:
                    self._failed.add(key)
        for new in usage_by_trace(pool_of(row for trace in complete.values() for row in trace)):
            key = new.task, new.arm, new.question, new.draw
            self._usage += new.paid - self._traces.get(key, NO_USAGE)  # a trace that gained rungs is there twice
            self._traces[key] = new.paid

    def _rate(self, counts: _Counts, now: float) -> float | None:
        """Return traces per second of the run: since it began, or since its folder is watched."""
        if counts.done is None:
            return None
        self._first = self._first or (now, counts.done)
        since, before = self._first
        if counts.done > before and now > since:
            return (counts.done - before) / (now - since)
        plan, begun = (path_status(path) for path in (self._folder.plan, self._folder.estimate))
        if plan is None or begun is None or begun.st_mtime - plan.st_mtime > _FIRST_RUN_SECONDS:
            return None  # it goes on, and nothing says with how many traces it began
        return counts.done / (now - begun.st_mtime) if counts.done and now > begun.st_mtime else None


_UNKNOWN = TokenUsage(prompt_tokens=None, cached_tokens=None, decoded_tokens=None, judge_tokens=None)


def _not_begun(folder: StudyFolder) -> FolderStatus:
    """Return the state of a shard that no worker has begun; another shard of its study knows how much it is to hold."""
    siblings = shard_folders(folder.path.parent)
    shard = next(shard for shard, own in siblings.items() if own.path.name == folder.path.name)
    other = next((own for own in siblings.values() if is_there(own.plan) and is_there(own.questions)), None)
    return FolderStatus(
        path=str(folder.path),
        shard=str(shard),
        state="not begun",
        done=0,
        planned=None if other is None else _planned(other, read_plan(other.plan), shard),
        failed=0,
        prompt_tokens=0,
        decoded_tokens=0,
        unanswered_requests=0,
        usd=None,
        traces_per_second=None,
        seconds_left=None,
        last_trace_seconds=None,
    )


def _planned(folder: StudyFolder, plan: Plan, shard: Shard | None) -> int | None:
    """Return the number of traces that a folder is to hold; at most, with adaptive draws; None before it began."""
    questions = read_questions(folder.questions)
    if not questions:
        return None
    return len([*planned_questions(questions, shard)]) * plan.most_draws * len(plan.efforts or plan.arms)


def _state(folder: StudyFolder, shard: ShardState | None, *, is_complete: bool) -> str:
    """Return the state of a folder in which nothing runs; a run that has ended is complete with failed traces, too."""
    if is_complete or folder.is_finished() or (shard is not None and is_stored(folder, shard)):
        return "complete"
    return "merged" if is_there(folder.merged) else "stopped" if is_there(folder.questions) else "not begun"


def _cost(estimate: Estimate | None, counts: _Counts) -> AmountRange | None:
    if estimate is None or estimate.free:
        return None
    return usage_cost(counts.usage, estimate, is_whole=counts.unanswered == 0)


def _age(folder: StudyFolder, now: float) -> float | None:
    """Return the seconds since the last trace; clocks of machines may differ, so it is 0 at least."""
    for path in (folder.journal, folder.shard_pool, folder.pool):
        if (there := path_status(path)) is not None:
            return max(now - there.st_mtime, 0.0)
    return None
