"""The command `analyse`: parse, call, print."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from overthink.cli.options import (
    PANEL_OUTPUT,
    PANEL_READ,
    PANEL_STATISTICS,
    Benign,
    Capability,
    FindingsJson,
    Hypothesis,
    KReference,
    Ladder,
    MaxRows,
    OneAxis,
    OneHigh,
    OneScorer,
    Primary,
    Reader,
    Safety,
    Selectors,
    Stopping,
    StudyLevel,
    StudySeed,
    command_line,
    show,
)
from overthink.cli.report import AsOf, Assume, FlopPerByte, ModelShapes, TrainingFlop
from overthink.storage.tables.table_files import FORMAT_NAMES


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(analyse)


def analyse(
    path: Annotated[
        Path, typer.Argument(help=f"Inspect logs (file or folder), a study's folder, or a table ({FORMAT_NAMES}).")
    ],
    capability: Capability = [],  # noqa: B006
    safety: Safety = [],  # noqa: B006
    benign: Benign = [],  # noqa: B006
    axis: OneAxis = None,
    high: OneHigh = None,
    scorer: OneScorer = None,
    reader: Reader = None,
    ladder: Ladder = None,
    checkpoints: Annotated[
        Literal["tokens", "turns", "cost"],
        typer.Option(help="What agents that were scored on their way are compared at.", rich_help_panel=PANEL_READ),
    ] = "tokens",
    errored: Annotated[
        Literal["inspect", "set-aside", "wrong"],
        typer.Option(
            help="Samples of logs with an error: counted as Inspect counts them, never, or as wrong if unscored.",
            rich_help_panel=PANEL_READ,
        ),
    ] = "inspect",
    invalid: Annotated[
        Literal["set-aside", "count"],
        typer.Option(
            help="Samples of logs that are marked as invalid: left out, or counted.", rich_help_panel=PANEL_READ
        ),
    ] = "set-aside",
    max_rows: MaxRows = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help=f"Human labels ({FORMAT_NAMES}), as `label` wrote the sheet: question, draw, rung, label.",
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
    level: StudyLevel = None,
    seed: StudySeed = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="Differences up to this one count as none; a study's own, or 0.05.",
            min=0.001,
            max=0.5,
            rich_help_panel=PANEL_STATISTICS,
        ),
    ] = None,
    hypothesis: Hypothesis = None,
    primary: Primary = [],  # noqa: B006
    k_reference: KReference = None,
    selectors: Selectors = [],  # noqa: B006
    stopping: Stopping = None,
    training_flop: TrainingFlop = None,
    assume: Assume = [],  # noqa: B006
    as_of: AsOf = None,
    model_shape: ModelShapes = [],  # noqa: B006
    flop_per_byte: FlopPerByte = None,
    out: Annotated[
        Path, typer.Option(help="Folder for pool, findings and report.", rich_help_panel=PANEL_OUTPUT)
    ] = Path("overthink-analysis"),
    as_json: FindingsJson = False,
) -> None:
    """Findings and a report from logs, a table or a study.

    No model is called. What a high score of a task means is told by --safety, --benign and --high.
    """
    from overthink.workflows import analyse as study

    result = study.analyse(
        path,
        out=out,
        command=command_line(),
        axis=axis,
        high=high,
        scorer=scorer,
        capability=capability,
        safety=safety,
        benign=benign,
        checkpoints=checkpoints,
        reader=reader,
        max_rows=max_rows,
        ladder=ladder,
        errored=errored,
        invalid=invalid,
        level=level,
        seed=seed,
        margin=margin,
        hypothesis=hypothesis,
        primary=primary,
        k_reference=k_reference,
        selector=selectors,
        stopping=stopping,
        labels=labels,
        training_flop=training_flop,
        assume=assume,
        as_of=as_of,
        model_shape=model_shape,
        flop_per_byte=flop_per_byte,
    )
    show(result, as_json=as_json)
