"""The command `status`: parse, call, print."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_OUTPUT

if TYPE_CHECKING:
    from overthink.reports.status_text import StatusTable
    from overthink.workflows.status import StatusReader

SECONDS_BETWEEN_VIEWS, SECONDS_BETWEEN_LINES = 2.0, 15.0
"""Between two readings: of a view on a terminal, and of lines elsewhere."""


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(status)


def status(
    paths: Annotated[
        list[Path], typer.Argument(help="Studies or shards; a merged study stands for its shards.", metavar="STUDY...")
    ],
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on until all are complete, or until Ctrl-C.", rich_help_panel=PANEL_OUTPUT),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=PANEL_OUTPUT)] = False,
) -> None:
    """How far runs are: traces, failures, tokens, cost, time left.

    It reads files alone, and disturbs no run.
    """
    from overthink.workflows.status import StatusReader

    reader = StatusReader(paths)
    table = _watched(reader) if watch else reader.read()
    terminal.show(table, as_json=as_json)


def _watched(reader: "StatusReader") -> "StatusTable":
    """Show the state again and again, and return the last: one view on a terminal, a line at a time elsewhere."""
    from rich.live import Live
    from rich.text import Text

    table = reader.read()
    if not terminal.is_live() or terminal.is_quiet():
        while not table.is_complete:
            terminal.note(table.line())
            time.sleep(SECONDS_BETWEEN_LINES)
            table = reader.read()
        return table
    with Live(console=terminal.messages, auto_refresh=False, transient=True) as view:
        while not table.is_complete:
            size = terminal.messages.size
            text = "\n".join(map(terminal.shown, table.view(size.width - 1, max(size.height - 1, 4)).splitlines()))
            view.update(Text(terminal.as_printed(text), no_wrap=True), refresh=True)
            time.sleep(SECONDS_BETWEEN_VIEWS)
            table = reader.read()
    return table
