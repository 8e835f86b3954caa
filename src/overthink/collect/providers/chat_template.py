"""Chat rendered by its server's own template: llama.cpp's /apply-template, or vLLM's /tokenize and /detokenize."""

import ssl
import unicodedata
from functools import cache
from typing import Any

import anyio
import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from overthink.collect.providers import timeouts
from overthink.errors import InputError

_NOT_THERE = {400, 404, 405, 422, 501}
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
        TemplateError: The endpoint fails or its answer is invalid.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    trying = AsyncRetrying(
        stop=stop_after_attempt(timeouts.TRIES),
        wait=wait_exponential(multiplier=timeouts.PAUSE),
        retry=retry_if_exception_type((TemplateError, httpx.TransportError, TimeoutError)),
        reraise=True,
    )
    async with httpx.AsyncClient(base_url=root, headers=headers, timeout=timeouts.SECONDS, verify=tls()) as client:
        async for attempt in trying:
            with attempt, anyio.fail_after(timeouts.SECONDS):
                prompt = await _request_prompt(client, model, messages)
    if prompt is None:
        raise InputError(
            f"the server at {root} renders no chat template: /apply-template (llama.cpp) and /tokenize with "
            "/detokenize (vLLM) are not there. Serve the model with llama.cpp or vLLM, or compare its own reasoning "
            "levels: --efforts low,medium,high."
        )
    return prompt


async def _request_prompt(client: httpx.AsyncClient, model: str, messages: list[dict[str, str]]) -> str | None:
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


async def _field(client: httpx.AsyncClient, path: str, body: dict[str, Any], name: str) -> Any:
    """Return one field of the answer; None if the server has no such endpoint."""
    reply = await client.post(path, json=body)
    if reply.status_code in _NOT_THERE:
        return None
    if not reply.is_success:
        raise TemplateError(f"{path} answered with status {reply.status_code}")
    try:
        value = reply.json()[name]
    except (ValueError, LookupError, TypeError):
        value = None
    if value is None:
        raise TemplateError(f"{path} answered {reply.text[:60]!r}; needed: JSON with {name!r}")
    return value


@cache
def tls() -> ssl.SSLContext:
    """Return the shared TLS context of all clients: loading the certificates takes longer than a small request."""
    return ssl.create_default_context()


def _bare(text: str) -> str:
    """Return the NFKC-normalised text without white space, for comparison across templates and tokenizers."""
    return "".join(unicodedata.normalize("NFKC", text).split())
