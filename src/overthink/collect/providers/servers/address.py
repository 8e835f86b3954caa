"""Address, key and model name of the server behind a model of Inspect, and their faults, each as one message."""

import difflib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import anyio
import httpx
from inspect_ai.model import Model

from overthink.collect.inspect_internals import start_server
from overthink.collect.providers.attempts import chain, words
from overthink.collect.providers.requests import tls
from overthink.errors import InputError

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


MAX_NAMES = 8
"""Maximum number of model names in a message; the most similar come first."""

KEY_STATUSES = (401, 403)

_SECONDS = 10.0
"""Time limit of the look at the other scheme."""


async def refuse_address(address: ServerAddress, error: Exception) -> None:
    """Raise the message on an address at which no server can be reached; return for a passing failure.

    Raises:
        InputError: The address cannot be right.
    """
    where = f"{address.variable}={address.url}"
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL | httpx.LocalProtocolError):
        raise InputError(f"{where} is no address: it needs http:// or https:// before the host") from error
    causes = list(chain(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        raise InputError(
            f"{where}: the server's certificate is not trusted ({words(error)}). Name the file of its authority in "
            "SSL_CERT_FILE, or use the address that the certificate is for."
        ) from error
    is_tls = any(isinstance(cause, ssl.SSLError) for cause in causes)
    is_slow = isinstance(error, httpx.TimeoutException | TimeoutError) and address.url.lower().startswith("https:")
    is_broken = is_slow or isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
    if (is_tls or is_broken) and (other := await _answering_scheme(address)) is not None:
        raise InputError(f"{where}: the server speaks {other.upper()} there; write {other}:// in {address.variable}")
    if isinstance(error, httpx.ConnectError):
        raise InputError(
            f"{where}: no server can be reached there ({words(error)}). Start it, or set {address.variable} to where "
            f"it listens, as in {address.variable}=http://127.0.0.1:8000/v1."
        ) from error


async def _answering_scheme(address: ServerAddress) -> str | None:
    """Return the scheme, http or https, that was not named and is answered; None if it is not answered either."""
    scheme, _, rest = address.url.partition("://")
    other = "https" if scheme.lower() == "http" else "http"
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE  # nothing is sent but a GET without a key
    with anyio.move_on_after(_SECONDS):
        try:
            async with httpx.AsyncClient(verify=unchecked if other == "https" else tls(), timeout=_SECONDS) as client:
                await client.get(f"{other}://{rest}")
        except httpx.HTTPError:
            return None
        return other
    return None


def refuse_reply(address: ServerAddress, reply: httpx.Response) -> None:
    """Raise the message on a reply that no server of models gives; return for any other.

    Raises:
        InputError: The key is refused, another address is named, or the reply is a web page.
    """
    where = f"{address.variable}={address.url}"
    if reply.status_code in KEY_STATUSES:
        sent = f"The key of {address.key_variable}" if address.key else "A request without a key"
        raise InputError(
            f"{where}: {sent} was refused (status {reply.status_code}: {_begin(reply)}). Set {address.key_variable} to "
            "the key with which the server was started."
        )
    if reply.is_redirect:
        raise InputError(
            f"{where}: the server sends to another address, {reply.headers.get('location', '')!r}; set "
            f"{address.variable} to the address of its API"
        )
    if reply.is_success and _is_page(reply):
        raise InputError(
            f"{where} is a web page ({_begin(reply)}), and no API of a model server. Set {address.variable} to the "
            "address of the API, as in http://127.0.0.1:8000/v1."
        )


def refuse_name(address: ServerAddress, names: Sequence[str]) -> None:
    """Raise the message on a model that the server does not have.

    Raises:
        InputError: Always.
    """
    similar = difflib.get_close_matches(address.name, names, n=MAX_NAMES, cutoff=0.0)
    more = f", and {len(names) - len(similar)} more" if len(names) > len(similar) else ""
    raise InputError(
        f"{address.url} has no model {address.name!r}. It has: {', '.join(similar)}{more}. Name one of them at the "
        "end of --model, or start the server under the other name (vLLM: --served-model-name, llama.cpp: --alias)."
    )


def json_of(reply: httpx.Response) -> Any:
    """Return the JSON of a reply; None without one."""
    try:
        return reply.json()
    except (ValueError, RecursionError):
        return None


def _is_page(reply: httpx.Response) -> bool:
    return json_of(reply) is None and reply.text.lstrip()[:1] == "<"


def _begin(reply: httpx.Response) -> str:
    return repr(" ".join(reply.text.split())[:80])
