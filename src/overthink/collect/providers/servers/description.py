"""What a server says of itself before anything is paid: its models, its software, its context window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import anyio
import httpx
from inspect_ai.model import Model

from overthink.collect.providers.attempts import repeated
from overthink.collect.providers.requests import JsonClient, ReplyStatusError, is_passing
from overthink.collect.providers.servers.address import (
    ServerAddress,
    address_of,
    address_without_start,
    json_of,
    refuse_address,
    refuse_name,
    refuse_reply,
    set_endpoints,
)
from overthink.data.tokens import is_count
from overthink.errors import InputError

EXACT_NAMES = ("vllm", "llamacpp", "sglang")
"""Owners of models, by `owned_by`, whose servers have exactly the models that they list."""

LOOK_SECONDS = 20.0
"""Time limit of a look at a server: a plain HTTP server may wait for the rest of a TLS greeting without an end."""

SHORT_LOOK_SECONDS = 5.0
"""Time limit of a look at a server that was there before."""

BUSY = frozenset({429, 502, 503, 504})
"""Status codes of a server that will answer later, as while it loads its model."""

UNREACHED = (httpx.HTTPError, httpx.InvalidURL, TimeoutError)
"""Errors of a request without a reply."""

Listing = tuple[str, httpx.Response]
"""Address of OpenAI's endpoints, and the reply with the models there."""

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
    _described.pop(model.api, None)  # another server may be there by now
    if (address := address_without_start(model)) is None:
        return None
    try:
        listing = await _models(address)
    except UNREACHED as error:
        await refuse_address(address, error)
        return None
    if listing is not None and listing[1].status_code in BUSY:
        return None
    address = await address_of(model)  # a provider that starts late has its client only then
    _described[model.api] = await _description(model, address, listing)
    return _described[model.api]


async def describe(model: Model) -> ServerDescription:
    """Return the description of a model's server, which is started if the provider does so itself.

    Raises:
        InputError: Its address, the key or the model's name cannot be right.
        CallError: It does not answer.
    """
    if model.api not in _described:
        address = await address_of(model)

        async def attempt() -> Listing | None:
            try:
                listing = await _models(address)
            except UNREACHED as error:
                await refuse_address(address, error)
                raise
            if listing is not None and listing[1].status_code in BUSY:
                raise ReplyStatusError(listing[1], f"answered with status {listing[1].status_code}")
            return listing

        listing = await repeated(attempt, server=address.url, max_tokens=0, is_passing=is_passing)
        _described[model.api] = await _description(model, address, listing)
    return _described[model.api]


async def answers(model: Model) -> bool:
    """Return whether a model's server answers now, and is not busy."""
    if (address := address_without_start(model)) is None:
        return False
    try:
        with anyio.fail_after(SHORT_LOOK_SECONDS):
            listing = await _models(address)
    except (*UNREACHED, InputError):  # a reply that no server of models gives is none
        return False
    return listing is None or listing[1].status_code not in BUSY


async def _models(address: ServerAddress) -> Listing | None:
    """Return the endpoints' address and the reply with the server's models; None if it lists none anywhere.

    Raises:
        InputError: It is no server of models, or refuses the key.
    """
    replies = []
    for url in address.roots:
        reply = await JsonClient(url, address.key).reply("/models", seconds=LOOK_SECONDS)
        if reply.status_code in BUSY or (reply.is_success and _entries(json_of(reply))):
            return url, reply
        replies.append(reply)
    for reply in replies:
        refuse_reply(address, reply)
    return None


async def _description(model: Model, address: ServerAddress, listing: Listing | None) -> ServerDescription:
    """Return the description by a list of models, to whose address the model's calls go from now on.

    Raises:
        InputError: The server has other models only.
    """
    entries = []
    if listing is not None:
        url, reply = listing
        set_endpoints(model, url)
        address, entries = replace(address, url=url), _entries(json_of(reply))
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
