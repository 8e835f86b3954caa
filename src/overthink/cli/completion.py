"""Completion in a shell: Typer's, with the endings of this command line.

Typer ends the process by itself after ``--install-completion`` and ``--show-completion``, and a request of a shell
comes through the environment.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any

from overthink.errors import ExitCode, InputError, OverthinkError

PROGRAM = "overthink"
REQUEST = "_OVERTHINK_COMPLETE"
"""Variable in which a shell says that it wants a completion: ``complete_bash`` and others like it."""


def is_due() -> bool:
    """Return whether a shell asks for a completion, instead of a person for a command."""
    return bool(os.environ.get(REQUEST))


def answer(command: Any) -> int:
    """Print what completes the words that the shell has passed on, and return the exit code that it needs.

    Nothing is printed between the words of a user: what cannot be completed is not.

    Args:
        command: The command line.
    """
    from typer.completion import shell_complete

    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return shell_complete(command, {}, PROGRAM, REQUEST, os.environ[REQUEST])
    except SystemExit as ending:  # fish: whether there is a completion
        return _code(ending)
    except OverthinkError:
        return ExitCode.DONE


@contextlib.contextmanager
def handled() -> Iterator[None]:
    """Let Typer's options on completion end like other commands.

    Raises:
        InputError: There is no completion for the shell.
        Exit: The completion was installed or printed.
    """
    import typer

    try:
        with contextlib.redirect_stderr(io.StringIO()):  # of the error that becomes ours
            yield
    except (SystemExit, typer.Exit) as ending:
        if _code(ending):
            raise InputError(
                "the shell that this runs in has no completion; needed: bash, zsh, fish or PowerShell, and a call by it"
            ) from ending
        raise typer.Exit from ending


def _code(ending: Any) -> int:
    code = ending.code if isinstance(ending, SystemExit) else ending.exit_code
    return code if isinstance(code, int) else int(code is not None)
