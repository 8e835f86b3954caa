"""The command line of the governance layer: the registry of thresholds, and the calculators.

The commands `statement` and `check`: parse, call, print.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from overthink.cli import terminal
from overthink.data.visible import visible, visible_lines
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators.base import Calculator, CalculatorInput
from overthink.governance.thresholds import lookup

govern_app = typer.Typer()
"""The commands `thresholds` and `calc`, added to the main command line."""


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
        return typer.main.get_command(alone)

    def resolve_command(self, ctx: Any, args: Any) -> Any:
        """Return name, command and arguments; the name, which may be that of a file, becomes visible text."""
        name, command, rest = super().resolve_command(ctx, args)
        return name and visible(name, None), command, rest


calc_app = typer.Typer(
    cls=CalculatorGroup,
    help="What a multiple of inference compute changes: calculators with inputs, ranges and sources.",
    no_args_is_help=True,
)
govern_app.add_typer(calc_app, name="calc")

PrintJson = Annotated[bool, typer.Option("--json", help="Print as JSON on standard output.")]
LookupDay = Annotated[str | None, typer.Option(help="The day to answer for; today if left out.", metavar="YYYY-MM-DD")]
RangeSeed = Annotated[int, typer.Option(help="Seed of the draws over ranges.", min=0)]


@govern_app.command()
def thresholds(
    as_of: LookupDay = None,
    instrument: Annotated[
        str | None, typer.Option(help="Only this one, by its id, with details.", metavar="ID")
    ] = None,
    as_json: PrintJson = False,
) -> None:
    """Legal and voluntary thresholds on compute: number, operator, status on a day, what counts, source."""
    terminal.show(lookup.thresholds(as_of=as_of, instrument=instrument), as_json=as_json)


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
    return Annotated[str | None, typer.Option(help=_plain(text), metavar="TEXT" if field.words else "NUMBER|LOW..HIGH")]


def _plain(help_text: str) -> str:
    """Return a help text as Typer prints it as it stands: calculators come from files and packages, too."""
    return escape(visible_lines(help_text))


for _calculator in CALCULATORS.values():
    calc_app.command(_calculator.key)(_command(_calculator))


Facts = Annotated[
    Path | None,
    typer.Option(
        help="JSON with what findings do not say: revision, max_deployable_budget, note, notes …; kept as facts.json "
        "in the study, and used again without this option."
    ),
]
StatedFacts = Annotated[
    Path | None, typer.Option(help="What the evaluator stated; the study's facts.json if left out.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit code 1 also if it holds own words, which nothing checks.")]
StudyPath = Annotated[Path | None, typer.Option(help="The study it was made from: compute every fact again.")]
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
    terminal.show(result, as_json=as_json)
    terminal.note(f"statement: {result.path}")


def check(
    path: Annotated[Path, typer.Argument(help="A statement.json.", metavar="STATEMENT")],
    second: Annotated[
        Path | None, typer.Argument(help="Another: is re-evaluation of the first due?", metavar="[STATEMENT2]")
    ] = None,
    study: StudyPath = None,
    labels: Labels = None,
    facts: StatedFacts = None,
    strict: Strict = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")] = False,
) -> None:
    """Whether a statement says what its facts give, and with --study whether those are the study's.

    Exit code 1 with the reasons if not.
    """
    from overthink.workflows import statement as statements

    result = statements.check(path, second, study=study, labels=labels, facts=facts)
    terminal.show(result, as_json=as_json)
    if not result.ok or (strict and result.own_words):
        raise typer.Exit(1)
