"""The simulated model: its answers have the frequencies that it states, and its thinking is one trace however cut."""

import asyncio
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ModelOutput, get_model

import overthink.collect.registered  # noqa: F401 (registers the provider)
from overthink.collect.providers.simulated.model import SimulatedModel, parse_curve
from overthink.collect.providers.simulated.thinking import decode, encode
from overthink.errors import InputError

TRUTH = {"axis": "capability", "question": "q", "draw": 0, "seed": 5, "good": "ANSWER: 42", "bad": "ANSWER: 7"}


def agrees(successes: int, trials: int, probability: float) -> bool:
    """Whether a binomial count is within four standard deviations of its mean."""
    return abs(successes - trials * probability) <= 4 * math.sqrt(trials * probability * (1 - probability))


def request(model: Model, ids: list[int], limit: int, **truth: Any) -> ModelOutput:
    config = GenerateConfig(max_tokens=limit, temperature=truth.pop("temperature", 0), seed=truth.pop("request", 1))
    metadata = {"prompt_token_ids": ids, "truth": TRUTH | {"thinking_tokens": 0, "phase": "think"} | truth}
    return asyncio.run(model.generate([ChatMessageUser(content="", metadata=metadata)], config=config))


def simulated(**parameters: Any) -> Model:
    return get_model("overthink/simulated", memoize=False, **parameters)


@pytest.mark.parametrize("axis", ["capability", "safety", "benign"])
def test_outcomes_have_the_frequencies_of_the_truth(axis: str) -> None:
    model = SimulatedModel(capability="hump", safety="decline", benign="0:0.9,64:0.5", question_sd=1.5)
    shifted = SimulatedModel(**{axis: "0:0.02"}, question_sd=1.5)
    for tokens in (0, 16, 64, 256):
        successes = sum(model.outcome(axis, f"q{i}", 0, 1, tokens) for i in range(4000))
        assert agrees(successes, 4000, float(model.truth(axis, tokens)))
        assert not agrees(successes, 4000, float(shifted.truth(axis, tokens)))  # the control: another truth is refused


def test_draws_of_a_question_have_the_frequency_of_its_probability() -> None:
    model = SimulatedModel(question_sd=2.0)
    easy, hard = (sorted((f"q{i}" for i in range(20)), key=lambda q: model.probability("safety", q, 64)))[::19]
    for question, other in ((easy, hard), (hard, easy)):
        successes = sum(model.outcome("safety", question, draw, 1, 64) for draw in range(2000))
        assert agrees(successes, 2000, model.probability("safety", question, 64))
        assert not agrees(successes, 2000, model.probability("safety", other, 64))


def test_a_trace_keeps_its_luck_along_the_ladder() -> None:
    model = SimulatedModel(capability="rise", safety="decline")
    for draw in range(200):
        rising = [model.outcome("capability", "q", draw, 1, tokens) for tokens in range(0, 300, 20)]
        falling = [model.outcome("safety", "q", draw, 1, tokens) for tokens in range(0, 300, 20)]
        assert rising == sorted(rising)
        assert falling == sorted(falling, reverse=True)
    luck = [model.latent("capability", "q", draw, seed) for seed in (1, 2) for draw in range(100)]
    assert len(set(luck)) == 200


def test_the_provider_answers_as_the_model_says() -> None:
    model = simulated(capability="0:0.3,64:0.8")
    truth: SimulatedModel = model.api.model
    for draw in range(20):
        for tokens in (0, 64):
            output = request(model, encode("Why?"), 16, draw=draw, thinking_tokens=tokens, phase="answer")
            good = truth.outcome("capability", "q", draw, 5, tokens)
            assert output.completion == ("ANSWER: 42" if good else "ANSWER: 7")
            assert output.stop_reason == "stop"


