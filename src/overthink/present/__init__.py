"""Charts, tables and prose from findings. Nothing is computed here: numbers are looked up and formatted.

:func:`report_html` lays findings out as one page that works offline from disk; :func:`report_figures` draws its
charts as files; :func:`summary_text` says them in a few lines for a terminal. Every name in a finding is hostile
text until it has passed :func:`overthink.present.names.visible`.
"""

from overthink.present.about import About
from overthink.present.figures import figure_formats, report_figures
from overthink.present.report import report_html
from overthink.present.text import summary_text

__all__ = ["About", "figure_formats", "report_figures", "report_html", "summary_text"]
