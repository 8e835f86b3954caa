"""Completion in a shell: Typer's, with the endings of this command line, and without Typer's own two options.

Those load Pydantic at every start, end the process by themselves, and with a code that means something else here.
"""

import contextlib
import io
import os
from typing import Any

from overthink.cli import terminal
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
    if os.environ[REQUEST] == "complete_bash" and not _has_words_of_bash():
        return ExitCode.DONE
    import typer.completion

    shells: Any = typer.completion
    shells.completion_init()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            code: int = shells.shell_complete(command, {}, PROGRAM, REQUEST, os.environ[REQUEST])
            return code
    except SystemExit as ending:  # fish: whether there is a completion
        return _code(ending)
    except OverthinkError:
        return ExitCode.DONE


def _has_words_of_bash() -> bool:
    """Return whether Bash has passed on words and which is completed; Typer looks for them without a check."""
    return "COMP_WORDS" in os.environ and os.environ.get("COMP_CWORD", "").isdecimal()


def set_up(context: Any, *, install: bool) -> None:
    """Install the completion for the shell that called this process, or print what that would be, and end.

    Args:
        context: The command line's.
        install: Whether to install it.

    Raises:
        InputError: There is no completion for that shell.
        Exit: It is done.
    """
    import typer.completion

    change: Any = typer.completion.install_callback if install else typer.completion.show_callback
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            change(context, None, True)
    except (SystemExit, typer.Exit) as ending:
        if _code(ending):
            raise InputError(
                "there is no completion for the program that called this one; needed: a call from bash, zsh, fish or "
                "PowerShell"
            ) from ending
    terminal.output(printed.getvalue())
    raise typer.Exit


def _code(ending: Any) -> int:
    code = ending.code if isinstance(ending, SystemExit) else ending.exit_code
    return code if isinstance(code, int) else int(code is not None)
