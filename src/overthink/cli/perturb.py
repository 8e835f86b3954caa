"""The command `perturb`: parse, call, print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overthink.cli import terminal, values
from overthink.cli.options import PANEL_ARMS, PANEL_RUN, FindingsJson, PaidYes, command_line, show

if TYPE_CHECKING:
    from overthink.data.oversight import OversightRow


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(perturb)


def perturb(
    path: Annotated[Path, typer.Argument(help="A study's folder, made by `overthink run --budgets`.", metavar="STUDY")],
    changes: Annotated[
        list[str],
        typer.Option(
            "--with",
            help="How the thinking is changed: early, mistakes, paraphrase, filler, shuffle, none or sham, with "
            "commas between them and settings behind a colon, as early:points=8,none (docs/faithfulness.md).",
            metavar="NAME:KEY=VALUE,…",
            autocompletion=values.perturbations,
            rich_help_panel=PANEL_RUN,
        ),
    ],
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="Arm whose traces are changed; may be repeated. All if left out.",
            metavar="ARM",
            rich_help_panel=PANEL_ARMS,
        ),
    ] = None,
    yes: PaidYes = False,
    as_json: FindingsJson = False,
) -> None:
    """Change the thinking of a study's traces and answer again; no new traces are paid.

    The answers say, per thinking budget, whether the thinking is needed, and whether its text carries the answer.
    """
    from overthink.cli.progress import Meter
    from overthink.workflows import perturb as perturbing

    prepared = perturbing.prepare_perturbation(path, changes=changes, arms=arm)
    session = prepared.session
    terminal.confirm_cost(session.is_paid and not yes, *session.estimate().split("\n"))
    failures: list[str] = []
    try:
        with Meter(total=len(session.measures), done=prepared.n_done, what="answers") as meter:

            def on_row(row: "OversightRow") -> None:
                failures.extend(filter(None, (row.error,)))
                usages = (row.agent, row.overseer)
                meter.add(row.task, sum((usage.prompt_tokens or 0) + (usage.decoded_tokens or 0) for usage in usages))

            result = perturbing.decode_answers(prepared, on_row=on_row, command=command_line())
    except KeyboardInterrupt:
        terminal.ending("interrupted; every answer is kept. Repeat the command to go on.")
        raise typer.Exit(130) from None
    terminal.note_failures(failures, "answers")
    show(result, as_json=as_json)
