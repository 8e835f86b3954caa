"""All errors that Overthink raises on purpose.

    OverthinkError
    ├── InputError      what the user gave cannot be used; nothing was written          exit code 2
    └── StoppedError    the run stopped, results are kept, it can be resumed    exit code 3

A message says what was seen, what was needed, and what to do. A failed trace is data (a row with the verdict
``errored``), not an exception. An interrupt by the user stays a ``KeyboardInterrupt``, exit code 130.
"""

from typing import ClassVar


class OverthinkError(Exception):
    """Base of the errors that end a command with one clear message."""

    exit_code: ClassVar[int] = 1


class InputError(OverthinkError):
    """The user's input cannot be used: an unknown task, a broken log, a budget out of order."""

    exit_code = 2


class StoppedError(OverthinkError):
    """The run stopped before its end (the server died, the disk filled) and can be resumed."""

    exit_code = 3
