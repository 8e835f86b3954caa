"""The command `thresholds`: parse, call, print."""

import json
from datetime import date
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
    from overthink.governance.thresholds import registry
    from overthink.governance.thresholds import text as wording

    day = lookup_day(as_of)
    only = None if instrument is None else registry.instrument(instrument)
    rows = [(row, event) for row, event in registry.instruments_on(day) if only in (None, row)]
    if not as_json:
        terminal.output(wording.thresholds_text(rows, day))
        return
    document = {
        "as_of": day.isoformat(),
        "warnings": registry.stale(rows, day),
        "note": wording.NOT_LEGAL_ADVICE,
        "instruments": [registry.as_dict(row, event, day=day) for row, event in rows],
    }
    terminal.output_json(json.dumps(document, indent=2, ensure_ascii=False))


def lookup_day(text: str | None) -> date:
    """Return the day that a text is, or today.

    Raises:
        InputError: The text is no day.
    """
    from overthink.governance.thresholds.registry import day_from

    return date.today() if text is None else day_from(text)
