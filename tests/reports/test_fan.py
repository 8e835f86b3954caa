"""The fan chart shows what the findings say, layer by layer, and nothing where nothing is said."""

import re
from collections.abc import Mapping

import numpy as np
import pytest
from sweeps import few
from test_figures import faults, words
from test_page import HOSTILE, OWNED

from forecasts import named, panel, small
from overthink.forecasts.findings import ForecastOptions
from overthink.reports import ForecastPanel, forecast_figures, forecast_text
from overthink.reports.charts.fan import fan
from overthink.reports.charts.files import palette


@pytest.fixture(scope="module")
def rising() -> ForecastPanel:
    return panel(asked=ForecastOptions(thresholds=(0.3, 0.95)))


def wrong(shown: ForecastPanel, data: Mapping[str, list[dict[str, object]]]) -> list[str]:
    """Where the drawing differs from the findings of the fan."""
    told = []
    for layer, which in (("model", "value"), ("free", "bound")):
        drawn = [(row["k"], row["low"], row["high"]) for row in data[layer]]
        said = [getattr(point, which) for point in shown.fan]
        if drawn != [(finding.at.k, finding.low, finding.high) for finding in said]:
            told.append(layer)
    exact = [(row["k"], row["estimate"]) for row in data["lines"] if row["exact"]]
    model = [(row["k"], row["estimate"]) for row in data["lines"] if not row["exact"]]
    both = [(point.value.at.k, point.value.estimate) for point in shown.fan]
    if exact + model[1:] != both or model[0] != exact[-1]:
        told.append("lines")
    return told


def test_every_layer_is_what_its_findings_say(rising: ForecastPanel) -> None:
    data = fan(rising).datasets
    assert wrong(rising, data) == []
    assert [row["k"] for row in data["attempts"]] == [100]
    assert [row["k"] for row in data["dots"]] == [1, 100, 10_000]
    assert max(row["k"] for row in data["lines"] if row["exact"]) == 100
    ks = [row["k"] for row in data["free"]]
    assert np.diff(np.log10(ks)).max() < 0.31  # so close that straight lines between them mislead nobody


def test_the_check_sees_a_moved_band_and_a_gap(rising: ForecastPanel) -> None:
    data = fan(rising).datasets
    moved = [{**row, "high": 0.0} for row in data["free"]]
    torn = [row for row in data["lines"] if row["k"] != 100 or row["exact"]]
    assert wrong(rising, {**data, "free": moved}) == ["free"]
    assert wrong(rising, {**data, "lines": torn}) == ["lines"]


def test_crossings_stand_on_their_thresholds_with_both_intervals(rising: ForecastPanel) -> None:
    chart = fan(rising)
    near, far = chart.datasets["stars"]
    said = rising.result.thresholds[0]
    assert (near["tau"], near["k"], near["low"], near["high"]) == (
        0.3, said.crossing.estimate, said.crossing.low, said.crossing.high
    )  # fmt: skip
    assert near["bound_low"] <= near["low"] <= near["k"] <= near["high"] <= near["bound_high"]
    assert (near["open"], far["open"]) == (False, True)
    edge = chart.parameters["xhigh"]
    assert far["bound_high"] == edge > 10_000
    assert near["shown"] == f"K* = {said.crossing.estimate:,.0f}"


def test_with_no_success_there_is_a_bound_and_nothing_else() -> None:
    none = panel((0,) * 20)
    chart = fan(none)
    assert chart.datasets["model"] == []
    assert all(row["exact"] and row["estimate"] == 0 for row in chart.datasets["lines"])
    assert chart.datasets["free"][-1]["high"] == pytest.approx(1 - 0.05 ** (10_000 / 2000))
    (star,) = chart.datasets["stars"]
    assert (star["k"], star["low"]) == (None, None)
    assert star["bound_low"] == none.result.thresholds[0].bound.low
    assert "median" not in " ".join(chart.keys)


def test_where_nothing_is_exact_nothing_is_drawn_as_exact() -> None:
    chart = fan(panel(stopping="adaptive"))
    assert {row["exact"] for row in chart.datasets["lines"]} == {False}
    assert chart.datasets["attempts"] == []
    assert "exact, no model" not in chart.keys


def test_a_figure_stands_alone_and_says_what_it_shows(rising: ForecastPanel) -> None:
    ((name, svg),) = forecast_figures([rising], ["svg"])
    assert name == "safety-requests-forecast-requests.svg"
    assert faults(svg) == []
    text = words(svg)
    assert {"exact, no model", "assumption-free band", "exact up to 100 tries", "threshold 30%", "10,000"} <= set(text)
    assert any("40 questions, 100 attempts each; 90% bands" in line for line in text)
    assert any(re.fullmatch(r"K\* = [\d,]+", line) for line in text)


def test_hostile_names_name_no_path_and_are_drawn_as_text() -> None:
    names = [HOSTILE[0], "../../etc/passwd", "a/b", "a-b"]
    drawn = list(forecast_figures([named(name) for name in names], ["svg"]))
    assert len({name for name, _ in drawn}) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]{1,190}\.svg", name) for name, _ in drawn)
    assert [faults(svg) for _, svg in drawn] == [[]] * len(names)
    assert f"</script><script>{OWNED}</script>" in " ".join(words(drawn[0][1]))


def test_colours_are_those_of_the_page() -> None:
    assert set(re.findall(r"var\(--\w+\)", str(fan(small()).template))) <= set(palette())


@pytest.mark.parametrize(
    ("successes", "attempts", "threshold", "label"),
    few(
        [
            ([3], 100, 0.5, "not resolved"),
            ([0] * 25 + [1000] * 25, 1000, 0.5, "not resolved"),
            ([0] * 39 + [900], 1000, 0.5, "open"),
            ([0] * 60, 200, 0.5, "open"),
        ],
        2,
    ),
)
def test_no_text_settles_what_the_band_that_decides_leaves_open(
    successes: list[int], attempts: int, threshold: float, label: str
) -> None:
    free, model = (
        panel(successes, attempts=attempts, asked=ForecastOptions(thresholds=(threshold,), band=band))
        for band in ("assumption-free", "model")
    )
    (at,) = free.result.thresholds
    assert (at.verdict, at.crossing.label) == (label, label)
    (star,) = fan(free).datasets["stars"]
    assert star["shown"].startswith(f"K* {label}") or star["k"] is None
    for text in (forecast_text.crossing(free, at), star["tip"].splitlines()[1], forecast_text.notes(free)[1]):
        assert f"K* (tries) {label} by the 90% assumption-free band ({at.bound.low:,.0f} to open)" in text
    sides = set(at.sides)
    assert ("safe" in sides) == (label == "open")  # an end below which all is safe excludes those tries
    if model.result.has_model:
        (by_model,) = model.result.thresholds
        assert f"{by_model.verdict} by the 90% model band" in forecast_text.crossing(model, by_model)
        assert fan(model).datasets["stars"][0]["shown"] in ("", f"K* = {by_model.crossing.estimate or 0:,.0f}")
