"""The only handler of failures of models: a failed trace becomes a row, and a server that does not answer stops a run.

A model that refuses its caller (key, permission, unknown name) stops the run at once; any other failure when it is the
last of several in a row. What was collected is kept in both cases.
"""

import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from inspect_ai.util import store

from overthink.collect.providers.attempts import REFUSALS, CallError, Patience, words
from overthink.data.visible import visible
from overthink.errors import OverthinkError, StoppedError

RESUME = "repeat the command with --resume"


class Boundary:
    """Counters of consecutive failures that stop the run when a server is unreachable, or refuses.

    Args:
        patience: Bounds on waiting, and the number of failures in a row.
        resume: Words for what to do to go on.
        cause: Words for what must come first.

    Attributes:
        patience: The same bounds.
        stopped: Error that stopped the run; None while it runs.
        resume: Words for what to do to go on.
        last_failure: Text of the last failed call; None without one.
        has_value: Whether anything of any trace was scored.
        on_stop: Called once when the run is to stop, by whatever runs it.
    """

    def __init__(self, *, patience: Patience, resume: str = RESUME, cause: str = "the model answers") -> None:
        self.patience = patience
        self.stopped: OverthinkError | None = None
        self.last_failure: str | None = None
        self.on_stop: Callable[[], None] = lambda: None
        self.resume = resume
        self._cause = cause
        self._traces = 0
        self._last_failed: str | None = None  # text of the last failed trace
        self._place: str | None = None  # where in the task's own code it failed
        self.has_value = False
        self._calls: dict[str, list[object]] = defaultdict(list)  # by model: the samples whose calls failed

    @contextmanager
    def trace(self) -> Iterator[list[str]]:
        """Catch failures of one trace. The yielded list holds the error's text afterwards, if there was one.

        Raises:
            InputError: Raised inside and passed on: the input must be changed.
            StoppedError: A model refuses, or too many traces failed in a row.
        """
        failure: list[str] = []
        self._check_open()
        try:
            with self.deliberate():
                yield failure
        except OverthinkError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary: it becomes a row
            self._refuse(error)
            failure.append(words(error))
            self._place = task_place(error)
        self._traces = self._traces + 1 if failure else 0
        self._last_failed = failure[0] if failure else self._last_failed
        if self._traces >= self.patience.failures:
            self._stop(f"{self._traces} traces failed one after the other, the last with: {failure[0]}", self._place)

    def require_any(self) -> None:
        """Check that not every trace failed before anything of it was scored.

        Raises:
            StoppedError: All failed, and they were fewer than it takes to stop the run.
        """
        if self._last_failed is not None and not self.has_value:
            self._stop(f"every trace failed, the last with: {self._last_failed}", self._place)

    @contextmanager
    def call(self, model: str, *, counts: bool = True) -> Iterator[None]:
        """Count a call of a model.

        Args:
            model: The model.
            counts: Whether its failure is one: not where another server of the model takes over.

        Raises:
            StoppedError: The model refuses, or its calls failed in too many traces in a row.
        """
        self._check_open()
        try:
            yield
        except CallError as error:
            if not counts:
                raise
            self.last_failure = str(error)
            self._refuse(error)
            sample, failed = store(), self._calls[model]
            if not any(sample is other for other in failed):
                failed.append(sample)
            if len(failed) >= self.patience.failures:
                self._stop(f"calls of {model} failed in {len(failed)} traces one after the other, the last: {error}")
            raise
        self._calls[model].clear()

    @contextmanager
    def deliberate(self) -> Iterator[None]:
        """Record one of Overthink's own errors, so that the run ends with it and not with Inspect's wrapper of it."""
        try:
            yield
        except OverthinkError as error:
            self.stopped = self.stopped or error
            raise

    def _check_open(self) -> None:
        if self.stopped is not None:
            # Without the way it came: each trace would add its own, and Inspect's log renders all of it every time.
            raise self.stopped.with_traceback(None)

    def _refuse(self, error: Exception | SystemExit) -> None:
        """Stop the run if no other request can succeed."""
        status = error.status if isinstance(error, CallError) else None
        if status in REFUSALS:
            self._stop(f"{error}. No other request was sent: check {REFUSALS[status]}")

    def _stop(self, reason: str, place: str | None = None) -> None:
        self._check_open()  # the first reason counts
        advice = f"When {self._cause} again, {self.resume}."
        if place is not None:
            reason = f"{reason}, in {place}"
            advice = (
                f"This is code of a task or component, and no failure of a model: where it lacks something, as a "
                f"file or a package, provide it and {self.resume}; where it must be changed, begin another study."
            )
        self.stopped = StoppedError(f"{reason}. What was collected before is kept. {advice}")
        self.on_stop()
        raise self.stopped


_NO_TASK_CODE = {"overthink", "inspect_ai", *sys.stdlib_module_names}
"""Packages whose frames say nothing of the code of a task."""


def task_place(error: BaseException) -> str | None:
    """Return file, line and function of a task's own code in which an error came up; None if it came up elsewhere.

    Failed calls of a model have none, wherever they were made.
    """
    if isinstance(error, CallError):
        return None
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _NO_TASK_CODE:
            code = frame.f_code
            return f"{visible(Path(code.co_filename).name)}, line {line}, function {code.co_name}"
    return None
