"""What a worker does with one shard, by the code of every run; and workers that are processes of this machine.

A worker that is lost leaves a folder whose journal has every finished trace, and whose lock is free again. The next
worker resumes it.
"""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum, auto
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from overthink.data.shards import Workers
from overthink.errors import InputError, StoppedError
from overthink.paths import is_there
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import is_held

SECONDS_FOR_LOCK = 60.0
"""How long a worker waits for the lock of its folder: another whose driver is gone ends in order within that time."""


@dataclass(frozen=True)
class ShardTask:
    """A shard that a worker collects.

    Attributes:
        options: Options of the run, as plain values of TOML.
        shard: The shard, as ``3/16``.
        folder: Its folder, absolute.
        plan_sha256: Hash of the plan that these options make where the driver is.
        working_folder: Folder that relative paths start from.
    """

    options: Mapping[str, Any]
    shard: str
    folder: str
    plan_sha256: str
    working_folder: str


class Ending(StrEnum):
    """How the task of a worker ended."""

    COMPLETE = auto()
    STOPPED = auto()
    REFUSED = auto()
    INTERRUPT = auto()
    LOST = auto()
    FAULT = auto()


@dataclass(frozen=True)
class Outcome:
    """How a shard's task ended.

    Attributes:
        shard: The shard.
        ending: How.
        lines: The message; empty for none.
    """

    shard: str
    ending: Ending
    lines: tuple[str, ...] = ()


def collect_shard(task: ShardTask) -> Outcome:
    """Collect a shard, or go on with it, in this process; every ending is an outcome.

    Args:
        task: The shard.
    """
    if os.path.isdir(task.working_folder):  # noqa: PTH112 - it may be a path of another machine
        os.chdir(task.working_folder)
    try:
        _collect(task)
    except KeyboardInterrupt:
        return Outcome(task.shard, Ending.INTERRUPT)
    except StoppedError as failure:
        return Outcome(task.shard, Ending.STOPPED, failure.lines)
    except InputError as failure:
        return Outcome(task.shard, Ending.REFUSED, failure.lines)
    except BaseException as failure:  # noqa: BLE001 - the driver says what it was
        return Outcome(task.shard, Ending.FAULT, tuple("".join(traceback.format_exception(failure)).splitlines()))
    return Outcome(task.shard, Ending.COMPLETE)


def _collect(task: ShardTask) -> None:
    from overthink.workflows.analyse import prepare, run  # a worker that waits for its first shard needs none of it
    from overthink.workflows.run_options import read_options

    folder = StudyFolder(Path(task.folder))
    _wait_for_lock(folder)
    options = read_options(task.options)
    (plan,) = options.plans()
    session = prepare(plan, shard=task.shard, endpoints=options.endpoint)
    if (sha256 := session.plan.sha256()) != task.plan_sha256:
        raise InputError(
            f"shard {task.shard}: the plan of this worker has the hash {sha256[:12]}, that of the driver "
            f"{task.plan_sha256[:12]}; needed: the same Overthink and the same files everywhere"
        )
    run(session, folder.path, resume=is_there(folder.plan), shapes=options.shapes())


def _wait_for_lock(folder: StudyFolder) -> None:
    """Wait until no process runs in a folder; one that does not end in time is reported by the run itself."""
    end = time.monotonic() + SECONDS_FOR_LOCK
    while is_there(folder.path) and is_held(folder.path) and time.monotonic() < end:
        time.sleep(0.2)


SECONDS_TO_END = 30.0
"""How long workers may take to end in order."""

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection


class LocalWorkers:
    """Processes of this machine that collect shards.

    Args:
        slots: How many at once.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._idle: list[_Worker] = []
        self._busy: dict[str, _Worker] = {}

    def submit(self, task: ShardTask) -> None:
        """Let a worker collect a shard; one is started if none is idle."""
        worker = self._idle.pop() if self._idle else _start()
        self._busy[task.shard] = worker
        with suppress(OSError):  # it has died meanwhile: its connection says so
            worker.connection.send(task)

    def outcomes(self, seconds: float) -> list[Outcome]:
        """Return what has ended, after so many seconds at most."""
        if not self._busy:
            return []
        ready = wait([worker.connection for worker in self._busy.values()], seconds)
        result = []
        for shard, worker in list(self._busy.items()):
            if worker.connection not in ready:
                continue
            del self._busy[shard]
            try:
                result.append(worker.connection.recv())
                self._idle.append(worker)
            except (EOFError, OSError):
                worker.process.join()
                result.append(Outcome(shard, Ending.LOST, (f"its process ended with {worker.process.exitcode}",)))
        return result

    def stop(self) -> None:
        """End all workers: first in order, as Ctrl-C does, and those that take too long at once."""
        for worker in self._busy.values():
            with suppress(ProcessLookupError):
                os.kill(worker.process.pid or 0, signal.SIGINT)
        end = time.monotonic() + SECONDS_TO_END
        while self._busy and time.monotonic() < end:
            self.outcomes(end - time.monotonic())
        for worker in (*self._idle, *self._busy.values()):
            worker.connection.close()
        for worker in self._busy.values():
            worker.process.kill()
        for worker in (*self._idle, *self._busy.values()):
            worker.process.join()


@contextmanager
def local_workers(workers: Workers) -> Iterator[LocalWorkers]:
    """Context manager of processes of this machine; at its end all have ended.

    Args:
        workers: The workers: without a number, one per processor.
    """
    executor = LocalWorkers(workers.count or os.cpu_count() or 1)
    try:
        yield executor
    finally:
        executor.stop()


def _start() -> _Worker:
    here, there = _SPAWN.Pipe()
    process = _SPAWN.Process(target=serve, args=(there,), name="overthink", daemon=False)
    process.start()
    there.close()
    return _Worker(process, here)


def serve(connection: Connection) -> None:
    """Collect shards one after another, in a process of its own, until the driver closes the connection or ends."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C goes to the driver, which ends its workers
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    with suppress(KeyboardInterrupt, EOFError, OSError):
        while True:
            connection.send(collect_shard(connection.recv()))


def _end_with(sentinel: int) -> None:
    """Interrupt this process once its parent has ended, in whichever way: nobody would know of what it collects."""
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGINT)
