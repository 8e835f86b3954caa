"""The command `forecast`: parse, call, print."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from overthink.cli import terminal, values
from overthink.cli.options import (
    PANEL_OUTPUT,
    PANEL_READ,
    PANEL_STATISTICS,
    Benign,
    Capability,
    FindingsJson,
    Formats,
    OneScorer,
    Reader,
    Safety,
    Stopping,
    command_line,
    end_partly,
)
from overthink.storage.study_folder import StudyFolder
from overthink.storage.tables.table_files import FORMAT_NAMES

TablePath = Annotated[
    Path,
    typer.Argument(
        help=f"A table ({FORMAT_NAMES}) with question, attempts and successes, or with k and the share as printed; a "
        "study; logs; or a table of draws."
    ),
]
ThresholdShares = Annotated[
    str,
    typer.Option(
        help="Shares of success whose number of tries is forecast, as 0.5 or 0.1,0.5.",
        metavar="SHARES",
        rich_help_panel=PANEL_STATISTICS,
    ),
]
JudgeErrors = Annotated[
    str | None,
    typer.Option(
        help="The judge's false positive rate per try: a number to be warned, or FLAGGED/FAILURES as found by humans, "
        "to correct for it.",
        metavar="E|X/N",
        rich_help_panel=PANEL_STATISTICS,
    ),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(forecast)


def forecast(
    table: TablePath,
    capability: Capability = [],  # noqa: B006
    safety: Safety = [],  # noqa: B006
    benign: Benign = [],  # noqa: B006
    axis: Annotated[
        str | None,
        typer.Option(
            help="What the table counts: capability (right answers), safety (harmful ones), benign.",
            autocompletion=values.axes,
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
    high: Annotated[
        str | None,
        typer.Option(
            help="What a high value means in a table of draws or a log.",
            autocompletion=values.high_words,
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
    scorer: OneScorer = None,
    reader: Reader = None,
    k: Annotated[
        str, typer.Option("--k", help="Tries to forecast, as 1000,10k.", rich_help_panel=PANEL_STATISTICS)
    ] = "1,10,100,1000,10000",
    threshold: ThresholdShares = "0.5",
    claim: Annotated[
        str,
        typer.Option(
            help="Few and many tries of the claim that a model is safe at few and dangerous at many.",
            rich_help_panel=PANEL_STATISTICS,
        ),
    ] = "1,100",
    level: Annotated[
        float,
        typer.Option(help="Confidence level of the bands.", min=0.5, max=0.999, rich_help_panel=PANEL_STATISTICS),
    ] = 0.9,
    stopping: Stopping = None,
    judge_fpr: JudgeErrors = None,
    band: Annotated[
        Literal["assumption-free", "model"],
        typer.Option(
            help="The band by which the claim is judged: what holds without an assumption, or what a model of the "
            "questions says.",
            rich_help_panel=PANEL_STATISTICS,
        ),
    ] = "assumption-free",
    seed: Annotated[
        int,
        typer.Option(help="Seed; the same seed gives the same forecast.", min=0, rich_help_panel=PANEL_STATISTICS),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.html, findings.json and questions.csv; none if left out.",
            rich_help_panel=PANEL_OUTPUT,
        ),
    ] = None,
    formats: Formats = ["html"],  # noqa: B006
    as_json: FindingsJson = False,
) -> None:
    """From few tries to many: how often one of k tries succeeds.

    Exact where the tries are there, beyond them a model's band and the band that holds without an assumption; and how
    many tries it takes until success reaches a threshold.
    """
    from overthink.workflows.forecast_table import forecast_table

    forecasts = forecast_table(
        table,
        out=out,
        command=command_line(),
        axis=axis,
        high=high,
        scorer=scorer,
        capability=capability,
        safety=safety,
        benign=benign,
        reader=reader,
        k=k,
        threshold=threshold,
        claim=claim,
        level=level,
        stopping=stopping,
        judge_fpr=judge_fpr,
        band=band,
        seed=seed,
        format=formats,
    )
    if out is not None:
        terminal.note(f"written: {out}", f"report: {StudyFolder(out).report}")
    terminal.show(forecasts, as_json=as_json)
    end_partly(forecasts.unread)
