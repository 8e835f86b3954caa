"""The charts of the report as SVG and PNG files: the page's own templates, filled here and drawn offline.

Colours of the page are CSS variables; a file has those of the light theme. Nothing is fetched: the only data are
those in the specification, fonts are built in, and a text of a name is drawn as text.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from overthink.core.finding import Finding
from overthink.errors import InputError
from overthink.present.about import About
from overthink.present.arm_charts import arm_charts
from overthink.present.assets import asset
from overthink.present.filling import WIDTH, Chart, all_charts
from overthink.present.frontier_filling import frontier_charts
from overthink.present.layout import curves, default_arms
from overthink.present.thresholds import drawn_marks

_NAME = 120
_PNG_SCALE = 2.0
_FONT = "Liberation Sans, Arial, sans-serif"


def figure_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Of the formats of a report, those that are figures.

    Args:
        formats: Any of "html", "svg" and "png".

    Raises:
        InputError: One of them is none of these.

    >>> figure_formats(["html", "png"])
    ('png',)
    """
    unknown = sorted(set(formats) - {"html", *_DRAW})
    if unknown:
        raise InputError(f"unknown format {', '.join(unknown)[:200]!r}; needed: html, {', '.join(_DRAW)}")
    return tuple(form for form in _DRAW if form in formats)


def report_figures(findings: Sequence[Finding], about: About, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The figures of the arms that the page shows first, one by one.

    Args:
        findings: What the report says; names may be hostile.
        about: Where they come from.
        formats: Any of "svg" and "png".

    Yields:
        File name and content. Names hold only a-z, 0-9, ``.`` and ``-``, and are all different.
    """
    found = curves(findings, about.reference)
    arms = default_arms(found)
    shown = [curve for curve in found if curve.arm in arms]
    yield from chart_files(all_charts(shown, arms, drawn_marks(about.thresholds)), formats)
    yield from chart_files([*arm_charts(findings), *frontier_charts(findings)], formats)


def chart_files(charts: Iterable[Chart], formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Charts as files, one by one, in each of the formats; file names as for :func:`report_figures`."""
    used: Counter[str] = Counter()
    for chart in charts:
        stem = _stem(chart.name)
        used[stem] += 1
        stem = stem if used[stem] == 1 else f"{stem}-{used[stem]}"
        specification = drawable(chart)
        for form in formats:
            yield f"{stem}.{form}", _DRAW[form](specification)


def drawable(chart: Chart) -> dict[str, Any]:
    """A specification that stands alone: the template with its data, a title, legends and concrete colours."""
    filled = {**chart.template, "datasets": dict(chart.datasets), "width": WIDTH, "padding": 14}
    filled["params"] = [{**p, "value": chart.parameters.get(p["name"], p["value"])} for p in filled["params"]]
    if "floor" in chart.parameters:
        filled["height"] *= 1 - chart.parameters["floor"]
    filled["title"] = {"text": chart.title, "subtitle": list(chart.notes), **_TITLE}
    filled["config"] = {**filled["config"], "background": "var(--paper)", "font": _FONT, "legend": _LEGEND}
    coloured: dict[str, Any] = _coloured(_with_legends(filled, chart))
    return coloured


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


def _coloured(node: Any, place: str = "") -> Any:
    """The same with each CSS variable as its colour. Only what we wrote is replaced, never the text of a name."""
    if isinstance(node, list):
        return [_coloured(inner, place) for inner in node]
    if isinstance(node, dict):
        return {key: _coloured(inner, key) for key, inner in node.items()}
    if not isinstance(node, str) or place in _TEXTS:
        return node
    return palette().get(node, node)


_TEXTS = frozenset({"text", "subtitle", "name", "tip", "shown", "estimand", "value", "values", "domain"})


@cache
def palette() -> dict[str, str]:
    """By CSS variable: its colour in the light theme of the page."""
    light = asset("page.css").partition("{")[2].partition("}")[0]
    colours = {f"var({name})": colour for name, colour in re.findall(r"(--\w+): (#[0-9a-f]+);", light)}
    return colours | {"currentColor": colours["var(--ink)"]}


def _stem(parts: Sequence[str]) -> str:
    named = (re.sub(r"[^a-z0-9]+", "-", part[: 2 * _NAME].lower()).strip("-")[: _NAME // 3] for part in parts)
    return "-".join(name.strip("-") or "unnamed" for name in named)


def _svg(specification: Mapping[str, Any]) -> bytes:
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(dict(specification), allowed_base_urls=[])
    return drawn.encode()


def _png(specification: Mapping[str, Any]) -> bytes:
    import vl_convert

    drawn: bytes = vl_convert.vegalite_to_png(dict(specification), scale=_PNG_SCALE, allowed_base_urls=[])
    return drawn


_DRAW: dict[str, Callable[[Mapping[str, Any]], bytes]] = {"svg": _svg, "png": _png}
