"""The command `samples`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import terminal


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(samples)


def samples(
    path: Annotated[Path, typer.Argument(help="A study's folder, or its pool.", metavar="STUDY")],
    task: Annotated[str | None, typer.Option(help="Samples of this task alone.", metavar="TASK")] = None,
    arm: Annotated[str | None, typer.Option(help="Samples of this arm alone.", metavar="ARM")] = None,
    rung: Annotated[int | None, typer.Option(help="Samples of this rung alone, from 0.", min=0)] = None,
    question: Annotated[str | None, typer.Option(help="Samples of this question alone.", metavar="ID")] = None,
    verdict: Annotated[
        str | None, typer.Option(help="Samples with this verdict alone, such as wrong or harmful.", metavar="VERDICT")
    ] = None,
) -> None:
    """Every sample behind the rungs as CSV: log, epoch, and the address and command that open its transcript."""
    from overthink.workflows.samples import samples_csv

    options = {"task": task, "arm": arm, "rung": rung, "question": question, "verdict": verdict}
    for piece in samples_csv(path, {name: cell for name, cell in options.items() if cell is not None}):
        terminal.output(piece)
