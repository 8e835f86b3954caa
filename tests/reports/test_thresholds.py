"""Thresholds below the curves: placed by K and reference, marked beyond what was tested, never obeyed, never NaN."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import Dom, opened
from hypothesis import given
from hypothesis import strategies as st
from results import results_of
from synthetic import about, ladder
from test_figures import words
from test_page import HOSTILE, spoiled

from overthink.analysis.k_scale import KScale
from overthink.data.finding import Finding
from overthink.reports import About, report_figures, report_html, summary_text
from overthink.reports.about import Appendix, AppendixInput, AppendixTable, CalculatorAnswer
from overthink.reports.charts.axes import k_ticks, thinking_axis
from overthink.reports.charts.thresholds import (
    BAR_HEIGHT,
    MAX_MARKS,
    Mark,
    ThresholdRow,
    Thresholds,
    marks_data,
    share_floor,
    threshold_bars,
    visible_marks,
)
from overthink.reports.page_data import script_json
from overthink.reports.report_curves import report_curves

LABEL = "Analysis, not legal status: no instrument counts deployment inference."
TOLD = "{} FLOP · K* {}"


def mark(low: float, high: float, label: str = "1e25 FLOP", **more: Any) -> Mark:
    return Mark(label, low, high, f"{low:g} to {high:g}", more.pop("how", "α 0.5 to 1"), **more)


def told(*marks: Mark) -> Thresholds:
    rows = tuple(ThresholdRow(one.label, ("XX: A law (> 1e25, in force)",), one.text, "inside") for one in marks)
    return Thresholds("Assumed: 1e24 FLOP.", LABEL, "K = 1: 24 tokens (basis: tokens).", marks, rows, ("A note.",))


INSIDE, PARTLY, BEYOND = mark(2, 20), mark(30, 500, "2e25 FLOP"), mark(1_000, 1e6, "1e26 FLOP")
"""Against a ladder that runs to K = 64, its budgets of 64 to 4,096 tokens over the lowest."""


def placed(one: Mark, findings: list[Finding], reference: float = 64.0, width: float = 640) -> list[dict[str, Any]]:
    found = report_curves(results_of(findings), {"base": reference})
    axis = thinking_axis(found)
    assert axis is not None
    return threshold_bars([one], found, axis, width=width)


def bars(rows: list[dict[str, Any]]) -> list[tuple[float, float, bool]]:
    return [(row["x"], row["x2"], row["beyond"]) for row in rows if row["bar"]]


def text(rows: list[dict[str, Any]]) -> str:
    (said,) = [row["text"] for row in rows if row["text"]]
    return str(said)


def test_a_bar_stands_at_k_times_the_reference() -> None:
    assert bars(placed(INSIDE, ladder())) == [(128.0, 1280.0, False)]
    assert bars(placed(INSIDE, ladder(), reference=40.0)) == [(80.0, 800.0, False)]
    (zone,) = [row for row in placed(INSIDE, ladder()) if row["zone"]]
    assert (zone["x"], zone["x2"]) == (128.0, 1280.0)
    assert text(placed(INSIDE, ladder())) == TOLD.format("1e25", "2 to 20")


def test_what_was_not_tested_is_marked() -> None:
    top, end = 4096, 4096 * 1.18
    rows = placed(PARTLY, ladder())
    assert bars(rows) == [(1920.0, pytest.approx(top), False), (pytest.approx(top), pytest.approx(end), True)]
    assert text(rows).endswith("partly beyond what was tested ▸")
    far = placed(BEYOND, ladder())
    assert bars(far) == []
    assert [row["x"] for row in far] == [pytest.approx(end)]
    assert text(far) == TOLD.format("1e26", "1000 to 1e+06") + " · beyond what was tested ▸"


@given(st.floats(0, 8), st.floats(0, 8), st.floats(100, 1500))
def test_whatever_k_star_lanes_stay_inside_the_axis(low: float, more: float, width: float) -> None:
    high = math.inf if more > 7.5 else 10 ** (low + more)
    axis = thinking_axis(report_curves(results_of(ladder()), {}))
    assert axis is not None
    rows = placed(mark(10**low, high), ladder(), width=width)
    script_json(rows)  # refuses NaN and infinity
    assert sum(bool(row["text"]) for row in rows) == 1
    for row in rows:
        assert axis.low <= row["x"] <= row["x2"] <= axis.high
    ends = bars(rows)
    assert all(left[1] == right[0] for left, right in pairwise(ends))
    assert share_floor(rows) == pytest.approx(-BAR_HEIGHT)


def test_no_place_no_lane() -> None:
    two = [*ladder(), *ladder(arm="other")]
    found = report_curves(results_of(two), {"base": 24.0, "other": 48.0})
    axis = thinking_axis(found)
    assert axis is not None
    assert threshold_bars([INSIDE], found, axis, width=640) == []
    same = report_curves(results_of(two), {"base": 24.0, "other": 24.0})
    assert threshold_bars([INSIDE], same, axis, width=640) != []
    assert threshold_bars([INSIDE], report_curves(results_of(ladder()), {}), axis, width=640) == []
    elsewhere = mark(2, 20, curve="capability/other/base")
    assert placed(elsewhere, ladder()) == []
    assert placed(replace(elsewhere, curve="capability/sums/base"), ladder()) != []
    assert share_floor([]) == 0


def test_only_what_has_a_place_is_drawn() -> None:
    reached, nowhere, unknown = mark(1, 1), mark(math.inf, math.inf), mark(math.nan, math.nan)
    assert visible_marks(told(reached, nowhere, unknown, INSIDE)) == [INSIDE]
    assert visible_marks(None) == []
    assert len(visible_marks(told(*[INSIDE] * 20))) == MAX_MARKS
    json.dumps(marks_data(told(mark(2, math.inf)), []), allow_nan=False)


def test_the_check_for_numbers_can_fail() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json(placed(mark(2, math.nan), ladder()))


def test_labels_of_k_stand_at_k_times_the_reference() -> None:
    axis = thinking_axis(report_curves(results_of(ladder()), {}))
    assert axis is not None
    ticks = k_ticks(axis, 64.0)
    assert ticks["klabels"] == ["K=1", "K=2", "K=4", "K=8", "K=16", "K=32", "K=64"]
    assert ticks["kticks"] == [64.0 * 2**power for power in range(7)]


def test_a_figure_has_its_lanes_and_says_what_they_are() -> None:
    findings = ladder(tries=())

    def said(thresholds: Thresholds | None) -> list[str]:
        ((_, svg),) = report_figures(results_of(findings), about(findings, thresholds=thresholds), ["svg"])
        return words(svg)

    drawn = said(told(INSIDE, BEYOND))
    assert TOLD.format("1e25", "2 to 20") in drawn
    assert any(text.endswith("beyond what was tested ▸") for text in drawn)
    assert any("analysis, not legal status; K = 1: one try that thinks 64 tokens" in text for text in drawn)
    assert "K=64" in drawn
    assert not [text for text in said(None) if "K" in text]


# ---- the page ----


def page(thresholds: Thresholds | None, findings: list[Finding] | None = None, **changes: object) -> str:
    findings = ladder() if findings is None else findings
    return report_html(results_of(findings), about(findings, thresholds=thresholds, **changes))


def labels(dom: Dom) -> str:
    return " ".join(dom.text["panels"].split())


def test_the_page_draws_what_the_figure_draws(tmp_path: Path) -> None:
    text = page(told(INSIDE, PARTLY, BEYOND))
    dom = opened(text, tmp_path, "#x=K", width=1300, height=900)
    assert spoiled(dom) == []
    for said in (
        TOLD.format("1e25", "2 to 20"),
        TOLD.format("2e25", "30 to 500") + " · partly beyond what was tested ▸",
        TOLD.format("1e26", "1000 to 1e+06") + " · beyond what was tested ▸",
    ):
        assert said in labels(dom)
    described = [a["aria-label"] or "" for _, a in dom.tags if "K* 2 to 20" in (a.get("aria-label") or "")]
    assert described
    assert LABEL in described[0]
    assert LABEL in dom.text["legend"]
    assert LABEL in dom.text["thresholds"]
    assert "A law (> 1e25, in force)" in dom.text["thresholds"]
    for x in ("level", "tokens"):
        other = opened(text, tmp_path, f"#x={x}")
        assert "K*" not in other.text["legend"]
        assert "1e25" not in labels(other)
        assert "thresholds stand on the K axis: choose K (thinking)" in labels(other)


def test_curves_of_several_references_have_their_lanes_on_the_k_axis(tmp_path: Path) -> None:
    findings = [*ladder(), *ladder(arm="other")]
    text = page(told(INSIDE), findings, k_scale=KScale({"base": 24.0, "other": 48.0}))
    assert TOLD.format("1e25", "2 to 20") in labels(opened(text, tmp_path, "#x=K", width=1300, height=900))


def test_without_thresholds_there_is_no_lane_and_one_line_says_what_to_give(tmp_path: Path) -> None:
    dom = opened(page(Thresholds("Give it: overthink report STUDY --training-flop 3.8e25")), tmp_path)
    assert spoiled(dom) == []
    assert "K*" not in labels(dom) + dom.text["legend"]
    assert "--training-flop 3.8e25" in dom.text["thresholds"]
    assert 'id="thresholds"' not in page(None)
    assert 'href="#thresholds"' not in page(None)


def calculated(name: str) -> CalculatorAnswer:
    rows = (AppendixTable(name, (name,), ((name,),)),)
    return CalculatorAnswer(
        name, name, name, (name,), (AppendixInput(name, name, name, name),), ((name, name),), rows, *[name] * 4
    )


def hostile(*names: str) -> About:
    marks = tuple(
        Mark(name, low, 20.0 * low, name, name) for low, name in zip((2.0, 9.0, 100.0, 1e5), names, strict=False)
    )
    rows = tuple(ThresholdRow(name, (name,), name, name) for name in names)
    head = "".join(names)
    return about(
        ladder(),
        thresholds=Thresholds(head, head, head, marks, rows, names),
        appendix=Appendix(tuple(map(calculated, names)), names),
        not_tried=names,
        never_said=names,
    )


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    dom = opened(report_html(results_of(ladder()), hostile(*HOSTILE[:4])), tmp_path, "#x=K")
    assert spoiled(dom) == []
    for place in ("thresholds", "appendix", "limits", "panels"):
        for name in HOSTILE[:4]:
            assert name in dom.text[place]


def test_long_and_invisible_names_are_cut_and_shown() -> None:
    text = report_html(results_of(ladder()), hostile(HOSTILE[4] + "N" * 10_000))
    assert len(text) < 1_500_000
    assert "\u202e" not in text
    assert "\\u202eevil" in text


def test_a_terminal_is_told_too() -> None:
    findings = ladder()
    said = summary_text(results_of(findings), about(findings, thresholds=told(INSIDE)))
    assert "1e25 FLOP  K* (training trade) 2 to 20  inside" in said
    assert LABEL in said
    assert "K*" not in summary_text(results_of(findings), about(findings, thresholds=Thresholds("Give it.")))
    marked = summary_text(results_of(findings), hostile("\x1b[2Jgone"))
    assert "\x1b" not in marked
