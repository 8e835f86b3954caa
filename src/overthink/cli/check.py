"""The command `check`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_OUTPUT, PANEL_READ, PrintJson
from overthink.errors import InputError

StatedFacts = Annotated[
    Path | None,
    typer.Option(help="What the evaluator stated; the study's facts.json if left out.", rich_help_panel=PANEL_READ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Exit code 1 also if it holds own words, which nothing checks.",
        rich_help_panel=PANEL_OUTPUT,
    ),
]
StudyPath = Annotated[
    Path | None,
    typer.Option(help="The study it was made from: compute every fact again.", rich_help_panel=PANEL_READ),
]
UsageLedgers = Annotated[
    list[str] | None,
    typer.Option(
        help="Usage ledger of a gateway, to hold against the statement; once for each replica.",
        metavar="LEDGER",
        rich_help_panel=PANEL_READ,
    ),
]
UsageStore = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Store of the gateway, which knows where each usage ledger ended: sqlite:PATH or redis://HOST:PORT/N.",
        metavar="STORE",
        rich_help_panel=PANEL_READ,
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(help="The human labels that the study was analysed with.", rich_help_panel=PANEL_READ),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(check)


def check(
    path: Annotated[Path, typer.Argument(help="A statement.json.", metavar="STATEMENT")],
    second: Annotated[
        Path | None, typer.Argument(help="Another: is re-evaluation of the first due?", metavar="STATEMENT2")
    ] = None,
    study: StudyPath = None,
    labels: Labels = None,
    facts: StatedFacts = None,
    usage: UsageLedgers = None,
    store: UsageStore = None,
    strict: Strict = False,
    as_json: PrintJson = False,
) -> None:
    """Whether a statement says what its facts give.

    Exit code 1 with the reasons if not. With --study, also whether the facts are the study's; with a second statement,
    whether re-evaluation is due; with --usage, whether a deployment kept to it.
    """
    from overthink.workflows import statement as statements

    heads = None if store is None else _heads(store)
    result = statements.check(path, second, study=study, labels=labels, facts=facts, usage=usage, heads=heads)
    terminal.show(result, as_json=as_json)
    if not result.ok or (strict and result.own_words):
        raise typer.Exit(1)


def _heads(store: str) -> dict[str, tuple[int, str]]:
    try:
        from overthink.gateway.stores import existing_ledger
    except ModuleNotFoundError as failure:
        raise InputError(f"--store needs {failure.name}; install overthink[gateway]") from failure
    ledger = existing_ledger(store)
    try:
        return {head.start: (head.lines, head.last) for head in ledger.heads()}
    finally:
        ledger.close()
