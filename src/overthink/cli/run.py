"""The command `run`: one option per field of `RunOptions`; parse, call, print."""

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overthink.cli import terminal, values
from overthink.cli.options import (
    PANEL_ARMS,
    PANEL_BUDGETS,
    PANEL_COMPUTE,
    PANEL_OUTPUT,
    PANEL_RUN,
    PANEL_STATISTICS,
    FindingsJson,
    PaidYes,
    command_line,
    pairs,
    show,
)
from overthink.errors import ExitCode
from overthink.workflows.run_options import RunOptions, Subject, look

if TYPE_CHECKING:
    from overthink.workflows.collect import OnTrace
    from overthink.workflows.experiment import ModelRun
    from overthink.workflows.waves import OnWave

DEFAULT_OUT = "study"

_PANELS = {
    Subject.STUDY: PANEL_RUN,
    Subject.LADDER: PANEL_BUDGETS,
    Subject.ARMS: PANEL_ARMS,
    Subject.STATISTICS: PANEL_STATISTICS,
    Subject.COMPUTE: PANEL_COMPUTE,
    Subject.OUTPUT: PANEL_OUTPUT,
}

_OWN = {
    "config": Annotated[
        Path | None,
        typer.Option(
            help="TOML file with these options, as --save-config writes it; options of the command line override it.",
            metavar="FILE",
            rich_help_panel=PANEL_RUN,
        ),
    ],
    "save_config": Annotated[
        Path | None,
        typer.Option(
            help="Write the options as a TOML file, once they are checked, and go on.",
            metavar="FILE",
            rich_help_panel=PANEL_OUTPUT,
        ),
    ],
    "resume": Annotated[
        bool,
        typer.Option("--resume", help="Go on with a stopped study, or extend one.", rich_help_panel=PANEL_OUTPUT),
    ],
    "yes": PaidYes,
    "as_json": FindingsJson,
}
"""Options that belong to the command alone."""


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(run)


def run(context: typer.Context, **words: Any) -> None:
    """Tasks × models × ladder: a study folder with report.html. The main job."""
    from overthink.cli.progress import Meter, doing, estimate_lines
    from overthink.plan.secrets import refuse_secrets
    from overthink.reports import comparison_text
    from overthink.storage.run_config import write_config
    from overthink.workflows.experiment import open_runs, overridden_options, run_models

    own = {name: words.pop(name) for name in _OWN}
    options = overridden_options(own["config"], _stated(context, words), _option_name)
    out = Path(options.out or DEFAULT_OUT)
    with doing(f"loading {' and '.join(options.model)} and the tasks"):
        runs = open_runs(options, out, resume=own["resume"])
    if own["save_config"] is not None:
        refuse_secrets(options.stated(), os.environ)
        write_config(own["save_config"], options.stated())
        terminal.note(f"written: {own['save_config']}")
    lines = [line for each in runs for line in estimate_lines(each.session, None if options.workers else each.folder)]
    terminal.confirm_cost(any(each.session.is_billed for each in runs) and not own["yes"], *lines)

    @contextmanager
    def watch(each: "ModelRun") -> Iterator["tuple[OnTrace, OnWave]"]:
        with Meter(total=each.session.traces, done=each.done) as meter:
            yield meter.add_trace, meter.add_wave

    try:
        result = run_models(runs, options, out, watch=watch, command=command_line())
    except KeyboardInterrupt:
        terminal.ending("interrupted; finished traces are kept. Repeat the command with --resume to go on.")
        raise typer.Exit(ExitCode.INTERRUPT) from None
    if result.parts and not own["as_json"]:
        terminal.output(comparison_text(result.results, result.about) + "\n")
    show(result, as_json=own["as_json"])


def _stated(context: typer.Context, words: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, in the types of Python."""
    stated = {name: value for name, value in words.items() if _is_stated(context, name)}
    return stated | {
        name: pairs(stated[name], str(look(RunOptions.model_fields[name]).flag))
        for name in ("model_args", "task_args")
        if name in stated
    }


def _is_stated(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def _option_name(name: str) -> str:
    """Return how the command line spells an option."""
    return look(RunOptions.model_fields[name]).flag or f"--{name.replace('_', '-')}"


def _parameter(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _option(name: str) -> inspect.Parameter:
    """Return the parameter of one field, with what Typer shows of it."""
    field, own = RunOptions.model_fields[name], look(RunOptions.model_fields[name])
    option = typer.Option(
        _option_name(name),
        help=field.description,
        metavar=own.metavar,
        min=own.least,
        max=own.most,
        autocompletion=values.models if name == "model" else None,
        rich_help_panel=_PANELS[own.subject],
    )
    if own.kind is list:
        return _parameter(name, [*field.default], Annotated[list[str], option])
    plain = field.default if isinstance(field.default, own.kind) else None
    return _parameter(name, plain, Annotated[own.kind if plain is not None else own.kind | None, option])


_first, *_last = _OWN
run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        _parameter(_first, None, _OWN[_first]),
        *map(_option, RunOptions.model_fields),
        *(_parameter(name, None if name == "save_config" else False, _OWN[name]) for name in _last),
    ]
)
