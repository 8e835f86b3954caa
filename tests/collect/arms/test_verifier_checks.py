"""Steps of a text, scores made one, and what a verifier of the simulated model knows."""

import asyncio
import math
from dataclasses import replace
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser, get_model

from overthink.collect.arms.verifiers.base import (
    Aggregate,
    UnreadableScoreError,
    aggregate_scores,
    checked_scores,
    steps_of,
)
from overthink.collect.arms.verifiers.simulated import SimulatedVerifier
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import OneStep, ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix, TokenContinuation
from overthink.collect.providers.think_tags import think_format
from overthink.data.verifier_scores import AGGREGATES
from overthink.errors import InputError

NOBODY = TraceContext(cast("Any", None), cast("Any", None), UsageMeter(), ())


@given(st.text(alphabet="ab \n", max_size=40))
def test_nothing_of_a_text_is_lost_and_every_step_says_something(text: str) -> None:
    steps = steps_of(text)
    assert "".join(steps) == text
    if text.strip():
        assert all(step.strip() for step in steps)
        assert all(step.endswith("\n") for step in steps[:-1])
        assert all(step.strip().count("\n") == 0 for step in steps)


def test_steps_of_a_text_are_those_of_a_model_that_takes_them_one_by_one() -> None:
    continuation = TokenContinuation(get_model("overthink/simulated", memoize=False))
    truth = {"axis": "capability", "question": "q", "draw": 0, "seed": 5, "good": "42", "bad": "7"}
    way = SamplingSpec((60,), think_format("plain"), answer_tokens=8, temperature=0.8, top_p=1.0, seed=3, truth=truth)
    context = TraceContext(continuation, way, UsageMeter(), (ChatMessageUser(content="Why?"),))

    async def walk() -> ReasoningPath:
        path = ReasoningPath(await continuation.start(list(context.prompt), way.format.open))
        while path.tokens < 60:
            path = await OneStep(context)(path, 60 - path.tokens)
        return path

    path = asyncio.run(walk())
    assert len(path.steps) > 4
    assert steps_of(path.text) == path.steps


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_one_score_of_many(scores: list[float]) -> None:
    last, least, product, mean = (aggregate_scores(scores, how) for how in ("last", "min", "prod", "mean"))
    assert last == scores[-1]
    assert least == min(scores)
    assert product == pytest.approx(math.prod(scores))
    assert mean == pytest.approx(sum(scores) / len(scores))
    assert product <= least <= mean + 1e-12


@pytest.mark.parametrize(
    ("numbers", "sigmoid", "error", "told"),
    [
        ([0.5], False, UnreadableScoreError, "1 scores for 2 steps"),
        ([0.5, math.nan], False, UnreadableScoreError, "NaN"),
        ([0.5, None], True, UnreadableScoreError, "NaN"),
        ([0.5, 1.1], False, InputError, "sigmoid=true"),
        ([-0.1, 0.5], False, InputError, "gave -0.1"),
        ([0.5, math.inf], False, UnreadableScoreError, "infinite"),
        ([0.5, -math.inf], True, UnreadableScoreError, "infinite"),
    ],
)
def test_what_is_no_score_is_never_a_number(
    numbers: list[float | None], sigmoid: bool, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        checked_scores(numbers, 2, verifier="v", sigmoid=sigmoid, tokens=3)


def test_scores_are_in_the_unit_interval_whatever_the_logits() -> None:
    assert checked_scores([-1e9, 1e9, 0.0], 3, verifier="v", sigmoid=True, tokens=0) == pytest.approx((0, 1, 0.5))
    assert checked_scores([1 + 1e-9, -1e-9], 2, verifier="v", sigmoid=False, tokens=0) == (1.0, 0.0)


def test_the_simulated_verifier_has_the_error_that_it_is_given() -> None:
    path = ReasoningPath(Prefix(""), steps=(" fix one\n", " off two\n", "plain\n"))
    right = asyncio.run(SimulatedVerifier(error=0).steps(NOBODY, path, last_only=False)).scores
    assert right == (0.9, 0.1, 0.5)
    wrong = asyncio.run(SimulatedVerifier(error=1.0).steps(NOBODY, path, last_only=False)).scores
    assert wrong == pytest.approx((0.1, 0.9, 0.5))
    many = replace(path, steps=tuple(f" fix step {i}\n" for i in range(2000)))
    said = asyncio.run(SimulatedVerifier(error=0.25).steps(NOBODY, many, last_only=False)).scores
    assert sum(score < 0.5 for score in said) / 2000 == pytest.approx(0.25, abs=0.04)
    assert asyncio.run(SimulatedVerifier(error=0).answer(NOBODY, path, "42")).scores == (0.5,)


def test_every_aggregation_has_its_words() -> None:
    assert get_args(Aggregate) == AGGREGATES
