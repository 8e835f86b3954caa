"""The calculators: ranges become intervals, every answer says where it is from, and each number is its formula's."""

import json
import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overthink.errors import InputError
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators import result as monte_carlo
from overthink.governance.calculators.base import RawValue
from overthink.governance.calculators.result import Calculation
from overthink.governance.inputs import Interval, Multiple, Range, read_range
from overthink.governance.thresholds.lookup import calculation_text, number

DAY = date(2026, 11, 21)
K = {"k": 100, "k_basis": "tokens", "k_reference": "1,000 thinking tokens per task"}
ASKED: dict[str, dict[str, RawValue]] = {
    "effective-compute": {"training_flop": 3.41e24, **K},
    "inference-flop": {"active_parameters": 37e9, "training_tokens": 14.8e12},
    "overhang": {"training_flop": 1e26, "training_days": 90, "copy_flop_per_second": 1e13},
    "exfiltration": {"weights_bytes": 1e12, "upload_bytes_per_day": "5e9..1e11"},
    "stolen-weights": {"usd_per_task": 3420},
    "cost": {"tokens_per_sample": 1e5, "usd_per_million_tokens": 10},
    "chips": {"chip": "H100", "weights_bytes": 35e9},
    "modification": {"modification_flop": 4e24, "original_is_systemic": "yes"},
}


def ask(name: str, seed: int = 0, **values: RawValue) -> Calculation:
    return CALCULATORS[name].calculate(day=DAY, rng=np.random.default_rng(seed), **values)


@pytest.mark.parametrize("name", CALCULATORS)
def test_every_answer_says_where_it_is_from_and_what_it_leaves_out(name: str) -> None:
    found = ask(name, **ASKED[name])
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert document["calculator"] == name
    for key in ("formula", "source", "range", "leaves_out", "label"):
        assert len(document[key]) > 10, key
    assert "legal status" in document["label"]
    assert set(ASKED[name]) <= set(document["inputs"])
    text = calculation_text(found)
    for said in ("inputs", "formula: ", "source: ", "range: ", "leaves out: "):
        assert said in text
    for result in document["results"].values():
        assert result["unit"]
        assert result["estimate"] is not None or result["reason"]


@pytest.mark.parametrize("name", CALCULATORS)
def test_every_input_has_its_unit_in_its_help_or_name(name: str) -> None:
    for field in CALCULATORS[name].inputs():
        assert field.help
        assert field.name == field.name.lower()
        assert not (field.required and field.default)


@pytest.mark.parametrize("name", CALCULATORS)
def test_an_unknown_or_missing_input_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="unknown input"):
        ask(name, **ASKED[name], coffee=1)
    required = [field.name for field in CALCULATORS[name].inputs() if field.required]
    for missing in required:
        with pytest.raises(InputError, match="is missing"):
            ask(name, **{key: value for key, value in ASKED[name].items() if key != missing})


K_CALCULATORS = [name for name, each in CALCULATORS.items() if any(field.name == "k" for field in each.inputs())]


@pytest.mark.parametrize("name", K_CALCULATORS)
def test_k_needs_a_basis_and_a_reference(name: str) -> None:
    plain = {key: value for key, value in ASKED[name].items() if not key.startswith("k")}
    for bad in (
        {"k": 10},
        {"k": 10, "k_basis": "tokens"},
        {"k": 10, "k_basis": "hope", "k_reference": "x"},
        {"k": 0.5},
    ):
        with pytest.raises(InputError, match="K"):
            ask(name, **plain, **bad)
    assert "1,000 thinking tokens per task" in ask(name, **plain, **K).interval_meaning


def test_points_have_no_interval_and_ranges_do() -> None:
    point = ask("exfiltration", weights_bytes=1e12, upload_bytes_per_day=5e9).result("days_under_the_limit")
    assert (point.estimate, point.low, point.high) == (200, None, None)
    drawn = ask("exfiltration", weights_bytes=1e12, upload_bytes_per_day="5e9..1e11").result("days_under_the_limit")
    assert drawn.low is not None
    assert drawn.high is not None
    assert 10 < drawn.low < drawn.estimate < drawn.high < 200


@settings(max_examples=15)
@given(st.floats(1e-3, 1e3), st.floats(1, 1e4), st.integers(0, 5))
def test_an_interval_lies_inside_what_the_ends_give(low: float, width: float, seed: int) -> None:
    (found,) = monte_carlo.propagate(
        lambda given: {"half": given["x"] / 2},
        {"x": Range(low, low * width)},
        units={"half": "m"},
        rng=np.random.default_rng(seed),
        draws=200,
    )
    ends = [end for end in (found.low, found.estimate, found.high) if end is not None] or [found.estimate]
    assert ends == sorted(ends)
    assert low / 2 * (1 - 1e-9) <= ends[0]
    assert ends[-1] <= low * width / 2 * (1 + 1e-9)


