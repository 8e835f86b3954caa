"""The command `merge`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import FindingsJson, command_line, show
from overthink.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(merge)


def merge(
    out: Annotated[
        Path,
        typer.Argument(help="Folder of the study: new, or merged before and replaced.", metavar="OUT"),
    ],
    shards: Annotated[list[Path], typer.Argument(help="Folders of `run --shard`.", metavar="SHARDS...")],
    as_json: FindingsJson = False,
) -> None:
    """Put the shards of a run together: one study of all their traces.

    A trace that several folders have counts once. Where traces are missing, the commands that collect them are printed,
    nothing is claimed, and the exit code is 3; repeat the merge behind them.
    """
    from overthink.cli.progress import doing
    from overthink.workflows.merge import merge as put_together

    with doing(f"merging {len(shards)} shards and analysing their traces"):
        study = put_together(out, *shards, command=command_line())
    show(study, as_json=as_json)
    if study.folder is not None and not study.folder.is_finished():
        terminal.ending("traces are missing; the notes name the commands that collect them")
        raise typer.Exit(ExitCode.STOPPED)
