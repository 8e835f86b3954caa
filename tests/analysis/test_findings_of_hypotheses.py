"""Findings on hypotheses with directions: tested on each curve, adjusted over the family, and in words."""

from typing import Any

import numpy as np
import pytest
from core_pools import pool

from overthink.analysis import analyse_outcomes, findings
from overthink.analysis.families import ALL
from overthink.analysis.hypotheses import ALL_PARTS, CORRECTED
from overthink.analysis.shapes import LEFT_OUT
from overthink.data.finding import Finding
from overthink.data.hypothesis import Part, regimes_and_parts
from overthink.data.labels import HumanLabel
from overthink.data.outcomes import from_records
from overthink.data.record import RungRecord
from overthink.data.shape_text import STATED_AFTERWARDS
from overthink.plan.analysis import Analysis
from overthink.reports.report_curves import report_curves
from overthink.reports.verdicts import hypothesis_line

BUDGETS = [0, 64, 256, 1024, 4096]
TEXT = "up@256,down"
HUMP = [0.3, 0.55, 0.8, 0.55, 0.3]
FALL = [*HUMP[2:], 0.2, 0.1]
FLAT = [0.5] * 5


def parts(text: str) -> tuple[Part, ...]:
    _, result = regimes_and_parts(text)
    assert result is not None
    return result


def study(means: Any, *, task: str = "t", questions: int = 120, seed: int = 0, **columns: Any) -> list[RungRecord]:
    values = (np.random.default_rng(seed).random((questions, 3, len(means))) < means).astype(float)
    asked = np.broadcast_to(np.array(BUDGETS[: len(means)], dtype=object), values.shape)
    return pool(values, **{"requested_tokens": asked, "task": task} | columns)


def found(rows: list[RungRecord], text: str = TEXT, **options: Any) -> list[Finding]:
    analysis = Analysis(level=0.95, parts=parts(text), **options)
    return [f for f in findings(from_records(rows), analysis, rng=np.random.default_rng(1)) if f.kind == "hypothesis"]


def line(rows: list[RungRecord], text: str = TEXT, **options: Any) -> str:
    analysis = Analysis(level=0.95, parts=parts(text), **options)
    results = analyse_outcomes(from_records(rows), analysis, rng=np.random.default_rng(1))
    (curve,) = report_curves(results, {})
    return hypothesis_line(curve.result.hypothesis, curve.levels)


def test_a_hypothesis_that_holds_is_confirmed_part_by_part() -> None:
    whole, up, down = found(study(HUMP), registered=True)
    assert (whole.metric, whole.label, whole.claim, whole.reason) == ("whole", "confirmed", TEXT, ALL_PARTS)
    assert [(f.metric, f.label, f.claim, f.at.part) for f in (up, down)] == [
        ("part", "shown", "up@256", 1),
        ("part", "shown", "down", 2),
    ]
    assert [(f.at.from_rung, f.at.rung) for f in (up, down)] == [(0, 2), (2, 4)]
    assert [f.level for f in (up, down)] == [pytest.approx(0.9)] * 2
    assert up.low is not None
    assert down.high is not None
    assert up.low > 0 > down.high
    assert up.questions_needed is not None
    assert STATED_AFTERWARDS not in whole.limits


def test_what_contradicts_it_and_what_shows_nothing_are_told_apart() -> None:
    assert [f.label for f in found(study(FALL))] == ["contradicted", "contradicted", "shown"]
    whole, up, down = found(study(FLAT, questions=30))
    assert [f.label for f in (whole, up, down)] == ["not_shown"] * 3
    contradicted = found(study(FALL))[1]
    assert contradicted.questions_needed is None


def test_a_hypothesis_stated_after_the_data_is_called_so_on_every_finding_and_in_the_words() -> None:
    assert all(STATED_AFTERWARDS in f.limits for f in found(study(HUMP)))
    assert f"Of your two parts, {STATED_AFTERWARDS}: improves to 256 tokens (rungs 0 to 256): shown (+" in line(
        study(HUMP)
    )
    assert STATED_AFTERWARDS not in line(study(HUMP), registered=True)


def test_the_words_name_the_questions_needed_and_the_whole() -> None:
    text = line(study([0.4, 0.45, 0.5, 0.45, 0.4], questions=30))
    assert "about " in text
    assert "questions would be needed" in text
    assert text.endswith("As a whole: not confirmed.")
    assert line(study(HUMP), "up", registered=True).startswith(
        "Your hypothesis: improves (rungs 0 to 4,096): contradicted"
    )
    assert "it falls by more than the margin in between" in line(study(HUMP), "up", registered=True)


