"""The command `compare`: parse, call, print."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from overthink.cli import options, terminal
from overthink.cli.options import (
    PANEL_COMPUTE,
    PANEL_OUTPUT,
    PANEL_READ,
    PANEL_STATISTICS,
    Benign,
    Capability,
    FindingsJson,
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
    StudyLevel,
    StudySeed,
    command_line,
)
from overthink.cli.report import FlopPerByte, ModelShapes

Studies = Annotated[
    list[Path],
    typer.Argument(help="A study with several arms; or several studies, logs or tables on the same questions."),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(compare)


def compare(
    studies: Studies,
    reference: Annotated[
        str | None,
        typer.Option(
            help="The arm that others are compared with; base, or the first one.",
            metavar="ARM",
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
    capability: Capability = [],  # noqa: B006
    safety: Safety = [],  # noqa: B006
    benign: Benign = [],  # noqa: B006
    axis: OneAxis = None,
    high: OneHigh = None,
    scorer: OneScorer = None,
    reader: Reader = None,
    ladder: Ladder = None,
    max_rows: MaxRows = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="δ, the degradation that does not matter; the studies' own, or 0.05.",
            min=0.001,
            max=0.5,
            metavar="DELTA",
            rich_help_panel=PANEL_STATISTICS,
        ),
    ] = None,
    level: StudyLevel = None,
    seed: StudySeed = None,
    primary: Primary = [],  # noqa: B006
    k_reference: KReference = None,
    selectors: Selectors = [],  # noqa: B006
    by: Annotated[
        Literal["tokens", "flop", "effective-flop", "usd", "seconds"] | None,
        typer.Option(
            help="What total compute is counted in; tokens, or as the study was compared before.",
            rich_help_panel=PANEL_COMPUTE,
        ),
    ] = None,
    model_shape: ModelShapes = [],  # noqa: B006
    flop_per_byte: FlopPerByte = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for pool, findings and report; none if left out.", rich_help_panel=PANEL_OUTPUT),
    ] = None,
    as_json: FindingsJson = False,
) -> None:
    """Two runs question by question, or arms at equal compute.

    Of two logs, tables or studies: what differs, which questions flipped, and what was too small to see. Of the arms of
    studies: what each mitigation gives back, what it costs, and whether it eliminates the degradation.
    """
    from overthink.reports import comparison_text
    from overthink.workflows.compare import compare as put_side_by_side

    comparison = put_side_by_side(
        studies,
        reference=reference,
        out=out,
        axis=axis,
        high=high,
        scorer=scorer,
        capability=capability,
        safety=safety,
        benign=benign,
        reader=reader,
        max_rows=max_rows,
        ladder=ladder,
        level=level,
        margin=margin,
        seed=seed,
        by=by,
        model_shape=model_shape,
        flop_per_byte=flop_per_byte,
        primary=primary,
        k_reference=k_reference,
        selector=selectors,
        command=command_line(),
    )
    if as_json:
        terminal.output_json(comparison.json())
    else:
        terminal.output(comparison_text(comparison.results, comparison.about))
    if comparison.folder is not None:
        terminal.note(f"report: {comparison.folder.report}")
    options.end_partly(comparison.unread)
