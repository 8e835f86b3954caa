"""The command line: parses, calls, prints. The workflows are in `workflows`.

What `overthink` alone prints: the three things that a newcomer can do, with one command each.

Completion in a shell: Typer's, with the endings of this command line, and without Typer's own two options.

Those load Pydantic at every start, end the process by themselves, and with a code that means something else here.
"""

import contextlib
import io
import os
import sys
from typing import Annotated, Any

import typer

from overthink._version import __version__
from overthink.cli import start, terminal
from overthink.cli.commands import CommandGroup
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


TEXT = """\
Overthink measures what more thinking does to a model: how much more it can do, and how much less safe it gets.

Logs of Inspect or a table that are there already; no model is called:

    overthink analyse logs/
    overthink compare base.eval new.eval

Try it: a simulated model whose truth is known, in seconds, without weights or a key:

    overthink run --model overthink/simulated --safety overthink/secret --budgets 0,64,256 --out try

Your own model on your own tasks (a hosted model has levels instead of budgets: --efforts low,medium,high):

    overthink run --model vllm-completions/Qwen/Qwen3-8B --capability my_tasks.py@sums --budgets 0,512,2k --out study

overthink --help lists the commands, overthink COMMAND --help the options of one.
"""


def commands() -> tuple[str, ...]:
    """Return the command lines of the text."""
    return tuple(line.strip() for line in TEXT.splitlines() if line.startswith("    "))


app = typer.Typer(
    name="overthink",
    help="Measures what more thinking does to a model: how much more it can do, and how much less safe it gets.",
    epilog="Exit codes: 0 done; 1 a checked claim fails; 2 input; 3 stopped, can be resumed; 4 some files not read; "
    "70 a fault of Overthink; 74 output device; 141 broken pipe; 130, 143, 129 ended by signals (docs/exit-codes.md).",
    cls=CommandGroup,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Run the command line and end the process; errors become one message and an exit code."""
    start.start(run_app)


def run_app() -> int:
    """Run the command that the process was started with, and return its exit code.

    Typer's own runner makes 1 of a broken pipe and of a no, and expands patterns on Windows; it is not used.

    Raises:
        InputError: The command line cannot be read.
        Exception: The command's own.
    """
    command = typer.main.get_command(app)
    if is_due():
        return answer(command)
    try:
        with command.make_context(PROGRAM, sys.argv[1:]) as context:
            command.invoke(context)
    except typer.Exit as ending:
        return int(ending.exit_code)
    except typer.Abort:
        terminal.ending("not begun; nothing was paid.")
        return ExitCode.INTERRUPT
    except Exception as refusal:
        if not hasattr(refusal, "format_message"):
            raise
        raise InputError(_usage(refusal)) from refusal
    return ExitCode.DONE


def _usage(refusal: Any) -> str:
    """Return what is wrong with a command line, and where it is described."""
    where = getattr(getattr(refusal, "ctx", None), "command_path", "overthink")
    text = refusal.format_message().strip().rstrip(".")
    return f"{text or 'no command was given'}; see {where} --help"


@app.callback(invoke_without_command=True)
def _begin(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="The same as --quiet after a command.")] = False,
    install_completion: Annotated[
        bool,
        typer.Option("--install-completion", help="Let the shell that this runs in complete commands and options."),
    ] = False,
    show_completion: Annotated[
        bool, typer.Option("--show-completion", help="Print what that installs, to copy or change it.")
    ] = False,
) -> None:
    terminal.set_quiet(quiet)
    if version:
        terminal.output(f"overthink {__version__}")
        raise typer.Exit
    if install_completion or show_completion:
        set_up(context, install=install_completion)
    elif context.invoked_subcommand is None:
        terminal.output(TEXT)
