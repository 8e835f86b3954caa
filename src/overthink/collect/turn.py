"""One turn of an agent loop: one call of the model, and the tool calls that it asked for."""

from collections.abc import Mapping
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ContentText, execute_tools
from inspect_ai.solver import Generate, TaskState
from inspect_ai.tool import ToolFunction

from overthink.collect.loop_books import LoopBooks

MAX_TOOL_OUTPUT = 16 * 1024
"""Most bytes of one text that a tool gives back; Inspect cuts plain texts there, and leaves parts of content whole."""


async def ask(state: TaskState, generate: Generate, settings: Mapping[str, Any], books: LoopBooks) -> bool:
    """Let the model say something. The tool calls that it asks for are not made yet.

    Args:
        state: The conversation, which goes on.
        generate: Inspect's own.
        settings: Settings of the call.
        books: Where it is paid.

    Returns:
        Whether it asks for tool calls.

    Raises:
        Exception: The model gave no answer.
    """
    with books.asking():
        await generate(state, tool_calls="none", **settings)
    if state.output.usage is None:
        books.leave_open()
    if state.output.error or state.output.empty:
        raise RuntimeError(state.output.error or f"{state.model} answered with no choice")
    said = state.messages[-1]
    return isinstance(said, ChatMessageAssistant) and bool(said.tool_calls)


async def call_tools(state: TaskState, settings: Mapping[str, Any], books: LoopBooks) -> None:
    """Make the tool calls that the model has asked for.

    A tool that fails in a way that it has foreseen tells the model so, in its result.

    Args:
        state: The conversation, which goes on.
        settings: Settings of the call that asked for them.
        books: Where it is paid what tools ask of the model themselves.

    Raises:
        Exception: A tool crashed.
    """
    with books.working():
        answers, output = await execute_tools(state.messages, state.tools, settings.get("max_tool_output"))
    state.messages.extend(_bounded(message) for message in answers)
    if output is not None:  # of an agent that the conversation was handed to
        state.output = output
    if isinstance(state.tool_choice, ToolFunction):  # a call that was forced once is not forced again
        state.tool_choice = "auto"


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
