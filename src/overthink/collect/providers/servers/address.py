"""Address, key and model name of the server behind a model of Inspect."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from inspect_ai.model import Model

from overthink.collect.inspect_internals import start_server

ENDPOINT = "--endpoint"
"""Option that states an address."""

_of_option: WeakSet[Any] = WeakSet()
"""Providers whose address was stated by the option."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is, and how a model is named there.

    Attributes:
        url: Address as given.
        key: API key; None without one.
        name: Name of the model at the server: without the names of provider and service.
        variable: Environment variable of the address, or the option that stated it, for messages.
        key_variable: Environment variable of the key, for messages.

    Example:
        >>> ServerAddress("http://h:8000/v1/", None, "m", "VLLM_BASE_URL", "VLLM_API_KEY").root
        'http://h:8000'
    """

    url: str
    key: str | None
    name: str
    variable: str
    key_variable: str

    @property
    def root(self) -> str:
        """The address without the part of OpenAI's endpoints: /tokenize and the like are at the root."""
        return self.url.rstrip("/").removesuffix("/v1").rstrip("/")

    @property
    def roots(self) -> tuple[str, ...]:
        """Addresses of OpenAI's endpoints, the likeliest first: `/v1` may have been left out."""
        base = self.url.rstrip("/")
        return (base,) if base.endswith("/v1") else (f"{base}/v1", base)


def name_by_option(model: Model) -> None:
    """Let messages on the address of a model's server name the option instead of a variable."""
    _of_option.add(model.api)


def address_without_start(model: Model) -> ServerAddress | None:
    """Return the address of a running server; None if the provider is to start one itself, or needs none."""
    api: Any = model.api
    url = getattr(api, "base_url", None)
    if url is None and hasattr(api, "base_model"):  # vLLM, before its first call
        url = None if api.connection_key() == api.base_model else api.connection_key()
    return None if url is None else _address(api, str(url))


async def address_of(model: Model) -> ServerAddress:
    """Return the address of the server, which is started if the provider does so itself."""
    api: Any = model.api
    await start_server(api)
    return _address(api, str(api.base_url))


def set_endpoints(model: Model, url: str) -> None:
    """Send the calls of a model to another address of its server."""
    api: Any = model.api
    if str(api.base_url).rstrip("/") != url:
        api.base_url = url
        api.client.base_url = url


def _address(api: Any, url: str) -> ServerAddress:
    key_variable = next(iter(getattr(api, "api_key_vars", None) or ()), "the key's variable")
    return ServerAddress(
        url=url,
        key=getattr(api, "api_key", None),
        name=str(api.service_model_name()) if hasattr(api, "service_model_name") else str(api.model_name),
        variable=ENDPOINT if api in _of_option else key_variable.removesuffix("_API_KEY") + "_BASE_URL",
        key_variable=key_variable,
    )
