"""What a server says of itself before anything is paid: its models, its software, its context window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from inspect_ai.model import Model

from overthink.collect.providers.attempts import repeated
from overthink.collect.providers.requests import JsonClient, is_passing
from overthink.collect.providers.servers.address import (
    ServerAddress,
    address_of,
    address_without_start,
    set_endpoints,
)
from overthink.collect.providers.servers.faults import json_of, refuse_address, refuse_name, refuse_reply
from overthink.data.tokens import is_count

EXACT_NAMES = ("vllm", "llamacpp", "sglang")
"""Owners of models, by `owned_by`, whose servers have exactly the models that they list."""

LOOK_SECONDS = 20.0
"""Time limit of a look at a server: a plain HTTP server may wait for the rest of a TLS greeting without an end."""

_described: WeakKeyDictionary[Any, "ServerDescription"] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ServerDescription:
    """A server that was reached.

    Attributes:
        address: Its address, with the path of OpenAI's endpoints, the key, and the model's name.
        software: Owner of its models: "vllm", "llamacpp", …; "" if it does not say.
        context_tokens: Context window of one request, prompt and reply, in tokens; None if it does not say.
    """

    address: ServerAddress
    software: str
    context_tokens: int | None


def running_description(model: Model) -> ServerDescription | None:
    """Return the description that was made of a model's server; None before."""
    return _described.get(model.api)


async def describe_running(model: Model) -> ServerDescription | None:
    """Return the description of a running server; None if the provider is to start it, or it does not answer now.

    Raises:
        InputError: Its address, the key or the model's name cannot be right.
    """
    address = address_without_start(model)
    if address is None:
        return None
    try:
        reply = await _models(address)
    except Exception as error:
        await refuse_address(address, error)
        if isinstance(error, httpx.TransportError | TimeoutError):
            return None  # left to the run, which tries again
        raise
    if reply is not None and reply[1].status_code >= 500:
        return None
    return await describe(model)


async def describe(model: Model) -> ServerDescription:
    """Return the description of a model's server, which is started if the provider does so itself.

    Raises:
        InputError: Its address, the key or the model's name cannot be right.
        CallError: It does not answer.
    """
    if model.api not in _described:
        address = await address_of(model)

        async def attempt() -> tuple[str, httpx.Response] | None:
            try:
                return await _models(address)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                await refuse_address(address, error)
                raise

        reply = await repeated(attempt, server=address.url, max_tokens=0, is_passing=is_passing)
        if reply is not None:
            set_endpoints(model, reply[0])
            address = replace(address, url=reply[0])
        _described[model.api] = await _description(address, None if reply is None else json_of(reply[1]))
    return _described[model.api]


async def _models(address: ServerAddress) -> tuple[str, httpx.Response] | None:
    """Return the endpoints' address and the reply with the server's models; None if it lists none anywhere."""
    replies = []
    for url in address.roots:
        reply = await JsonClient(url, address.key).reply("/models", seconds=LOOK_SECONDS)
        if reply.status_code >= 500 or (reply.is_success and _entries(json_of(reply))):
            return url, reply
        replies.append(reply)
    for reply in replies:
        refuse_reply(address, reply)
    return None


async def _description(address: ServerAddress, models: Any) -> ServerDescription:
    """Return the description by a list of models.

    Raises:
        InputError: The server has other models only.
    """
    entries = _entries(models)
    owners = {str(entry.get("owned_by", "")) for entry in entries}
    named = [entry for entry in entries if address.name in (entry["id"], *_aliases(entry))]
    if entries and not named and owners & set(EXACT_NAMES):
        refuse_name(address, [entry["id"] for entry in entries])
    entry = named[0] if named else {}
    software = str(entry.get("owned_by", ""))
    context = entry.get("max_model_len")
    if software == "llamacpp":
        properties = json_of(await JsonClient(address.root, address.key).reply("/props", seconds=LOOK_SECONDS))
        context = _at(properties, "default_generation_settings", "n_ctx") or _at(entry, "meta", "n_ctx")
    return ServerDescription(address, software, context if is_count(context) and context else None)


def _entries(models: Any) -> list[dict[str, Any]]:
    """Return the entries of a list of models in OpenAI's form that have a name; none if it is none."""
    data = models.get("data") if isinstance(models, dict) else None
    return [e for e in data if isinstance(e, dict) and isinstance(e.get("id"), str)] if isinstance(data, list) else []


def _aliases(entry: dict[str, Any]) -> Sequence[str]:
    aliases = entry.get("aliases")
    return [alias for alias in aliases if isinstance(alias, str)] if isinstance(aliases, list) else []


def _at(document: Any, *path: str) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document
