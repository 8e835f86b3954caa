"""One run of Inspect's own eval that repeated Ctrl-C ends in an orderly way, and the samples that it is to run."""

import asyncio
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, Protocol

import anyio
from inspect_ai import Task, eval_async
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import Model

from overthink.collect.inspect_internals import (
    PrerequisiteError,
    configured_async_backend,
    filtered_logs,
    no_display,
    platform_init,
    prerequisite_words,
    with_async_fs,
)
from overthink.collect.inspect_logs.files import inspect_path
from overthink.collect.session.calls import bounded_calls
from overthink.collect.session.failures import RESUME, Boundary
from overthink.collect.session.interrupts import Interrupts, count_interrupts
from overthink.collect.sinks import TraceSink
from overthink.data.secrets import log_filter
from overthink.errors import InputError, StoppedError
from overthink.paths import DISK_ERRORS
from overthink.plan.study import Plan

SAMPLE_LIMITS = ("message_limit", "token_limit", "turn_limit", "time_limit", "working_limit")
"""Limits of a task on one generation of one answer."""

NO_SAMPLE_LIMITS: dict[str, Any] = dict.fromkeys((*SAMPLE_LIMITS, "early_stopping"))
"""Properties of a task that is sampled as the plan says: a trace answers at every rung, and the plan has its draws.

A limit on cost stays: it is the user's money.
"""


def run_inspect(task: Task, boundary: Boundary, **settings: Any) -> list[EvalLog]:
    """Evaluate a task with ``inspect_ai.eval``, without a display and without secrets in its log.

    In a thread without a handler, in a running event loop and on trio, Inspect handles Ctrl-C itself.

    Args:
        task: The task.
        boundary: Handler of failures; when it stops the run, running samples are cancelled.
        **settings: Settings of ``inspect_ai.eval``.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; running samples were cancelled, and the log was written.
    """
    with filtered_logs(log_filter(os.environ)), no_display(), count_interrupts() as interrupts:
        if interrupts is None or _in_a_loop() or configured_async_backend() != "asyncio":
            return inspect_eval(task, display="none", **settings)

        async def run() -> list[EvalLog]:
            loop, running = asyncio.get_running_loop(), asyncio.current_task()
            assert running is not None

            def stop() -> None:
                loop.call_soon_threadsafe(running.cancel)  # it may come from a signal or from another thread

            boundary.on_stop = stop
            try:
                with interrupts.stopping(stop):
                    return await eval_async(task, **settings)
            finally:
                boundary.on_stop = lambda: None

        platform_init()
        before = interrupts.count
        try:
            logs = anyio.run(with_async_fs(run))
        except asyncio.CancelledError:
            if interrupts.count == before and boundary.stopped is None:
                raise
            logs = []
        if interrupts.count > before:
            raise KeyboardInterrupt
        return logs


_running = threading.Lock()
"""Held while an eval runs: Inspect has one at a time, and bounds on calls and filters of logs are the process's."""


@contextmanager
def _alone(interrupts: Interrupts | None) -> Iterator[None]:
    """Wait until no other thread runs an eval, and keep others waiting while the block runs.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed while it waited.
    """
    while not _running.acquire(timeout=_SECONDS_BETWEEN_LOOKS):
        if interrupts is not None and interrupts.count:
            raise KeyboardInterrupt
    try:
        yield
    finally:
        _running.release()


_SECONDS_BETWEEN_LOOKS = 0.25


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class RunSettings(Protocol):
    """What a plan says of a run of Inspect's eval."""

    @property
    def grader(self) -> str | None:
        """Model of the role "grader"."""

    @property
    def limit(self) -> int | None:
        """Most questions."""

    @property
    def concurrency(self) -> int:
        """Samples, and requests, at once."""


def evaluate(
    task: Task,
    model: Model,
    plan: RunSettings,
    log_dir: Path,
    *,
    boundary: Boundary,
    keeps_failures: bool = False,
    **config: Any,
) -> None:
    """Run one task through Inspect and check how it ended.

    Args:
        task: The task, ready to run.
        model: The model under test; Inspect would prefer one that the task names.
        plan: The study's plan, or its settings of a run.
        log_dir: Folder of the Inspect log.
        boundary: Handler of failures.
        keeps_failures: A failed sample stays in the log and the others go on; otherwise only a deliberate stop passes
            the boundary.
        **config: Generation settings of the whole run.

    Raises:
        InputError: The task cannot be run on the ladder.
        StoppedError: The run failed.
        KeyboardInterrupt: The user stopped it.
    """
    own = copy(task)
    own.model = None
    try:
        with count_interrupts() as interrupts, _alone(interrupts), bounded_calls(boundary):
            logs = run_inspect(
                own,
                boundary,
                model=model,
                model_roles={"grader": plan.grader} if plan.grader else None,
                log_dir=inspect_path(log_dir),
                log_format="eval",  # the one whose secrets are hidden
                limit=plan.limit,
                max_samples=plan.concurrency,
                max_connections=plan.concurrency,
                max_retries=0,  # calls are repeated in `session.calls`
                fail_on_error=not keeps_failures,
                log_level="error",
                log_realtime=False,  # its database costs time on every event, and a full disk would end the run
                **config,
            )
    except PrerequisiteError as failure:  # of the folder for logs, the display or a solver
        raise InputError(f"task {task.name} cannot be run: {prerequisite_words(failure)}") from failure
    except OSError as failure:
        raise _no_room(log_dir, str(failure.strerror or failure), boundary.resume) from failure
    if boundary.stopped is not None:
        raise boundary.stopped
    if not logs or any(log.status == "cancelled" for log in logs):
        raise KeyboardInterrupt  # if Inspect handles Ctrl-C itself, it may return no log
    check_logs(logs, log_dir, resume=boundary.resume)


def check_logs(logs: Sequence[EvalLog], log_dir: Path, *, resume: str = RESUME) -> None:
    """Check that no run ended with an error of its own.

    Args:
        logs: The logs of the runs.
        log_dir: Folder of the logs.
        resume: Words for what to do to go on.

    Raises:
        StoppedError: One did: a log could not be written, or else.
    """
    for log in logs:
        if log.status == "error":
            reason = log.error.message if log.error else "no reason was logged"
            if (full := next((text for text in map(os.strerror, DISK_ERRORS) if text in reason), None)) is not None:
                raise _no_room(log_dir, full, resume)
            raise StoppedError(f"task {log.eval.task} stopped: {reason}. To go on, {resume}.")


def _no_room(log_dir: Path, reason: str, resume: str) -> StoppedError:
    return StoppedError(
        f"{log_dir}: the log cannot be written ({reason}); finished traces are kept. Free some space, then {resume}."
    )


def number_samples(task: Task, plan: Plan) -> list[Sample]:
    """Return the samples of the plan, each with an id; existing ids are kept."""
    samples = list(task.dataset)[: plan.limit]
    for number, sample in enumerate(samples, start=1):
        sample.id = number if sample.id is None else sample.id
    return samples


def missing_draws(
    task: Task, plan: Plan, sink: TraceSink, *, name: str, arm: str
) -> tuple[list[Sample], dict[str, tuple[int, ...]]]:
    """Return the samples with missing draws in one arm, and the missing draws per question, possibly none."""
    samples, missing = number_samples(task, plan), dict[str, tuple[int, ...]]()
    for question in (str(sample.id) for sample in samples):
        n_draws = plan.draws if sink.draws is None else sink.draws[name, question]
        missing[question] = tuple(draw for draw in range(n_draws) if (name, arm, question, draw) not in sink.done)
    return [sample for sample in samples if missing[str(sample.id)]], missing
