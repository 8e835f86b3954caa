"""Workers that are processes of this machine: each collects one shard after another, and ends with its driver."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from overthink.data.shards import Workers
from overthink.workflows.shard_task import Ending, Outcome, ShardTask, collect_shard

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
