"""Log-probabilities of a given text after a prefix, token by token, if the server returns them."""

from dataclasses import dataclass
from typing import Any, Protocol, cast

from inspect_ai.model import ChatMessageUser, GenerateConfig, Logprobs

from overthink.collect.providers import timeouts
from overthink.collect.providers.continuation import Continuation, Prefix, TextContinuation, TokenContinuation
from overthink.collect.arms.verifiers.base import UnreadableScoreError
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
    if isinstance(continuation, TextContinuation):
        return
    if isinstance(continuation, TokenContinuation) and hasattr(continuation.model.api, "likelihood"):
        return
    raise InputError(
        "verifier own-probability needs the probabilities of given tokens, which this provider does not tell. Those "
        "that do: overthink/smollm2, overthink/gguf, overthink/simulated, vllm-completions/<model>. Any other model: "
        "--verifier rollouts or judge."
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
    if whole.ids is not None:
        assert prefix.ids is not None
        ids = list(whole.ids[len(prefix.ids) :])
        if not ids:
            raise UnreadableScoreError("the text has no token", 0)
        api = cast("GivesLikelihood", cast("TokenContinuation", continuation).model.api)
        log_probabilities, tokens = await api.likelihood(list(prefix.ids), ids, truth=truth)
        return Likelihood(tuple(log_probabilities), tokens)
    return await _from_prompt(cast("TextContinuation", continuation), prefix.text, whole.text)


async def _from_prompt(continuation: TextContinuation, before: str, whole: str) -> Likelihood:
    """Return the likelihood from prompt log-probabilities, as vLLM servers return them."""
    output = await continuation.model.generate(
        [ChatMessageUser(content=whole)],
        config=GenerateConfig(
            max_tokens=1, temperature=0.0, prompt_logprobs=1, attempt_timeout=timeouts.seconds_for(1)
        ),
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
    return Likelihood(_last_log_probabilities(logprobs, whole, len(whole) - len(before), tokens), tokens)


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
