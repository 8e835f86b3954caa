"""A run in many workers: its shards are collected at the same time, each in a folder beside the study, then merged.

Nothing is kept but the shards' own folders. A worker that is lost, a driver that was killed and a study that is
extended are one case: what is complete stays, and what is not goes on from its journal.

Shards that workers collect: as many at once as there are workers, and one whose worker is lost is begun again.

Workers are anything that takes a shard and says later how it ended: processes of this machine, or tasks of Ray.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from overthink.data.shards import Shard, WorkerKind, Workers, read_workers
from overthink.errors import InputError, StoppedError
from overthink.paths import is_there
from overthink.plan.distribution import refuse_shards
from overthink.plan.study import Plan
from overthink.storage.files import storage_errors
from overthink.storage.journal import has_failures
from overthink.storage.json_documents import read_plan
from overthink.storage.pool import scan_pool
from overthink.storage.shards import is_stored, read_shard_state, shard_folders, shards_folder
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import refuse_if_held, study_lock
from overthink.workflows.collect import OnTrace, with_questions
from overthink.workflows.merge import check_target, merge
from overthink.workflows.resume import check_plan
from overthink.workflows.study import Study
from overthink.workflows.waves import Draws, OnWave, collect_in_waves, has_draws, tables_of, write_shard_waves
from overthink.workflows.workers import Ending, Outcome, ShardTask, local_workers

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session
    from overthink.workflows.run_options import RunOptions


MOST_LOSSES = 3
"""How often in a row a shard's worker may be lost without a new trace: something is then wrong with the shard, and
beginning it for ever would pay for ever."""

SECONDS_BETWEEN_LOOKS = 0.5
"""Between two looks at what has ended, and at the journals."""


class Executor(Protocol):
    """Workers that collect shards."""

    @property
    def slots(self) -> int:
        """How many shards are collected at once; it may grow."""
        ...

    def submit(self, task: ShardTask) -> None:
        """Begin with a shard."""
        ...

    def outcomes(self, seconds: float) -> list[Outcome]:
        """Return what has ended since, after so many seconds at most."""
        ...


@contextmanager
def open_executor(workers: Workers) -> Iterator[Executor]:
    """Context manager of the workers that are named; at its end none of them collects any more.

    Raises:
        InputError: They cannot be reached.
    """
    if workers.kind is WorkerKind.RAY:
        from overthink.workflows.ray_workers import ray_workers

        with ray_workers(workers) as tasks:
            yield tasks
    else:
        with local_workers(workers) as processes:
            yield processes


def collect_shards(executor: Executor, tasks: Sequence[ShardTask], on_trace: OnTrace) -> None:
    """Collect shards until all are complete.

    Where a shard stops, those that run go on to their ends, and no other begins.

    Args:
        executor: The workers.
        tasks: The shards.
        on_trace: Called, without rows, for every finished trace.

    Raises:
        InputError: A shard was refused.
        StoppedError: A shard stopped, or its workers were lost again and again.
        KeyboardInterrupt: The user stopped it.
    """
    from overthink.collect.session.interrupts import count_interrupts

    waiting, running, stopped = deque(map(_ShardRun, tasks)), dict[str, _ShardRun](), list[str]()
    with count_interrupts() as interrupts:
        while running or (waiting and not stopped):
            while waiting and not stopped and len(running) < executor.slots:
                shard = waiting.popleft()
                shard.begin()
                running[shard.task.shard] = shard
                executor.submit(shard.task)
            ended = executor.outcomes(SECONDS_BETWEEN_LOOKS)
            if interrupts is not None and interrupts.count:
                raise KeyboardInterrupt
            for shard in running.values():
                for _ in range(shard.new_traces()):
                    on_trace(())
            for outcome in ended:
                shard = running.pop(outcome.shard)
                if outcome.ending is Ending.LOST and shard.may_begin_again():
                    waiting.append(shard)
                else:
                    stopped += _stop_lines(outcome)
    if stopped:
        raise StoppedError(*stopped, "Finished traces are kept. Repeat the command with --resume to go on.")


def _stop_lines(outcome: Outcome) -> tuple[str, ...]:
    """Return why a shard stopped; empty where it is complete.

    Raises:
        InputError: It was refused.
        RuntimeError: It ended by a fault of Overthink.
    """
    if outcome.ending is Ending.COMPLETE:
        return ()
    if outcome.ending is Ending.REFUSED:
        raise InputError(*outcome.lines)
    if outcome.ending is Ending.FAULT:
        raise RuntimeError("\n".join((f"shard {outcome.shard} ended by a fault of its worker:", *outcome.lines)))
    if outcome.ending is Ending.LOST:
        why = "; ".join(outcome.lines)
        return (f"shard {outcome.shard}: its worker was lost {MOST_LOSSES} times without a new trace ({why})",)
    return tuple(f"shard {outcome.shard}: {line}" for line in outcome.lines or ("it was interrupted",))


class _ShardRun:
    """A shard that is collected, and how its journal grows."""

    def __init__(self, task: ShardTask) -> None:
        self.task = task
        self._journal = StudyFolder(Path(task.folder)).journal
        self._length, self._traces = journal_traces(self._journal)
        self._at_start = self._traces
        self._losses = 0

    def begin(self) -> None:
        """Note that a worker begins with it."""
        self._at_start = self._traces

    def new_traces(self) -> int:
        """Return how many traces the journal has gained."""
        self._length, lines = journal_traces(self._journal, behind=self._length)
        self._traces += lines
        return lines

    def may_begin_again(self) -> bool:
        """Return whether another worker may begin with it, as this one was lost."""
        self._losses = 1 if self._traces > self._at_start else self._losses + 1
        return self._losses < MOST_LOSSES


def journal_traces(journal: Path, *, behind: int = 0) -> tuple[int, int]:
    """Return the length of a journal in whole lines, and the number of its traces behind a place.

    Args:
        journal: The journal; it may grow meanwhile.
        behind: Length of what is known of it already.
    """
    if not is_there(journal):
        return 0, 0
    with journal.open("rb") as file:
        file.seek(behind)
        length, lines = behind, 0
        while chunk := file.read(1 << 20):
            whole = chunk.rfind(b"\n") + 1
            if not whole:
                break  # a torn line
            length += whole
            lines += chunk.count(b"\n")
            file.seek(length)
    return length, max(lines - (1 if not behind else 0), 0)


SHARDS_PER_WORKER = 4
"""By default: enough that workers end at about the same time."""


def check_shards(out: Path, plan: Plan, *, resume: bool, count: int | None) -> int:
    """Check that this plan may run in workers, and that its study may be written. Nothing is written.

    Args:
        out: The study's folder.
        plan: The plan.
        resume: Go on with the shards that are there.
        count: Number of shards; None for any.

    Returns:
        Number of traces that are stored already.

    Raises:
        InputError: The plan has no shards, the folder holds something else, or shards are there and are not resumed, or
            are of another number or another plan.
    """
    refuse_shards(plan)
    check_target(StudyFolder(out))
    top = shards_folder(out)
    refuse_if_held(top)
    folders = shard_folders(top)
    if folders and not resume:
        raise InputError(f"{top} holds shards of this study already; go on with --resume, or give another --out.")
    if resume and not folders:
        raise InputError(f"{top} holds no shards to resume; leave --resume out to start.")
    if folders and count not in (None, (stored := next(iter(folders)).of)):
        raise InputError(f"--shards {count}: {top} holds {stored} shards; leave --shards out, or give another --out.")
    for folder in folders.values():
        check_plan(folder, plan, resume=is_there(folder.plan))
    return sum(journal_traces(folder.journal)[1] for folder in folders.values())


def run_in_workers(
    session: "Session",
    out: Path,
    options: "RunOptions",
    on_trace: OnTrace,
    on_wave: OnWave,
    *,
    command: str | None = None,
) -> Study:
    """Collect the shards of a study in workers, and merge them into its folder.

    Args:
        session: The plan with its models and tasks; of the whole study.
        out: The study's folder; its shards are beside it.
        options: Options of the run, with its workers.
        on_trace: Called, without rows, for every finished trace.
        on_wave: Called with every wave before its first draw.
        command: The command line, for the report.

    Raises:
        InputError: A shard refuses the plan, or the workers cannot be reached.
        StoppedError: A shard stopped, or its workers are lost again and again; repeat it with `resume`.
        KeyboardInterrupt: The user stopped it; repeat it with `resume`.
    """
    workers, top = read_workers(options.workers or ""), shards_folder(out)
    with open_executor(workers) as executor:
        with storage_errors(top):
            top.mkdir(parents=True, exist_ok=True)
        with study_lock(top):
            folders = shard_folders(top) or _new_folders(top, session, options.shards, executor.slots)
            stated = {k: v for k, v in options.stated().items() if k not in ("out", "workers", "shards")}
            plan_sha256 = session.plan.sha256()
            tasks = {
                shard: ShardTask(stated, str(shard), str(folder.path), plan_sha256, str(Path.cwd()))
                for shard, folder in folders.items()
            }

            def collect(draws: Draws | None) -> None:
                missing = [shard for shard, own in folders.items() if not _is_complete(own, shard, session.plan, draws)]
                if draws is not None:
                    write_shard_waves([folders[shard] for shard in missing], StudyFolder(top).waves)
                collect_shards(executor, [tasks[shard] for shard in missing], on_trace)

            if session.plan.until is None:
                collect(None)
            else:
                collect_in_waves(
                    with_questions(session, StudyFolder(top)),
                    StudyFolder(top),
                    collect=collect,
                    tables=lambda: tables_of([scan_pool(folder.shard_pool) for folder in folders.values()]),
                    on_wave=on_wave,
                )
        return merge(out, *(folder.path for folder in folders.values()), command=command)


def _new_folders(top: Path, session: "Session", count: int | None, slots: int) -> dict[Shard, StudyFolder]:
    of = count or max(1, min(SHARDS_PER_WORKER * slots, sum(session.questions)))
    shards = [Shard(number, of) for number in range(1, of + 1)]
    folders = {shard: StudyFolder(top / shard.name) for shard in shards}
    with storage_errors(top):
        for folder in folders.values():
            folder.path.mkdir()
    return folders


def _is_complete(folder: StudyFolder, shard: Shard, plan: Plan, draws: Draws | None) -> bool:
    """Return whether a shard has every trace of a plan, or of the waves so far, none of them failed."""
    state = read_shard_state(folder.shard)
    if state is None or not is_stored(folder, state) or read_plan(folder.plan) != plan:
        return False
    return not has_failures(folder.journal) and (draws is None or has_draws(folder, shard, plan, draws))
