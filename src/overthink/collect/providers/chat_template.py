"""Chat rendered by its server's own template: llama.cpp's /apply-template, or vLLM's /tokenize and /detokenize."""

import unicodedata
from dataclasses import dataclass
from typing import Any

from overthink.collect.providers.attempts import repeated
from overthink.collect.providers.requests import JsonClient
from overthink.errors import InputError

NOT_THERE = frozenset({400, 404, 405, 422, 501})
"""Status codes of a missing endpoint, or of one with another meaning."""


class TemplateError(RuntimeError):
    """The server has the endpoint, but its answer is invalid."""


class LostMessageError(TemplateError):
    """The server's answer leaves out what the user says; where it does so twice alike, its template does."""


@dataclass(frozen=True, slots=True)
class RenderedChat:
    """A chat up to the assistant's first token.

    Attributes:
        text: The prompt.
        ids: Its token ids, where the template is applied to tokens (vLLM).
    """

    text: str
    ids: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An endpoint's reply with no rendering.

    Attributes:
        path: The endpoint.
        words: The server's own words; "" if there is no such endpoint.
    """

    path: str
    words: str


async def render_chat(
    root: str, *, key: str | None, model: str, messages: list[dict[str, str]], by_tokens: bool = False
) -> RenderedChat:
    """Return the prompt of a chat, up to the assistant's first token.

    Args:
        root: The server's address.
        key: Its API key, if required.
        model: Name of the model at the server.
        messages: Role and content of each message.
        by_tokens: Whether the server is known to apply its template to tokens, so that nothing else is requested.

    Raises:
        InputError: The server has no endpoint that renders a chat, or the model has no chat template.
        CallError: The endpoint fails, or its answer is invalid.
    """
    client = JsonClient(root, key, accepted=NOT_THERE)
    answers: set[str] = set()

    def is_passing(error: Exception) -> bool:
        if not isinstance(error, LostMessageError):
            return isinstance(error, TemplateError)
        is_new = str(error) not in answers
        answers.add(str(error))
        return is_new

    prompt = await repeated(
        lambda: _request_prompt(client, model, messages, by_tokens=by_tokens),
        server=root,
        max_tokens=0,
        is_passing=is_passing,
    )
    if isinstance(prompt, RenderedChat):
        return prompt
    other = "or compare its own reasoning levels: --efforts low,medium,high."
    if prompt.words:
        raise InputError(
            f"the server at {root} renders no chat template for {model!r}: {prompt.path} says {prompt.words!r}. If the "
            f"model has no template, start the server with one (--chat-template FILE), {other}"
        )
    raise InputError(
        f"the server at {root} renders no chat template: /apply-template (llama.cpp) and /tokenize with /detokenize "
        f"(vLLM) are not there. Serve the model with llama.cpp or vLLM, {other}"
    )


async def _request_prompt(
    client: JsonClient, model: str, messages: list[dict[str, str]], *, by_tokens: bool
) -> RenderedChat | _Refusal:
    path, ids = "/apply-template", None
    body = {"model": model, "messages": messages}
    prompt = _Refusal(path, "") if by_tokens else await _field(client, path, body, "prompt")
    if isinstance(prompt, _Refusal):
        chat = body | {"add_generation_prompt": True}
        tokens = await _field(client, "/tokenize", chat, "tokens")
        if isinstance(tokens, _Refusal):
            return tokens if tokens.words else prompt
        ids = tuple(tokens)
        prompt = await _field(client, "/detokenize", {"model": model, "tokens": tokens}, "prompt")
    if isinstance(prompt, _Refusal):
        return prompt
    lost = [
        m["content"][:60] for m in messages if m["role"] == "user" and _bare(m["content"]) not in _bare(str(prompt))
    ]
    if not isinstance(prompt, str):
        raise TemplateError(f"the server's chat template answered {str(prompt)[:60]!r}; needed: text")
    if lost:
        raise LostMessageError(f"the server's chat template answered {prompt[:60]!r}, which lacks {lost}")
    return RenderedChat(prompt, ids)


async def _field(client: JsonClient, path: str, body: dict[str, Any], name: str) -> Any:
    """Return one field of the answer, or a refusal if the endpoint is missing or means something else."""
    status, reply = await client.post(path, body)
    if status in NOT_THERE:
        return _Refusal(path, _words(status, reply))
    return field_of(reply, name, path)


def _words(status: int, reply: Any) -> str:
    """Return the server's own words on why an existing endpoint refuses; "" for a missing endpoint.

    A model that the server does not have is also a 404, but one about the model.
    """
    error = reply.get("error", reply.get("message")) if isinstance(reply, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    is_missing = status in (404, 405, 501) and "model" not in str(message).lower()
    return "" if is_missing or not isinstance(message, str) else " ".join(message.split())[:200]


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
