"""Figures for a paper: PDF, level names at the points, and all axes of a study in one figure."""

from dataclasses import replace

import pytest
from results import results_of
from synthetic import about, ladder, study
from test_figures import faults, words

from overthink.data.finding import Finding
from overthink.reports.charts.curve import LEVELS_NOTE, all_charts, axis_panels
from overthink.reports.charts.files import chart_files, standalone_specification
from overthink.reports.charts.study_charts import k_labels, panel_axis, panels
from overthink.reports.report_curves import report_curves


def figure(findings: list[Finding], arms: list[str] = ["base"]):  # type: ignore[no-untyped-def]  # noqa: B006
    """The figure of all axes; None where there is none."""
    curves = report_curves(results_of(findings), about(findings).k_scale.reference)
    axis = panel_axis(curves)
    return panels(axis_panels(curves, arms, axis), k=k_labels(curves, axis))


def test_three_axes_are_panels_of_one_figure_on_one_axis_of_levels() -> None:
    chart = figure(study())
    specification = standalone_specification(chart)
    assert "width" not in specification
    assert len(specification["vconcat"]) == 3
    assert (chart.parameters["xlabels"], chart.parameters["klabels"]) == (
        ["0", "64", "256", "1,024", "4,096"],
        ["K=0", "K=1", "K=4", "K=16", "K=64"],
    )
    drawn = [[row["estimate"] for row in chart.datasets[f"points{panel}"]] for panel in range(3)]
    stored = [
        [f.estimate for f in study() if (f.axis, f.kind, f.metric) == (axis, "value", "mean")]
        for axis in ("capability", "safety", "benign")
    ]
    assert drawn == stored
    names = {view["layer"][1]["data"]["name"] for view in specification["vconcat"]}
    assert names == {"points0", "points1", "points2"}


def test_it_is_drawn_with_titles_levels_and_legends() -> None:
    chart = figure(study(arms=("base", "guarded")), ["base", "guarded"])
    figures = dict(chart_files([chart], ["svg", "pdf"]))
    assert faults(figures["axes-curves.svg"]) == []
    text = words(figures["axes-curves.svg"])
    for part in ("What more thinking does: capability, safety, over-refusal", "guarded", "K=16", "4,096"):
        assert part in text
    assert sum("share of" in line for line in text) == 3
    assert any("hollow grey" in line for line in text)  # a gate failed on the safety axis
    assert figures["axes-curves.pdf"].startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("findings", "panel_count"),
    [
        (ladder(), 0),
        ([*ladder(), *ladder(task="more sums")], 0),
        ([*ladder(), *ladder(axis="safety", task="harm")], 2),
        ([f for n in range(4) for axis in ("capability", "safety") for f in ladder(axis=axis, task=f"t{n}")], 6),
    ],
)
def test_there_is_one_where_a_study_has_several_axes(findings: list[Finding], panel_count: int) -> None:
    chart = figure(findings)
    assert (0 if chart is None else len(chart.template["vconcat"])) == panel_count
    if panel_count == 6:
        assert "2 more tasks have figures of their own" in chart.notes


def test_levels_of_a_provider_have_names_and_no_k_that_differs() -> None:
    efforts = ("low", "medium", "high")
    capability = ladder(estimand="effort", efforts=efforts, budgets=(1, 2, 3))
    safety = [replace(f, axis="safety", task="harm") for f in capability]
    chart = figure([*capability, *safety])
    assert (chart.parameters["xlabels"], chart.parameters["klabels"]) == (list(efforts), [])


def test_points_carry_the_name_of_their_level() -> None:
    findings = ladder(estimand="effort", efforts=("low", "medium", "high"), budgets=(1, 2, 3))
    curves = report_curves(results_of(findings), {})
    chart = next(all_charts(curves, ["base"]))
    assert LEVELS_NOTE in chart.notes
    assert [row["level"] for row in chart.datasets["points"]] == ["low", "medium", "high"]
    (names,) = [layer for layer in standalone_specification(chart)["layer"] if layer["mark"]["type"] == "text"
                and layer["encoding"]["text"].get("field") == "level"]  # fmt: skip
    assert "series" not in names["transform"][0]["filter"]
    many = [f for n in range(6) for f in ladder(arm=f"m{n}")]
    chart = next(all_charts(report_curves(results_of(many), {}), [f"m{n}" for n in range(6)]))
    assert "series === '0'" in standalone_specification(chart)["layer"][-1]["transform"][0]["filter"]
