"""Chat rendered by its server's own template: llama.cpp's /apply-template, or vLLM's /tokenize and /detokenize."""

import unicodedata
from typing import Any

from overthink.collect.providers.attempts import repeated
from overthink.collect.providers.requests import JsonClient
from overthink.errors import InputError

NOT_THERE = frozenset({400, 404, 405, 422, 501})
"""Status codes of a missing endpoint, or of one with another meaning."""


class TemplateError(RuntimeError):
    """The server has the endpoint, but its answer is invalid."""


async def render_chat(root: str, *, key: str | None, model: str, messages: list[dict[str, str]]) -> str:
    """Return the prompt of a chat, up to the assistant's first token.

    Args:
        root: The server's address.
        key: Its API key, if required.
        model: Name of the model.
        messages: Role and content of each message.

    Raises:
        InputError: The server has no endpoint that renders a chat.
        CallError: The endpoint fails, or its answer is invalid.
    """
    client = JsonClient(root, key, accepted=NOT_THERE)
    prompt = await repeated(
        lambda: _request_prompt(client, model, messages),
        server=root,
        max_tokens=0,
        is_passing=lambda error: isinstance(error, TemplateError),
    )
    if prompt is None:
        raise InputError(
            f"the server at {root} renders no chat template: /apply-template (llama.cpp) and /tokenize with "
            "/detokenize (vLLM) are not there. Serve the model with llama.cpp or vLLM, or compare its own reasoning "
            "levels: --efforts low,medium,high."
        )
    return prompt


async def _request_prompt(client: JsonClient, model: str, messages: list[dict[str, str]]) -> str | None:
    prompt = await _field(client, "/apply-template", {"messages": messages}, "prompt")
    if prompt is None:
        chat = {"model": model, "messages": messages, "add_generation_prompt": True}
        tokens = await _field(client, "/tokenize", chat, "tokens")
        if tokens is None:
            return None
        prompt = await _field(client, "/detokenize", {"model": model, "tokens": tokens}, "prompt")
    if prompt is None:
        return None
    lost = [
        m["content"][:60] for m in messages if m["role"] == "user" and _bare(m["content"]) not in _bare(str(prompt))
    ]
    if not isinstance(prompt, str) or lost:
        raise TemplateError(f"the server's chat template answered {str(prompt)[:60]!r}, which lacks {lost}")
    return prompt


async def _field(client: JsonClient, path: str, body: dict[str, Any], name: str) -> Any:
    """Return one field of the answer; None if the server has no such endpoint."""
    status, reply = await client.post(path, body)
    if status in NOT_THERE:
        return None
    return field_of(reply, name, path)


def field_of(reply: Any, name: str, path: str) -> Any:
    """Return one field of an answer.

    Raises:
        TemplateError: It has none.
    """
    value = reply.get(name) if isinstance(reply, dict) else None
    if value is None:
        raise TemplateError(f"{path} answered {str(reply)[:60]!r}; needed: JSON with {name!r}")
    return value


def _bare(text: str) -> str:
    """Return the NFKC-normalised text without white space, for comparison across templates and tokenizers."""
    return "".join(unicodedata.normalize("NFKC", text).split())
