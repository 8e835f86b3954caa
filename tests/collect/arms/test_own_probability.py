"""The model's own probability of its words: planted in the simulated model, and as an independent request tells it."""

import asyncio
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from embedded import embedded_model
from inspect_ai.model import ChatMessageUser, Logprob, Logprobs, Model, ModelUsage, get_model

from overthink.collect.arms.verifiers.base import UnreadableScoreError
from overthink.collect.arms.verifiers.own_probability import OwnProbability, check_likelihood, likelihood
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Prefix, TokenContinuation
from overthink.collect.providers.servers.completions import CompletionsContinuation
from overthink.collect.providers.simulated.model import SimulatedModel
from overthink.collect.providers.think_tags import for_prompt, think_format
from overthink.errors import InputError

TRUTH = {"axis": "capability", "question": "q", "draw": 0, "seed": 5, "good": "42", "bad": "7"}
STEPS = (" fix bak\n", " fix bal\n", " off bam\n")


def context(model: Model, *, truth: dict[str, Any] | None) -> TraceContext:
    form = for_prompt(think_format("plain"), "End with ANSWER: and a number.", cue=None)
    way = SamplingSpec((0, 8), form, answer_tokens=8, temperature=0.8, top_p=1.0, seed=3, truth=truth)
    return TraceContext(TokenContinuation(model), way, UsageMeter(), (ChatMessageUser(content="Capital of France?"),))


def test_the_simulated_model_believes_what_is_planted() -> None:
    made = SimulatedModel(step_gain=2.0)
    given = context(get_model("overthink/simulated", step_gain=2.0, memoize=False), truth=TRUTH)
    path = ReasoningPath(Prefix(""), steps=STEPS)

    def believed(answer: str) -> float:
        return asyncio.run(OwnProbability(per="answer").answer(given, path, answer)).scores[0]

    from overthink.collect.providers.simulated.thinking import turn_of

    wanted = made.probability("capability", "q", 9, turn_of("".join(STEPS)))
    assert believed("ANSWER: 42") != believed("ANSWER: 7")
    assert believed("ANSWER:42") == pytest.approx(wanted)  # the cue is not part of what is asked for
    assert believed("ANSWER:42") + believed("ANSWER:7") == pytest.approx(1)


def test_steps_have_their_own_probability_and_all_tokens_are_told() -> None:
    given = context(get_model("overthink/simulated", memoize=False), truth=TRUTH)
    path = ReasoningPath(Prefix(""), steps=STEPS)
    whole = asyncio.run(OwnProbability(per="answer").solution(given, path, "ANSWER:42"))
    last = asyncio.run(OwnProbability(per="answer").steps(given, path, last_only=True))
    assert whole.scores[:3] == pytest.approx([0.5 / 420] * 3, rel=0.2)
    assert last.scores == whole.scores[2:3]
    per_token = asyncio.run(OwnProbability(per="token").steps(given, path, last_only=True)).scores[0]
    assert per_token == pytest.approx(last.scores[0] ** (1 / 3))
    assert whole.tokens is not None
    assert last.tokens is not None
    assert whole.tokens > last.tokens > 0


@pytest.fixture(scope="module")
def embedded() -> Model:
    return embedded_model()


def test_the_embedded_model_says_what_it_would_have_sampled(embedded: Model) -> None:
    """Chain rule: the greedy answer's probability is the product of what each greedy step was told to have."""
    api: Any = embedded.api

    async def ask() -> tuple[list[float], list[float], int, int]:
        prompt = await api.render([ChatMessageUser(content="Capital of France?")])
        server = await api._server()
        body = {"n_predict": 3, "n_probs": 1, "temperature": 0.0, "return_tokens": True}
        free = await server.complete(prompt, body)
        told, tokens = await api.likelihood(prompt, free["tokens"], truth=None)
        return [one["logprob"] for one in free["completion_probabilities"]], told, tokens, len(prompt)

    free, told, tokens, prompt = asyncio.run(ask())
    assert told == pytest.approx(free, abs=1e-3)
    assert tokens == sum(prompt + place + 1 for place in range(3))
    given = context(embedded, truth=None)

    def believed(answer: str) -> float:
        return asyncio.run(OwnProbability(per="token").answer(given, ReasoningPath(Prefix("")), answer)).scores[0]

    assert 1 > believed("ANSWER: Paris") > believed("ANSWER: zxqv") > 0


class Vllm:
    """A model whose server tells the log-probabilities of its prompt: a tenth for every token of two letters."""

    def __init__(self, *, tells: bool = True) -> None:
        self.tells = tells
        self.api = SimpleNamespace(base_url="http://127.0.0.1:1/v1")

    async def generate(self, messages: list[Any], **_: object) -> Any:
        text = messages[0].text
        pieces = [text[i : i + 2] for i in range(0, len(text), 2)]
        told = Logprobs(content=[Logprob(token=piece, logprob=math.log(0.1)) for piece in pieces])
        usage = ModelUsage(input_tokens=len(pieces), output_tokens=1, total_tokens=len(pieces) + 1)
        return SimpleNamespace(usage=usage, choices=[SimpleNamespace(prompt_logprobs=told if self.tells else None)])

    def __str__(self) -> str:
        return "openai-api-completions/x/y"


def test_a_server_that_reads_its_prompt_tells_in_one_request() -> None:
    continuation = CompletionsContinuation(cast("Model", Vllm()))
    said = asyncio.run(likelihood(continuation, Prefix("before"), "four", truth=None))
    assert said.log_probabilities == pytest.approx([math.log(0.1)] * 2)
    assert said.tokens == 5 + 1
    silent = CompletionsContinuation(cast("Model", Vllm(tells=False)))
    with pytest.raises(InputError, match="no log-probabilities of its prompt"):
        asyncio.run(likelihood(silent, Prefix("before"), "four", truth=None))


def test_who_cannot_tell_is_refused_and_nothing_is_no_text() -> None:
    with pytest.raises(InputError, match="own-probability needs.*rollouts or judge"):
        check_likelihood(cast("Any", SimpleNamespace()))
    model = get_model("overthink/simulated", memoize=False)
    check_likelihood(continuation_for(model))
    given = context(model, truth=TRUTH)
    with pytest.raises(UnreadableScoreError, match="no token"):
        asyncio.run(
            OwnProbability(per="answer").answer(given, replace(ReasoningPath(Prefix("")), steps=STEPS), "ANSWER:")
        )
