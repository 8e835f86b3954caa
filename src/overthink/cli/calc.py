"""The command `calc`, a group of calculators: parse, call, print."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from overthink.cli import terminal
from overthink.cli.commands import with_common_options
from overthink.cli.options import PANEL_STATISTICS, PrintJson
from overthink.data.visible import visible, visible_lines
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators.base import Calculator, CalculatorInput

PANEL_INPUTS = "Inputs"

LookupDay = Annotated[
    str | None,
    typer.Option(help="The day to answer for; today if left out.", metavar="YYYY-MM-DD", rich_help_panel=PANEL_INPUTS),
]

RangeSeed = Annotated[int, typer.Option(help="Seed of the draws over ranges.", min=0, rich_help_panel=PANEL_STATISTICS)]


def register(app: typer.Typer) -> None:
    """Register a group with a command for each calculator."""
    group = typer.Typer(
        cls=CalculatorGroup,
        help="What more compute at inference changes: calculators.\n\nEach with inputs, formula, ranges and sources.",
        no_args_is_help=True,
    )
    for calculator in CALCULATORS.values():
        group.command(calculator.key)(_command(calculator))
    app.add_typer(group, name="calc")


class CalculatorGroup(TyperGroup):
    """The calculators as commands: those built in, and any other by the name of a package's or as ``FILE.py@NAME``."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, those of installed packages last."""
        names = super().list_commands(ctx)
        return [*names, *(part.key for part in CALCULATORS.parts() if part.key not in names)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a name; None if no calculator has it.

        Raises:
            InputError: Its file or package cannot be loaded, or has no such calculator.
        """
        command = super().get_command(ctx, cmd_name)
        if command is not None or not CALCULATORS.knows(cmd_name):
            return command
        alone = typer.Typer(add_completion=False)
        alone.command(visible(cmd_name))(_command(CALCULATORS.look_up(cmd_name)))
        return with_common_options(typer.main.get_command(alone))

    def resolve_command(self, ctx: Any, args: Any) -> Any:
        """Return name, command and arguments; the name, which may be that of a file, becomes visible text."""
        name, command, rest = super().resolve_command(ctx, args)
        return name and visible(name, None), command, rest


def _command(calculator: type[Calculator]) -> Callable[..., None]:
    """Return the command of a calculator, with one option per input."""

    def command(**values: Any) -> None:
        from overthink.governance.calculators.functions import function_of

        as_json = values.pop("as_json")
        terminal.show(function_of(calculator)(**values), as_json=as_json)

    common = {"as_of": (LookupDay, None), "seed": (RangeSeed, 0), "as_json": (PrintJson, False)}
    types = {field.name: _option(field) for field in calculator.inputs()} | {n: kind for n, (kind, _) in common.items()}
    defaults: dict[str, Any] = {name: default for name, (_, default) in common.items()}
    command.__doc__ = _plain(calculator.help())
    command.__annotations__ = types | {"return": None}
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=kind)
            for name, kind in types.items()
        ]
    )
    return command


def _option(field: CalculatorInput) -> Any:
    usual = "required" if field.required else f"default {field.default}" if field.default else ""
    text = f"{field.help} ({usual})" if usual else field.help
    form = "TEXT" if field.words else "NUMBER|LOW..HIGH"
    return Annotated[str | None, typer.Option(help=_plain(text), metavar=form, rich_help_panel=PANEL_INPUTS)]


def _plain(help_text: str) -> str:
    """Return a help text as Typer prints it as it stands: calculators come from files and packages, too."""
    return escape(visible_lines(help_text))
