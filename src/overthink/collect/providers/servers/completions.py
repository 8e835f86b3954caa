"""Continuation through a completions endpoint: by token ids if its server takes and returns them, else by raw text.

Which of the two is found out once per server, by one request of one token, before the first trace.
"""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from inspect_ai.model import ChatMessage, ChatMessageUser, Model

from overthink.collect.providers.attempts import CallError
from overthink.collect.providers.chat_template import NOT_THERE, RenderedChat
from overthink.collect.providers.continuation import Prefix, Sampling, Segment, generate
from overthink.collect.providers.replies import ReplyError
from overthink.collect.providers.requests import JsonClient
from overthink.collect.providers.servers.address import ServerAddress
from overthink.collect.providers.servers.description import describe, running_description
from overthink.collect.providers.servers.dialect import ServerTokens, Vllm, dialect_of, rendered_chat, return_ids
from overthink.errors import InputError

PROBE = (ChatMessageUser(content="Hello"),)
"""Chat of the request that shows whether a server takes and returns token ids."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A completions endpoint after its check.

    Attributes:
        address: Address of the server.
        tokens: Its tokenizer; None if it is continued by text.
    """

    address: ServerAddress
    tokens: ServerTokens | None


_checked: WeakKeyDictionary[Any, Endpoint] = WeakKeyDictionary()


async def checked_endpoint(model: Model) -> Endpoint:
    """Return the endpoint of a model, which is checked at the first call.

    Raises:
        InputError: The server cannot be used; the message says what to change.
        CallError: It does not answer.
    """
    if model.api not in _checked:
        address = (await describe(model)).address
        rendered = await rendered_chat(address, PROBE)
        tokens = ServerTokens(address, dialect_of(rendered))
        _checked[model.api] = Endpoint(address, tokens if await _takes_ids(tokens, rendered) else None)
    return _checked[model.api]


def forget_endpoint(model: Model) -> None:
    """Forget the check of a model's server, so that the next call repeats it."""
    _checked.pop(model.api, None)


def server_tokens(model: Model) -> ServerTokens | None:
    """Return the tokenizer of a model's server; None before it was reached, or if its software is not known."""
    endpoint, description = _checked.get(model.api), running_description(model)
    if endpoint is not None:
        return endpoint.tokens
    if description is None or description.software != "vllm":
        return None
    return ServerTokens(description.address, Vllm())  # through the chat endpoint


def endpoint_way(model: Model) -> str | None:
    """Return how a model's server is continued, in words; None before its check."""
    if (endpoint := _checked.get(model.api)) is None:
        return None
    if endpoint.tokens is None:
        return "continued by text, because the server does not return token ids"
    return f"continued by token ids ({endpoint.tokens.dialect.software}): exactly what was decoded"


async def _takes_ids(tokens: ServerTokens, chat: RenderedChat) -> bool:
    """Return whether a server takes the token ids of a chat unchanged, and returns those that it decodes behind it."""
    try:
        ids = chat.ids or await tokens.of(chat.text, begin=True)
    except CallError as error:
        if error.status in NOT_THERE:
            return False
        raise
    body = {"model": tokens.address.name, "prompt": list(ids), "max_tokens": 1, "temperature": 0.0}
    client = JsonClient(tokens.address.root, tokens.address.key, accepted=NOT_THERE)
    status, reply = await client.post("/v1/completions", body | tokens.dialect.extra_body)
    if status in NOT_THERE or not isinstance(reply, dict) or not reply.get("choices"):
        return False
    decoded, usage = tokens.dialect.read(reply), reply.get("usage") or {}
    return decoded is not None and (usage.get("prompt_tokens"), usage.get("completion_tokens")) == (
        len(ids),
        len(decoded.ids),
    )


class CompletionsContinuation:
    """Continuation through a completions endpoint; the server renders the chat template.

    Attributes:
        model: The model.
        reports_stop: Whether the server reports which stop text ended a segment: with token ids, after the start.
    """

    reports_stop = False

    def __init__(self, model: Model) -> None:
        self.model = model
        self._endpoint: Endpoint | None = None

    async def open(self) -> Endpoint:
        """Return the server's endpoint; raises as :func:`checked_endpoint`."""
        self._endpoint = await checked_endpoint(self.model)
        self.reports_stop = self._endpoint.tokens is not None
        return self._endpoint

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """Return the rendered prompt, with the assistant's turn opened (unless the template has opened it).

        Raises:
            InputError: The server cannot be used.
            CallError: It does not answer.
        """
        endpoint = await self.open()
        if endpoint.tokens is None:
            text, ids = (await rendered_chat(endpoint.address, messages)).text, None
        else:
            text, ids = await endpoint.tokens.render(messages)
        already_open = bool(opening.strip()) and text.rstrip().endswith(opening.strip())
        prompt = Prefix(text, ids)
        return prompt if already_open else await self.append_text(prompt, opening)

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        """Return the prefix with text of ours behind it."""
        if prefix.ids is None:
            return Prefix(prefix.text + text)
        return Prefix(prefix.text + text, prefix.ids + await self._tokens.of(text))

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        """Return the prefix with a decoded segment behind it.

        Raises:
            InputError: The segment is token ids, and the server is continued by text.
        """
        if prefix.ids is None:
            if segment.ids is not None:  # of a stored trace, and their text is unknown
                raise InputError(
                    f"{self.model}: the stored thinking is token ids, which the server does not take any more. Start "
                    "the server as it was when the study was begun."
                )
            return Prefix(prefix.text + segment.text)
        assert segment.ids is not None
        return Prefix(prefix.text + segment.text, prefix.ids + segment.ids)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode what follows the prefix.

        Raises:
            RuntimeError: The server returned no token ids, as it did before, or others than it decoded.
        """
        message = raw_prompt_message(prefix)
        if prefix.ids is None:
            return await generate(self.model, [message], sampling)
        tokens = self._tokens
        return_ids(self.model.api, tokens)
        segment = await generate(self.model, [message], sampling, extra_body=dict(tokens.dialect.extra_body))
        if segment.ids is None:
            raise RuntimeError(f"{self.model}: the server returned no token ids, as it did when it was checked")
        if not segment.is_complete and len(segment.ids) != segment.tokens:  # a part of the thinking would be lost
            raise ReplyError(f"the server returned {len(segment.ids)} token ids of {segment.tokens} decoded tokens")
        return segment

    @property
    def _tokens(self) -> ServerTokens:
        assert self._endpoint is not None
        assert self._endpoint.tokens is not None
        return self._endpoint.tokens


def raw_prompt_message(prefix: Prefix) -> ChatMessageUser:
    """Return the message that Inspect's completions providers send as a raw prompt: as ids where they are known."""
    if prefix.ids is None:
        return ChatMessageUser(content=prefix.text)
    return ChatMessageUser(content="", metadata={"prompt_token_ids": list(prefix.ids)})
