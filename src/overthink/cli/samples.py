"""The command `samples`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_READ


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(samples)


def samples(
    path: Annotated[Path, typer.Argument(help="A study's folder, or its pool.", metavar="STUDY")],
    task: Annotated[
        str | None, typer.Option(help="Answers of this task alone.", metavar="TASK", rich_help_panel=PANEL_READ)
    ] = None,
    arm: Annotated[
        str | None, typer.Option(help="Answers of this arm alone.", metavar="ARM", rich_help_panel=PANEL_READ)
    ] = None,
    rung: Annotated[
        int | None,
        typer.Option(help="Answers at this budget alone, counted from 0.", min=0, rich_help_panel=PANEL_READ),
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="Answers to this question alone.", metavar="ID", rich_help_panel=PANEL_READ)
    ] = None,
    verdict: Annotated[
        str | None,
        typer.Option(
            help="Answers with this verdict alone, such as wrong or harmful.",
            metavar="VERDICT",
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
) -> None:
    """Every answer behind the curves as CSV, and where its log is.

    With sample, epoch, and the address and command that open its transcript in `inspect view`.
    """
    from overthink.workflows.samples import samples_csv

    options = {"task": task, "arm": arm, "rung": rung, "question": question, "verdict": verdict}
    for piece in samples_csv(path, {name: cell for name, cell in options.items() if cell is not None}):
        terminal.output(piece)
