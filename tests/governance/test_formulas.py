"""The formulas of the calculators: units scale as they should, results are monotone, nothing overflows at 1e30."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.errors import InputError
from overthink.governance.calculators import cost, exfiltration, overhang, stolen_weights
from overthink.governance.calculators import transformer_flop as inference
from overthink.governance.calculators.chips import chip, chips, tpp
from overthink.governance.calculators.transformer_flop import Machine, Transformer
from overthink.governance.thresholds.counting import training_flop_by_hardware, training_flop_by_parameters, with_margin

HUGE = 1e30
FACTOR = st.floats(1.01, 1e3)

SCALES: dict[str, tuple[Callable[[float], float], float, float]] = {
    "training FLOP, parameters": (lambda x: training_flop_by_parameters(x, 1e12), 1e9, 1),
    "training FLOP, tokens": (lambda x: training_flop_by_parameters(1e9, x), 1e12, 1),
    "training FLOP, chip-hours": (
        lambda x: training_flop_by_hardware(x, peak_flop_per_second=1e15, utilisation=0.4),
        1e6,
        1,
    ),
    "copies, training FLOP": (lambda x: overhang.copies(x, training_seconds=1e7, copy_flop_per_second=1e13), 1e25, 1),
    "copies, training seconds": (
        lambda x: overhang.copies(1e25, training_seconds=x, copy_flop_per_second=1e13),
        1e7,
        -1,
    ),
    "copies, speed of a copy": (
        lambda x: overhang.copies(1e25, training_seconds=1e7, copy_flop_per_second=x),
        1e13,
        -1,
    ),
    "copies, K": (lambda x: overhang.copies(1e25, training_seconds=1e7, copy_flop_per_second=1e13, k=x), 1, -1),
    "copy-years, K": (lambda x: overhang.copy_years(1e25, copy_flop_per_second=1e13, k=x), 1, -1),
    "anchor parameters": (
        lambda x: overhang.anchor_parameters(x, flop_per_parameter_second=1.5, tokens_per_parameter=20, horizon=3),
        1e25,
        0.5,
    ),
    "days, bytes": (lambda x: exfiltration.exfiltration_days(x, upload_bytes_per_day=1e9), 1e12, 1),
    "days, upload": (lambda x: exfiltration.exfiltration_days(1e12, upload_bytes_per_day=x), 1e9, -1),
    "days, compression": (
        lambda x: exfiltration.exfiltration_days(1e12, upload_bytes_per_day=1e9, compression=x),
        1,
        -1,
    ),
    "days, accounts": (lambda x: exfiltration.exfiltration_days(1e12, upload_bytes_per_day=1e9, accounts=x), 1, -1),
    "line seconds, rate": (lambda x: exfiltration.line_seconds(1e12, line_bits_per_second=x), 1e9, -1),
    "USD of stolen weights, K": (
        lambda x: stolen_weights.usd_per_task(1e4, tokens_per_second=50, chips=8, usd_per_chip_hour=2, k=x),
        1,
        1,
    ),
    "USD of stolen weights, speed": (
        lambda x: stolen_weights.usd_per_task(1e4, tokens_per_second=x, chips=8, usd_per_chip_hour=2),
        50,
        -1,
    ),
    "tasks, purse": (lambda x: stolen_weights.tasks_in_purse(x, usd_per_task=3), 1e3, 1),
    "USD per task, K": (lambda x: cost.usd_per_task(1e4, usd_per_million_tokens=60, k=x), 1, 1),
    "USD per task, samples": (lambda x: cost.usd_per_task(1e4, usd_per_million_tokens=60, samples=x), 1, 1),
    "USD per task, price": (lambda x: cost.usd_per_task(1e4, usd_per_million_tokens=x), 60, 1),
    "USD after years": (lambda x: cost.usd_after(x, years=2, yearly_factor=10), 5, 1),
    "KV bytes, layers": (
        lambda x: inference.kv_bytes_per_token(Transformer(1e9, layers=x, kv_heads=8, head_width=128)),
        8,
        1,
    ),
    "decode, bandwidth": (lambda x: inference.decode_tokens_per_second(Machine(x), weight_bytes=1e10), 1e12, 1),
    "decode, weights": (lambda x: inference.decode_tokens_per_second(Machine(1e12), weight_bytes=x), 1e10, -1),
    "TPP, speed": (lambda x: tpp({16: x}), 1e12, 1),
}
"""Formula of one input, a value of it, and the power with which the result follows it."""


@pytest.mark.parametrize(("formula", "value", "power"), SCALES.values(), ids=SCALES)
@given(factor=FACTOR)
def test_results_follow_their_inputs(
    formula: Callable[[float], float], value: float, power: float, factor: float
) -> None:
    assert formula(value * factor) == pytest.approx(formula(value) * factor**power, rel=1e-9)


@pytest.mark.parametrize(("formula", "value", "power"), SCALES.values(), ids=SCALES)
def test_nothing_overflows_at_1e30(formula: Callable[[float], float], value: float, power: float) -> None:
    assert math.isfinite(formula(HUGE))


def test_the_scaling_check_can_fail() -> None:
    def wrong(x: float) -> float:
        return training_flop_by_parameters(x, 1e12) + 1e21

    assert wrong(2e9) != pytest.approx(2 * wrong(1e9), rel=1e-9)


BAD: dict[str, Callable[[], object]] = {
    "no parameters": lambda: training_flop_by_parameters(0, 1e12),
    "negative tokens": lambda: training_flop_by_parameters(1e9, -1),
    "utilisation above 1": lambda: training_flop_by_hardware(1, peak_flop_per_second=1e15, utilisation=1.1),
    "margin of 1.5": lambda: with_margin(1e24, margin=1.5),
    "K below 1": lambda: overhang.copies(1e25, training_seconds=1, copy_flop_per_second=1, k=0.5),
    "no upload": lambda: exfiltration.exfiltration_days(1e12, upload_bytes_per_day=0),
    "compression below 1": lambda: exfiltration.exfiltration_days(1e12, upload_bytes_per_day=1, compression=0.5),
    "covert share above 1": lambda: exfiltration.exfiltration_days(1e12, upload_bytes_per_day=1, covert_share=2),
    "certain detection": lambda: exfiltration.chance_undetected(3, detection_per_day=1),
    "negative years": lambda: cost.usd_after(1, years=-1, yearly_factor=10),
    "rising cost": lambda: cost.usd_after(1, years=1, yearly_factor=0.5),
    "accuracy above its ceiling": lambda: cost.accuracy_at(1, at_reference=0.9, per_tenfold=0.1, ceiling=0.8),
    "no ratio": lambda: cost.per_tenfold(0.1, 0.2, ratio=1),
    "same x": lambda: cost.power_law_exponent(1, 2, x_low=3, x_high=3),
    "model smaller than itself": lambda: cost.matched_multiplier(0.5, inference_to_pretraining=1),
    "no layers": lambda: Transformer(1e9, layers=-1),
    "no bandwidth": lambda: Machine(0),
    "no speed": lambda: Machine(1e12, 0),
    "half a sequence": lambda: inference.decode_tokens_per_second(Machine(1e12), weight_bytes=1e9, batch=0.5),
}


@pytest.mark.parametrize("call", BAD.values(), ids=BAD)
def test_bad_numbers_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="needed"):
        call()


def test_copies_are_capped_by_memory() -> None:
    fit = overhang.copies_in_memory(1e15, bytes_per_copy=1e12)
    assert overhang.copies(1e29, training_seconds=1e7, copy_flop_per_second=1e13, memory_copies=fit) == 1000


@given(st.floats(0, 0.99), st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_the_chance_to_stay_unseen_multiplies_over_days(chance: float, days: float, more: float) -> None:
    whole = exfiltration.chance_undetected(days + more, detection_per_day=chance)
    parts = exfiltration.chance_undetected(days, detection_per_day=chance) * exfiltration.chance_undetected(
        more, detection_per_day=chance
    )
    assert 0 <= whole <= 1
    assert whole == pytest.approx(parts, rel=1e-6, abs=1e-300)


@given(st.floats(0.01, 1e3), st.floats(1, 1e3))
def test_a_yearly_factor_undoes_its_decline(usd: float, factor: float) -> None:
    assert cost.yearly_factor(usd, cost.usd_after(usd, years=2.5, yearly_factor=factor), years=2.5) == pytest.approx(
        factor
    )


def test_a_sudden_fall_does_not_overflow() -> None:
    assert cost.yearly_factor(1, 1e-300, years=0.001) == math.inf


def test_accuracy_stops_at_its_ceiling_and_at_zero() -> None:
    assert cost.accuracy_at(100, at_reference=0.5, per_tenfold=0.1) == pytest.approx(0.7)
    assert cost.accuracy_at(1e9, at_reference=0.5, per_tenfold=0.1, ceiling=0.8) == 0.8
    assert cost.accuracy_at(1e9, at_reference=0.5, per_tenfold=-0.1) == 0


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_response_is_the_sum_of_its_tokens(prompt: int, generated: int) -> None:
    model = Transformer(1e6, layers=4, attention_width=64)
    tokens = range(1, prompt + generated + 1)
    whole = sum(inference.flop_per_token(model, context_tokens=position) for position in tokens)
    found = inference.response_flop(model, prompt_tokens=prompt, generated_tokens=generated)
    assert found == pytest.approx(whole)


@given(st.floats(1, 512), st.floats(0.01, 1))
def test_a_batch_touches_no_more_than_all_experts(batch: float, share: float) -> None:
    touched = inference.weight_bytes_touched(batch, shared_bytes=1e9, expert_bytes=9e9, active_share=share)
    assert 1e9 + 9e9 * share * (1 - 1e-9) <= touched <= 10e9
    dense = inference.weight_bytes_touched(batch, shared_bytes=1e9, expert_bytes=9e9, active_share=1)
    assert dense == pytest.approx(10e9)


@given(st.floats(1, 4096), st.floats(1, 4096))
def test_a_larger_batch_is_faster_together_and_slower_for_each(batch: float, more: float) -> None:
    small, large = sorted((batch, more))
    machine = chip("H100").machine(utilisation=0.5)

    def speed(b: float) -> float:
        return inference.decode_tokens_per_second(machine, weight_bytes=1e10, token_flop=1e10, kv_bytes=1e7, batch=b)

    assert speed(small) <= speed(large) * (1 + 1e-9)
    assert speed(large) / large <= speed(small) / small * (1 + 1e-9)


def test_compute_limits_where_bandwidth_does_not() -> None:
    slow = Machine(1e30, 1e12, 0.5)
    assert inference.decode_tokens_per_second(slow, weight_bytes=1, token_flop=1e10) == pytest.approx(50)


def test_chips_are_plausible_and_lanes_follow_from_their_numbers() -> None:
    assert len(chips()) >= 16
    for each in chips().values():
        assert each.tpp >= each.peak_flop_per_second / 1e12 * 16
        assert each.memory_bytes > 1e10
        inside = each.tpp < 21_000 and each.bytes_per_second < 6.5e12
        assert each.lane == (("inside" if inside else "outside") if each.us_origin else "not applicable")
    assert chip("H100").is_controlled is True
    assert chip("H20").is_controlled is False
    assert chip("Ascend-910C").is_controlled is None
    assert replace(chip("H20"), peak_flop_per_second=50e12).is_controlled is False
    unknown = replace(chip("H20"), performance_density=None)
    assert unknown.is_controlled is None
    assert replace(chip("H20"), performance_density=5.92).is_controlled is True


def test_an_unknown_chip_names_the_nearest() -> None:
    with pytest.raises(InputError, match="H100"):
        chip("H1000")
