"""How likely a model finds a given text behind a prefix, token by token, as far as its server tells."""

from dataclasses import dataclass
from typing import Any, Protocol, cast

from inspect_ai.model import ChatMessageUser, GenerateConfig, Logprobs

from overthink.collect import patience
from overthink.collect.continuation import Continuation, Prefix, TextContinuation, TokenContinuation
from overthink.collect.verify.verifier import UnreadableScoreError
from overthink.errors import InputError


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What a model says of a given text.

    Attributes:
        log_probabilities: Of its tokens, each given all before it; natural logarithms.
        tokens: Prompt and decoded tokens that asking took; None if the server did not count them.
    """

    log_probabilities: tuple[float, ...]
    tokens: int | None


class GivesLikelihood(Protocol):
    """A provider that reads the probabilities of given tokens."""

    async def likelihood(
        self, prompt: list[int], ids: list[int], *, truth: dict[str, Any] | None
    ) -> tuple[list[float], int]:
        """Log-probabilities of the ids behind the prompt, and the tokens that the requests took."""
        ...


def check_likelihood(continuation: Continuation) -> None:
    """Check that a model can be asked at all.

    Raises:
        InputError: It cannot; the message says which can.
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
    """The log-probabilities of a text behind a prefix.

    Raises:
        InputError: The provider does not tell them.
        UnreadableScoreError: The text has no token, or the server left some of them out.
    """
    check_likelihood(continuation)
    whole = await continuation.append_text(prefix, text)
    if whole.ids is not None:
        assert prefix.ids is not None
        ids = list(whole.ids[len(prefix.ids) :])
        if not ids:
            raise UnreadableScoreError("the text has no token", 0)
        api = cast("GivesLikelihood", cast("TokenContinuation", continuation).model.api)
        found, tokens = await api.likelihood(list(prefix.ids), ids, truth=truth)
        return Likelihood(tuple(found), tokens)
    return await _from_prompt(cast("TextContinuation", continuation), prefix.text, whole.text)


async def _from_prompt(continuation: TextContinuation, before: str, whole: str) -> Likelihood:
    """Read from a prompt: a vLLM server tells the log-probability of each of its tokens."""
    output = await continuation.model.generate(
        [ChatMessageUser(content=whole)],
        config=GenerateConfig(
            max_tokens=1, temperature=0.0, prompt_logprobs=1, attempt_timeout=patience.seconds_for(1)
        ),
        cache=False,
    )
    usage = output.usage
    tokens = None
    if usage is not None:
        tokens = usage.input_tokens + (usage.input_tokens_cache_read or 0) + usage.output_tokens
    told = output.choices[0].prompt_logprobs if output.choices else None
    if told is None:
        raise InputError(
            f"{continuation.model} tells no log-probabilities of its prompt, which own-probability needs; serve it "
            "with vLLM and name it vllm-completions/<model>"
        )
    return Likelihood(_behind(told, whole, len(whole) - len(before), tokens), tokens)


def _behind(told: Logprobs, whole: str, letters: int, tokens: int | None) -> tuple[float, ...]:
    """The log-probabilities of the last tokens, as many as hold the last letters of the text."""
    found: list[float] = []
    held = ""
    for one in reversed(told.content):
        if len(held) >= letters:
            break
        held = one.token + held
        found.append(float(one.logprob))
    if not found or not whole.endswith(held):
        raise UnreadableScoreError("the server's tokens do not spell the text", tokens)
    return tuple(reversed(found))
