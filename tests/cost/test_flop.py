"""FLOP and memory traffic: closed forms against step-by-step sums, additivity, scaling, the worked example."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.cost.flop import Work, decode, prefill, response
from overthink.cost.model_shape import ModelShape
from overthink.governance.calculators.transformer_flop import Transformer, kv_bytes_per_token, response_flop

LLAMA_70B = ModelShape(
    parameters=70e9,
    active_parameters=70e9,
    layers=80,
    heads=64,
    kv_heads=8,
    hidden_size=8192,
    vocabulary=128_256,
    weight_bytes=2,
    cache_bytes=2,
)
SMALL = ModelShape(1000, 400, layers=3, heads=4, kv_heads=2, head_width=5, weight_bytes=2, cache_bytes=1)

counts = st.integers(0, 300)


def parts(work: Work) -> list[float]:
    return [float(x) for x in (work.matmul, work.attention, work.weight_bytes, work.cache_bytes)]


def step_by_step(context: int, tokens: int) -> list[float]:
    """A decoding of SMALL, one token after the other."""
    total = np.zeros(4)
    for position in range(context + 1, context + tokens + 1):
        scores = 2 * position * 3 * 4 * 5  # a query of 20 numbers against every key, in 3 layers
        total += [2 * 400, 2 * scores, 400 * 2, position * 3 * 2 * 2 * 5]
    return total.tolist()


@given(counts, counts)
def test_the_closed_form_is_the_sum_over_tokens(context: int, tokens: int) -> None:
    assert parts(decode(SMALL, context=context, n_tokens=tokens)) == pytest.approx(step_by_step(context, tokens))


@given(counts, counts, counts)
def test_decoding_adds_up_over_segments(context: int, first: int, second: int) -> None:
    whole = decode(SMALL, context=context, n_tokens=first + second)
    cut = decode(SMALL, context=context, n_tokens=first) + decode(SMALL, context=context + first, n_tokens=second)
    assert parts(cut) == pytest.approx(parts(whole))


@given(counts, counts, counts)
def test_flop_of_a_prompt_add_up_and_what_is_cached_is_saved(first: int, second: int, tokens: int) -> None:
    whole = prefill(SMALL, n_tokens=first + second)
    cut = prefill(SMALL, n_tokens=first) + prefill(SMALL, n_tokens=first + second, n_cached=first)
    assert float(cut.flop) == pytest.approx(float(whole.flop))
    assert float(response(SMALL, prompt=first, n_decoded=tokens, n_cached=first).flop) == pytest.approx(
        float(decode(SMALL, context=first, n_tokens=tokens).flop)
    )
    if second:
        late = prefill(SMALL, n_tokens=first + second, n_cached=first)
        assert float(late.cache_bytes) == float(whole.cache_bytes)  # what is cached is read all the same


@given(st.integers(1, 300), st.integers(1, 300))
def test_more_tokens_cost_more_and_a_batch_shares_the_weights(prompt: int, tokens: int) -> None:
    one = response(SMALL, prompt=prompt, n_decoded=tokens)
    assert (np.array(parts(response(SMALL, prompt=prompt, n_decoded=tokens + 1))) > parts(one)).all()
    assert float(response(SMALL, prompt=prompt + 1, n_decoded=tokens).flop) > float(one.flop)
    shared = response(SMALL, prompt=prompt, n_decoded=tokens, batch=5)
    assert float(shared.flop) == float(one.flop)
    # Five sequences may pick other experts each, up to all 1,000 parameters.
    assert float(shared.weight_bytes) == pytest.approx((tokens + 1) * 2 * 1000 / 5)
    assert float(shared.weight_bytes) < float(one.weight_bytes)


def test_each_part_scales_with_what_it_is_made_of() -> None:
    one = decode(SMALL, context=10, n_tokens=20)
    doubled = {
        "matmul": replace(SMALL, active_parameters=800),
        "attention": replace(SMALL, layers=6),
        "weight_bytes": replace(SMALL, weight_bytes=4),
        "cache_bytes": replace(SMALL, kv_heads=4),
    }
    for part, shape in doubled.items():
        assert float(getattr(decode(shape, context=10, n_tokens=20), part)) == 2 * float(getattr(one, part))


def test_the_worked_example_of_llama_3_70b() -> None:
    """Attention is 1.9 % of 2·N at 1,000 tokens, 19 % at 10,000, 187 % at 100,000; a token's cache is 327,680 bytes."""
    work = decode(LLAMA_70B, context=np.array([999, 9_999, 99_999]), n_tokens=1)
    np.testing.assert_allclose(work.attention / work.matmul, [0.019, 0.19, 1.87], rtol=0.02)
    assert LLAMA_70B.cache_bytes_per_token == 327_680
    assert LLAMA_70B.missing == ()