def test_a_known_spread_is_found() -> None:
    """The product of a range over a factor of 10 with a point: the quantiles of an even logarithm."""
    (found,) = monte_carlo.propagate(
        lambda given: {"x": given["x"]},
        {"x": Range(1, 10)},
        units={"x": "m"},
        rng=np.random.default_rng(0),
        draws=20_000,
    )
    assert found.estimate == pytest.approx(10**0.5, rel=0.02)
    assert found.low == pytest.approx(10**0.05, rel=0.02)
    assert found.high == pytest.approx(10**0.95, rel=0.02)


def test_the_same_seed_gives_the_same_answer() -> None:
    asked = {"weights_bytes": "1e11..1e12", "upload_bytes_per_day": "5e9..1e11"}
    assert ask("exfiltration", 3, **asked).as_dict() == ask("exfiltration", 3, **asked).as_dict()
    assert ask("exfiltration", 3, **asked).as_dict() != ask("exfiltration", 4, **asked).as_dict()


def test_zero_draws_are_refused() -> None:
    with pytest.raises(InputError, match="draw"):
        monte_carlo.propagate(dict, {}, units={}, rng=np.random.default_rng(0), draws=0)


def test_effective_compute_is_an_interval_and_its_thresholds_keep_their_operators() -> None:
    found = ask("effective-compute", **ASKED["effective-compute"], alpha="0.5..1")
    result = found.as_dict()["results"]["effective_flop"]
    assert result["estimate"] is None
    assert (result["low"], result["high"]) == (pytest.approx(3.41e25), pytest.approx(3.41e26))
    rows = {row["instrument"]: row for row in found.tables["thresholds"]}
    assert rows["kr-basic-act"]["operator"] == ">="
    assert rows["eu-aia-51-2"]["k_star_low"] == pytest.approx(2.93, rel=0.01)
    assert rows["eu-aia-51-2"]["k_star_high"] == pytest.approx(8.6, rel=0.01)
    assert rows["eu-aia-51-2"]["training_compute_alone"] == "not_reached"
    assert "us-eo-14110" not in rows
    assert "not legal status" in found.label


def test_an_unreachable_threshold_is_null_with_a_reason() -> None:
    rows = ask("effective-compute", training_flop=1e20, alpha="0..1").as_dict()["tables"]["thresholds"]
    assert all(row["k_star_high"] is None and row["reason"] for row in rows)


def test_a_measured_curve_replaces_the_exponent() -> None:
    curve: dict[str, RawValue] = {"measured": "1:0.4,100:0.5", "family": "1e22:0.3,1e24:0.7"}
    found = ask("effective-compute", training_flop="1e23..2e23", **K, **curve)
    result = found.result("measured_effective_flop")
    assert (result.low, result.high) == (pytest.approx(10**23.5), pytest.approx(2 * 10**23.5))
    beyond = ask("effective-compute", training_flop=1e23, **K, **(curve | {"measured": "1:0.4,100:0.9"}))
    assert math.isnan(beyond.result("measured_effective_flop").estimate)
    elsewhere = ask("effective-compute", training_flop=1e23, **(K | {"k": 50}), **curve)
    assert "not measured" in (elsewhere.result("measured_effective_flop").reason or "")
    for bad in ({"measured": "1:0.4"}, {"measured": "one:0.4", "family": "1e22:0.3,1e24:0.7"}):
        with pytest.raises(InputError, match="--measured"):
            ask("effective-compute", training_flop=1e23, **bad)


def test_inference_flop_counts_training_and_prices_attention() -> None:
    llama: dict[str, RawValue] = {
        "active_parameters": 70e9,
        "layers": 80,
        "attention_width": 8192,
        "kv_heads": 8,
        "head_width": 128,
        "chip": "H100",
        "bytes_per_parameter": 0.5,
    }
    found = ask("inference-flop", **llama, generated_tokens=10_000).as_dict()["results"]
    assert found["last_token_attention_share"]["estimate"] == pytest.approx(0.187, rel=0.01)
    assert found["kv_bytes_per_token"]["estimate"] == 327_680
    assert "pre_training_flop" not in found
    longer = ask("inference-flop", **llama, generated_tokens=1000, **(K | {"k": 10})).as_dict()["results"]
    assert longer["response_flop"] == found["response_flop"]
    tries = ask("inference-flop", **llama, generated_tokens=1000, **(K | {"k": 10, "k_basis": "samples"}))
    once = ask("inference-flop", **llama, generated_tokens=1000).as_dict()["results"]["response_flop"]["estimate"]
    assert tries.result("response_flop").estimate == pytest.approx(10 * once)
    assert tries.result("context_tokens").estimate == 1000
    short = ask("inference-flop", **llama).as_dict()["results"]
    assert short["decode_tokens_per_second"]["estimate"] == pytest.approx(95.7, rel=0.01)


