"""A verdict is said as it was found: no shape that no test earned, and no trend on a judge that drifts."""

from dataclasses import replace

import pytest
from kinds import WITHHELD, everything, shape, told
from results import results_of, shape_result
from synthetic import ladder

from overthink.data.finding import FindingTest
from overthink.data.results.curve import ShapeResult
from overthink.reports.report_curves import report_curves
from overthink.reports.verdicts import SHAPE_TEXTS, primary_shape, qualified_change, shape_text, verdict_word


@pytest.mark.parametrize("label", sorted(set(SHAPE_TEXTS) - {"undetermined"}))
def test_a_shape_is_said_with_its_p_values_and_nothing_it_could_have_seen(label: str) -> None:
    assert (
        shape_text(shape_result(shape(label)), 5).line()
        == f"{label} (p = 0.012, adjusted p = 0.025; any rise and fall)"
    )


def test_undetermined_says_why_and_what_could_have_been_seen() -> None:
    line = shape_text(shape_result(shape(metric="regimes")), 5).line()
    assert line == (
        "undetermined (p = 0.012, adjusted p = 0.025; stated regimes); no shape is shown; "
        "could have seen a hump or dip of 26.2 points or more"
    )
    assert "could have seen a change of 26.2 points" in shape_text(shape_result(shape()), 2).line()


@pytest.mark.parametrize("mde", [None, float("nan")])
def test_an_unknown_detectable_effect_is_not_said(mde: float | None) -> None:
    assert "could have seen" not in shape_text(shape_result(shape(test=FindingTest("a test", mde=mde))), 5).line()
    assert "p =" not in shape_text(shape_result(shape(test=FindingTest("a test", mde=mde))), 5).line()


def test_small_p_values_are_bounded() -> None:
    assert shape_text(shape_result(shape("hump", test=FindingTest("a test", p=0.00009))), 5).p == "p < 0.001"


def test_a_withheld_trend_is_neither_a_shape_nor_a_p_value() -> None:
    withheld = shape(reason=WITHHELD, gates_failed=("judge_drift",))
    line = shape_text(shape_result(withheld), 5).line()
    assert line.startswith("withheld (any rise and fall); the judge's error differs between rungs")
    assert "adjusted" not in line
    assert "could have seen" not in line
    assert shape_text(shape_result(replace(withheld, gates_failed=())), 5).verdict == "undetermined"


def test_regimes_come_first_and_the_corrected_verdict_stands_apart() -> None:
    (curve,) = report_curves(results_of(reversed(everything())), {})
    assert [shape.metric for shape in curve.shapes] == ["regimes", "max_t", "corrected_regimes"]
    first, corrected = primary_shape(curve.shapes), primary_shape(curve.shapes, is_corrected=True)
    assert first is not None
    assert first.metric == "regimes"
    assert corrected is not None
    assert (corrected.verdict.label, len(corrected.regimes)) == ("down", 2)
    assert corrected.onset is not None
    assert (corrected.onset.low, corrected.onset.high) == (64.0, 1024.0)
    assert primary_shape(report_curves(results_of(ladder()), {})[0].shapes) is None


def test_the_word_for_a_curve_is_its_verdict_and_not_its_change() -> None:
    rising = ladder(slope=0.1)
    assert verdict_word(report_curves(results_of(rising), {})[0]) == "rose"
    assert verdict_word(report_curves(results_of(told(rising, shape())), {})[0]) == "undetermined"
    assert verdict_word(report_curves(results_of(told(rising, shape("up"))), {})[0]) == "up"


def test_a_drifting_judge_is_said_once_and_other_gates_still() -> None:
    (curve,) = report_curves(results_of(everything()), {})
    change = curve.result.change
    assert change is not None

    def with_gates(*gates: str, shapes: tuple[ShapeResult, ...] = curve.result.shapes) -> str:
        result = replace(curve.result, changes=(replace(change, gates_failed=gates),), shapes=shapes)
        return qualified_change(replace(curve, result=result)).but

    assert "(truncation)" in with_gates("judge_drift", "truncation")
    assert with_gates("judge_drift") == ""
    assert "(judge_drift)" in with_gates("judge_drift", shapes=())
