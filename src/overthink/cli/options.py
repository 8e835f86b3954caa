"""Options that commands share, the panels of their help, and parsers of their texts.

Output shared by the commands: command line and results.
"""

import json
import math
import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from overthink.cli import terminal, values
from overthink.data.secrets import without_secrets
from overthink.errors import ExitCode, InputError
from overthink.paths import name_text
from overthink.workflows import option_words

if TYPE_CHECKING:
    from overthink.workflows.study import Study


PANEL_RUN = "What to run"
PANEL_READ = "What is read"
PANEL_BUDGETS = "Budgets"
PANEL_ARMS = "Arms"
PANEL_STATISTICS = "Statistics"
PANEL_COMPUTE = "Compute and model size"
PANEL_OUTPUT = "Output"
"""Panels of a help page: `rich_help_panel` of the options, the same words in every command."""

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Print neither progress nor notes: results go to standard output, errors to standard error.",
        callback=terminal.set_quiet_if,
        expose_value=False,
        rich_help_panel=PANEL_OUTPUT,
    ),
]
"""Added to every command as it is loaded."""

Primary = Annotated[
    list[str],
    typer.Option(
        help=option_words.PRIMARY,
        metavar="CURVES",
        rich_help_panel=PANEL_STATISTICS,
    ),
]

MaxRows = Annotated[
    int | None,
    typer.Option(
        help="Most rows of one file that are read; as many as memory holds if left out.",
        min=1,
        rich_help_panel=PANEL_READ,
    ),
]

KReference = Annotated[
    str | None,
    typer.Option(
        help=option_words.K_REFERENCE,
        metavar="TOKENS",
        rich_help_panel=PANEL_STATISTICS,
    ),
]

Selectors = Annotated[
    list[str],
    typer.Option(
        "--selector",
        help="Another rule that turns k tries into one answer: FILE.py@NAME or an installed one; may be repeated "
        "(docs/extend.md).",
        metavar="NAME",
        rich_help_panel=PANEL_STATISTICS,
    ),
]

Ladder = Annotated[
    str | None,
    typer.Option(
        "--ladder",
        help="The setting of logs that is the ladder, as extra_body.depth; reasoning effort, budgets and caps "
        "are recognised if left out.",
        metavar="NAME",
        rich_help_panel=PANEL_READ,
    ),
]

Reader = Annotated[
    str | None,
    typer.Option(
        help="What reads the logs or table: FILE.py@NAME or an installed one (docs/extend.md).",
        metavar="NAME",
        rich_help_panel=PANEL_READ,
    ),
]

Capability = Annotated[
    list[str],
    typer.Option(help=option_words.CAPABILITY, metavar="TASK", rich_help_panel=PANEL_READ),
]

Safety = Annotated[
    list[str],
    typer.Option(
        help=option_words.SAFETY,
        metavar="TASK",
        rich_help_panel=PANEL_READ,
    ),
]

Benign = Annotated[
    list[str],
    typer.Option(
        help=option_words.BENIGN,
        metavar="TASK",
        rich_help_panel=PANEL_READ,
    ),
]

OneAxis = Annotated[
    str | None,
    typer.Option(
        "--axis",
        help="What logs or a table of one task measure: capability, safety or benign.",
        autocompletion=values.axes,
        rich_help_panel=PANEL_READ,
    ),
]

OneHigh = Annotated[
    str | None,
    typer.Option(
        "--high",
        help="What a high score means there: correct, wrong, safe, harm, answered or refused.",
        autocompletion=values.high_words,
        rich_help_panel=PANEL_READ,
    ),
]

OneScorer = Annotated[
    str | None,
    typer.Option(
        "--scorer",
        help="The one scorer to read: scorer or scorer.key of logs, or a scorer of a table.",
        rich_help_panel=PANEL_READ,
    ),
]

Formats = Annotated[
    list[str],
    typer.Option(
        "--format",
        help="What is written: html, and svg, png or pdf for the charts; several with commas, or repeated.",
        autocompletion=values.chart_formats,
        rich_help_panel=PANEL_OUTPUT,
    ),
]

FindingsJson = Annotated[
    bool,
    typer.Option("--json", help="Print the findings as JSON on standard output.", rich_help_panel=PANEL_OUTPUT),
]

PrintJson = Annotated[
    bool, typer.Option("--json", help="Print as JSON on standard output.", rich_help_panel=PANEL_OUTPUT)
]

PaidYes = Annotated[bool, typer.Option("--yes", help="Do not ask before spending money.", rich_help_panel=PANEL_OUTPUT)]

Seed = Annotated[
    int,
    typer.Option(help="Seed of the sample; the same seed gives the same.", min=0, rich_help_panel=PANEL_STATISTICS),
]

Hypothesis = Annotated[
    str | None,
    typer.Option(
        help=option_words.HYPOTHESIS,
        metavar="PARTS",
        rich_help_panel=PANEL_STATISTICS,
    ),
]

StudyLevel = Annotated[
    float | None,
    typer.Option(
        help="Confidence level of the intervals; a study's own, or 0.95.",
        min=0.5,
        max=0.999,
        rich_help_panel=PANEL_STATISTICS,
    ),
]

StudySeed = Annotated[
    int | None,
    typer.Option(help="Seed of the bootstrap; a study's own, or 0.", min=0, rich_help_panel=PANEL_STATISTICS),
]

Stopping = Annotated[
    Literal["fixed", "first_success"] | None,
    typer.Option(
        help="How sampling ended: attempts set beforehand, or at the first success. Inferred if left out.",
        rich_help_panel=PANEL_STATISTICS,
    ),
]


def finite(param: typer.CallbackParam, value: float | None) -> float | None:
    """Return the value of an option that takes a number.

    Raises:
        InputError: It is infinite or no number.
    """
    if value is not None and not math.isfinite(value):
        raise InputError(f"{param.opts[0]} is {value}; needed: a finite number")
    return value


def pairs(texts: list[str], option: str) -> dict[str, str | int | float | bool]:
    """Return arguments given as KEY=VALUE; values are parsed as JSON if possible."""
    arguments: dict[str, str | int | float | bool] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputError(f"{option} {text} cannot be read; needed: {option} KEY=VALUE")
        try:
            read = json.loads(value)
        except (ValueError, RecursionError):
            read = value
        arguments[name] = read if isinstance(read, str | int | float | bool) else value
    return arguments


def command_line() -> str:
    """Return the command line without secrets, for the report."""
    words = (without_secrets(argument, os.environ) for argument in sys.argv[1:])
    return name_text(shlex.join(["overthink", *words]))


def show(result: "Study", *, as_json: bool) -> None:
    """Print a study's summary or findings, and the path of its report."""
    if as_json:
        terminal.output_json(result.json())
    else:
        terminal.output(result.text() + "\n")  # an empty line before the path
    if result.folder is not None:
        terminal.note(f"report: {result.folder.report}")
    end_partly(result.unread)


def end_partly(unread: Sequence[str]) -> None:
    """End the command with a code of its own if some files of the input could not be read.

    Args:
        unread: What is wrong with each of them.

    Raises:
        Exit: There are some.
    """
    if unread:
        files = "file of the input" if len(unread) == 1 else "files of the input"
        terminal.error(f"done, but without {len(unread)} {files} that could not be read:", *unread)
        raise typer.Exit(ExitCode.PARTIAL)
