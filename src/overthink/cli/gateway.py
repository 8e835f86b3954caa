"""The command `gateway` and its commands `policy` and `usage`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.cli.options import PANEL_BUDGETS, PANEL_READ, PrintJson

StatementPath = Annotated[Path, typer.Argument(help="A statement.json that passes `check`.", metavar="STATEMENT")]
Models = Annotated[
    list[str],
    typer.Option(
        help="A name by which callers name the model; the statement's own, with and without its provider, if left out.",
        metavar="NAME",
        rich_help_panel=PANEL_READ,
    ),
]
Budgets = Annotated[
    list[str],
    typer.Option(
        help="An amount per window or for life, which no statement has: 100000/1d, 1e18flop/7d, 2000000/life, and "
        "@organisation or @everybody after it; may be repeated.",
        metavar="AMOUNT/WINDOW",
        rich_help_panel=PANEL_BUDGETS,
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        help="A policy that was written by hand, checked against the statement; compiled from it if left out.",
        rich_help_panel=PANEL_READ,
    ),
]


def register(app: typer.Typer) -> None:
    """Register the group of commands."""
    group = typer.Typer(
        help="Hold a deployment to the budget that a statement evaluated.",
        no_args_is_help=True,
    )
    group.command("policy")(policy)
    app.add_typer(group, name="gateway")


def policy(
    path: StatementPath,
    model: Models = [],  # noqa: B006  # Typer reads its options from defaults
    budget: Budgets = [],  # noqa: B006
    file: PolicyFile = None,
    as_json: PrintJson = False,
) -> None:
    """The policy that a statement gives: budgets, efforts and tries.

    With --file the policy in it, which is refused where it is looser than the statement without a deviation.
    """
    from overthink.workflows import policy as policies

    terminal.show(policies.policy(path, model=model, budget=budget, file=file), as_json=as_json)
