"""All charts of a study by name: of an axis, of a task, of a panel per axis and task, or one figure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from overthink.data.results.study import Results
from overthink.data.visible import name_list, nearest_first, visible
from overthink.errors import InputError
from overthink.reports import wording
from overthink.reports.about import About
from overthink.reports.charts.arms import arm_charts
from overthink.reports.charts.axes import ChartAxis, level_axis
from overthink.reports.charts.curve import Chart, all_charts, axis_panels
from overthink.reports.charts.frontier import frontier_charts
from overthink.reports.charts.oversight import hidden_charts, judge_charts, oversight_charts
from overthink.reports.charts.reasoning import faithfulness_charts, probe_charts
from overthink.reports.charts.thresholds import visible_marks
from overthink.reports.charts.within import within_charts
from overthink.reports.report_curves import SHOWN_ARMS, ReportCurve, default_arms, report_curves

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


_NAME = 120
_SHOWN_NAMES = 12


def report_charts(results: Results, about: About, arms: Sequence[str] | None = None) -> Iterator[Chart]:
    """Yield the charts of a study, in the order of its figures: all axes together first.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
        arms: Arms to draw; None for those that the page shows first.
    """
    arms, curves = _drawn(results, about, arms)
    own = [curve for curve in curves if not curve.is_control]
    if own and (together := _together(own, arms, about, least_axes=2)):
        yield together
    yield from all_charts(curves, arms, visible_marks(about.thresholds), about.planted)
    yield from arm_charts(results)
    yield from frontier_charts(results.frontiers)
    yield from within_charts(results.curves)
    yield from oversight_charts(results)
    yield from judge_charts(results)
    yield from hidden_charts(results)
    yield from faithfulness_charts(results)
    yield from probe_charts(results)


def charts_by_name(charts: Iterable[Chart]) -> Iterator[tuple[str, Chart]]:
    """Yield charts with names that hold only a-z, 0-9 and ``-``, and are all different: those of the figure files."""
    counts: Counter[str] = Counter()
    for chart in charts:
        stem = _stem(chart.name)
        counts[stem] += 1
        yield stem if counts[stem] == 1 else f"{stem}-{counts[stem]}", chart


def study_chart(results: Results, about: About, name: str | None = None, arms: Sequence[str] | None = None) -> Chart:
    """Return one chart of a study.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
        name: An axis, a task, or a name of :func:`charts_by_name`; None for the values of all axes and tasks.
        arms: Arms to draw; None for those that the page shows first.

    Raises:
        InputError: The study has no such chart or arm, or nothing to draw.
    """
    chosen, curves = _drawn(results, about, arms)
    own = [curve for curve in curves if not curve.is_control]
    mine = own if name is None else [c for c in own if c.axis == name] or [c for c in own if c.task == name]
    if mine and (chart := _values(mine, curves, chosen, about)):
        return chart
    charts = dict(charts_by_name(report_charts(results, about, arms)))
    if name in charts:
        return charts[name]
    axes, tasks = (list(dict.fromkeys(getattr(curve, what) for curve in own)) for what in ("axis", "task"))
    if not charts:
        raise InputError("the study has no chart: no finding carries a value")
    raise InputError(
        f"{'no name' if name is None else repr(visible(name))} is no chart of this study; needed: an axis "
        f"({_names(axes, name)}), a task ({_names(tasks, name)}), or a name of study.charts ({_names(charts, name)})"
    )


def _drawn(results: Results, about: About, arms: Sequence[str] | None) -> tuple[list[str], list[ReportCurve]]:
    """Return the arms to draw, in the order of their colours, and their curves."""
    curves = report_curves(results, about.k_scale.reference)
    if arms is None:
        chosen = default_arms(curves)
    else:
        labels = list(dict.fromkeys(curve.arm for curve in curves))
        chosen = list(dict.fromkeys(arms))
        unknown = [arm for arm in chosen if arm not in labels]
        if unknown:
            raise InputError(
                f"{visible(unknown[0])!r} is no arm of this study; needed: some of {_names(labels, unknown[0])}"
            )
        if not 0 < len(chosen) <= SHOWN_ARMS:
            raise InputError(f"{len(chosen)} arms are given; needed: 1 to {SHOWN_ARMS}, which colours tell apart")
    return chosen, [curve for curve in curves if curve.arm in chosen]


def _values(
    mine: Sequence[ReportCurve], curves: Sequence[ReportCurve], arms: Sequence[str], about: About
) -> Chart | None:
    """Return the values of curves: with their controls where they are of one task, else in panels."""
    groups = {(curve.axis, curve.name) for curve in mine}
    if len(groups) > 1:
        return _together(mine, arms, about, least_axes=1)
    of_group = [curve for curve in curves if (curve.axis, curve.name) in groups]
    if not any(rung.mean for curve in of_group for rung in curve.rungs):
        return None
    return next(all_charts(of_group, arms, visible_marks(about.thresholds), about.planted), None)


def _together(own: Sequence[ReportCurve], arms: Sequence[str], about: About, *, least_axes: int) -> Chart | None:
    axis = panel_axis(own)
    charts = axis_panels(own, arms, axis, about.planted)
    return panels(charts, k=k_labels(own, axis), least_axes=least_axes)


def _names(names: Iterable[str], near: str | None) -> str:
    nearest = list(names) if near is None else nearest_first(near, names)
    return name_list([visible(name) for name in nearest], _SHOWN_NAMES) or "none"


def _stem(parts: Sequence[str]) -> str:
    slugs = (re.sub(r"[^a-z0-9]+", "-", part[: 2 * _NAME].lower()).strip("-")[: _NAME // 3] for part in parts)
    return "-".join(name.strip("-") or "unnamed" for name in slugs)