@pytest.mark.parametrize(("natural_length", "temperature"), [(None, 0), (30, 0), (30, 0.8)])
def test_thinking_in_segments_equals_thinking_in_one_piece(natural_length: float | None, temperature: float) -> None:
    model = simulated(natural_length=natural_length)
    for start in range(10):
        prompt = encode(f"question {start}")
        whole = request(model, prompt, 60, temperature=temperature)
        ids: list[int] = []
        for rung in (5, 20, 60):
            request(model, [*prompt, *ids, *encode("Answer:")], 8, phase="answer")
            part = request(model, prompt + ids, rung - len(ids), temperature=temperature)
            ids += part.metadata["token_ids"].ids
            if part.stop_reason == "stop":
                break
        assert ids == list(whole.metadata["token_ids"].ids)
        assert part.stop_reason == whole.stop_reason
        assert whole.usage.output_tokens == len(ids)
        shifted = request(model, prompt[:-1] + ids[:0], 60, temperature=temperature)
        assert list(shifted.metadata["token_ids"].ids) != ids or not ids  # the control: another prefix, another thought


def test_seeds_decide_where_there_is_a_temperature() -> None:
    model = simulated()
    thought = [request(model, [1], 20, temperature=0.8, request=seed).completion for seed in (1, 1, 2)]
    assert thought[0] == thought[1] != thought[2]
    greedy = [request(model, [1], 20, temperature=0, request=seed).completion for seed in (1, 2)]
    assert greedy[0] == greedy[1]


def test_natural_lengths_are_geometric_with_the_stated_mean() -> None:
    model = simulated(natural_length=20)
    lengths = [request(model, [n], 400, temperature=0.8).usage.output_tokens for n in range(600)]
    error = math.sqrt(20 * 21 / 600)
    assert abs(float(np.mean(lengths)) - 20) < 4 * error
    ended_at_once = sum(length == 0 for length in lengths)
    assert agrees(ended_at_once, 600, 1 / 21)


def test_unparsed_and_truncated_answers_have_their_shares() -> None:
    model = simulated(unparsed=0.3, truncated=0.2)
    outputs = [request(model, [1], 8, phase="answer", draw=draw) for draw in range(500)]
    cut = sum(output.stop_reason == "max_tokens" for output in outputs)
    silent = sum(output.stop_reason == "stop" and "ANSWER" not in output.completion for output in outputs)
    assert agrees(cut, 500, 0.2)
    assert agrees(silent, 500, 0.3)
    assert agrees(500 - cut - silent, 500, 0.5)


def test_a_long_answer_hits_its_allowance() -> None:
    output = request(simulated(capability="0:1"), [1], 2, phase="answer", good="twelve chars")
    assert (output.completion, output.stop_reason) == ("twelve c", "max_tokens")


def test_plain_chat_is_one_harmless_sentence_with_exact_usage() -> None:
    output = asyncio.run(simulated().generate("How do I do harm?"))
    assert output.completion == "This is a simulated model; it has nothing to say."
    assert list(output.metadata["token_ids"].ids) == encode(output.completion)
    assert output.metadata["cached_tokens"] is None
    assert output.usage.total_tokens == output.usage.input_tokens + len(encode(output.completion))


@given(st.text())
def test_the_tokenizer_loses_nothing(text: str) -> None:
    assert decode(encode(text)) == text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def test_named_curves_have_their_shapes() -> None:
    tokens = [0, 8, 64, 128, 256, 10_000]
    flat, rise, plateau, hump, decline = (
        parse_curve(name)(tokens) for name in ("flat", "rise", "plateau", "hump", "decline")
    )
    assert np.ptp(flat) == 0
    assert (np.diff(rise)[:4] > 0).all()
    assert (np.diff(plateau)[:2] > 0).all()
    assert (np.diff(plateau)[2:] == 0).all()
    assert hump.argmax() == 2
    assert hump[0] == hump[-1]
    assert (np.diff(decline)[:4] < 0).all()
    assert parse_curve("hump(low=0.1,high=0.9,peak=8,end=64)")([0, 8, 64]) == pytest.approx([0.1, 0.9, 0.1])


@pytest.mark.parametrize(
    "text", ["", "bump", "0:1.2", "8:0.1,4:0.2", "-1:0.5", "0:x", "hump(top=1)", "0:nan", "hump(peak=300)"]
)
def test_a_curve_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="curve"):
        parse_curve(text)


@pytest.mark.parametrize(
    "parameters", [{"question_sd": -1}, {"natural_length": 0}, {"unparsed": 0.7, "truncated": 0.7}, {"safety": "up"}]
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        simulated(**parameters)
