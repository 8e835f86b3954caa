"""The command `verify`: parse, call, print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from overthink.cli import terminal, values
from overthink.cli.options import PANEL_ARMS, PANEL_OUTPUT, PANEL_RUN, FindingsJson, PaidYes, command_line, show

if TYPE_CHECKING:
    from overthink.data.verifier_scores import AnswerScore


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(verify)


def verify(
    path: Annotated[Path, typer.Argument(help="A study's folder, made by `overthink run --budgets`.", metavar="STUDY")],
    verifier: Annotated[
        str,
        typer.Option(
            help="Who scores: rollouts, own-probability, endpoint, classifier, judge or simulated, with its settings, "
            "as rollouts:n=4,tokens=64 (docs/verifiers.md).",
            metavar="NAME:KEY=VALUE,…",
            autocompletion=values.verifiers,
            rich_help_panel=PANEL_RUN,
        ),
    ],
    by: Annotated[
        Literal["steps", "answer"],
        typer.Option(
            help="Score every step and the answer behind them, made one by `aggregate`; or the answer alone.",
            rich_help_panel=PANEL_RUN,
        ),
    ] = "steps",
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="Arm whose answers are scored; may be repeated. All that no search has scored, if left out.",
            metavar="ARM",
            rich_help_panel=PANEL_ARMS,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a copy of the study with these scores; the study itself gets them if left out.",
            rich_help_panel=PANEL_OUTPUT,
        ),
    ] = None,
    yes: PaidYes = False,
    as_json: FindingsJson = False,
) -> None:
    """Score a study's answers with a verifier; no new answers are paid.

    The scores give best-of-k and weighted votes, as curves beside those of the study.
    """
    from overthink.cli.progress import Meter
    from overthink.workflows import verify as verifying

    verification = verifying.prepare_verification(path, verifier=verifier, by=by, arms=arm, out=out)
    session = verification.session
    terminal.confirm_cost(session.is_paid and not yes, *session.estimate().split("\n"))
    try:
        with Meter(total=verification.answers, done=verification.n_scored, what="answers") as meter:

            def on_score(score: "AnswerScore") -> None:
                meter.add(score.place[0], score.tokens or 0)

            result = verifying.score_answers(verification, on_score=on_score, command=command_line())
    except KeyboardInterrupt:
        terminal.ending("interrupted; every score is kept. Repeat the command to go on.")
        raise typer.Exit(130) from None
    show(result, as_json=as_json)
