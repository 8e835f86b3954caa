"""Monte Carlo rollouts: their shares estimate the planted probability, and their bill is what the server counted."""

import asyncio
from typing import Any

import pytest
from embedded import embedded_model
from inspect_ai.model import ChatMessageUser, Model, get_model

from overthink.collect.arms.verifiers.rollouts import RolloutVerifier
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix, Segment, TokenContinuation
from overthink.collect.providers.simulated.model import SimulatedModel
from overthink.collect.providers.simulated.thinking import turn_of
from overthink.collect.providers.think_tags import for_prompt, think_format
from overthink.collect.scoring.judging import Judgement
from overthink.data.record import Verdict
from overthink.errors import InputError

TRUTH = {"axis": "capability", "question": "q", "draw": 0, "seed": 5, "good": "42", "bad": "7"}
GOOD = (" fix bak\n", " fix bal\n")
POOR = (" off bak\n", " off bal\n")


async def graded(answer: Segment) -> Judgement:
    value = float(answer.text.strip() == "42")
    return Judgement(value, Verdict.CORRECT if value else Verdict.WRONG, answer.text, 3, None)


class Counted:
    """A model with a counter around its server: every prompt and decoded token."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.tokens = self.decoded = 0
        real = model.api.generate

        async def generate(*given: Any, **named: Any) -> Any:
            output = await real(*given, **named)
            usage = output.usage
            self.decoded += usage.output_tokens
            self.tokens += usage.input_tokens + (usage.input_tokens_cache_read or 0) + usage.output_tokens
            return output

        model.api.generate = generate  # type: ignore[method-assign]


def simulated(**fields: Any) -> Model:
    # answers are settled by steps that a rollout never reaches, so every rollout draws its own fate
    planted = {"capability": "0:0.5", "question_sd": 0.0, "step_gain": 2.0, "commit_step": 100}
    return get_model("overthink/simulated", memoize=False, **(planted | fields))


def context(model: Model, *, truth: dict[str, Any] | None = TRUTH, grade: Any = graded) -> TraceContext:
    form = for_prompt(think_format("plain"), "End with ANSWER: and a number.", cue=None)
    way = SamplingSpec((0, 8), form, answer_tokens=8, temperature=0.8, top_p=1.0, seed=3, truth=truth)
    return TraceContext(TokenContinuation(model), way, UsageMeter(), (ChatMessageUser(content="Why?"),), grade)


def scores(verifier: RolloutVerifier, given: TraceContext, steps: tuple[str, ...], **named: Any) -> tuple[float, ...]:
    return asyncio.run(verifier.steps(given, ReasoningPath(Prefix(""), steps=steps), last_only=False, **named)).scores


@pytest.mark.parametrize("steps", [GOOD, POOR])
def test_an_oracles_share_is_the_planted_probability(steps: tuple[str, ...]) -> None:
    n = 150
    planted = SimulatedModel(capability="0:0.5", question_sd=0.0, step_gain=2.0, commit_step=100)
    wanted = [planted.probability("capability", "q", 3, turn_of("".join(steps[:end]))) for end in (1, 2)]
    found = scores(RolloutVerifier(n=n, tokens=0, against="target"), context(simulated()), steps)
    assert found == pytest.approx(wanted, abs=3 * (0.25 / n) ** 0.5)


def test_a_consensus_needs_no_target_and_cannot_tell_right_from_wrong() -> None:
    given = context(simulated(), grade=None)
    good, poor = (
        scores(RolloutVerifier(n=60, tokens=0, against="consensus"), given, steps)[-1] for steps in (GOOD, POOR)
    )
    assert good == pytest.approx(0.88, abs=0.14)
    assert poor == pytest.approx(0.88, abs=0.14)  # they agree on the wrong answer
    path = ReasoningPath(Prefix(""), steps=POOR)
    right, wrong = (
        asyncio.run(RolloutVerifier(n=60, tokens=0, against="consensus").answer(given, path, f"ANSWER: {said}")).scores[
            0
        ]
        for said in ("42", "7")
    )
    assert right + wrong == pytest.approx(1)
    assert wrong > 0.7
    with pytest.raises(InputError, match="against=target needs the task's scorer"):
        scores(RolloutVerifier(n=2, tokens=0, against="target"), given, GOOD)


@pytest.mark.parametrize("tokens", [0, 12])
def test_the_bill_is_what_the_server_counted(tokens: int) -> None:
    counted = Counted(simulated())
    verifier, path = RolloutVerifier(n=3, tokens=tokens, against="consensus"), ReasoningPath(Prefix(""), steps=GOOD)
    said = asyncio.run(verifier.solution(context(counted.model), path, "ANSWER: 42"))
    assert len(said.scores) == 3
    assert said.tokens == counted.tokens
    assert counted.decoded == 2 * 3 * tokens + 3 * 3  # an answer is one token
    before = counted.tokens
    oracle = asyncio.run(
        RolloutVerifier(n=3, tokens=tokens, against="target").steps(context(counted.model), path, last_only=True)
    )
    assert oracle.tokens == counted.tokens - before + 3 * 3  # what the task's scorer took is on it


def test_rollouts_differ_and_are_the_same_again() -> None:
    verifier, given = RolloutVerifier(n=8, tokens=24, against="consensus"), context(simulated())
    first = scores(verifier, given, GOOD)
    assert scores(verifier, given, GOOD) == first
    assert any(0 < score < 1 for score in first)


def test_a_thought_that_had_ended_is_not_gone_on_with() -> None:
    counted = Counted(simulated())
    path = ReasoningPath(Prefix(""), steps=GOOD, ended=True)
    asyncio.run(
        RolloutVerifier(n=2, tokens=40, against="consensus").steps(context(counted.model), path, last_only=True)
    )
    assert counted.decoded == 2


def test_the_embedded_model_needs_no_other() -> None:
    counted = Counted(embedded_model())
    given = context(counted.model, truth=None, grade=None)
    path = ReasoningPath(Prefix(""), steps=("Two and two are four.\n",))
    said = asyncio.run(RolloutVerifier(n=2, tokens=4, against="consensus").steps(given, path, last_only=False))
    assert said.scores[0] in (0.0, 0.5, 1.0)
    assert said.tokens == counted.tokens
