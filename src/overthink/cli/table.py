"""The command `table`: parse, call, print."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_OUTPUT, PANEL_READ

StoredStudy = Annotated[
    Path,
    typer.Argument(
        help="A study's folder, or one that analyse, compare or forecast wrote with --out.", metavar="STUDY"
    ),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(table)


def table(
    path: StoredStudy,
    what: Annotated[
        Literal["curves", "verdicts", "gates", "differences", "compare", "forecast", "findings"],
        typer.Option(
            help="What it holds: curves, a row per task, arm and rung; verdicts; gates; differences between rungs; "
            "compare, arms against their reference; forecast; findings, all of them.",
            rich_help_panel=PANEL_READ,
        ),
    ] = "curves",
    form: Annotated[
        Literal["csv", "md", "latex"] | None,
        typer.Option(
            "--format",
            help="csv, at full precision; md; latex, with booktabs. As --out ends (.csv, .md, .tex), else md.",
            rich_help_panel=PANEL_OUTPUT,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File for the table; printed if left out.", metavar="FILE", rich_help_panel=PANEL_OUTPUT),
    ] = None,
) -> None:
    """Findings as a table for a paper: CSV, Markdown or LaTeX.

    Nothing is computed anew.
    """
    from overthink.workflows import paper as tables

    text = tables.table(path, what=what, format=form, out=out)
    if out is None:
        terminal.output(text)
    else:
        terminal.note(f"written: {out}")
