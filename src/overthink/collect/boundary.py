"""The one place where failures of models are caught: a failed trace is data, a dead server stops the run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tenacity import RetryError

from overthink.errors import OverthinkError, StoppedError

MAX_ERROR_CHARS = 300


class Boundary:
    """Counts failed traces in a row, and stops the run when there is no reason to go on.

    Attributes:
        patience: Failed traces in a row that mean the server is gone, not the question is bad.
        stopped: Why the run stopped, if it did.
    """

    def __init__(self, *, patience: int) -> None:
        self.patience = patience
        self.stopped: OverthinkError | None = None
        self._in_a_row = 0

    @contextmanager
    def trace(self) -> Iterator[list[str]]:
        """Guard one trace. The list that it gives holds the error's text afterwards, if there was one.

        Raises:
            InputError: Raised inside, and passed on: the user has to change something.
            StoppedError: So many traces failed in a row that the server must be gone.
        """
        failure: list[str] = []
        if self.stopped is not None:
            raise self.stopped
        try:
            with self.deliberate():
                yield failure
        except OverthinkError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a provider raises becomes a row
            failure.append(without_keys(_said(error))[:MAX_ERROR_CHARS])
        self._count(failure)

    @contextmanager
    def deliberate(self) -> Iterator[None]:
        """Remember one of our own errors, so that the run ends with it and not with what the host made of it."""
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


def _said(error: Exception) -> str:
    """What an error says; of one that was tried in vain, what the last try said."""
    if isinstance(error, RetryError) and error.__cause__ is not None:
        tries = error.last_attempt.attempt_number
        return f"{type(error.__cause__).__name__} ({tries} tries): {error.__cause__}"
    return f"{type(error).__name__}: {error}"


def without_keys(text: str) -> str:
    """The text with every API key of the environment blotted out: providers like to quote the key they refused."""
    for name, secret in os.environ.items():
        if name.endswith(("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")) and len(secret) >= 6:
            text = text.replace(secret, f"<{name}>")
    return text
