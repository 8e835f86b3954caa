"""The command line: parses, calls, prints. The workflows are in `workflows`."""

import sys
from typing import Annotated, Any

import typer

from overthink._version import __version__
from overthink.cli import (
    analyse,
    compare,
    forecast,
    governance,
    label,
    methods,
    models,
    report,
    run,
    samples,
    schema,
    start,
    table,
    terminal,
    verify,
)
from overthink.errors import ExitCode, InputError

app = typer.Typer(
    name="overthink",
    help="Measures what more thinking does to a model: how much more it can do, and how much less safe it gets.",
    epilog="Exit codes: 0 done; 1 a checked claim fails; 2 input; 3 stopped, can be resumed; 4 some files not read; "
    "70 a fault of Overthink; 74 output device; 141 broken pipe; 130, 143, 129 ended by signals (docs/exit-codes.md).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(models.model_app, name="model")
app.add_typer(governance.govern_app)
analyse.register(app)
run.register(app)
label.register(app)
report.register(app)
samples.register(app)
schema.register(app)
compare.register(app)
forecast.register(app)
governance.register(app)
verify.register(app)
table.register(app)
methods.register(app)


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
    _keep_results_apart(command)
    try:
        with command.make_context("overthink", sys.argv[1:]) as context:
            command.invoke(context)
    except typer.Exit as ending:
        return int(ending.exit_code)
    except typer.Abort:
        terminal.note("not begun; nothing was paid.")
        return ExitCode.INTERRUPT
    except Exception as refusal:
        if not hasattr(refusal, "format_message"):
            raise
        raise InputError(_usage(refusal)) from refusal
    return ExitCode.DONE


def _keep_results_apart(command: Any) -> None:
    """Let every command below a group print its result alone on standard output."""
    parts = getattr(command, "commands", None)
    if parts is None:
        command.callback = terminal.with_results_apart(command.callback)
    for part in (parts or {}).values():
        _keep_results_apart(part)


def _usage(refusal: Any) -> str:
    """Return what is wrong with a command line, and where it is described."""
    where = getattr(getattr(refusal, "ctx", None), "command_path", "overthink")
    text = refusal.format_message().strip().rstrip(".")
    return f"{text or 'no command was given'}; see {where} --help"


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        terminal.output(f"overthink {__version__}")
        raise typer.Exit
