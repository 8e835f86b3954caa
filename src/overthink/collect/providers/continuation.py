"""Continue a prefix byte for byte: the only capability that a ladder requires of a provider.

There are three methods. Our own models get exactly the token ids that they produced. So do completions endpoints whose
server takes and returns ids, and others get the raw text; the chat template is rendered by their server
(:mod:`~overthink.collect.providers.servers.completions`). vLLM and SGLang continue a final assistant message
(:mod:`~overthink.collect.providers.chat_prefill`). Other chat endpoints rewrite or refuse a partial answer and cannot
be used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inspect_ai.model import ChatMessage, ChatMessageUser, GenerateConfig, Model, ModelOutput, ModelUsage

from overthink.collect.providers.replies import checked_counts
from overthink.collect.providers.token_ids import DecodedTokens, TokenIds
from overthink.data.tokens import TokenUsage


@dataclass(frozen=True, slots=True)
class Prefix:
    """The model's context so far: as text, and as token ids where the provider uses them."""

    text: str
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One decoded text.

    Attributes:
        text: The decoded text, without a stop string.
        ids: Its token ids, where known.
        tokens: Decoded tokens, as counted by the server.
        is_complete: The model stopped by itself or at a stop string, not at the limit.
        prompt_tokens: Prompt tokens of the request.
        cached_tokens: Prompt tokens read from the server's cache; None if not reported.
        stop: Stop text that ended it; "" for the end of the turn; None if truncated or not reported.
        top: Log-probabilities of the most likely first tokens, in descending order; None if not requested or not
            reported.
    """

    text: str
    ids: tuple[int, ...] | None
    tokens: int
    is_complete: bool
    prompt_tokens: int | None
    cached_tokens: int | None
    stop: str | None = None
    top: tuple[float, ...] | None = None

    @property
    def usage(self) -> TokenUsage:
        """Token usage of its request."""
        return TokenUsage(self.prompt_tokens, self.cached_tokens, decoded_tokens=self.tokens)

    def model_usage(self, thinking_tokens: int | None = None) -> ModelUsage:
        """Return its usage as Inspect states that of a whole reply, for scorers that read it.

        Args:
            thinking_tokens: Tokens of the thinking before it, which are output of that reply; None if unknown: then
                they count as input, as in its own request.
        """
        thinking = thinking_tokens or 0
        prompt, output = max(0, (self.prompt_tokens or 0) - thinking), thinking + self.tokens
        return ModelUsage(
            input_tokens=prompt, output_tokens=output, total_tokens=prompt + output, reasoning_tokens=thinking_tokens
        )


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters of one segment; ``top``: number of most likely tokens with log-probabilities."""

    max_tokens: int
    seed: int
    temperature: float
    top_p: float
    stop: tuple[str, ...] = ()
    top: int = 0


class Continuation(Protocol):
    """Interface of a provider to the ladder.

    Attributes:
        reports_stop: Whether it reports which stop text ended a segment.
    """

    reports_stop: bool

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """The rendered prompt, with the assistant's turn opened."""
        ...

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        """The prefix with text of ours behind it."""
        ...

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        """The prefix with a decoded segment behind it."""
        ...

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode what follows the prefix."""
        ...


async def generate(
    model: Model,
    messages: Sequence[ChatMessage],
    sampling: Sampling,
    *,
    extra_body: dict[str, Any] | None = None,
    read: Callable[[ModelOutput], tuple[str, str | None]] | None = None,
) -> Segment:
    """Decode one segment through Inspect.

    Args:
        model: The model.
        messages: The request's messages.
        sampling: Sampling parameters.
        extra_body: Request fields specific to this kind of server.
        read: Returns decoded text and stop text of an output; None for servers that report them directly.

    Raises:
        RuntimeError: The server returned no answer, stopped for a reason other than an end or the limit, or reported
            impossible counts.
    """
    output = await model.generate(
        list(messages),
        config=GenerateConfig(
            max_tokens=sampling.max_tokens,
            seed=sampling.seed,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            stop_seqs=list(sampling.stop) or None,
            logprobs=True if sampling.top else None,
            top_logprobs=sampling.top or None,
            extra_body=extra_body,
        ),
        cache=False,  # Inspect's cache would answer every draw with the first one
    )
    if output.stop_reason not in ("stop", "max_tokens"):  # the context window, a filter: neither an end nor a budget
        raise RuntimeError(f"{model} stopped because of {output.stop_reason}")
    extra = output.metadata or {}
    ids = extra.get("token_ids")
    text, stop = (output.completion, extra.get("stop")) if read is None else read(output)
    tokens, prompt_tokens = checked_counts(model, output, text, max_tokens=sampling.max_tokens, stop=sampling.stop)
    return Segment(
        text=text,
        ids=None if ids is None else DecodedTokens.of(ids).ids,
        tokens=tokens,
        is_complete=output.stop_reason == "stop",
        prompt_tokens=prompt_tokens,
        cached_tokens=extra.get("cached_tokens"),
        stop=stop,
        top=_top(output) if sampling.top else None,
    )


def _top(output: ModelOutput) -> tuple[float, ...] | None:
    """Return the log-probabilities of the most likely first tokens; None if the server reports none."""
    logprobs = output.choices[0].logprobs
    first = logprobs.content[0].top_logprobs if logprobs is not None and logprobs.content else None
    return tuple(sorted((token.logprob for token in first), reverse=True)) if first else None


class TokenContinuation:
    """Continuation by token ids: exactly the decoded tokens are continued."""

    reports_stop = True

    def __init__(self, model: Model) -> None:
        self.model = model
        self._api: Any = model.api

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """The rendered prompt, with the assistant's turn opened (unless the template has opened it)."""
        prompt = Prefix("", tuple(await self._api.render(messages)))
        prefix = await self.append_text(prompt, opening)
        assert prefix.ids is not None
        assert prompt.ids is not None
        opening_ids = prefix.ids[len(prompt.ids) :]
        return prompt if opening_ids and prompt.ids[-len(opening_ids) :] == opening_ids else prefix

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        """The prefix with text of ours behind it."""
        assert prefix.ids is not None
        ids = tuple(await self._api.tokenize(text)) if text else ()
        return Prefix(prefix.text + text, prefix.ids + ids)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        """The prefix with a decoded segment behind it."""
        assert prefix.ids is not None
        assert segment.ids is not None
        return Prefix(prefix.text + segment.text, prefix.ids + segment.ids)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode what follows the prefix."""
        assert prefix.ids is not None
        metadata: dict[str, Any] = {"prompt_token_ids": TokenIds(prefix.ids)}
        if truth is not None:
            metadata["truth"] = truth
        return await generate(self.model, [ChatMessageUser(content="", metadata=metadata)], sampling)
