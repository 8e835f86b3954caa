"""Tests in several processes, forked from one that has imported and collected all of them.

Workers of pytest-xdist import and collect everything anew, each for as long as hundreds of tests take, and none of them
can be forked. Here each worker begins with a run of tests that follow each other and so share servers and studies. One
that is ready takes the second half of the longest run that is left.
"""

import atexit
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from itertools import chain, pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("altair", "jsonschema", "openai", "reasoning_gym", "scipy.optimize", "scipy.stats", "vl_convert")
"""What most workers would import in their first tests."""

_CRASHED = "the process of this test ended with the code {}"


def number_of_workers(text: str) -> int:
    """Return a number of processes; ``auto`` is one per core, and four at most."""
    if text != "auto":
        return int(text)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 4)


class Runs:
    """Which test each worker gets next.

    Args:
        files: The file of each test.
        workers: Number of workers.
    """

    def __init__(self, files: list[str], workers: int) -> None:
        self._files = files
        cuts = [self._file_from(len(files) * worker // workers) for worker in range(workers)]
        self._left = [range(*ends) for ends in pairwise([*cuts, len(files)])]

    def take(self, worker: int) -> int | None:
        """Return the number of the next test of a worker; None where no test is left."""
        if not self._left[worker]:
            other = max(range(len(self._left)), key=lambda number: len(self._left[number]))
            run = self._left[other]
            if not run:
                return None
            half = run.start + len(run) // 2
            file = self._file_from(half)
            cut = file if file < run.stop else half
            self._left[other], self._left[worker] = range(run.start, cut), range(cut, run.stop)
        run = self._left[worker]
        self._left[worker] = run[1:]
        return run.start

    def put_back(self, worker: int, test: int) -> None:
        """Let a worker get the test again that it got last."""
        self._left[worker] = range(test, self._left[worker].stop if self._left[worker] else test + 1)

    def _file_from(self, test: int) -> int:
        """The first test from this one on that begins a file."""
        while 0 < test < len(self._files) and self._files[test] == self._files[test - 1]:
            test += 1
        return test


class Workers:
    """The processes that run the tests of a session, whose outcomes are reported here.

    Args:
        session: A session that has collected its tests.
        number: Number of processes.
    """

    def __init__(self, session: pytest.Session, number: int) -> None:
        self._session = session
        self._number = number
        self._runs = Runs([item.nodeid.partition("::")[0] for item in session.items], number)
        self._folder: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        self._open: dict[Connection, tuple[int, BaseProcess, list[int]]] = {}

    def run(self) -> None:
        """Run all tests; ends early as the session does."""
        for name in PACKAGES:
            importlib.import_module(name)
        try:
            for worker in range(self._number):
                self._begin(worker)
            while self._open:
                for connection in wait(list(self._open)):
                    assert isinstance(connection, Connection)
                    self._serve(connection)
        finally:
            for _, process, _ in self._open.values():
                process.terminate()
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _begin(self, worker: int) -> None:
        _assert_no_pool_of_threads()
        context = get_context("fork")
        here, there = context.Pipe()
        folder = self._folder / f"worker-{worker}-{len(list(self._folder.iterdir()))}"
        process = context.Process(target=_work, args=(self._session, there, folder))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the allocator's threads, which expects forks
            process.start()
        there.close()
        self._open[here] = worker, process, []

    def _serve(self, connection: Connection) -> None:
        worker, process, tests = self._open[connection]
        try:
            kind, content = connection.recv()
        except EOFError:
            process.join()
            del self._open[connection]
            self._ended(worker, process.exitcode, tests)
            return
        if kind == "next":
            stopped = self._session.shouldfail or self._session.shouldstop
            test = None if stopped else self._runs.take(worker)
            if test is not None:
                tests.append(test)
            connection.send(test)
        elif kind == "end":
            tests.remove(content)
        else:
            _report(self._session.config, kind, content)

    def _ended(self, worker: int, code: int | None, tests: list[int]) -> None:
        """A test that ended its process has failed, and another process takes over."""
        if not tests and code:
            raise RuntimeError(f"a process ended with the code {code} outside of any test")
        if tests:
            item = self._session.items[tests[0]]
            report = pytest.TestReport(item.nodeid, item.location, {}, "failed", _CRASHED.format(code), "call")
            self._session.config.hook.pytest_runtest_logreport(report=report)
            for test in tests[1:]:
                self._runs.put_back(worker, test)
            self._begin(worker)


def _assert_no_pool_of_threads() -> None:
    """A fork has one thread of its parent: a pool that has begun would never answer in it."""
    names = [thread.name for thread in threading.enumerate()]
    if sys.platform == "linux":
        names += [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    pools = [name for name in names if name.startswith(("polars-0", "tokio", "Thread", "ThreadPool"))]
    assert not pools, f"{pools}: a module of tests computes while it is imported; let a function do it"


def _report(config: pytest.Config, kind: str, content: dict[str, Any]) -> None:
    """Tell the plugins of this process what those of a worker were told."""
    if kind == "report":
        report = config.hook.pytest_report_from_serializable(config=config, data=content)
        config.hook.pytest_runtest_logreport(report=report)
    elif kind == "warning":
        config.hook.pytest_warning_recorded.call_historic(kwargs=content)
    else:
        getattr(config.hook, kind)(**content)


class _Worker:
    """What a worker's plugins are told, for those of the process that reports."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self._config = config
        self._connection = connection

    def tests(self) -> Iterator[int]:
        while True:
            self._connection.send(("next", None))
            test = self._connection.recv()
            if test is None:
                return
            yield test

    def end(self, test: int) -> None:
        self._connection.send(("end", test))

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        self._connection.send(("pytest_runtest_logstart", {"nodeid": nodeid, "location": location}))

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        self._connection.send(("pytest_runtest_logfinish", {"nodeid": nodeid, "location": location}))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._connection.send(("report", data))

    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str, location: Any) -> None:
        warning_message.source = None
        content = {"warning_message": warning_message, "when": when, "nodeid": nodeid, "location": location}
        self._connection.send(("warning", content))


def _work(session: pytest.Session, connection: Connection, folder: Path) -> None:
    """In a fork: runs the tests that it is sent, with folders, captured streams and exit handlers of its own."""
    atexit._clear()
    config = session.config
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    folder.mkdir(mode=0o700)
    config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
    config.pluginmanager.unregister(name="terminalreporter")
    worker = _Worker(config, connection)
    config.pluginmanager.register(worker)
    for test, after in pairwise(chain(worker.tests(), [None])):
        following = None if after is None else session.items[after]
        config.hook.pytest_runtest_protocol(item=session.items[test], nextitem=following)
        worker.end(test)
    config._ensure_unconfigure()  # raises what was never closed, as in any process of pytest
    atexit._run_exitfuncs()
