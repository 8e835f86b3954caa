"""The command `methods`: parse, call, print."""

from typing import Annotated, Literal

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_OUTPUT
from overthink.cli.table import StoredStudy


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(methods)


def methods(
    path: StoredStudy,
    form: Annotated[
        Literal["text", "md", "latex"],
        typer.Option("--format", help="text, md, or latex with a paragraph per topic.", rich_help_panel=PANEL_OUTPUT),
    ] = "text",
) -> None:
    """What was done, as sentences for a paper.

    They come from plan, analysis and findings; what these do not state is called unknown.
    """
    from overthink.workflows import paper as paragraphs

    terminal.output(paragraphs.methods(path, format=form))
