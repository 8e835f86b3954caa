"""Shards that workers collect: as many at once as there are workers, and one whose worker is lost is begun again.

Workers are anything that takes a shard and says later how it ended: processes of this machine, or tasks of Ray.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from overthink.data.shards import WorkerKind, Workers
from overthink.errors import InputError, StoppedError
from overthink.paths import is_there
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.collect import OnTrace
from overthink.workflows.shard_task import Ending, Outcome, ShardTask

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
        from overthink.workflows.local_workers import local_workers

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
