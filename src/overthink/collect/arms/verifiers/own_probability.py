"""Verifier by the model's own probability of its forced answer, or of its steps.

Log-probabilities of a given text after a prefix, token by token, if the server returns them.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Protocol, cast

from inspect_ai.model import GenerateConfig, Logprobs
from pydantic import Field

from overthink.collect.arms.verifiers.base import (
    Scores,
    ScoringWork,
    UnreadableScoreError,
    Verifier,
    charged_if_lost,
    checked_scores,
    prefixes_of,
    tokens_of,
)
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Continuation, Prefix, TokenContinuation
from overthink.collect.providers.servers.completions import CompletionsContinuation, raw_prompt_message
from overthink.components.base import Simulated, component
from overthink.errors import InputError


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Likelihood of a given text.

    Attributes:
        log_probabilities: Natural logarithms of the token probabilities, each given all tokens before it.
        tokens: Prompt and decoded tokens of the request; None if the server did not report them.
    """

    log_probabilities: tuple[float, ...]
    tokens: int | None


class GivesLikelihood(Protocol):
    """Protocol of providers that return the probabilities of given tokens."""

    async def likelihood(
        self, prompt: list[int], ids: list[int], *, truth: dict[str, Any] | None
    ) -> tuple[list[float], int]:
        """Return log-probabilities of the ids after the prompt, and the tokens of the requests."""
        ...


def check_likelihood(continuation: Continuation) -> None:
    """Check that a model supports likelihoods.

    Raises:
        InputError: It does not; the message lists those that do.
    """
    if isinstance(continuation, CompletionsContinuation):
        return
    if isinstance(continuation, TokenContinuation) and hasattr(continuation.model.api, "likelihood"):
        return
    raise InputError(
        "verifier own-probability needs the probabilities of given tokens, which this provider does not tell. Those "
        "that do: overthink/smollm2, overthink/gguf, hf/<model>, overthink/simulated, vllm-completions/<model>. Any "
        "other model: --verifier rollouts or judge."
    )


async def likelihood(
    continuation: Continuation, prefix: Prefix, text: str, *, truth: dict[str, Any] | None
) -> Likelihood:
    """Return the log-probabilities of a text after a prefix.

    Raises:
        InputError: The provider does not return them.
        UnreadableScoreError: The text has no token, or the server omitted some.
    """
    check_likelihood(continuation)
    whole = await continuation.append_text(prefix, text)
    if isinstance(continuation, CompletionsContinuation):
        return await _from_prompt(continuation, prefix, whole)
    assert whole.ids is not None
    assert prefix.ids is not None
    ids = list(whole.ids[len(prefix.ids) :])
    if not ids:
        raise UnreadableScoreError("the text has no token", 0)
    api = cast("GivesLikelihood", cast("TokenContinuation", continuation).model.api)
    log_probabilities, tokens = await api.likelihood(list(prefix.ids), ids, truth=truth)
    return Likelihood(tuple(log_probabilities), tokens)


async def _from_prompt(continuation: CompletionsContinuation, before: Prefix, whole: Prefix) -> Likelihood:
    """Return the likelihood from prompt log-probabilities, as vLLM servers return them."""
    output = await continuation.model.generate(
        [raw_prompt_message(whole)],
        config=GenerateConfig(max_tokens=1, temperature=0.0, prompt_logprobs=1),
        cache=False,
    )
    usage = output.usage
    tokens = None
    if usage is not None:
        tokens = usage.input_tokens + (usage.input_tokens_cache_read or 0) + usage.output_tokens
    logprobs = output.choices[0].prompt_logprobs if output.choices else None
    if logprobs is None:
        raise InputError(
            f"{continuation.model} tells no log-probabilities of its prompt, which own-probability needs; serve it "
            "with vLLM and name it vllm-completions/<model>"
        )
    if before.ids is not None and whole.ids is not None:
        return Likelihood(_of_last_ids(logprobs, len(whole.ids) - len(before.ids), tokens), tokens)
    letters = len(whole.text) - len(before.text)
    return Likelihood(_last_log_probabilities(logprobs, whole.text, letters, tokens), tokens)


