"""The commands `statement` and `check`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

Facts = Annotated[
    Path | None,
    typer.Option(help="JSON with what findings do not say: revision, max_deployable_budget, active_parameters …"),
]
StudyPath = Annotated[Path | None, typer.Option(help="The study it was made from: compute every number again.")]
Labels = Annotated[Path | None, typer.Option(help="The human labels that the study was analysed with.")]


def register(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(statement)
    app.command()(check)


def statement(
    path: Annotated[Path, typer.Argument(help="A study's folder.", metavar="STUDY")],
    out: Annotated[Path | None, typer.Option(help="Folder for the statement; the study's own if left out.")] = None,
    facts: Facts = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the statement as JSON on standard output.")] = False,
) -> None:
    """What may be claimed, and up to which budget: statement.json and statement.md, from a study's findings."""
    from overthink.workflows import statement as statements

    result = statements.statement(path, out=out, facts=facts)
    print(result.json() if as_json else result.text(), end="")  # noqa: T201
    typer.echo(f"statement: {result.path}", err=True)


def check(
    path: Annotated[Path, typer.Argument(help="A statement.json.", metavar="STATEMENT")],
    second: Annotated[
        Path | None, typer.Argument(help="Another: is re-evaluation of the first due?", metavar="[STATEMENT2]")
    ] = None,
    study: StudyPath = None,
    labels: Labels = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")] = False,
) -> None:
    """Whether a statement claims more than was measured. Exit code 1 with the reasons if it does."""
    from overthink.workflows import statement as statements

    result = statements.check(path, second, study=study, labels=labels)
    print(result.json() if as_json else result.text(), end="" if as_json else "\n")  # noqa: T201
    if not result.ok:
        raise typer.Exit(1)
