"""The command `monitor`: parse, call, print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overthink.cli import terminal, values
from overthink.cli.options import PANEL_ARMS, PANEL_RUN, FindingsJson, PaidYes, command_line, show

if TYPE_CHECKING:
    from overthink.data.oversight import OversightRow


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(monitor)


def monitor(
    path: Annotated[Path, typer.Argument(help="A study's folder.", metavar="STUDY")],
    monitor: Annotated[
        list[str],
        typer.Option(
            "--monitor",
            help="Who watches: text, lexical, scout or simulated, with its settings, as "
            "text:model=openai/x,effort=256; may be repeated (docs/oversight.md).",
            metavar="NAME:KEY=VALUE,…",
            autocompletion=values.monitors,
            rich_help_panel=PANEL_RUN,
        ),
    ],
    view: Annotated[
        list[str] | None,
        typer.Option(
            help="What it reads of a trace, up to the rung: cot, action, both or extracted; may be repeated. Both if "
            "left out.",
            metavar="VIEW",
            autocompletion=values.views,
            rich_help_panel=PANEL_RUN,
        ),
    ] = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="Arm whose traces are scored; may be repeated. All if left out.",
            metavar="ARM",
            rich_help_panel=PANEL_ARMS,
        ),
    ] = None,
    yes: PaidYes = False,
    as_json: FindingsJson = False,
) -> None:
    """Score a study's traces with monitors; no new traces are paid.

    The scores say, per thinking budget, whether what the model does wrong can be told from what it does right.
    """
    from overthink.cli.progress import Meter
    from overthink.workflows import monitor as monitoring

    ready = monitoring.prepare_monitoring(path, monitor=monitor, view=view or None, arm=arm or None)
    session = ready.session
    terminal.confirm_cost(session.is_paid and not yes, *session.estimate().split("\n"))
    failures: list[str] = []
    try:
        with Meter(total=ready.scores, done=ready.n_scored, what="scores") as meter:

            def on_row(row: "OversightRow") -> None:
                failures.extend(filter(None, (row.error,)))
                meter.add(row.task, (row.overseer.prompt_tokens or 0) + (row.overseer.decoded_tokens or 0))

            result = monitoring.score_traces(ready, on_row=on_row, command=command_line())
    except KeyboardInterrupt:
        terminal.ending("interrupted; every score is kept. Repeat the command to go on.")
        raise typer.Exit(130) from None
    terminal.note_failures(failures, "scores")
    show(result, as_json=as_json)
