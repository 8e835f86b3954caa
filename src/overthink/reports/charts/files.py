"""Charts of a report as SVG, PNG and PDF files: the page's templates, filled and rendered offline.

Files use the colours of the light theme. Nothing is fetched: data are in the specification, fonts are built in, and
names are drawn as text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from overthink.data.results.study import Results
from overthink.errors import InputError
from overthink.reports.about import About
from overthink.reports.charts.curve import CHART_WIDTH, LEVELS_NOTE, Chart
from overthink.reports.charts.study_charts import charts_by_name, report_charts
from overthink.reports.page import asset

_PNG_SCALE = 2.0
_FONT = "Liberation Sans, Arial, sans-serif"


def figure_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Return the figure formats among the formats of a report.

    Args:
        formats: Any of "html", "svg", "png" and "pdf".

    Raises:
        InputError: A format is unknown.

    >>> figure_formats(["html", "png"])
    ('png',)
    """
    unknown = sorted(set(formats) - {"html", *_DRAW})
    if unknown:
        raise InputError(f"unknown format {', '.join(unknown)[:200]!r}; needed: html, {', '.join(_DRAW)}")
    return tuple(form for form in _DRAW if form in formats)


def report_figures(results: Results, about: About, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the figures of the arms that the page shows first.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
        formats: Any of "svg", "png" and "pdf".

    Yields:
        File name and content. Names hold only a-z, 0-9, ``.`` and ``-``, and are all different.
    """
    yield from chart_files(report_charts(results, about), formats)


def chart_files(charts: Iterable[Chart], formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield charts as files in each of the formats; file names as for :func:`report_figures`."""
    for stem, chart in charts_by_name(charts):
        specification = standalone_specification(chart)
        for form in formats:
            yield f"{stem}.{form}", _DRAW[form](specification)


def standalone_specification(chart: Chart) -> dict[str, Any]:
    """Return a standalone specification: template with data, title, legends and concrete colours."""
    specification = {**chart.template, "datasets": dict(chart.datasets), "padding": 14}
    if "vconcat" not in specification:  # panels have widths of their own
        specification["width"] = CHART_WIDTH
    if LEVELS_NOTE in chart.notes:
        specification["layer"] = [*specification["layer"], _level_names(specification["layer"], chart)]
    specification["params"] = [
        {**p, "value": chart.parameters.get(p["name"], p["value"])} for p in specification["params"]
    ]
    if "floor" in chart.parameters:
        specification["height"] *= 1 - chart.parameters["floor"]
    specification["title"] = {"text": chart.title, "subtitle": list(chart.notes), **_TITLE}
    specification["config"] = {
        **specification["config"],
        "background": "var(--paper)",
        "font": _FONT,
        "legend": _LEGEND,
    }
    with_colours: dict[str, Any] = _with_colours(_with_legends(specification, chart))
    return with_colours


def _level_names(layers: Sequence[Mapping[str, Any]], chart: Chart) -> dict[str, Any]:
    """Return the layer that names the level of every point; where there are many curves, those of the first alone."""
    line = next(layer for layer in layers if layer["mark"].get("type") == "line")
    x, y = ({**line["encoding"][channel]} for channel in "xy")
    few = len(chart.datasets["points"]) <= _MOST_LEVEL_NAMES
    return {
        "data": {"name": "points"},
        "mark": {
            "type": "text",
            "align": "left",
            "dx": 5,
            "dy": -10,
            "fontSize": 10,
            "color": "var(--faint)",
            "aria": False,
        },
        "transform": [{"filter": f"isValid(datum.estimate){'' if few else _FIRST_SERIES}"}],
        "encoding": {"x": {**x, "axis": None}, "y": y, "text": {"field": "level", "type": "nominal"}},
    }


_MOST_LEVEL_NAMES = 24
_FIRST_SERIES = " && datum.series === '0'"
_TITLE = {"anchor": "start", "frame": "group", "subtitleFontSize": 12, "subtitlePadding": 4, "offset": 12}
_LEGEND = {"title": None, "orient": "bottom", "columns": 2, "labelLimit": 300, "symbolOpacity": 1}


def _with_legends(node: Any, chart: Chart) -> Any:
    """The same with legends, which the page has beside its charts: for colours and for estimands, if several."""
    if isinstance(node, list):
        return [_with_legends(inner, chart) for inner in node]
    if not isinstance(node, dict):
        return node
    if node.get("field") == "colour" and len(chart.keys) > 1:
        scale = {"domain": list(chart.keys), "range": list(chart.keys.values())}
        return {"field": "name", "type": "nominal", "scale": scale, "legend": {"symbolType": "square"}}
    if node.get("field") == "estimand" and len(chart.estimands) > 1:
        return {**node, "legend": {"values": list(chart.estimands)}}
    return {key: inner if key == "datasets" else _with_legends(inner, chart) for key, inner in node.items()}


def _with_colours(node: Any, parent_key: str = "") -> Any:
    """Return the specification with CSS variables replaced by colours, except in texts."""
    if isinstance(node, list):
        return [_with_colours(inner, parent_key) for inner in node]
    if isinstance(node, dict):
        return {key: _with_colours(inner, key) for key, inner in node.items()}
    if not isinstance(node, str) or parent_key in _TEXTS:
        return node
    return palette().get(node, node)


_TEXTS = frozenset({"text", "subtitle", "name", "level", "tip", "shown", "estimand", "value", "values", "domain"})


@cache
def palette() -> dict[str, str]:
    """Return the colours of the page's light theme, by CSS variable."""
    light = asset("page.css").partition("{")[2].partition("}")[0]
    colours = {f"var({name})": colour for name, colour in re.findall(r"(--\w+): (#[0-9a-f]+);", light)}
    return colours | {"currentColor": colours["var(--ink)"]}


def svg_text(specification: Mapping[str, Any]) -> str:
    """Return a standalone specification drawn as SVG; nothing is fetched."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(dict(specification), allowed_base_urls=[])
    return svg


def _svg(specification: Mapping[str, Any]) -> bytes:
    return svg_text(specification).encode()


def _png(specification: Mapping[str, Any]) -> bytes:
    import vl_convert

    png: bytes = vl_convert.vegalite_to_png(dict(specification), scale=_PNG_SCALE, allowed_base_urls=[])
    return png


def _pdf(specification: Mapping[str, Any]) -> bytes:
    import vl_convert

    pdf: bytes = vl_convert.vegalite_to_pdf(dict(specification), allowed_base_urls=[])
    return pdf


_DRAW: dict[str, Callable[[Mapping[str, Any]], bytes]] = {"svg": _svg, "png": _png, "pdf": _pdf}
