"""All errors that Overthink raises on purpose, and what the command line's exit codes mean.

    OverthinkError
    ├── InputError      what the user gave cannot be used; nothing was written          exit code 2
    ├── StoppedError    the run stopped, results are kept, it can be resumed    exit code 3
    └── OutputError     standard output cannot be written to                    exit code 74, 141 if its reader has gone

A message says what was seen, what was needed, and what to do. A failed trace is data (a row with the verdict
``errored``), not an exception. An interrupt by the user stays a ``KeyboardInterrupt``. Every other exception is a fault
of Overthink, exit code 70. All codes are in :class:`ExitCode`.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What an exit code of the command line means; each means one thing.

    Example:
        >>> ExitCode(StoppedError("the disk is full").exit_code).name
        'STOPPED'
    """

    DONE = 0
    """What was wanted is done."""
    NO = 1
    """The answer is no: a checked claim fails, generated text was reworded, re-evaluation is due. Nothing else."""
    INPUT = 2
    """The command line, a file or a folder cannot be used, a read-only one included; nothing was written."""
    STOPPED = 3
    """Stopped before the end (a provider, a full disk); what was collected is kept, and it can be resumed."""
    PARTIAL = 4
    """Done, but some files of the input could not be read; each is named."""
    FAULT = 70
    """A fault of Overthink; a file to send is named."""
    OUTPUT = 74
    """Standard output cannot be written to: its device is full or broken, or it was closed."""
    HANGUP = 129
    """Ended by SIGHUP: the terminal has gone; what was collected is kept."""
    INTERRUPT = 130
    """Ended by Ctrl-C, or by a no to the question whether to go on; what was collected is kept."""
    PIPE = 141
    """The reader of standard output has gone, as with ``| head``."""
    TERMINATED = 143
    """Ended by SIGTERM; what was collected is kept."""


class OverthinkError(Exception):
    r"""Base of the errors that end a command with one clear message, whose arguments are its lines.

    A newline inside a line is a character of some name: it is shown as an escape, like all that moves a cursor or is
    not seen, so that no name from outside adds a line to a message or clears a screen.

    >>> InputError("plan.json is no plan:", "  draws: missing").lines
    ('plan.json is no plan:', '  draws: missing')
    >>> str(InputError("no model red\x1b[31m\n"))
    'no model red\\u001b[31m\\u000a'
    """

    exit_code: ClassVar[int] = ExitCode.FAULT

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines of the message."""
        return tuple(map(str, self.args))

    def __str__(self) -> str:
        return "\n".join(map(_escaped, self.lines))


def _escaped(line: str) -> str:
    """Return a line with escapes as `data.visible` has them, which imports this file; twice is the same as once."""
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else _escape(ord(letter)) for letter in line)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class InputError(OverthinkError):
    """The user's input cannot be used: an unknown task, a broken log, a budget out of order."""

    exit_code = ExitCode.INPUT


class StoppedError(OverthinkError):
    """The run stopped before its end (the server died, the disk filled) and can be resumed."""

    exit_code = ExitCode.STOPPED


class OutputError(OverthinkError):
    """Standard output cannot be written to: its device is full, or it was closed."""

    exit_code = ExitCode.OUTPUT


class OutputClosedError(OutputError):
    """The reader of standard output has gone."""

    exit_code = ExitCode.PIPE
