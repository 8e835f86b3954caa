"""What a server says of the model behind it, so that two servers can be compared: the name alone says little."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatMessageUser, Model

from overthink.collect.providers.attempts import CallError
from overthink.collect.providers.chat_template import TemplateError
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.requests import JsonClient
from overthink.collect.providers.servers.address import ServerAddress, json_of
from overthink.collect.providers.servers.completions import CompletionsContinuation, checked_endpoint
from overthink.collect.providers.servers.description import UNREACHED, describe
from overthink.collect.providers.servers.dialect import rendered_chat
from overthink.data.visible import visible
from overthink.errors import InputError

_WEIGHTS = ("ftype", "n_params", "size", "n_vocab", "n_embd", "n_ctx_train")
"""What llama.cpp says of its weights."""

_CHAT = (ChatMessageUser(content="Say 3 words, e.g. naïve café 你好 🙂"),)

_TEXT = "The 12,345 naïve cafés\n\tof 北京 said: <think>¿?</think> 🙂"

_DATES = re.compile(
    r"\d+|\b(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun))[a-z]*\b"
)
"""What a template that states the date changes from day to day."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """A server as far as it can be told from others.

    Attributes:
        model: Names and values that another server of the same model has, too.
        version: Version of its software; None if it does not say.
    """

    model: dict[str, str]
    version: str | None


async def server_identity(model: Model) -> ServerIdentity:
    """Return the identity of a model's server.

    Raises:
        InputError: The server cannot be used.
        CallError: It does not answer.
    """
    description = await describe(model)
    address, software = description.address, description.software
    facts = {"software": visible(software, 40) or "not stated", "name": address.name}
    properties = await _json(address, "/props") if software == "llamacpp" else None
    if software == "llamacpp":
        listed = _entry(await _json(address, "/v1/models"), address.name).get("meta")
        meta: dict[str, Any] = listed if isinstance(listed, dict) else {}
        stated = [f"{name} {visible(str(meta[name]), 40)}" for name in _WEIGHTS if name in meta]
        facts["weights"] = ", ".join(stated) or "not stated"
    version = await _json(address, "/version") if software in ("vllm", "sglang") else properties
    facts["chat template"] = _hash(_DATES.sub("0", await _rendered(address)))
    if isinstance(continuation_for(model), CompletionsContinuation):
        tokens = (await checked_endpoint(model)).tokens
        facts["prefixes as"] = "text" if tokens is None else "token ids"
        if tokens is not None:
            facts["tokenizer"] = _hash(json.dumps(await tokens.of(_TEXT)))
    own = version if isinstance(version, dict) else {}
    build = own.get("version") or own.get("build_info")
    return ServerIdentity(facts, visible(str(build), 80) if build else None)


async def _rendered(address: ServerAddress) -> str:
    try:
        return (await rendered_chat(address, _CHAT)).text
    except (CallError, TemplateError, InputError):
        return ""  # a chat endpoint whose server renders nothing


async def _json(address: ServerAddress, path: str) -> Any:
    """Return the JSON at a path; None where there is none."""
    try:
        reply = await JsonClient(address.root, address.key).reply(path, seconds=20.0)
    except UNREACHED:
        return None
    return json_of(reply) if reply.is_success else None


def _entry(models: Any, name: str) -> dict[str, Any]:
    """Return the entry of a model in a list of models; an empty one where there is none."""
    data = models.get("data") if isinstance(models, dict) else None
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    named = [entry for entry in entries if name in (entry.get("id"), *(entry.get("aliases") or ()))]
    return next(iter(named), {})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
