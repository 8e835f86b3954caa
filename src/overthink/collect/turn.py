"""One turn of an agent loop: one call of the model, and the tool calls that it asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ContentText, ModelUsage
from inspect_ai.model._model import sample_model_usage
from inspect_ai.solver import Generate, TaskState
from inspect_ai.tool import ToolFunction

from overthink.collect.replay import evaluated_model

MAX_TOOL_OUTPUT = 16 * 1024
"""Most bytes of one text that a tool gives back; Inspect cuts plain texts there, and leaves parts of content whole."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn took of the model under test, its tools' own calls of it included. None is unknown.

    Attributes:
        output: Output tokens, with or without the thinking, by provider.
        thinking: Reasoning tokens.
        prompt: Prompt tokens, cached ones included.
        cached: Prompt tokens from a cache.
        called: The model called tools.
    """

    output: int | None
    thinking: int | None
    prompt: int | None
    cached: int | None
    called: bool


async def take_turn(state: TaskState, generate: Generate, settings: Mapping[str, Any]) -> Turn:
    """Let the model say something, and make the tool calls that it asks for.

    A tool that fails in a way that it has foreseen tells the model so, in its result.

    Args:
        state: The conversation, which goes on.
        generate: Inspect's own.
        settings: Settings of the call.

    Raises:
        Exception: The model gave no answer, or a tool crashed.
    """
    before, asked = _used(), len(state.messages)
    await generate(state, tool_calls="single", **settings)
    if state.output.error or state.output.empty:
        raise RuntimeError(state.output.error or f"{state.model} answered with no choice")
    state.messages[asked + 1 :] = [_bounded(message) for message in state.messages[asked + 1 :]]
    if isinstance(state.tool_choice, ToolFunction):  # a call that was forced once is not forced again
        state.tool_choice = "auto"
    said = state.messages[asked]
    called = isinstance(said, ChatMessageAssistant) and bool(said.tool_calls)
    return _taken(before, _used(), known=state.output.usage is not None, called=called)


def _bounded(message: ChatMessage) -> ChatMessage:
    """A tool's answer with texts of bearable length. Plain texts were cut by Inspect."""
    if not isinstance(message, ChatMessageTool) or isinstance(message.content, str):
        return message
    parts = [
        part.model_copy(update={"text": _cut(part.text)}) if isinstance(part, ContentText) else part
        for part in message.content
    ]
    return message.model_copy(update={"content": parts})


def _cut(text: str) -> str:
    seen = text.encode()
    if len(seen) <= MAX_TOOL_OUTPUT:
        return text
    half = MAX_TOOL_OUTPUT // 2
    start, end = (part.decode(errors="ignore") for part in (seen[:half], seen[-half:]))
    return f"{start}\n… {len(seen) - 2 * half:,} bytes left out …\n{end}"


def _used() -> ModelUsage:
    """What this sample has used of the model under test so far."""
    return sample_model_usage().get(str(evaluated_model()), ModelUsage())


def _taken(before: ModelUsage, after: ModelUsage, *, known: bool, called: bool) -> Turn:
    if not known:
        return Turn(None, None, None, None, called)

    def more(name: str) -> int | None:
        now = getattr(after, name)
        return None if now is None else now - (getattr(before, name) or 0)

    cached = more("input_tokens_cache_read")
    prompt = (more("input_tokens") or 0) + (cached or 0) + (more("input_tokens_cache_write") or 0)
    return Turn(more("output_tokens"), more("reasoning_tokens"), prompt, cached, called)
