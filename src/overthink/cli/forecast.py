"""The command `forecast`: parse, call, print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.storage.tables.table_files import FORMAT_NAMES

if TYPE_CHECKING:
    from overthink.forecasts.false_positives import FalsePositives

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
    from overthink.forecasts.findings import ForecastOptions
    from overthink.workflows.forecast import ForecastRequest, forecast_path
    from overthink.workflows.sources import ReadOptions

    if out is None and formats != ["html"]:
        raise InputError(f"--format {','.join(formats)} is of the files that --out writes; add --out, or leave it out")
    few, many = _claim_range(claim)
    judge, rate = _judge(judge_fpr)
    query = ForecastOptions(thresholds=_shares(threshold), band=band, few=few, many=many, judge_rate=rate)
    options = ForecastRequest(k=_tries(k, "--k"), level=level, stopping=stopping, options=query, judge=judge, seed=seed)
    forecasts = forecast_path(
        table,
        read=ReadOptions(
            axis=axis,
            high=high,
            scorer=scorer,
            capability=capability,
            safety=safety,
            benign=benign,
            reader=reader,
        ),
        request=options,
    )
    if out is not None:
        from overthink.workflows.forecast_report import write_forecasts

        format_names = [word.strip().lower() for text in formats for word in text.split(",")]
        page = write_forecasts(
            forecasts, out, source=name_text(table.name), formats=format_names, command=command_line()
        )
        terminal.note(f"written: {out}", f"report: {page}")
    terminal.show(forecasts, as_json=as_json)
    end_partly(forecasts.unread)


def _tries(text: str, option: str) -> tuple[int, ...]:
    """Return numbers of tries, ascending; 10k is 10,000 and 1M is 1,000,000."""
    sizes = []
    for word in text.replace("_", "").split(","):
        unit = {"k": 1_000, "K": 1_000, "M": 1_000_000}.get(word.strip()[-1:], 1)
        number = word.strip()[:-1] if unit > 1 else word.strip()
        try:
            size = float(number) * unit
        except ValueError:
            size = float("nan")
        if not 1 <= size <= 1e9 or size != int(size):
            raise InputError(
                f"{option} {text}: {word.strip()!r} is no number of tries; needed: from 1 to 1,000,000,000"
            )
        sizes.append(int(size))
    return tuple(sorted(set(sizes)))


def _claim_range(text: str) -> tuple[int, int]:
    sizes = _tries(text, "--claim")
    if len(sizes) != 2:
        raise InputError(f"--claim {text} cannot be read; needed: few and many tries, as 1,100")
    return sizes[0], sizes[1]


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(word) for word in text.split(","))
    except ValueError:
        shares = (float("nan"),)
    if not all(0 < share < 1 for share in shares):
        raise InputError(f"--threshold {text} cannot be used; needed: shares between 0 and 1, as 0.5")
    return tuple(dict.fromkeys(shares))


def _judge(text: str | None) -> "tuple[FalsePositives | None, float | None]":
    """Return the false positives found by human labels, and the rate to warn of; None where unknown."""
    from overthink.forecasts.false_positives import FalsePositives

    if text is None:
        return None, None
    count, slash, failures = text.partition("/")
    try:
        if not slash:
            rate = float(text)
            if not 0 <= rate < 1:
                raise ValueError(text)
            return None, rate
        judge = FalsePositives(int(count), int(failures))
    except ValueError as failure:
        raise InputError(
            f"--judge-fpr {text} cannot be used; needed: a rate from 0 to below 1, or FLAGGED/FAILURES such as 3/1000"
        ) from failure
    return judge, judge.flagged / judge.failures