def test_training_by_hardware_has_the_spread_of_its_utilisation() -> None:
    found = ask("inference-flop", chip_hours=2.664e6, chip="H100")
    drawn = found.result("pre_training_flop")
    assert drawn.low is not None
    assert drawn.high is not None
    assert 2.8e24 < drawn.low < 3.2856e24 < drawn.high < 4.8e24
    rows = {row["instrument"]: row for row in found.tables["counted"]}
    assert rows["eu-gpai-guidelines"]["position"] == "reached"
    assert rows["eu-aia-51-2"]["position"] == "not_reached"


def test_a_mixture_of_experts_reads_more_weights_in_a_batch() -> None:
    moe: dict[str, RawValue] = {
        "active_parameters": 37e9,
        "total_parameters": 671e9,
        "active_expert_share": 8 / 256,
        "chip": "H200",
        "generated_tokens": 1,
    }
    one = ask("inference-flop", **moe).result("decode_tokens_per_second").estimate
    many = ask("inference-flop", **moe, batch=64).result("decode_tokens_per_second").estimate
    assert one == pytest.approx(4.8e12 / (2 * 37e9), rel=1e-6)
    assert one < many < 64 * one
    with pytest.raises(InputError, match="do not fit"):
        ask("inference-flop", **(moe | {"total_parameters": 1e9}))


def test_overhang_is_divided_by_k_and_capped_by_memory() -> None:
    asked = ASKED["overhang"] | {"utilisation_ratio": 1}
    one = ask("overhang", **asked).result("copies").estimate
    assert ask("overhang", **asked, **K).result("copies").estimate == pytest.approx(one / 100)
    assert ask("overhang", **asked, memory_bytes=1e15, bytes_per_copy=1e12).result("copies").estimate == 1000
    by_model = ask("overhang", training_flop=1e26, training_days=90, active_parameters=5e11, tokens_per_second=10)
    assert by_model.result("copies").low is not None
    for bad in ({"memory_bytes": 1e15}, {"copy_flop_per_second": None}):
        with pytest.raises(InputError, match="missing"):
            ask("overhang", **(asked | bad))


def test_stolen_weights_by_hardware_agree_with_their_parts() -> None:
    found = ask("stolen-weights", weights_bytes=810e9, chip="H100", tokens_per_task=1e4, usd_per_chip_hour=2)
    speed = 11 * 3.35e12 / 810e9
    assert found.result("chips").estimate == 11
    assert found.result("tokens_per_second").estimate == pytest.approx(speed)
    assert found.result("usd_per_task").estimate == pytest.approx(1e4 / speed / 3600 * 22)
    tasks = {row["purse"]: row["tasks"] for row in found.tables["purses"]}
    assert tasks["OC3"] == pytest.approx(1e6 / found.result("usd_per_task").estimate)
    assert "given" in {row["purse"] for row in ask("stolen-weights", usd_per_task=3, purse_usd=9).tables["purses"]}


def test_cost_falls_over_years_and_rises_with_k() -> None:
    asked = ASKED["cost"]
    now = ask("cost", **asked).result("usd_per_task").estimate
    later = ask("cost", **asked, years=2, yearly_factor=10).result("usd_per_task").estimate
    assert (now, later) == (pytest.approx(1), pytest.approx(0.01))
    solved = ask("cost", **asked, **K, accuracy_at_reference=0.5, accuracy_per_tenfold=0.1)
    assert solved.result("accuracy").estimate == pytest.approx(0.7)
    assert solved.result("usd_per_solved_task").estimate == pytest.approx(100 / 0.7)
    none = ask("cost", **asked, accuracy_at_reference=0, accuracy_per_tenfold=0.1).as_dict()
    assert none["results"]["usd_per_solved_task"]["estimate"] is None


