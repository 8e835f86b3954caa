"""All errors that Overthink raises on purpose.

    OverthinkError
    ├── InputError      what the user gave cannot be used; nothing was written          exit code 2
    └── StoppedError    the run stopped, results are kept, it can be resumed    exit code 3

A message says what was seen, what was needed, and what to do. A failed trace is data (a row with the verdict
``errored``), not an exception. An interrupt by the user stays a ``KeyboardInterrupt``, exit code 130.
"""

from typing import ClassVar


class OverthinkError(Exception):
    r"""Base of the errors that end a command with one clear message, whose arguments are its lines.

    A newline inside a line is a character of some name: the command line shows it as an escape, so that no name from
    outside adds a line to a message.

    >>> InputError("plan.json is no plan:", "  draws: missing").lines
    ('plan.json is no plan:', '  draws: missing')
    """

    exit_code: ClassVar[int] = 1

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines of the message."""
        return tuple(map(str, self.args))

    def __str__(self) -> str:
        return "\n".join(self.lines)


class InputError(OverthinkError):
    """The user's input cannot be used: an unknown task, a broken log, a budget out of order."""

    exit_code = 2


class StoppedError(OverthinkError):
    """The run stopped before its end (the server died, the disk filled) and can be resumed."""

    exit_code = 3
