"""Workers that are tasks of Ray: its scheduler finds a place for a shard, and everything else is as on this machine.

A task writes into the folder of its shard, where its node sees it. Where it does not, the folder is sent to it, and
comes back while it grows. Ray repeats nothing: the driver counts losses, and knows whether a shard gets anywhere.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from overthink.data.shards import AUTO, Workers
from overthink.errors import InputError, StoppedError
from overthink.paths import is_there, read_file
from overthink.storage.shards import FolderSender, Piece, store_pieces
from overthink.storage.study_lock import LOCK_FILE
from overthink.workflows.own_thread import ThreadWork
from overthink.workflows.workers import Ending, Outcome, ShardTask, collect_shard

SECONDS_TO_CONNECT = 5.0
"""How long the machine of an address may take to accept a connection."""

SECONDS_TO_ANSWER = 60.0
"""How long a cluster may take to answer."""

SECONDS_TO_END = 30.0
"""How long tasks may take to end in order."""

SECONDS_BETWEEN_PIECES = 5.0
"""Between two times at which a task without a common file system sends what its folder has gained: a node that is lost
takes with it what it finished since."""

OBJECT_STORE_BYTES = 128 * 2**20
"""Of a Ray that is started here; on one machine nothing is kept there."""

_SETTINGS: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}

_NO_FOLDER = "no folder"
"""What a task sends whose node does not see the folder of its shard."""


class RayWorkers:
    """Tasks of Ray that collect shards.

    Args:
        ray: The module, which is connected.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._task = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(collect_remotely)
        self._running: dict[Any, ShardTask] = {}

    @property
    def slots(self) -> int:
        """Processors of the cluster; nodes may join it."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, task: ShardTask) -> None:
        """Let Ray find a place for a shard."""
        self._submit(task, None)

    def _submit(self, task: ShardTask, pieces: Sequence[Piece] | None) -> None:
        lock = read_file(Path(task.folder).parent / LOCK_FILE)
        self._running[self._task.remote(task, lock, pieces)] = task

    def outcomes(self, seconds: float) -> list[Outcome]:
        """Return what has ended, after so many seconds at most; what tasks have sent meanwhile is stored."""
        end, result = time.monotonic() + seconds, list[Outcome]()
        while self._running and not result and (left := end - time.monotonic()) > 0:
            ready, _ = self._ray.wait([*self._running], num_returns=1, timeout=left)
            for stream in ready:
                result += self._received(stream)
        return result

    def _received(self, stream: Any) -> list[Outcome]:
        """Store the next thing that a task has sent; return how the task ended, if it has."""
        task = self._running[stream]
        try:
            news = self._ray.get(next(stream))
        except StopIteration:
            news = Outcome(task.shard, Ending.LOST, ("it ended without a word",))
        except self._ray.exceptions.TaskCancelledError:
            news = Outcome(task.shard, Ending.INTERRUPT)
        except self._ray.exceptions.RayTaskError as failure:
            news = Outcome(task.shard, Ending.FAULT, tuple(str(failure).splitlines()))
        except self._ray.exceptions.RayError as failure:
            news = Outcome(task.shard, Ending.LOST, (type(failure).__name__,))
        if isinstance(news, Piece):
            store_pieces(Path(task.folder), [news])
            return []
        del self._running[stream]
        if news == _NO_FOLDER:
            self._submit(task, [*FolderSender(Path(task.folder)).news(is_final=False)])
            return []
        return [news]

    def stop(self) -> None:
        """End all tasks: first in order, as Ctrl-C does, and those that take too long at once."""
        for is_forced in (False, True):
            for stream in self._running:
                self._ray.cancel(stream, force=is_forced)
            end = time.monotonic() + SECONDS_TO_END
            while self._running and time.monotonic() < end:
                self.outcomes(1.0)


def collect_remotely(task: ShardTask, lock: bytes, pieces: Sequence[Piece] | None) -> Iterator[object]:
    """Collect a shard in a task of Ray; yield what its folder has gained where the driver does not see it, and the end.

    Args:
        task: The shard.
        lock: Content of the lock file beside its folder: a node that reads the same there sees the driver's folders.
        pieces: The folder; None before it was asked for.
    """
    beside = Path(task.folder).parent / LOCK_FILE
    if is_there(beside) and read_file(beside) == lock:
        yield from _collect(task, None)
    elif pieces is None:
        yield _NO_FOLDER
    else:
        with tempfile.TemporaryDirectory(prefix="overthink-") as top:
            folder = Path(top) / Path(task.folder).name
            folder.mkdir()
            store_pieces(folder, pieces)
            sender = FolderSender(folder)
            for _ in sender.news(is_final=False):
                pass  # the driver has it
            yield from _collect(replace(task, folder=str(folder)), sender)


def _collect(task: ShardTask, sender: FolderSender | None) -> Iterator[object]:
    work = ThreadWork(lambda: collect_shard(task))
    work.start()
    is_running = True
    while is_running:
        try:
            is_running = work.is_running(SECONDS_BETWEEN_PIECES)
        except KeyboardInterrupt:
            work.handler.press()
        if sender is not None:
            yield from sender.news(is_final=not is_running)
    yield work.result()


@contextmanager
def ray_workers(workers: Workers) -> Iterator[RayWorkers]:
    """Context manager of tasks of Ray: of a cluster, or of a Ray that is started here and ends with the block.

    Raises:
        InputError: Ray is not installed, or the cluster does not answer.
        StoppedError: A Ray cannot start on this machine.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would send how it is used
    try:
        import ray
    except ImportError:
        raise InputError(
            f"--workers {workers}: Ray is not installed; needed: pip install 'overthink[ray]', or --workers processes"
        ) from None
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    _connect(ray, workers)
    _restore(handlers)  # Ray sets its own
    executor = RayWorkers(ray)
    try:
        yield executor
    finally:
        try:
            executor.stop()
        finally:
            ray.shutdown()
            _restore(handlers)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _connect(ray: Any, workers: Workers) -> None:
    if ray.is_initialized():
        raise InputError(f"--workers {workers}: this process is connected to a Ray already; needed: ray.shutdown()")
    if workers.address is None:
        own = {"num_cpus": workers.count, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
        try:
            ray.init(address="local", **own, **_SETTINGS)
        except Exception as failure:
            raise StoppedError(
                f"--workers {workers}: Ray did not start here ({_first_line(str(failure))}); no shard has begun. "
                "Repeat the command when the machine is less busy, or give --workers processes."
            ) from failure
        return
    _require_answer(workers)
    try:
        ray.init(address=workers.address, **_SETTINGS)
    except (ConnectionError, RuntimeError, ValueError) as failure:
        raise InputError(f"--workers {workers}: {_first_line(str(failure))}") from failure


def _require_answer(workers: Workers) -> None:
    """Raise an error unless a Ray answers at an address: Ray itself would wait for it without end, or end the process.

    Raises:
        InputError: None does, in time.
    """
    assert workers.address is not None
    no_answer = f"--workers {workers}: no Ray answers there"
    to_do = "start one with `ray start --head`, or give the address that it prints"
    if workers.address != AUTO:
        host, _, port = workers.address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS_TO_CONNECT).close()
        except OSError as failure:
            raise InputError(f"{no_answer} ({failure.strerror or failure}); {to_do}") from failure
    code = f"import ray; ray.init(address={workers.address!r}, logging_level='CRITICAL', log_to_driver=False)"
    try:
        done = subprocess.run(  # noqa: S603 - the address has no other characters
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{no_answer} within {SECONDS_TO_ANSWER:.0f} seconds; {to_do}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise InputError(f"{no_answer} ({said[-1][:300] if said else f'exit code {done.returncode}'}); {to_do}")


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0][:300]
