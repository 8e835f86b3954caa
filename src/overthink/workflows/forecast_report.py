"""Output files of `overthink forecast --out`: findings, report page and figures."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from overthink._version import __version__
from overthink.errors import InputError
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.findings import fan_findings
from overthink.reports import About, ForecastPanel, figure_formats, forecast_figures, forecast_html
from overthink.storage.json_documents import shipped_backtest
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.forecast import Forecasts, bank_findings, prefixes


def write_forecasts(
    forecasts: Forecasts, folder: Path, *, source: str, formats: Sequence[str] = ("html",), command: str | None = None
) -> Path:
    """Write findings.json, questions.csv, report.html and optional figures.

    Args:
        forecasts: The forecasts.
        folder: Output folder; created if missing.
        source: Name of the input, for the heading.
        formats: "svg" and "png" draw the charts into the folder `figures`; the page itself is always made.
        command: The command line, for the page.

    Returns:
        Path of the page.

    Raises:
        InputError: A format is unknown, nothing was forecast over tries, or the folder holds a study, whose findings
            would be lost.
        StoppedError: The disk is full.
    """
    figures, study_folder = figure_formats(formats), StudyFolder(folder)
    if forecasts.printed:
        raise InputError("printed shares have no counts for a page; leave --out away, and use --json for the findings")
    if not forecasts.banks:
        raise InputError(
            "graded values have no success to count over tries, so there is no page to write; leave --out away, and "
            "use --json for the findings"
        )
    if study_folder.plan.exists() or study_folder.pool.exists():
        raise InputError(f"{folder} holds a study, whose findings would be overwritten; choose another folder")
    forecasts.write(folder)
    panels = forecast_panels(forecasts)
    about = About(
        title=f"Beyond what was tried: {source}",
        source=source,
        made_with=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
    )
    study_folder.write_report(
        forecast_html(panels, about, shipped_backtest(), octaves=[curve.findings for curve in forecasts.curves])
    )
    if figures:
        study_folder.write_figures(forecast_figures(panels, figures))
    return study_folder.report


def forecast_panels(forecasts: Forecasts) -> list[ForecastPanel]:
    """Return one panel per bank. Of a curve with several rungs only the highest has a chart."""
    judges: dict[tuple[str, ...], set[str]] = defaultdict(set)
    top: dict[tuple[str, ...], int] = {}
    for bank in forecasts.banks:
        top[_curve(bank)] = max(top.get(_curve(bank), 0), bank.at.rung or 0)
        judges[_curve(bank)[:-1]].add(bank.scorer or "")
    panels = []
    for bank, forecast, prefix in zip(forecasts.banks, forecasts.forecasts, prefixes(forecasts.banks), strict=True):
        has_fan = (bank.at.rung or 0) == top[_curve(bank)]
        fan = tuple(fan_findings(bank, forecast, forecasts.options, prefix=prefix)) if has_fan else ()
        own = bank_findings(forecasts.findings, bank, prefix)
        attempts = bank.attempts[bank.attempts > 0]
        ends = int(attempts.min()), int(attempts.max())
        judge = bank.scorer or "" if len(judges[_curve(bank)[:-1]]) > 1 else ""
        panels.append(ForecastPanel(tuple(own), fan, ends, forecasts.options.thresholds, judge))
    return sorted(panels, key=lambda panel: not panel.fan)


def _curve(bank: CurveBank) -> tuple[str, ...]:
    return bank.axis.value, bank.task, bank.arm, bank.estimand, bank.scorer or ""
