"""The server of a gateway: all is checked before the port opens, and slow or half-open connections are closed."""

import asyncio
import gc
import math
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from overthink.errors import InputError
from overthink.gateway.identity import read_keys
from overthink.gateway.proxy import application
from overthink.gateway.replica import UsageLog
from overthink.gateway.session import Settings
from overthink.gateway.stores import open_ledger
from overthink.governance.deployment.policy import Policy

HEAD_SECONDS = 10.0
"""Time in which the head of a request arrives; a new connection without one is closed after it."""
KEEP_ALIVE_SECONDS = 75
"""Time for which a connection stays between two requests. Longer than a client's own (5 s in httpx, and so in the
package `openai`): where both are equal, a server closes what a client is about to write to."""
READ_SECONDS = 20.0
"""Time in which a caller takes some of an answer that is whole."""
_READ_BYTES = 16_384
_HEAD_BYTES = 32_768
_CHUNK_BYTES = 12  # the size of a chunk in hexadecimal digits, and the ends of two lines
_CONNECTIONS = 4_000
_GRACE_SECONDS = 10


@dataclass(frozen=True)
class ServeOptions:
    """How a gateway is run.

    Attributes:
        upstream: Address of the model's server, with or without /v1 at its end.
        store: Where budgets are counted: `sqlite:PATH` or `redis://…`.
        usage: Usage ledger of this replica.
        keys: Keys file; None where all callers are one.
        upstream_key_env: Variable of the environment that holds the key of the model's server.
        host: Address to listen at.
        port: Port; 0 for any.
        log_only: Nothing is refused.
        continuous: Ask the model's server for its count in every chunk of a stream.
        reserve_whole: A stream reserves all that it may generate before it begins.
        open_store: Let through what cannot be counted.
        seconds: Time after which a crashed replica's reservations come back.
        metrics: HOST:PORT of the metrics; None for none.
    """

    upstream: str
    store: str
    usage: Path
    keys: Path | None = None
    upstream_key_env: str | None = None
    host: str = "127.0.0.1"
    port: int = 8088
    log_only: bool = False
    continuous: bool = False
    reserve_whole: bool = False
    open_store: bool = False
    seconds: float = 60.0
    metrics: str | None = None


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 of uvicorn, which closes a connection whose head does not arrive, or whose answer nobody reads.

    A connection between two requests is none of these: it stays for :data:`KEEP_ALIVE_SECONDS`. What is no body (heads,
    sizes of chunks and what is behind them, trailers) has a size, too, so that nobody fills the memory with it.
    """

    _part: Literal["head", "body", "rest"] = "head"
    _framing = 0
    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head has its time from its first byte on, however few come at once."""
        if self._part == "rest":
            self._part = "head"
        self._framing += len(data)
        super().data_received(data)
        if self._framing > _HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The head of a request has at most {_HEAD_BYTES} bytes.")
        elif self._part == "head" and self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)
        elif self._part != "head" and self._head is not None:
            self._head.cancel()
            self._head = None

    def on_headers_complete(self) -> None:
        """Begin with the request: its head has come."""
        self._part = "body"
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._framing = max(0, self._framing - len(body) - _CHUNK_BYTES)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request: what comes next is another."""
        self._part, self._framing = "rest", 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no request; an answer to a whole request before them is sent to its end first."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            super().send_400_response(msg)
        else:
            self.flow.pause_reading()
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Wait until the answer is read, as long as it is read at all."""
        super().on_response_complete()
        if self._reader is None:
            self._read_on(math.inf)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        for timer in (self._head, self._reader):
            if timer is not None:
                timer.cancel()

    def _read_on(self, before: float) -> None:
        left, self._reader = self.transport.get_write_buffer_size(), None
        if left == 0:
            return
        if left > before - _READ_BYTES:
            self.transport.abort()
        else:
            self._reader = self.loop.call_later(READ_SECONDS, self._read_on, left)


def prepare(policy: Policy, options: ServeOptions) -> tuple[Settings, socket.socket]:
    """Return what a gateway runs with, and its socket, after every check.

    Raises:
        InputError: The model's server is not there, the store, keys or usage file cannot be used, the key is not in the
            environment, or the port is taken.
    """
    key = None
    if options.upstream_key_env is not None:
        key = os.environ.get(options.upstream_key_env)
        if not key:
            raise InputError(f"{options.upstream_key_env} is not set; needed: the key of the model's server in it")
    upstream = upstream_root(options.upstream)
    callers = None if options.keys is None else read_keys(options.keys)
    require_upstream(upstream)
    with ExitStack() as undo:
        ledger = open_ledger(options.store, seconds=options.seconds)
        undo.callback(ledger.close)
        listener = undo.enter_context(_listener(options.host, options.port))
        log = UsageLog(options.usage)
        undo.callback(log.close)
        settings = Settings(
            policy,
            ledger,
            upstream,
            log=log,
            callers=callers,
            upstream_key=key,
            log_only=options.log_only,
            continuous=options.continuous,
            reserve_whole=options.reserve_whole,
            open_store=options.open_store,
            seconds=options.seconds,
        )
        if options.metrics is not None:
            _serve_metrics(settings, options.metrics)
        undo.pop_all()
    return settings, listener


def serve(policy: Policy, options: ServeOptions, *, on_ready: Callable[[str], None]) -> None:
    """Run a gateway until it is stopped.

    Args:
        policy: What is let through.
        options: How it is run.
        on_ready: Called with the address once the port is open.

    Raises:
        InputError: Something cannot be used; the port was not opened.
        KeyboardInterrupt: The user stopped it; requests under way had ten seconds to end.
    """
    settings, listener = prepare(policy, options)
    try:
        host, port = listener.getsockname()[:2]
        gc.freeze()  # a full collection is not to look through all that was imported while requests wait
        on_ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        server_of(settings).run(sockets=[listener])
    finally:
        settings.close()


def server_of(settings: Settings) -> uvicorn.Server:
    """Return the server of a gateway."""
    return uvicorn.Server(
        uvicorn.Config(
            application(settings),
            http=GuardedProtocol,
            ws="none",
            lifespan="on",
            loop="asyncio",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            limit_concurrency=_CONNECTIONS,
        )
    )


def upstream_root(url: str) -> str:
    """Return the address of a server without the path of its API.

    Raises:
        InputError: It is no address of HTTP, or has a user, query or fragment.

    Example:
        >>> upstream_root("http://localhost:8000/v1/")
        'http://localhost:8000'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise InputError(
            "--upstream is no address of a server; needed: http://HOST:PORT or https://HOST, without a key"
        )
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def require_upstream(root: str) -> None:
    """Raise an error unless a server answers at an address, whatever it answers.

    Raises:
        InputError: None does.
    """
    try:
        httpx.get(f"{root}/v1/models", timeout=10.0, trust_env=False)
    except httpx.HTTPError as failure:
        raise InputError(f"no server answers at {root} ({failure}); needed: --upstream of one that runs") from failure


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as failure:
        listener.close()
        raise InputError(
            f"port {port} of {host} cannot be opened: {failure.strerror}; give another --port"
        ) from failure
    return listener


def _serve_metrics(settings: Settings, address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"--metrics is {address[:80]!r}; needed: HOST:PORT, such as 127.0.0.1:9108")
    try:
        settings.metrics.serve(host, int(port))
    except OSError as failure:
        raise InputError(f"--metrics {address}: {failure.strerror or failure}; needed: a free port") from failure
