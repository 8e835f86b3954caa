"""Where thresholds stand on the K axis: by published numbers, by brute force, and never where nothing is known."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from results import results_of
from synthetic import about, ladder, study

from overthink.analysis.k_scale import KScale
from overthink.data.finding import Finding
from overthink.errors import InputError
from overthink.governance.calculators import CALCULATORS
from overthink.governance.thresholds.lookup import number
from overthink.reports import About
from overthink.reports.charts.thresholds import Thresholds, marks_data, visible_marks
from overthink.reports.page_data import script_json
from overthink.workflows.appendix import NEEDS
from overthink.workflows.report_extras import governance_sections
from overthink.workflows.request import assume
from overthink.workflows.thresholds import TRAINING_COMPUTE_HINT

DAY = date(2026, 11, 21)
STUDY = study()
"""Its curves run up to K = 64: 64 thinking tokens at the lowest budget above 0, 4,096 at the highest."""


def made(findings: list[Finding] = STUDY, day: date = DAY, **assumed: str | float) -> About:
    return governance_sections(about(findings), results_of(findings), assume(assumed, day=day), seed=0)


def thresholds(findings: list[Finding] = STUDY, day: date = DAY, **assumed: str | float) -> Thresholds:
    told = made(findings, day, **assumed).thresholds
    assert told is not None
    return told


def stands(told: Thresholds, name: str) -> tuple[float, float]:
    (mark,) = [mark for mark in told.marks if mark.label == name and mark.curve is None]
    return mark.low, mark.high


def against(told: Thresholds) -> dict[str, str]:
    return {row.threshold: row.coverage.partition(" (")[0] for row in told.rows}


@pytest.mark.parametrize(
    ("training_flop", "name", "low", "high"),
    [(3.41e24, "1e25 FLOP", 2.9, 8.6), (3.8e25, "1e26 FLOP", 2.6, 6.9)],
    ids=["DeepSeek-V3", "Llama 3.1 405B"],
)
def test_published_models_stand_where_they_should(training_flop: float, name: str, low: float, high: float) -> None:
    found = stands(thresholds(training_flop=training_flop), name)
    assert found == pytest.approx((low, high), abs=0.05)


@given(st.floats(15.5, 30), st.floats(0.05, 1), st.floats(0, 1), st.floats(1, 3))
def test_intervals_are_ordered_and_more_training_lowers_them(log: float, low: float, up: float, more: float) -> None:
    alpha = f"{low!r}..{low + (1 - low) * up!r}"
    less, greater = (thresholds(training_flop=10.0**c, alpha=alpha) for c in (log, log + more))
    for mark, after in zip(less.marks, greater.marks, strict=True):
        assert 1 <= mark.low <= mark.high
        assert after.low <= mark.low
        assert after.high <= mark.high
        size = float(mark.label.removesuffix(" FLOP"))
        if mark.low > 1 and math.isfinite(mark.high):  # at the larger exponent effective compute is the number at K*
            assert 10.0**log * mark.low ** (low + (1 - low) * up) == pytest.approx(size, rel=1e-9)
    script_json(marks_data(less, []))  # refuses what is not a number


def test_a_range_of_training_compute_widens_the_interval() -> None:
    narrow, wide = (stands(thresholds(training_flop=c), "1e26 FLOP") for c in ("2e25", "1e25..4e25"))
    assert wide[0] < narrow[0] <= narrow[1] < wide[1]
    low, high = stands(thresholds(training_flop="5e25..2e26"), "1e26 FLOP")
    assert low == 1 < high


def test_without_training_compute_one_line_says_what_to_give() -> None:
    told = thresholds()
    assert told == Thresholds(head=TRAINING_COMPUTE_HINT)
    assert "--training-flop" in told.head
    assert visible_marks(told) == []
    assert thresholds(active_parameters=8e9) == told


def test_what_training_alone_reaches_is_said_and_not_drawn() -> None:
    told = thresholds(training_flop=2e26)
    assert set(against(told).values()) == {"reached by the training compute alone"}
    assert visible_marks(told) == []
    equal = thresholds(training_flop=1e26)
    assert against(equal)["1e26 FLOP"].startswith("the training compute equals it: reached where the operator is >=")
    assert against(equal)["1e25 FLOP"] == "reached by the training compute alone"
    below = thresholds(training_flop=9.9e25)
    assert [mark.label for mark in visible_marks(below)] == ["1e26 FLOP"]


@pytest.mark.parametrize(
    ("training_flop", "where"),
    [
        (3.8e24, "inside what was tested"),  # K* 2.6 to 6.9
        (2.5e23, "partly beyond what was tested"),  # 40 to 1,600
        (1e22, "beyond what was tested"),  # 1,000 to a million
    ],
)
def test_k_star_stands_against_what_was_run(training_flop: float, where: str) -> None:
    told = thresholds(training_flop=training_flop, alpha="0.5..1")  # an assumption of one's own reaches any K
    assert against(told)["1e25 FLOP"] == where
    assert "run: K up to 64" in told.rows[1].coverage


def test_published_exponents_are_not_extended_beyond_their_sources() -> None:
    """They are stated up to K = 10 for α = 1 and to 100 for .5: a tenth of the threshold reaches both, less neither."""
    within, beyond = (thresholds(training_flop=flop) for flop in (1.01e24, 0.99e24))
    assert stands(within, "1e25 FLOP") == pytest.approx((9.9, 98.0), abs=0.1)
    assert [mark.label for mark in beyond.marks if mark.label == "1e25 FLOP"] == []
    (row,) = [row for row in beyond.rows if row.threshold == "1e25 FLOP"]
    assert row.k_star == "not known"
    assert row.coverage.startswith("K* lies beyond the K for which the published exponents are stated")
    assert stands(thresholds(training_flop=0.99e24, alpha="0.5..1"), "1e25 FLOP")[0] > 10  # the control


def test_curves_with_other_ranges_are_not_one_range() -> None:
    short = ladder(axis="safety", task="short", budgets=(0, 64, 256))  # K up to 4
    told = thresholds([*ladder(), *short], training_flop=1.9e24)  # K* 5.3 to 28
    assert against(told)["1e25 FLOP"] == "beyond what was tested on some curves"


def test_where_no_k_reaches_a_number_nothing_is_drawn_there() -> None:
    open_ended = thresholds(training_flop=3.8e24, alpha="0..0.5")
    assert stands(open_ended, "1e25 FLOP")[1] == math.inf
    assert [mark["high"] for mark in marks_data(open_ended, [])["marks"]] == [None, None]
    never = thresholds(training_flop=3.8e24, alpha=0)
    assert visible_marks(never) == []
    assert "no K reaches it" in never.rows[1].k_star
    capped = thresholds(training_flop=3.8e24, k_max=2)
    assert visible_marks(capped) == []


def test_instruments_of_another_kind_are_left_out_with_a_sentence() -> None:
    told = thresholds(training_flop=3.8e24)
    (left,) = [note for note in told.notes if note.startswith("Not on this axis")]
    for said in ("chip tpp", "modification share", "us-eo-14110", "set no number"):
        assert said in left
    named = " ".join(one for row in told.rows for one in row.instruments)
    assert "Korea AI Basic Act and Enforcement Decree (>= 1e26, in force)" in named
    assert "Executive Order 14110" not in named
    earlier = thresholds(day=date(2024, 6, 1), training_flop=3.8e24)
    assert "Executive Order 14110" in " ".join(one for row in earlier.rows for one in row.instruments)
    assert not any("Korea" in one for row in earlier.rows for one in row.instruments)
    stale = thresholds(day=date(2028, 6, 1), training_flop=3.8e24)
    assert any("last checked more than 180 days" in note for note in stale.notes)
    assert not any("last checked" in note for note in told.notes)


def test_always_labelled_with_basis_and_reference() -> None:
    told = thresholds(training_flop=3.8e24)
    assert told.label.startswith("Analysis, not legal status")
    assert "basis: tokens" in told.basis
    assert "K = 1: 64 thinking tokens of one try." in told.basis
    assert any("Jones 2021" in note and "Epoch AI" in note for note in told.notes)
    untold = governance_sections(
        about(STUDY, k_scale=KScale()), results_of(STUDY), assume({"training_flop": 3.8e24}, day=DAY), seed=0
    )
    assert untold.thresholds is not None
    assert "no K here" in untold.thresholds.basis


def test_one_training_compute_for_several_arms_is_said() -> None:
    several = thresholds(study(arms=("base", "steered")), training_flop=3.8e24)
    assert any("all 2 arms" in note for note in several.notes)
    assert not any("arms" in note for note in thresholds(training_flop=3.8e24).notes)


FAMILY = "1e23:0.2,1e24:0.3,1e25:0.4,1e26:0.6"


def test_a_measured_gain_stands_between_the_rungs_that_show_it() -> None:
    curve = ladder()  # scores .35 .40 .45 .50, at K = 1, 4, 16, 64; the direct answer scores .30 and is at no K
    told = thresholds(curve, training_flop=2e25, family=FAMILY)
    by_gain = [mark for mark in told.marks if mark.curve is not None]
    # the family gains 3.2× from .35 to .4 and 5.6× to .45, so 1e26, five times 2e25, is met between K = 4 and 16
    assert [(mark.label, mark.curve) for mark in by_gain] == [("1e26 FLOP, measured gain", "capability/sums/base")]
    assert (by_gain[0].low, by_gain[0].high) == (4, 16)
    assert by_gain[0].text == "4 to 16"
    (row,) = [row for row in told.rows if row.threshold == "1e26 FLOP, by the measured gain of sums"]
    assert row.coverage.startswith("inside what was tested")


def test_without_a_gain_the_reason_is_said() -> None:
    far = thresholds(ladder(), training_flop=1e22, family=FAMILY)
    said = [row.coverage for row in far.rows if "1e26" in row.threshold]
    assert "it takes a gain of 10,000; up to K = 64 the largest gain is" in said[1]
    above = thresholds(ladder(start=0.5), training_flop=1e22, family=FAMILY)
    assert any("no model of the family scores" in row.coverage for row in above.rows)
    two = thresholds([*ladder(), *ladder(task="more")], training_flop=1e25, family=FAMILY)
    assert any("No measured gain" in note and "has 2 on the K axis" in note for note in two.notes)
    assert not [mark for mark in two.marks if mark.curve is not None]
    with pytest.raises(InputError, match="the appendix's effective-compute: the score at K = 1 is 0.35"):
        thresholds(ladder(), training_flop=1e25, family="1e24:0.5,1e25:0.6")


# ---- the appendix ----

VALUES = {
    "training_flop": "3.8e24",
    "active_parameters": "8e9",
    "chip": "H100",
    "chip_hours": "2e6",
    "training_days": "90",
    "copy_flop_per_second": "1e12",
    "tokens_per_second": "20",
    "weights_bytes": "1.6e10",
    "upload_bytes_per_day": "1e9",
    "line_bits_per_second": "1e9",
    "usd_per_task": "3",
    "tokens_per_task": "1000",
    "tokens_per_sample": "1000",
    "usd_per_million_tokens": "10",
    "modification_flop": "1e23",
    "original_flop": "1e24",
    "original_is_systemic": "yes",
}
NO_TOKENS = ladder(counted=False, efforts=("low", "high"))


def filled(findings: list[Finding], names: set[str]) -> set[str]:
    told = made(findings, **{name: VALUES[name] for name in names}).appendix
    assert told is not None
    return {answer.name for answer in told.answers}


@pytest.mark.parametrize(("name", "enough"), [(name, set(each)) for name, sets in NEEDS.items() for each in sets])
def test_a_calculator_is_filled_when_its_inputs_are_there_and_not_before(name: str, enough: set[str]) -> None:
    assert enough <= {field.name for field in CALCULATORS[name].inputs()}
    assert name in filled(NO_TOKENS, enough)
    for one in enough:
        assert name not in filled(NO_TOKENS, enough - {one})


def test_every_calculator_has_its_needs() -> None:
    assert set(NEEDS) == set(CALCULATORS)


def test_the_appendix_says_what_the_calculators_say_with_the_studys_own_numbers() -> None:
    told = made(training_flop="3e24..4e24", active_parameters=8e9, training_days=90, tokens_per_second=20).appendix
    assert told is not None
    answers = {answer.name: answer for answer in told.answers}
    assert set(answers) == {"effective-compute", "inference-flop", "overhang"}
    k = 64
    own = CALCULATORS["effective-compute"].calculate(
        training_flop="3e24..4e24", k=k, k_basis="tokens", k_reference="x", day=DAY, rng=np.random.default_rng(0)
    )
    (result,) = own.results
    assert (result.low, result.high) == (3e24 * 8, 4e24 * 8)  # at K = 64 α = 0.5 alone is published
    assert answers["effective-compute"].results[0][1].startswith("2.4e25 to 3.2e25 FLOP")
    with_alpha = made(training_flop="3e24..4e24", alpha="0.5..1").appendix
    assert with_alpha is not None
    (answer,) = (each for each in with_alpha.answers if each.name == "effective-compute")
    low, high = 3e24 * k**0.5, 4e24 * k
    assert f"{number(low)} to {number(high)} FLOP" in answer.results[0][1]
    inputs = {each.name: each for each in answers["effective-compute"].inputs}
    assert (inputs["training flop"].value, inputs["training flop"].origin) == ("3e24 to 4e24", "assumed")
    assert (inputs["k"].value, inputs["k"].origin) == (number(k), "this study")
    assert (inputs["alpha"].value, inputs["alpha"].origin) == ("0.5 to 1", "default")
    generated = {each.name: each.value for each in answers["inference-flop"].inputs}["generated tokens"]
    assert generated == "64"
    for answer in told.answers:
        assert all(
            (answer.formula, answer.source, answer.interval_meaning, answer.leaves_out, answer.inputs, answer.label)
        )
    assert {line.partition(":")[0] for line in told.open} == set(CALCULATORS) - set(answers)
    assert "cost: --assume usd_per_million_tokens=… (price in USD per million tokens)" in told.open


def test_with_everything_assumed_every_calculator_is_filled() -> None:
    told = made(**VALUES).appendix
    assert told is not None
    assert [answer.name for answer in told.answers] == list(CALCULATORS)
    assert told.open == ()


def test_the_seed_decides_the_draws() -> None:
    def copies(seed: int) -> object:
        assumed = assume({"training_flop": "3e24", "training_days": 90, "copy_flop_per_second": 1e12}, day=DAY)
        told = governance_sections(about(STUDY), results_of(STUDY), assumed, seed=seed).appendix
        return told and told.answers[-1].results

    assert copies(0) == copies(0)
    assert copies(0) != copies(1)


# ---- what may be assumed ----


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"training_flop": 3.8e10}, "is 3.8e\\+10 FLOP; needed: the operations of the whole training run"),
        ({"training_flop": "1e14..1e25"}, "from 1e\\+15"),
        ({"training_flop": 1e40}, "not petaFLOP"),
        ({"training_flop": 0}, "--training-flop is 0 FLOP"),
        ({"training_flop": -1e25}, "-1e\\+25"),
        ({"training_flop": "nan"}, "needed: a finite number"),
        ({"training_flop": "inf"}, "needed: a finite number"),
        ({"training_flop": "2e25..1e25"}, "LOW..HIGH"),
        ({"training_flop": "many"}, "'many'"),
        ({"trainig_flop": 1e25}, "nearest: training_flop"),
        ({"k": 3}, "cannot be assumed"),
        ({"measured": "1:0.5"}, "cannot be assumed"),
    ],
)
def test_what_cannot_be_assumed_is_one_message(inputs: dict[str, str | float], told: str) -> None:
    with pytest.raises(InputError, match=told):
        assume(inputs)


def test_an_assumption_out_of_its_bounds_names_its_calculator() -> None:
    with pytest.raises(InputError, match="the appendix's effective-compute: alpha is"):
        made(training_flop=1e25, alpha=2)


def test_not_a_number_is_never_a_place() -> None:
    spoilt = [replace(f, estimate=math.nan) if f.metric == "attempt_tokens" and f.at.rung == 4 else f for f in ladder()]
    told = thresholds(spoilt, training_flop=3.8e24)
    assert all(math.isfinite(mark.low) for mark in visible_marks(told))
    assert "nan" not in " ".join(row.coverage for row in told.rows)
    assert "run: K up to 64" in told.rows[1].coverage
    gained = thresholds(spoilt, training_flop=1e25, family=FAMILY)
    assert all(math.isfinite(mark.low) for mark in gained.marks)
