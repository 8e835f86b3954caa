"""The command `latent`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_OUTPUT, PANEL_RUN, FindingsJson, command_line, show
from overthink.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(latent)


def latent(
    model: Annotated[
        str,
        typer.Argument(
            help="A model that thinks in states: FILE.py@NAME with its settings, or simulated, whose truth is planted "
            "(docs/faithfulness.md).",
            metavar="NAME:KEY=VALUE,…",
        ),
    ],
    draws: Annotated[int, typer.Option(min=1, help="Draws of each question.", rich_help_panel=PANEL_RUN)] = 1,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most questions; all if left out.", rich_help_panel=PANEL_RUN)
    ] = None,
    noise: Annotated[
        float,
        typer.Option(help="Scale of the noise, in norms of the state that it replaces.", rich_help_panel=PANEL_RUN),
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the study.", rich_help_panel=PANEL_RUN)] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for traces, pool, findings and report; nothing is written if left out.",
            rich_help_panel=PANEL_OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a stopped study.", rich_help_panel=PANEL_OUTPUT)
    ] = False,
    as_json: FindingsJson = False,
) -> None:
    """Ask a model of latent steps, and change the state of each: which steps does the answer depend on?

    The state of one step is set to zero, to noise, to that of another question, or handed back as it is.
    """
    from overthink.cli.progress import Meter
    from overthink.workflows import latent as asking

    session = asking.prepare_latent(model, out=out, draws=draws, limit=limit, noise=noise, seed=seed, resume=resume)
    try:
        with Meter(total=session.plan.n_answers, done=session.n_done, what="answers") as meter:
            result = asking.ask_latent(
                session, on_answer=lambda: meter.add(session.plan.task, 0), command=command_line()
            )
    except KeyboardInterrupt:
        rest = "finished traces are kept. Repeat the command with --resume to go on."
        terminal.ending(f"interrupted; {rest if out is not None else 'nothing was written.'}")
        raise typer.Exit(ExitCode.INTERRUPT) from None
    show(result, as_json=as_json)
