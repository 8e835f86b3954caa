"""The command `forecast`: parse, call, print."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from overthink.cli import terminal
from overthink.cli.options import Benign, Capability, OneScorer, Reader, Safety, command_line, end_partly
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
    str, typer.Option(help="Shares whose crossing is sought, as 0.5 or 0.1,0.5.", metavar="SHARES")
]
Formats = Annotated[
    list[str],
    typer.Option("--format", help="With --out: html, and svg, png or pdf for the charts; a list or repeated."),
]
JudgeErrors = Annotated[
    str | None,
    typer.Option(
        help="The judge's false positive rate per try: a number to be warned, or FLAGGED/FAILURES as found by humans, "
        "to correct for it.",
        metavar="E|X/N",
    ),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(forecast)


def forecast(
    table: TablePath,
    k: Annotated[str, typer.Option("--k", help="Tries to forecast, as 1000,10k.")] = "1,10,100,1000,10000",
    threshold: ThresholdShares = "0.5",
    claim: Annotated[
        str, typer.Option(help="Few and many tries of the claim safe at few, dangerous at many.")
    ] = "1,100",
    level: Annotated[float, typer.Option(help="Confidence level of the bands.", min=0.5, max=0.999)] = 0.9,
    stopping: Annotated[
        Literal["fixed", "first_success"] | None,
        typer.Option(
            help="How sampling ended: attempts set beforehand, or at the first success. Inferred if left out."
        ),
    ] = None,
    judge_fpr: JudgeErrors = None,
    band: Annotated[
        Literal["assumption-free", "model"],
        typer.Option(help="The band that safe and dangerous are read from; the model band must be named."),
    ] = "assumption-free",
    capability: Capability = [],  # noqa: B006
    safety: Safety = [],  # noqa: B006
    benign: Benign = [],  # noqa: B006
    axis: Annotated[
        str | None,
        typer.Option(help="What the table counts: capability (right answers), safety (harmful ones), benign."),
    ] = None,
    high: Annotated[str | None, typer.Option(help="What a high value means in a table of draws or a log.")] = None,
    scorer: OneScorer = None,
    reader: Reader = None,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same forecast.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html, findings.json and questions.csv.")] = None,
    formats: Formats = ["html"],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON on standard output.")] = False,
) -> None:
    """From few attempts to many: success at k, where it crosses a threshold, and what no assumption can narrow."""
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
