"""The command `label`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import options, terminal
from overthink.cli.options import (
    PANEL_OUTPUT,
    PANEL_STATISTICS,
    Benign,
    Capability,
    OneAxis,
    OneHigh,
    OneScorer,
    Safety,
    Seed,
)


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(label)


def label(
    path: Annotated[Path, typer.Argument(help="A study's folder, logs, or a table.")],
    capability: Capability = [],  # noqa: B006
    safety: Safety = [],  # noqa: B006
    benign: Benign = [],  # noqa: B006
    axis: OneAxis = None,
    high: OneHigh = None,
    scorer: OneScorer = None,
    per_rung: Annotated[
        int,
        typer.Option(help="Answers to read at each budget of each curve.", min=1, rich_help_panel=PANEL_STATISTICS),
    ] = 40,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="The sheet to fill in (.csv).", rich_help_panel=PANEL_OUTPUT)] = Path(
        "labels.csv"
    ),
    show_text: Annotated[
        bool,
        typer.Option(
            "--show-text",
            help="Write question and answer into the sheet; they may be harmful.",
            rich_help_panel=PANEL_OUTPUT,
        ),
    ] = False,
) -> None:
    """A random sample of answers for humans to label.

    Fill in the sheet, then `overthink analyse --labels` corrects the judge with it.
    """
    from overthink.workflows.label import label

    sheet = label(
        path,
        out,
        per_rung=per_rung,
        seed=seed,
        show_text=show_text,
        axis=axis,
        high=high,
        scorer=scorer,
        capability=capability,
        safety=safety,
        benign=benign,
    )
    terminal.note(*filter(None, (f"{sheet.answers} answers to label: {out}", sheet.note())))
    options.end_partly(sheet.unread)
