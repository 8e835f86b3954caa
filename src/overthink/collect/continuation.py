"""Continue a prefix byte for byte: the one thing a ladder needs from a provider.

Three ways exist. Providers with token ids (our own embedded models) get exactly the ids they produced. Completions
providers get the raw text; the chat template is rendered by their server. vLLM and SGLang go on with a last message of
the assistant (:mod:`~overthink.collect.chat_prefill`). Other chat endpoints rewrite or refuse a partial answer and
cannot be used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inspect_ai.model import ChatMessage, ChatMessageUser, GenerateConfig, Model, ModelOutput

from overthink.collect.patience import seconds_for
from overthink.collect.reply_checks import checked_counts
from overthink.collect.template import rendered
from overthink.errors import InputError


@dataclass(frozen=True, slots=True)
class Prefix:
    """Everything the model has seen so far: as text, and as token ids where the provider speaks them."""

    text: str
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One decoded piece.

    Attributes:
        text: The decoded text, without a stop string.
        ids: Its token ids, where known.
        tokens: Tokens decoded, by the server's own count.
        ended: The model stopped by itself or at a stop string, not at the limit.
        prompt_tokens: Prompt tokens of the request.
        cached_tokens: How many of them came from the server's cache; None if it does not say.
        stop: The stop text that ended it; "" for the end of the turn; None if it was cut or the server does not say.
        top: Log-probabilities of the most likely first tokens, the most likely first; None if they were not asked for
            or the server does not tell them.
    """

    text: str
    ids: tuple[int, ...] | None
    tokens: int
    ended: bool
    prompt_tokens: int | None
    cached_tokens: int | None
    stop: str | None = None
    top: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one segment is drawn; ``top`` asks for the log-probabilities of so many of the most likely tokens."""

    max_tokens: int
    seed: int
    temperature: float
    top_p: float
    stop: tuple[str, ...] = ()
    top: int = 0


class Continuation(Protocol):
    """What the ladder asks of a provider.

    Attributes:
        tells_stop: Whether it says which stop text ended a segment.
    """

    tells_stop: bool

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


def continuation_for(model: Model) -> Continuation:
    """The way to continue a prefix with this model.

    Raises:
        InputError: The provider cannot do it; the message says which can.
    """
    if hasattr(model.api, "render"):
        return TokenContinuation(model)
    provider = str(model).split("/")[0]
    if provider.endswith("-completions"):
        return TextContinuation(model)
    from overthink.collect.chat_prefill import CHAT_SERVERS, ChatPrefill  # it is made of the parts of this file

    if provider in CHAT_SERVERS:
        return ChatPrefill(model, CHAT_SERVERS[provider])
    raise InputError(
        f"{model} cannot continue a prefix token for token, so its thinking cannot be cut at a budget. "
        "Providers that can: overthink/smollm2, overthink/gguf, openai-api-completions/<service>/<model>, "
        "vllm-completions/<model>, vllm/<model>, sglang/<model>. For any other model compare its own reasoning "
        "levels: --efforts low,medium,high."
    )


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
        messages: What it is sent.
        sampling: How to draw.
        extra_body: Fields of the request that only this kind of server knows.
        read: What was decoded and what stopped it, read from the output; None for servers that give it as it is.

    Raises:
        RuntimeError: The server gave no answer, stopped for a reason that is neither an end nor the limit, or its
            answer cannot be true.
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
            attempt_timeout=seconds_for(sampling.max_tokens),
        ),
        cache=False,  # Inspect's cache would answer every draw with the first one
    )
    if output.error or not output.choices:
        raise RuntimeError(output.error or f"{model} answered with no choice")
    if output.stop_reason not in ("stop", "max_tokens"):  # the context window, a filter: neither an end nor a budget
        raise RuntimeError(f"{model} stopped because of {output.stop_reason}")
    extra = output.metadata or {}
    ids = extra.get("token_ids")
    text, stop = (output.completion, extra.get("stop")) if read is None else read(output)
    tokens, prompt_tokens = checked_counts(model, output, text, max_tokens=sampling.max_tokens, stop=sampling.stop)
    return Segment(
        text=text,
        ids=None if ids is None else tuple(ids),
        tokens=tokens,
        ended=output.stop_reason == "stop",
        prompt_tokens=prompt_tokens,
        cached_tokens=extra.get("cached_tokens"),
        stop=stop,
        top=_top(output) if sampling.top else None,
    )


def _top(output: ModelOutput) -> tuple[float, ...] | None:
    """Log-probabilities of the most likely first tokens; None where the server tells none."""
    told = output.choices[0].logprobs
    first = told.content[0].top_logprobs if told is not None and told.content else None
    return tuple(sorted((one.logprob for one in first), reverse=True)) if first else None


class TokenContinuation:
    """Through token ids: what was decoded is exactly what is continued."""

    tells_stop = True

    def __init__(self, model: Model) -> None:
        self.model = model
        self._api: Any = model.api

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """The rendered prompt, with the assistant's turn opened (unless the template has opened it)."""
        prompt = Prefix("", tuple(await self._api.render(messages)))
        opened = await self.append_text(prompt, opening)
        assert opened.ids is not None
        assert prompt.ids is not None
        added = opened.ids[len(prompt.ids) :]
        return prompt if added and prompt.ids[-len(added) :] == added else opened

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
        metadata: dict[str, Any] = {"prompt_token_ids": list(prefix.ids)}
        if truth is not None:
            metadata["truth"] = truth
        return await generate(self.model, [ChatMessageUser(content="", metadata=metadata)], sampling)


class TextContinuation:
    """Through raw text, for completions endpoints. The server renders the chat template."""

    tells_stop = False

    def __init__(self, model: Model) -> None:
        self.model = model
        base_url = str(getattr(model.api, "base_url", None) or "")
        self._root = base_url.rstrip("/").removesuffix("/v1")

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """The rendered prompt, with the assistant's turn opened (unless the template has opened it)."""
        chat = [{"role": message.role, "content": message.text} for message in messages]
        key = getattr(self.model.api, "api_key", None)
        text = await rendered(self._root, key=key, model=str(self.model.name), messages=chat)
        already_open = bool(opening.strip()) and text.rstrip().endswith(opening.strip())
        return Prefix(text if already_open else text + opening)

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        """The prefix with text of ours behind it."""
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        """The prefix with a decoded segment behind it."""
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode what follows the prefix."""
        return await generate(self.model, [ChatMessageUser(content=prefix.text)], sampling)
