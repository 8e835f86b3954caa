"""What `overthink forecast --out` leaves behind: the findings, a page to read, and its charts as files."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from overthink import __version__
from overthink.core.forecast.fan import fan_findings
from overthink.core.forecast.findings import Bank
from overthink.errors import InputError
from overthink.forecasting import Forecasts, prefixes
from overthink.present import About, ForecastPanel, figure_formats, forecast_figures, forecast_html
from overthink.store.backtest import shipped_backtest
from overthink.store.folder import StudyFolder


def write_forecasts(
    found: Forecasts, folder: Path, *, source: str, formats: Sequence[str] = ("html",), command: str | None = None
) -> Path:
    """Write findings.json, questions.csv, report.html and, where asked for, figures.

    Args:
        found: What was forecast.
        folder: Where to; made if it is not there.
        source: What was read, for the heading.
        formats: "svg" and "png" draw the charts into the folder `figures`; the page itself is always made.
        command: The command line, for the page.

    Returns:
        The page.

    Raises:
        InputError: A format is unknown, nothing was forecast over tries, or the folder holds a study, whose findings
            would be lost.
        StoppedError: The disk is full.
    """
    figures, place = figure_formats(formats), StudyFolder(folder)
    if not found.banks:
        raise InputError(
            "graded values have no success to count over tries, so there is no page to write; leave --out away, and "
            "use --json for the findings"
        )
    if place.plan.exists() or place.pool.exists():
        raise InputError(f"{folder} holds a study, whose findings would be overwritten; choose another folder")
    found.write(folder)
    panels = forecast_panels(found)
    about = About(
        title=f"Beyond what was tried: {source}",
        source=source,
        made_with=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
    )
    place.write_report(
        forecast_html(panels, about, shipped_backtest(), octaves=[curve.findings for curve in found.curves])
    )
    if figures:
        place.write_figures(forecast_figures(panels, figures))
    return place.report


def forecast_panels(found: Forecasts) -> list[ForecastPanel]:
    """What the page shows of each bank. Of a curve with several rungs only the highest has a chart."""
    judges: dict[tuple[str, ...], set[str]] = defaultdict(set)
    top: dict[tuple[str, ...], int] = {}
    for bank in found.banks:
        top[_curve(bank)] = max(top.get(_curve(bank), 0), bank.at.rung or 0)
        judges[_curve(bank)[:-1]].add(bank.scorer or "")
    panels = []
    for bank, made, prefix in zip(found.banks, found.made, prefixes(found.banks), strict=True):
        drawn = (bank.at.rung or 0) == top[_curve(bank)]
        fan = tuple(fan_findings(bank, made, found.asked, prefix=prefix)) if drawn else ()
        own = [f for f in found.findings if f.id.startswith(f"{prefix}/forecast/") and f.at.rung == bank.at.rung]
        tried = bank.attempts[bank.attempts > 0]
        ends = int(tried.min()), int(tried.max())
        judge = bank.scorer or "" if len(judges[_curve(bank)[:-1]]) > 1 else ""
        panels.append(ForecastPanel(tuple(own), fan, ends, found.asked.thresholds, judge))
    return sorted(panels, key=lambda panel: not panel.fan)


def _curve(bank: Bank) -> tuple[str, ...]:
    return bank.axis.value, bank.task, bank.arm, bank.estimand, bank.scorer or ""
