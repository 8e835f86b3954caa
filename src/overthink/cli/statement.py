"""The command `statement`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_OUTPUT, PANEL_READ, PrintJson

Facts = Annotated[
    Path | None,
    typer.Option(
        help="JSON with what findings do not say: revision, max_deployable_budget, note, notes …; kept as facts.json "
        "in the study, and used again without this option.",
        rich_help_panel=PANEL_READ,
    ),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(statement)


def statement(
    path: Annotated[Path, typer.Argument(help="A study's folder.", metavar="STUDY")],
    facts: Facts = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the statement; the study's own if left out.", rich_help_panel=PANEL_OUTPUT),
    ] = None,
    as_json: PrintJson = False,
) -> None:
    """What may be claimed of a study, and up to which budget.

    Writes statement.json and statement.md from the study's findings, and nothing that they do not give.
    """
    from overthink.workflows import statement as statements

    result = statements.statement(path, out=out, facts=facts)
    terminal.show(result, as_json=as_json)
    terminal.note(f"statement: {result.path}")
