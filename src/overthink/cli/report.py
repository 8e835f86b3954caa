"""The command `report`, and the options on the model's size and compute: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from overthink.cli import options, terminal
from overthink.cli.options import (
    PANEL_COMPUTE,
    FindingsJson,
    Formats,
    KReference,
    Primary,
    Selectors,
    command_line,
    show,
)
from overthink.workflows import option_words

TrainingFlop = Annotated[
    str | None,
    typer.Option(
        help="The model's training compute in FLOP, or LOW..HIGH: where thresholds stand on the K axis. Kept for later "
        "reports.",
        metavar="C",
        rich_help_panel=PANEL_COMPUTE,
    ),
]
Assume = Annotated[
    list[str],
    typer.Option(
        help="An input of the calculators in the appendix, as active_parameters=8e9; may be repeated. Kept for later "
        "reports; NAME= takes it back.",
        metavar="NAME=VALUE",
        rich_help_panel=PANEL_COMPUTE,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="The day for which thresholds are looked up; that of the report if left out.",
        metavar="YYYY-MM-DD",
        rich_help_panel=PANEL_COMPUTE,
    ),
]

ModelShapes = Annotated[
    list[str],
    typer.Option(
        help=option_words.MODEL_SHAPE,
        metavar="MODEL=SHAPE",
        rich_help_panel=PANEL_COMPUTE,
    ),
]
FlopPerByte = Annotated[
    float | None,
    typer.Option(
        help="Peak FLOP/s of the hardware over its memory bandwidth, 295 for an H100: what effective FLOP need.",
        metavar="X",
        min=0,
        callback=options.finite,
        rich_help_panel=PANEL_COMPUTE,
    ),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(report)


def report(
    path: Annotated[Path, typer.Argument(help="A study's folder.", metavar="STUDY")],
    primary: Primary = [],  # noqa: B006
    k_reference: KReference = None,
    selectors: Selectors = [],  # noqa: B006
    training_flop: TrainingFlop = None,
    assume: Assume = [],  # noqa: B006
    as_of: AsOf = None,
    model_shape: ModelShapes = [],  # noqa: B006
    flop_per_byte: FlopPerByte = None,
    formats: Formats = ["html"],  # noqa: B006
    as_json: FindingsJson = False,
) -> None:
    """Make a study's findings, report and figures again.

    From its pool; no model is called.
    """
    from overthink.workflows import analyse
    from overthink.workflows.words import format_names

    result = analyse.report(
        path,
        format=formats,
        training_flop=training_flop,
        assume=assume,
        as_of=as_of,
        model_shape=model_shape,
        flop_per_byte=flop_per_byte,
        primary=primary,
        k_reference=k_reference,
        selector=selectors,
        command=command_line(),
    )
    show(result, as_json=as_json)
    if result.folder is not None and {"svg", "png", "pdf"} & set(format_names(formats)):
        terminal.note(f"figures: {result.folder.figures}")
