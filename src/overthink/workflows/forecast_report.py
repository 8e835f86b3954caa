"""Output files of `overthink forecast --out`: findings, report page and figures."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from overthink._version import __version__
from overthink.data.ids import CurveKey
from overthink.errors import InputError
from overthink.forecasts.findings import fan_points
from overthink.paths import is_there
from overthink.reports import About, ForecastPanel, figure_formats, forecast_figures, forecast_html
from overthink.storage.json_documents import shipped_backtest
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.forecast import Forecasts, prefixes


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
    if is_there(study_folder.plan) or is_there(study_folder.pool):
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
    study_folder.write_report(forecast_html(panels, about, shipped_backtest(), next_budgets=forecasts.next_budgets))
    if figures:
        study_folder.write_figures(forecast_figures(panels, figures))
    return study_folder.report


def forecast_panels(forecasts: Forecasts) -> list[ForecastPanel]:
    """Return one panel per bank. Of a curve with several rungs only the highest has a chart."""
    judges: dict[CurveKey, set[str]] = defaultdict(set)
    top: dict[CurveKey, int] = {}
    for result in forecasts.results:
        top[result.key] = max(top.get(result.key, 0), result.at.rung or 0)
        judges[_of_any_judge(result.key)].add(result.key.scorer)
    panels = []
    for bank, forecast, result, prefix in zip(
        forecasts.banks, forecasts.forecasts, forecasts.results, prefixes(forecasts.banks), strict=True
    ):
        has_fan = (result.at.rung or 0) == top[result.key]
        fan = fan_points(bank, forecast, forecasts.options, prefix=prefix) if has_fan else ()
        has_several = len(judges[_of_any_judge(result.key)]) > 1
        panels.append(ForecastPanel(result, fan, result.key.scorer if has_several else ""))
    return sorted(panels, key=lambda panel: not panel.fan)


def _of_any_judge(key: CurveKey) -> CurveKey:
    return key._replace(scorer="")
