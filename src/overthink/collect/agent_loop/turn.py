"""One turn of an agent loop: one model call, and its tool calls."""

from collections.abc import Mapping
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ContentText, execute_tools
from inspect_ai.solver import Generate, TaskState
from inspect_ai.tool import ToolFunction

from overthink.collect.agent_loop.accounting import LoopAccounting

MAX_TOOL_OUTPUT = 16 * 1024
"""Maximum bytes of one tool output; Inspect cuts plain texts at this limit, but not content parts."""


async def ask(state: TaskState, generate: Generate, settings: Mapping[str, Any], books: LoopAccounting) -> bool:
    """Call the model once, without executing its tool calls.

    Args:
        state: The conversation, which is extended.
        generate: Inspect's `generate`.
        settings: Settings of the call.
        books: Accounting of the loop.

    Returns:
        Whether the model requests tool calls.

    Raises:
        Exception: The model gave no answer.
    """
    with books.asking():
        await generate(state, tool_calls="none", **settings)
    if state.output.usage is None:
        books.mark_uncounted()
    if state.output.error or state.output.empty:
        raise RuntimeError(state.output.error or f"{state.model} answered with no choice")
    message = state.messages[-1]
    return isinstance(message, ChatMessageAssistant) and bool(message.tool_calls)


async def call_tools(state: TaskState, settings: Mapping[str, Any], books: LoopAccounting) -> None:
    """Execute the tool calls that the model has requested.

    An expected failure of a tool is returned to the model as its result.

    Args:
        state: The conversation, which is extended.
        settings: Settings of the call that requested them.
        books: Accounting of the tools' own model calls.

    Raises:
        Exception: A tool crashed.
    """
    with books.working():
        answers, output = await execute_tools(state.messages, state.tools, settings.get("max_tool_output"))
    state.messages.extend(_limit_texts(message) for message in answers)
    if output is not None:  # output of an agent after a handoff
        state.output = output
    if isinstance(state.tool_choice, ToolFunction):  # a forced call is forced only once
        state.tool_choice = "auto"


def _limit_texts(message: ChatMessage) -> ChatMessage:
    """Return a tool message with content parts cut to the maximum length. Plain texts were cut by Inspect."""
    if not isinstance(message, ChatMessageTool) or isinstance(message.content, str):
        return message
    parts = [
        part.model_copy(update={"text": _cut(part.text)}) if isinstance(part, ContentText) else part
        for part in message.content
    ]
    return message.model_copy(update={"content": parts})


def _cut(text: str) -> str:
    data = text.encode()
    if len(data) <= MAX_TOOL_OUTPUT:
        return text
    half = MAX_TOOL_OUTPUT // 2
    start, end = (part.decode(errors="ignore") for part in (data[:half], data[-half:]))
    return f"{start}\n… {len(data) - 2 * half:,} bytes left out …\n{end}"
