"""The commands: where each is, and its line in the help. The file of a command is imported when it is called.

So ``overthink --help``, the completion of a shell and a command that needs little start without what others need.
"""

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from overthink.cli import terminal
from overthink.cli.options import PANEL_OUTPUT, Quiet
from overthink.errors import InputError

MEASURE, READ, GOVERN, MODELS = "Measure", "Read and compare", "Govern", "Models"
"""Panels of ``overthink --help``."""


class Entry(NamedTuple):
    """A command as the help lists it.

    Attributes:
        panel: Where it is listed.
        line: What it does: the first paragraph of the command's own help, which a test compares.
    """

    panel: str
    line: str


COMMANDS: Mapping[str, Entry] = {
    "run": Entry(MEASURE, "Tasks × models × ladder: a study folder with report.html. The main job."),
    "merge": Entry(MEASURE, "Put the shards of a run together: one study of all their traces."),
    "status": Entry(MEASURE, "How far runs are: traces, failures, tokens, cost, time left."),
    "verify": Entry(MEASURE, "Score a study's answers with a verifier; no new answers are paid."),
    "monitor": Entry(MEASURE, "Score a study's traces with monitors; no new traces are paid."),
    "perturb": Entry(MEASURE, "Change the thinking of a study's traces and answer again; no new traces are paid."),
    "latent": Entry(
        MEASURE, "Ask a model of latent steps, and change the state of each: which steps does the answer depend on?"
    ),
    "analyse": Entry(READ, "Findings and a report from logs, a table or a study."),
    "compare": Entry(READ, "Two runs question by question, or arms at equal compute."),
    "forecast": Entry(READ, "From few tries to many: how often one of k tries succeeds."),
    "report": Entry(READ, "Make a study's findings, report and figures again."),
    "table": Entry(READ, "Findings as a table for a paper: CSV, Markdown or LaTeX."),
    "methods": Entry(READ, "What was done, as sentences for a paper."),
    "samples": Entry(READ, "Every answer behind the curves as CSV, and where its log is."),
    "label": Entry(READ, "A random sample of answers for humans to label."),
    "statement": Entry(GOVERN, "What may be claimed of a study, and up to which budget."),
    "check": Entry(GOVERN, "Whether a statement says what its facts give."),
    "gateway": Entry(GOVERN, "Hold a deployment to the budget that a statement evaluated."),
    "thresholds": Entry(GOVERN, "Legal and voluntary thresholds on compute, as of a day."),
    "calc": Entry(GOVERN, "What more compute at inference changes: calculators."),
    "schema": Entry(GOVERN, "JSON Schema of a file, for editors and other programs."),
    "model": Entry(MODELS, "Models that run in this process, and their weights."),
}
"""Every command, by its name and in the order of the help. The file of each has its name."""


@functools.cache
def command(name: str) -> Any:
    """Return a command, or a group of some, from its file.

    Every command has ``--quiet``, and prints its result alone on standard output.

    Args:
        name: A key of :data:`COMMANDS`. Its file has a function ``register``, which adds it to a :class:`typer.Typer`.
    """
    app = typer.Typer(add_completion=False)
    importlib.import_module(f"overthink.cli.{name}").register(app)
    loaded: Any = typer.main.get_group(app).commands[name]
    loaded.rich_help_panel, loaded.short_help = COMMANDS[name]
    return with_common_options(loaded)


def with_common_options(part: Any) -> Any:
    """Return a command, or a group and every command of it, with what all have.

    That is ``--quiet``, a result that stands alone, a help whose paragraphs have no lines of their own, and that an
    option of one value is stated once.

    Args:
        part: The command, changed in place.
    """
    inner = getattr(part, "commands", None)
    paragraphs = (part.help or "").split("\n\n")
    part.help = "\n\n".join(" ".join(text.split()) for text in paragraphs)  # Typer keeps the lines of the source
    if inner is None:
        part.callback = terminal.with_results_apart(part.callback)
        part.params.append(_quiet_option())
        part.parse_args = _without_repeats(part)
        part.get_help_option(typer.Context(part)).rich_help_panel = PANEL_OUTPUT
    for command in (inner or {}).values():
        with_common_options(command)
    return part


def _without_repeats(part: Any) -> Callable[[Any, list[str]], list[str]]:
    """Return the reading of a command's arguments, which refuses two values of an option; Click takes the last."""
    read = part.parse_args

    def parse_args(context: Any, arguments: list[str]) -> list[str]:
        if not context.resilient_parsing:
            _, _, order = part.make_parser(context).parse_args(list(arguments))
            repeated = next((each for each in order if _has_one_value(each) and order.count(each) > 1), None)
            if repeated is not None:
                times = order.count(repeated)
                raise InputError(f"{max(repeated.opts, key=len)} is stated {times} times; needed: once")
        rest: list[str] = read(context, arguments)
        return rest

    return parse_args


def _has_one_value(parameter: Any) -> bool:
    """Return whether a parameter is an option of one value: one that may be repeated has several, a plain flag none."""
    is_option = parameter.param_type_name == "option"
    return is_option and not parameter.multiple and not (parameter.is_flag and not parameter.secondary_opts)


def _quiet_option() -> Any:
    """Return ``--quiet`` as Typer makes it of an annotation."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def _(quiet: Quiet = False) -> None: ...

    (option,) = typer.main.get_command(app).params
    return option


class Commands(Mapping[str, Any]):
    """The commands by name, each from its file when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class CommandGroup(TyperGroup):
    """The command line, whose help and completion list the commands without their files."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = Commands()
        self._lines: dict[str, Any] | None = None

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or what stands for it in a list; None if there is none of this name."""
        return (self.commands if self._lines is None else self._lines).get(cmd_name)

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``, which is False if left out: to check the usual None, Typer loads Pydantic."""
        option: Any = super().get_help_option(ctx)
        option.default = False
        return option

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, with a line of each command."""
        with self._as_lines():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return names of commands and options that begin with a text."""
        with self._as_lines():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _as_lines(self) -> Iterator[None]:
        self._lines = {
            name: TyperCommand(name, help=entry.line, rich_help_panel=entry.panel) for name, entry in COMMANDS.items()
        }
        try:
            yield
        finally:
            self._lines = None
