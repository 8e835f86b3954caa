"""The command `schema`: parse, call, print."""

import json
from typing import Annotated, Literal

import typer

from overthink.cli import terminal


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(schema)


def schema(
    name: Annotated[
        Literal["run", "statement", "policy"],
        typer.Argument(
            help="run, the TOML file of `run --config`; statement, a statement.json; or policy, that of a gateway.",
            show_default=False,
        ),
    ],
) -> None:
    """JSON Schema of a file, for editors and other programs.

    `overthink schema run > run.schema.json` lets an editor complete the files of `run --config`.
    """
    from overthink.workflows import schemas

    terminal.output_json(json.dumps(schemas.schema(name), indent=1, ensure_ascii=False))
