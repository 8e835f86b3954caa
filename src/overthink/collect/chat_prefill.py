"""Continue a last message of the assistant through a chat endpoint: vLLM and SGLang.

Inspect's own providers send such a message with ``continue_final_message``; it must be one string, because lists of
content are joined with line breaks. What can go wrong is on the server, and is found here: a chat template that trims
or rewrites the message (asked of vLLM, which renders it for us; SGLang puts the message behind the rendered prompt as
it is), and a reasoning parser that takes the reply apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from inspect_ai.model import ChatMessage, ChatMessageAssistant, Model, ModelOutput

from overthink.collect.continuation import Prefix, Sampling, Segment, generate
from overthink.errors import InputError

SERVER_FIELDS = ("reasoning_content", "reasoning")
"""Where a server's reasoning parser puts text; Inspect names the field it came from."""


@dataclass(frozen=True, slots=True)
class ChatServer:
    """What one kind of server must be told, and what can be trusted.

    Attributes:
        extra_body: Fields of every request: the stop text is shown, so that an end of turn is told from it, and the
            reply is not taken apart where that can be switched off.
        templates_the_prefix: The chat template sees the last message, and may rewrite it.
        parses_exactly: What its reasoning parser calls reasoning is the reply, byte for byte.
    """

    extra_body: dict[str, Any]
    templates_the_prefix: bool
    parses_exactly: bool


CHAT_SERVERS = {
    "vllm": ChatServer({"include_stop_str_in_output": True}, templates_the_prefix=True, parses_exactly=True),
    "sglang": ChatServer(
        {"no_stop_trim": True, "separate_reasoning": False}, templates_the_prefix=False, parses_exactly=False
    ),
}
"""By Inspect provider."""


@dataclass(frozen=True, slots=True)
class ChatPrefix(Prefix):
    """The text is the assistant's; the messages before it, and what we opened the turn with, are kept beside it."""

    messages: tuple[ChatMessage, ...] = ()
    opening: str = ""


@dataclass
class ChatPrefill:
    """A ladder through a chat endpoint. One object serves every trace of a model: it asks once how prefixes are kept.

    Attributes:
        model: The model.
        server: Its kind of server.
    """

    model: Model
    server: ChatServer
    _kept: set[str] = field(default_factory=set)
    tells_stop = True

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """The messages, with the assistant's turn opened. An answer that the task has begun is gone on with.

        Raises:
            InputError: The server's chat template does not keep the opened turn.
        """
        begun = messages[-1].text if messages and messages[-1].role == "assistant" else ""
        before = messages[:-1] if messages and messages[-1].role == "assistant" else messages
        prefix = ChatPrefix(begun + opening, messages=tuple(before), opening=opening)
        await self._check("opened", prefix)
        return prefix

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        """The prefix with text of ours behind it.

        Raises:
            InputError: The server's chat template does not keep it.
        """
        longer = replace(prefix, text=prefix.text + text)
        await self._check("closed", longer)
        return longer

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        """The prefix with a decoded segment behind it."""
        return replace(prefix, text=prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode what follows the prefix.

        Raises:
            RuntimeError: The reply was taken apart, so that the text that was decoded is not known.
        """
        assert isinstance(prefix, ChatPrefix)
        last = [ChatMessageAssistant(content=prefix.text)] if prefix.text else []
        return await generate(
            self.model,
            [*prefix.messages, *last],
            sampling,
            extra_body=dict(self.server.extra_body),  # a copy: the providers write into it
            read=lambda output: self._read(output, sampling.stop),
        )

    def _read(self, output: ModelOutput, stops: Sequence[str]) -> tuple[str, str | None]:
        content = output.message.content
        if isinstance(content, str):
            return _without_stop(content, stops) if output.stop_reason == "stop" else (content, None)
        reasoning = [part for part in content if part.type == "reasoning"]
        text = "".join(part.text for part in content if part.type == "text")
        if not reasoning:
            return text, None
        ours = all(str(part.internal) in SERVER_FIELDS for part in reasoning)
        if text or len(reasoning) > 1 or not (ours and self.server.parses_exactly):
            raise RuntimeError(
                f"{self.model}: the reply came back taken apart into reasoning and answer, so its exact text is not "
                "known. Start the server without a reasoning parser, or use its completions endpoint: "
                f"vllm-completions/{self.model.name} or openai-api-completions/<service>/{self.model.name}"
            )
        return reasoning[0].reasoning, None

    async def _check(self, what: str, prefix: Prefix) -> None:
        """See once that the server's chat template keeps a prefix byte for byte."""
        assert isinstance(prefix, ChatPrefix)
        if not self.server.templates_the_prefix or not prefix.text or what in self._kept:
            return
        asked = await self._rendered(prefix, prefix.text)
        plain = await self._rendered(prefix, None)
        head = asked.removesuffix(prefix.text)
        if len(head) == len(asked) or not plain.startswith(head):
            raise InputError(
                f"{self.model}: the server's chat template does not keep a begun answer byte for byte. Seen: a prompt "
                f"that ends with {asked[-60:]!r}; needed: one that ends with {prefix.text[-60:]!r}, nothing else "
                f"between it and the question. {self._instead()}"
            )
        own = plain[len(head) :].strip()  # what the template opens a turn with: ours stands in its place
        if own not in ("", prefix.opening.strip()):
            raise InputError(
                f"{self.model}: the server's chat template begins every answer with {own!r}, and this study with "
                f"{prefix.opening!r}. Choose the think format that begins so (--think). {self._instead()}"
            )
        self._kept.add(what)

    async def _rendered(self, prefix: ChatPrefix, last: str | None) -> str:
        """The prompt as vLLM would make it, with a last message of the assistant or ready for one."""
        api: Any = self.model.api
        await api._ensure_server_started()  # a private name: only then does the provider know its address
        messages = [{"role": message.role, "content": message.text} for message in prefix.messages]
        messages += [] if last is None else [{"role": "assistant", "content": last}]
        body = {
            "model": api.service_model_name(),
            "messages": messages,
            "add_generation_prompt": last is None,
            "continue_final_message": last is not None,
        }
        root = str(api.base_url).rstrip("/").removesuffix("/v1")
        headers = {"Authorization": f"Bearer {api.api_key}"} if api.api_key else {}
        async with httpx.AsyncClient(base_url=root, headers=headers, timeout=60) as client:
            reply = await client.post("/tokenize", json=body)
            if reply.is_success:
                tokens = {"model": body["model"], "tokens": reply.json()["tokens"]}
                reply = await client.post("/detokenize", json=tokens)
        if not reply.is_success:
            raise InputError(
                f"{self.model}: the server cannot say whether its chat template keeps a begun answer (status "
                f"{reply.status_code} from {reply.request.url.path}: {reply.text[:200]}). {self._instead()}"
            )
        return str(reply.json()["prompt"])

    def _instead(self) -> str:
        return (
            f"Use the same server's completions endpoint, vllm-completions/{self.model.name}, or compare the model's "
            "own reasoning levels: --efforts low,medium,high."
        )


def _without_stop(text: str, stops: Sequence[str]) -> tuple[str, str]:
    """The text before the stop text that the server shows, and that stop text; "" where the turn was ended."""
    for stop in stops:
        if text.endswith(stop):
            return text.removesuffix(stop), stop
    return text, ""
