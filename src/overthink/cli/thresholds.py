"""The command `thresholds`: parse, call, print."""

from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_READ, PrintJson
from overthink.cli.values import instruments

LookupDay = Annotated[
    str | None,
    typer.Option(help="The day to answer for; today if left out.", metavar="YYYY-MM-DD", rich_help_panel=PANEL_READ),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(thresholds)


def thresholds(
    as_of: LookupDay = None,
    instrument: Annotated[
        str | None,
        typer.Option(
            help="This law or policy alone, by its id in the list, with details.",
            metavar="ID",
            autocompletion=instruments,
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
    as_json: PrintJson = False,
) -> None:
    """Legal and voluntary thresholds on compute, as of a day.

    With number, operator, status, what counts towards it, source, and how it was verified.
    """
    from overthink.governance.thresholds import lookup

    terminal.show(lookup.thresholds(as_of=as_of, instrument=instrument), as_json=as_json)