def test_it_agrees_with_kinetics_and_with_the_calculator() -> None:
    prompt, decoded = 2_000, 10_000
    work = decode(LLAMA_70B, context=prompt, n_tokens=decoded)
    kinetics = 2 * 70e9 * decoded + 2 * (2 * prompt + decoded) * decoded * 80 * 8192
    assert float(work.flop) == pytest.approx(kinetics, rel=1e-4)
    read = (2 * prompt + decoded) * decoded * 80 * 8 * 128 * 2
    assert float(work.cache_bytes) == pytest.approx(read, rel=1e-4)
    calculator = Transformer(70e9, layers=80, attention_width=8192, kv_heads=8, head_width=128)
    whole = response(LLAMA_70B, prompt=prompt, n_decoded=decoded)
    assert float(whole.flop) == pytest.approx(
        response_flop(calculator, prompt_tokens=prompt, generated_tokens=decoded), rel=1e-12
    )
    assert LLAMA_70B.cache_bytes_per_token == kv_bytes_per_token(calculator)


def test_effective_flop_price_what_is_read() -> None:
    work = decode(SMALL, context=7, n_tokens=3)
    assert float(work.effective_flop(flop_per_byte=0)) == float(work.flop)
    assert float(work.effective_flop(flop_per_byte=295)) == float(work.flop + 295 * work.bytes_read)
    with pytest.raises(ValueError, match="flop_per_byte is nan"):
        work.effective_flop(flop_per_byte=np.nan)


NEEDED = ("active_parameters", "layers", "kv_heads", "weight_bytes", "cache_bytes", "hidden_size", "heads")


@pytest.mark.parametrize("name", NEEDED)
def test_unknown_stays_unknown_and_says_why(name: str) -> None:
    work = response(replace(LLAMA_70B, **{name: None}), prompt=10, n_decoded=10)
    assert work.reason is not None
    assert np.isnan(parts(work)).any()
    assert 0 not in parts(work)
    assert np.isnan(work.effective_flop(flop_per_byte=1))
    assert response(LLAMA_70B, prompt=10, n_decoded=10).reason is None


def test_attention_unknown_leaves_the_weights_as_a_lower_bound() -> None:
    work = response(ModelShape(active_parameters=7e9), prompt=[10, np.nan], n_decoded=[10, 10])
    assert work.matmul[0] == 2 * 7e9 * 20
    assert np.isnan(work.flop).all()
    assert np.isnan(work.matmul[1])
    assert work.reason is not None
    assert "layers" in work.reason


def test_heads_wider_than_the_stream_are_told_by_their_own_width() -> None:
    assert replace(LLAMA_70B, head_width=256).attention_flop_per_position == 4 * 80 * 64 * 256
    assert replace(LLAMA_70B, head_width=256, heads=None).attention_flop_per_position is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ModelShape(parameters=0), "parameters is 0"),
        (lambda: ModelShape(layers=-1), "layers is -1"),
        (lambda: ModelShape(10, 20), "active_parameters is 20, parameters is 10"),
        (lambda: ModelShape(heads=2, kv_heads=4), "kv_heads is 4"),
        (lambda: prefill(SMALL, n_tokens=3, n_cached=4), "more tokens are cached"),
        (lambda: decode(SMALL, context=-1, n_tokens=1), "context is -1"),
        (lambda: decode(SMALL, context=1, n_tokens=1, batch=0.5), "batch is 0.5"),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_sum_check_catches_formulas_without_the_causal_sum() -> None:
    """Every token at the last context, or attention left out, are not the sum over tokens."""
    want = step_by_step(50, 100)[1]
    at_the_end = 100 * 4 * 3 * 20 * 150
    assert abs(at_the_end - want) > 0.2 * want
    assert parts(decode(SMALL, context=50, n_tokens=100))[1] == want
