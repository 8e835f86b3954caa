"""The only handler of model failures: a failed trace becomes a row, an unreachable server stops the run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tenacity import RetryError

from overthink.data.secrets import without_secrets
from overthink.errors import OverthinkError, StoppedError

MAX_ERROR_CHARS = 300


class Boundary:
    """Counter of consecutive failed traces that stops the run when the server is unreachable.

    Attributes:
        patience: Number of consecutive failed traces after which the server counts as unreachable.
        stopped: Error that stopped the run; None while it runs.
    """

    def __init__(self, *, patience: int) -> None:
        self.patience = patience
        self.stopped: OverthinkError | None = None
        self._in_a_row = 0

    @contextmanager
    def trace(self) -> Iterator[list[str]]:
        """Catch failures of one trace. The yielded list holds the error's text afterwards, if there was one.

        Raises:
            InputError: Raised inside and passed on: the input must be changed.
            StoppedError: ``patience`` traces failed in a row.
        """
        failure: list[str] = []
        if self.stopped is not None:
            # Without the way it came: each trace would add its own, and Inspect's log renders all of it every time.
            raise self.stopped.with_traceback(None)
        try:
            with self.deliberate():
                yield failure
        except OverthinkError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary: it becomes a row
            failure.append(without_secrets(_describe(error), os.environ)[:MAX_ERROR_CHARS])
        self._count(failure)

    @contextmanager
    def deliberate(self) -> Iterator[None]:
        """Record one of Overthink's own errors, so that the run ends with it and not with Inspect's wrapper of it."""
        try:
            yield
        except OverthinkError as error:
            self.stopped = self.stopped or error
            raise

    def _count(self, failure: list[str]) -> None:
        self._in_a_row = self._in_a_row + 1 if failure else 0
        if self._in_a_row >= self.patience:
            self.stopped = StoppedError(
                f"{self._in_a_row} traces failed one after the other, the last with: {failure[0]}. What was collected "
                "before is kept. When the model answers again, repeat the command with --resume."
            )
            raise self.stopped


def _describe(error: Exception | SystemExit) -> str:
    """Return the text of an error; after retries, that of the last attempt."""
    if isinstance(error, RetryError) and error.__cause__ is not None:
        tries = error.last_attempt.attempt_number
        return f"{type(error.__cause__).__name__} ({tries} tries): {error.__cause__}"
    return f"{type(error).__name__}: {error}"