def test_chips_are_listed_and_one_is_priced() -> None:
    rows = {row["chip"]: row for row in ask("chips").tables["chips"]}
    assert rows["H200"]["lane_of_january_2026"] == "inside"
    assert rows["B200"]["lane_of_january_2026"] == "outside"
    assert rows["Ascend-910C"]["lane_of_january_2026"] == "not applicable"
    found = ask("chips", **ASKED["chips"], tokens_per_task=1e6, **K)
    per_million = found.result("usd_per_million_tokens").estimate
    assert found.result("usd_per_task").estimate == pytest.approx(100 * per_million)
    with pytest.raises(InputError, match="missing"):
        ask("chips", weights_bytes=1e9)


def test_modification_counts_the_teacher_only_where_the_rules_do() -> None:
    teacher: dict[str, RawValue] = {"teacher_generation_flop": 1e24, "teacher_discarded_flop": 2e24}
    alone = ask("modification", **ASKED["modification"]).result("modification_flop").estimate
    taught = ask("modification", **ASKED["modification"], **teacher).result("modification_flop").estimate
    public = ask("modification", **ASKED["modification"], **teacher, teacher_data_is_public="yes")
    assert (alone, taught) == (pytest.approx(4e24), pytest.approx(7e24))
    assert public.result("modification_flop").estimate == pytest.approx(4e24)
    known = ask("modification", modification_flop=4e24, original_flop=1e24)
    assert known.tables["one_third_rule"][0]["position"] == "reached"
    for bad in ({"modification_flop": 1e24}, {"modification_flop": 1e24, "original_is_systemic": "perhaps"}):
        with pytest.raises(InputError, match="needed"):
            ask("modification", **bad)


@pytest.mark.parametrize("text", ["", "..", "1e9..", "5..1", "nan", "inf", "ten", "1..2..3"])
def test_ranges_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="needed: a finite number"):
        read_range(text, "--x")


def test_a_multiple_says_what_it_multiplies() -> None:
    assert str(Multiple(10, "usd", "USD 1 per task")) == "10 × USD 1 per task (usd)"
    assert str(Multiple()) == "1 (the reference budget)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (1e25, "1e25"),
        (3.406e24, "3.406e24"),
        (99_999.0, "99,999"),
        (0.25, "0.25"),
        (1e-9, "1e-9"),
        (math.inf, "unbounded"),
        (math.nan, "unknown"),
    ],
)
def test_numbers_are_shown_in_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_exfiltration_by_line_and_with_detection() -> None:
    asked: dict[str, RawValue] = {"weights_bytes": 810e9, "line_bits_per_second": 1e9}
    assert ask("exfiltration", **asked).result("hours_at_line_rate").estimate == pytest.approx(1.8)
    watched = ask("exfiltration", **asked, upload_bytes_per_day=81e9, detection_per_day=0.1)
    assert watched.result("chance_undetected").estimate == pytest.approx(0.9**10)
    unsure = ask("exfiltration", **asked, upload_bytes_per_day=81e9, detection_per_day=Range(0, 0.1))
    found = unsure.result("chance_undetected")
    assert found.low is not None
    assert 0.9**10 < found.low < 0.9**9
    assert "chance undetected" not in calculation_text(ask("exfiltration", **asked))
    with pytest.raises(InputError, match="upload-bytes-per-day missing"):
        ask("exfiltration", **asked, detection_per_day=0.1)


def test_stolen_weights_get_cheaper_over_the_years() -> None:
    later = ask("stolen-weights", usd_per_task=3420, years=2, yearly_factor=10)
    assert {row["purse"]: row["tasks"] for row in later.tables["purses"]}["OC3"] == pytest.approx(29_240, rel=1e-3)
    unsure = ask("stolen-weights", usd_per_task="1..100").tables["purses"][0]
    assert unsure["tasks_low"] < unsure["tasks"] < unsure["tasks_high"]


def test_one_number_is_asked_for_where_a_range_has_no_meaning() -> None:
    with pytest.raises(InputError, match="--k is a range"):
        ask("cost", **ASKED["cost"], k="1..10")


def test_what_is_out_of_order_is_refused() -> None:
    for low, high in ((2, 1), (math.nan, 1), (1, math.inf)):
        with pytest.raises(InputError, match="not a range"):
            Range(low, high)
    with pytest.raises(ValueError, match="not ordered"):
        Interval(2, 1)


def test_inputs_that_would_not_be_read_are_refused() -> None:
    with pytest.raises(InputError, match="--chip would not be read beside --usd-per-task; leave one out"):
        ask("stolen-weights", usd_per_task=0.5, chip="H100")
    with pytest.raises(InputError, match="--tokens-per-second would not be read beside --copy-flop-per-second"):
        ask("overhang", **ASKED["overhang"], tokens_per_second=5)
