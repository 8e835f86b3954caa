"""Continue a final assistant message (prefill) through a chat endpoint: vLLM and SGLang.

Inspect's own providers send such a message with ``continue_final_message``; it must be one string, because lists of
content are joined with line breaks. Two faults of a server are detected here: a chat template that trims or rewrites
the message (checked with vLLM's own rendering; SGLang appends the message to the rendered prompt unchanged), and a
reasoning parser that splits the reply.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, Model, ModelOutput

from overthink.collect.providers.chat_template import NOT_THERE, field_of
from overthink.collect.providers.continuation import Prefix, Sampling, Segment, generate
from overthink.collect.providers.requests import JsonClient
from overthink.collect.providers.servers.description import describe
from overthink.errors import InputError

SERVER_FIELDS = ("reasoning_content", "reasoning")
"""Reply fields of a server's reasoning parser; Inspect records the source field of reasoning."""


@dataclass(frozen=True, slots=True)
class ChatServer:
    """Request fields and guarantees of one kind of server.

    Attributes:
        extra_body: Fields of every request: the stop text is included, to distinguish it from an end of turn, and the
            reasoning parser is switched off where possible.
        templates_the_prefix: The chat template is applied to the last message, and may rewrite it.
        parses_exactly: The reasoning returned by its parser is the reply, byte for byte.
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
"""Chat servers by Inspect provider."""


@dataclass(frozen=True, slots=True)
class ChatPrefix(Prefix):
    """Prefix of a chat: the assistant's text, the messages before it, and the text that opens the turn."""

    messages: tuple[ChatMessage, ...] = ()
    opening: str = ""


@dataclass
class ChatPrefill:
    """Continuation through a chat endpoint. One instance serves all traces of a model: the server is checked once.

    Attributes:
        model: The model.
        server: Its kind of server.
    """

    model: Model
    server: ChatServer
    _passed_checks: set[str] = field(default_factory=set)
    reports_stop = True

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """Return the messages with the assistant's turn opened; a partial answer of the task is continued.

        Raises:
            InputError: The server's chat template changes the opened turn.
        """
        partial = messages[-1].text if messages and messages[-1].role == "assistant" else ""
        before = messages[:-1] if messages and messages[-1].role == "assistant" else messages
        prefix = ChatPrefix(partial + opening, messages=tuple(before), opening=opening)
        await self._check("opened", prefix)
        return prefix

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        """Return the prefix with a text appended.

        Raises:
            InputError: The server's chat template changes it.
        """
        longer = replace(prefix, text=prefix.text + text)
        await self._check("closed", longer)
        return longer

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        """Return the prefix with a decoded segment appended."""
        return replace(prefix, text=prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode the continuation of a prefix.

        Raises:
            RuntimeError: The reply was split by a reasoning parser, so the decoded text is unknown.
        """
        assert isinstance(prefix, ChatPrefix)
        last = [ChatMessageAssistant(content=prefix.text)] if prefix.text else []
        return await generate(
            self.model,
            [*prefix.messages, *last],
            sampling,
            extra_body=dict(self.server.extra_body),  # a copy: the providers modify it
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

    async def _check(self, check: str, prefix: Prefix) -> None:
        """Check once that the server's chat template preserves a prefix byte for byte."""
        assert isinstance(prefix, ChatPrefix)
        if not self.server.templates_the_prefix or not prefix.text or check in self._passed_checks:
            return
        prompt = await self._render(prefix, prefix.text)
        without_last = await self._render(prefix, None)
        head = prompt.removesuffix(prefix.text)
        if len(head) == len(prompt) or not without_last.startswith(head):
            raise InputError(
                f"{self.model}: the server's chat template does not keep a begun answer byte for byte. Seen: a prompt "
                f"that ends with {prompt[-60:]!r}; needed: one that ends with {prefix.text[-60:]!r}, nothing else "
                f"between it and the question. {self._alternatives()}"
            )
        own = without_last[len(head) :].strip()  # the template's own opening of a turn, replaced by ours
        if own not in ("", prefix.opening.strip()):
            raise InputError(
                f"{self.model}: the server's chat template begins every answer with {own!r}, and this study with "
                f"{prefix.opening!r}. Choose the think format that begins so (--think). {self._alternatives()}"
            )
        self._passed_checks.add(check)

    async def _render(self, prefix: ChatPrefix, last_message: str | None) -> str:
        """Return the prompt rendered by vLLM, with a final assistant message or ready for one."""
        address = (await describe(self.model)).address
        messages = [{"role": message.role, "content": message.text} for message in prefix.messages]
        messages += [] if last_message is None else [{"role": "assistant", "content": last_message}]
        body = {
            "model": address.name,
            "messages": messages,
            "add_generation_prompt": last_message is None,
            "continue_final_message": last_message is not None,
        }
        client = JsonClient(address.root, address.key, accepted=NOT_THERE)
        path = "/tokenize"
        status, reply = await client.post(path, body)
        if status not in NOT_THERE:
            path, tokens = "/detokenize", {"model": body["model"], "tokens": field_of(reply, "tokens", path)}
            status, reply = await client.post(path, tokens)
        if status in NOT_THERE:
            raise InputError(
                f"{self.model}: the server cannot say whether its chat template keeps a begun answer (status "
                f"{status} from {path}: {str(reply)[:200]}). {self._alternatives()}"
            )
        return str(field_of(reply, "prompt", path))

    def _alternatives(self) -> str:
        return (
            f"Use the same server's completions endpoint, vllm-completions/{self.model.name}, or compare the model's "
            "own reasoning levels: --efforts low,medium,high."
        )


def _without_stop(text: str, stops: Sequence[str]) -> tuple[str, str]:
    """Return the text before the stop text that the server includes, and that stop text; "" for an end of turn."""
    for stop in stops:
        if text.endswith(stop):
            return text.removesuffix(stop), stop
    return text, ""
