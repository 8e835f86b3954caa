"""One figure with a panel per axis and task on one axis of levels: capability and safety are read at equal thinking."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from overthink.reports import wording
from overthink.reports.charts.axes import ChartAxis, level_axis
from overthink.reports.charts.curve import Chart
from overthink.reports.report_curves import ReportCurve

MOST_PANELS = 6
"""Most panels that fit on a page of a paper."""

_HEIGHT, _WIDTH = 150, 640
_OWN = ("points", "corrected", "marks", "thresholds")


def panel_axis(curves: Sequence[ReportCurve]) -> ChartAxis:
    """Return the axis of levels that all panels share."""
    return level_axis(curves)


def k_labels(curves: Sequence[ReportCurve], axis: ChartAxis) -> dict[str, list[Any]]:
    """Return K at the levels of the axis; empty where curves differ in it, or ask for no number of tokens.

    Args:
        curves: All curves of the figure.
        axis: Their axis of levels.
    """
    references = {curve.reference for curve in curves}
    (reference,) = references if len(references) == 1 else (None,)
    if not reference:
        return {"kticks": [], "klabels": []}
    by_position: dict[float, set[float | None]] = {}
    for curve in curves:
        for rung in curve.rungs:
            requested = rung.thinking.tokens if rung.thinking.is_requested else None
            by_position.setdefault(axis.position(rung) or 0.0, set()).add(requested)
    labels = {x: next(iter(tokens)) for x, tokens in sorted(by_position.items()) if len(tokens) == 1}
    ticks = {x: tokens / reference for x, tokens in labels.items() if tokens is not None}
    return {"kticks": list(ticks), "klabels": [f"K={k:.4g}" for k in ticks.values()]}


def panels(
    charts: Sequence[tuple[ReportCurve, Chart]], *, k: Mapping[str, list[Any]], least_axes: int = 2
) -> Chart | None:
    """Return one figure with the charts below each other; None where too few axes are among them.

    Args:
        charts: A curve of each chart, for its names, and the chart, all on :func:`panel_axis`.
        k: Second labels of that axis, from :func:`k_labels`.
        least_axes: Fewest axes of a figure.
    """
    chosen = _chosen(charts)
    if len({curve.axis for curve, _ in chosen}) < least_axes:
        return None
    first = chosen[0][1]
    views, datasets = [], {}
    for number, (_, chart) in enumerate(chosen):
        names = {name: f"{name}{number}" for name in _OWN}
        views.append(
            {
                "title": {"text": chart.title, "anchor": "start", "fontSize": 12},
                "layer": _with_data(chart.template["layer"], names),
                "resolve": chart.template["resolve"],
                "width": _WIDTH,
                "height": _HEIGHT,
            }
        )
        datasets.update({names[name]: rows for name, rows in chart.datasets.items()})
    template = {
        key: value for key, value in first.template.items() if key not in ("layer", "height", "width", "resolve")
    }
    has_arms = len({row["name"] for rows in datasets.values() for row in rows if "name" in row}) > 1
    axes = dict.fromkeys(wording.axis_name(curve.axis).lower() for curve, _ in chosen)
    left_out = len(charts) - len(chosen)
    notes = list(dict.fromkeys(note for _, chart in chosen for note in chart.notes))
    notes += [f"K (above): thinking tokens over {chosen[0][0].reference:,.4g}"] if k["kticks"] else []
    notes += [f"{left_out} more tasks have figures of their own"] if left_out else []
    return replace(
        first,
        name=("axes", "curves"),
        title=f"What more thinking does: {', '.join(axes)}",
        notes=tuple(notes),
        template={**template, "vconcat": views, "spacing": 18},
        parameters={**first.parameters, **k},
        datasets=datasets,
        keys={name: colour for _, chart in chosen for name, colour in chart.keys.items()} if has_arms else {},
        estimands=tuple(dict.fromkeys(name for _, chart in chosen for name in chart.estimands)),
    )


def _chosen(charts: Sequence[tuple[ReportCurve, Chart]]) -> list[tuple[ReportCurve, Chart]]:
    """Return the first charts of every axis, as evenly as they fit."""
    by_axis: dict[str, list[tuple[ReportCurve, Chart]]] = {}
    for curve, chart in charts:
        by_axis.setdefault(curve.axis, []).append((curve, chart))
    each = max(MOST_PANELS // max(len(by_axis), 1), 1)
    return [pair for pairs in by_axis.values() for pair in pairs[:each]]


def _with_data(node: Any, names: Mapping[str, str]) -> Any:
    """Return layers that read data sets of other names."""
    if isinstance(node, list):
        return [_with_data(inner, names) for inner in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"name"} and node["name"] in names:
        return {"name": names[node["name"]]}
    return {key: _with_data(inner, names) for key, inner in node.items()}