def _of_last_ids(logprobs: Logprobs, count: int, tokens: int | None) -> tuple[float, ...]:
    """Return the log-probabilities of the last tokens of a prompt that was given as token ids."""
    if not 0 < count <= len(logprobs.content):
        raise UnreadableScoreError(f"the text has {count} tokens of the {len(logprobs.content)} in the reply", tokens)
    return tuple(float(token.logprob) for token in logprobs.content[-count:])


def _last_log_probabilities(logprobs: Logprobs, whole: str, letters: int, tokens: int | None) -> tuple[float, ...]:
    """Return the log-probabilities of the last tokens, which cover the last ``letters`` of the text."""
    log_probabilities: list[float] = []
    held = ""
    for token in reversed(logprobs.content):
        if len(held) >= letters:
            break
        held = token.token + held
        log_probabilities.append(float(token.logprob))
    if not log_probabilities or not whole.endswith(held):
        raise UnreadableScoreError("the server's tokens do not spell the text", tokens)
    return tuple(reversed(log_probabilities))


@component("own-probability")
class OwnProbability(Verifier):
    """The probability that the model under test gives to its own answer and steps.

    No decoded token is kept. The geometric mean per token does not depend on the length.
    """

    asks_model: ClassVar[bool] = True
    per: Annotated[Literal["answer", "token"], Simulated("answer")] = Field(
        description="probability of the whole text, or its geometric mean per token"
    )

    @property
    def name(self) -> str:
        """Name in reports."""
        return f"the model's own probability per {self.per}"

    def work(self, steps: int, answer_tokens: int) -> ScoringWork:
        """Return the cost: one request with one decoded token per step."""
        return ScoringWork(steps, steps)

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Score steps by the probability of each, given those before it."""
        prefixes = await prefixes_of(context, path)
        places = range(len(path.steps))[-1:] if last_only else range(len(path.steps))
        return await self._score(context, [partial(self._of_step, context, prefixes, path.steps[i], i) for i in places])

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer by its probability after the end of the thinking."""
        prefixes = await prefixes_of(context, path)
        return await self._score(context, [partial(self._of_answer, context, prefixes, answer)])

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score the steps, and the answer after them."""
        prefixes = await prefixes_of(context, path)
        requests = [partial(self._of_step, context, prefixes, step, i) for i, step in enumerate(path.steps)]
        return await self._score(context, [*requests, partial(self._of_answer, context, prefixes, answer)])

    async def _of_answer(self, context: TraceContext, prefixes: list[Prefix], answer: str) -> Likelihood:
        close = context.spec.format.close + context.spec.format.cue
        fork = await context.continuation.append_text(prefixes[-1], close)
        text = answer.removeprefix(context.spec.format.cue)
        truth = context.spec.truth_for("answer", tokens_of(prefixes, len(prefixes) - 1))
        return await likelihood(context.continuation, fork, text, truth=truth)

    async def _of_step(self, context: TraceContext, prefixes: list[Prefix], step: str, at: int) -> Likelihood:
        truth = context.spec.truth_for("think", tokens_of(prefixes, at))
        return await likelihood(context.continuation, prefixes[at], step, truth=truth)

    async def _score(self, context: TraceContext, requests: Sequence[Callable[[], Awaitable[Likelihood]]]) -> Scores:
        counts: list[int | None] = []
        numbers: list[float] = []
        with charged_if_lost(context, lambda: _sum(counts)):
            for request in requests:
                try:
                    result = await request()
                except UnreadableScoreError as failure:
                    raise UnreadableScoreError(failure.reason, _sum([*counts, failure.tokens])) from failure
                counts.append(result.tokens)
                numbers.append(self._probability(result.log_probabilities))
        tokens = _sum(counts)
        return Scores(checked_scores(numbers, len(requests), verifier=self.name, sigmoid=None, tokens=tokens), tokens)

    def _probability(self, logs: tuple[float, ...]) -> float:
        whole = math.fsum(logs)
        return math.exp(min(whole / len(logs) if self.per == "token" else whole, 0.0))


def _sum(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(count or 0 for count in counts)
