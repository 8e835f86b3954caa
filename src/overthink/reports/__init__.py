"""Charts, tables and text from findings. Nothing is computed here: numbers are looked up and formatted.

:func:`report_html` renders findings as one page that works offline; :func:`report_figures` writes its charts as
files; :func:`forecast_html` and :func:`forecast_figures` do both for a forecast; :func:`summary_text` returns a few
lines for a terminal. Names in findings are untrusted text until they have passed
:func:`overthink.data.visible.visible`.
"""

from overthink.reports.about import About
from overthink.reports.arm_table import comparison_text
from overthink.reports.charts.files import figure_formats, report_figures
from overthink.reports.forecast_page import forecast_figures, forecast_html
from overthink.reports.forecast_text import ForecastPanel
from overthink.reports.page import report_html
from overthink.reports.terminal import summary_text

__all__ = [
    "About",
    "ForecastPanel",
    "comparison_text",
    "figure_formats",
    "forecast_figures",
    "forecast_html",
    "report_figures",
    "report_html",
    "summary_text",
]