def test_verdicts_are_adjusted_over_the_curves_of_a_family() -> None:
    """Twenty curves of which one barely shows its rise: alone it is confirmed, among them it is not."""
    barely = study([0.4, 0.45, 0.5, 0.5, 0.55], task="rise", questions=60, seed=9)
    alone = found(barely, "up", margin=0.3)[0]
    assert (alone.label, alone.test is not None and alone.test.p is not None and alone.test.p > 0.0025) == (
        "confirmed",
        True,
    )
    others = [row for i in range(19) for row in study(FLAT, task=f"flat{i}", questions=60, seed=100 + i)]
    among = [f for f in found([*barely, *others], "up", margin=0.3) if f.task == "rise"]
    assert [f.label for f in among] == ["not_shown", "not_shown"]
    assert among[0].reason is not None
    assert among[0].reason.startswith("confirmed alone")
    assert any(ALL in limit for limit in among[0].limits)
    assert found([*study(HUMP, task="rise"), *others], "up@256,down")[-3].label == "confirmed"  # the control


def test_a_curve_whose_ladder_has_no_room_for_a_part_is_not_tested_and_says_so() -> None:
    short = study(HUMP[:2], task="short")
    whole = found([*study(HUMP), *short])
    assert [(f.task, f.label) for f in whole if f.task == "short"] == [("short", "not_shown")]
    (untested,) = (f for f in whole if f.task == "short")
    assert "fewer than two rungs" in str(untested.reason)
    assert line(short).startswith(f"Your hypothesis {TEXT}, {STATED_AFTERWARDS}: not tested: ")


def test_few_questions_that_all_rise_are_enough_for_one_part_and_not_for_many_curves() -> None:
    rise = np.tile([0.0, 1.0], (6, 3, 1))
    rows = [pool(rise, requested_tokens=np.broadcast_to([0, 64], rise.shape), task=f"t{i}") for i in range(30)]
    assert [f.label for f in found(rows[0], "up")] == ["confirmed", "shown"]
    assert {f.label for f in found([row for curve in rows for row in curve], "up")} == {"not_shown"}


def test_the_questions_behind_a_part_are_those_with_a_value_at_every_rung() -> None:
    rows = [row for row in study(HUMP) if not (row.rung == 1 and int(row.question[1:]) < 90)]
    for finding in found(rows):
        assert finding.n_questions == 30
        assert f"90 of 120 {LEFT_OUT}" in finding.limits


def test_human_labels_move_the_hypothesis_to_the_corrected_curve() -> None:
    """A judge that is right in 70 % at both rungs halves the rise, and the labels give it back."""
    rng = np.random.default_rng(2)
    true = (rng.random((300, 1, 2)) < [0.3, 0.6]).astype(float)
    judged = np.where(rng.random(true.shape) < 0.7, true, 1 - true)
    rows = pool(judged, requested_tokens=np.broadcast_to([0, 64], true.shape))
    labels = tuple(
        HumanLabel(row.question, 0, row.rung, float(true[int(row.question[1:]), 0, row.rung])) for row in rows
    )
    assert found(rows, "flat", margin=0.2)[0].label == "confirmed"
    corrected = found(rows, "flat", margin=0.2, human=labels)
    assert [f.label for f in corrected] != ["confirmed", "shown"]
    assert all(CORRECTED in f.limits for f in corrected)


def test_rungs_without_tokens_have_no_place_for_a_part() -> None:
    rows = study(HUMP, requested_tokens=None)
    (whole,) = found(rows)
    assert "no number of tokens" in str(whole.reason)
    assert [f.label for f in found(study([0.3, 0.5, 0.8], requested_tokens=None), "up")] == ["confirmed", "shown"]


def test_equal_answers_of_traces_that_had_ended_confirm_nothing() -> None:
    values = np.tile((np.random.default_rng(3).random((80, 3, 1)) < 0.6).astype(float), (1, 1, 5))
    asked = np.broadcast_to(np.array(BUDGETS, dtype=object), values.shape)
    rows = pool(values, requested_tokens=asked, natural_end=True)
    whole, part = found(rows, "flat")
    assert [whole.label, part.label] == ["had_ended", "had_ended"]
    assert part.questions_needed is None
    running = pool(values, requested_tokens=asked, natural_end=False)
    assert found(running, "flat", margin=0.1)[0].label == "confirmed"  # the control: the same answers, still thinking
