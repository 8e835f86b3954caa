"""The proxy: requests that may pass, by path, key and budget; everything else is refused by name."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import anyio
import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from overthink.errors import InputError
from overthink.gateway.dialects import AnthropicMessages, OpenAIChat
from overthink.gateway.identity import Identity, identify
from overthink.gateway.relay import KeepAlive, Relay, whole_answer
from overthink.gateway.request import Limits, Refusal
from overthink.gateway.session import Dialect, Session, Settings
from overthink.storage.json_text import json_value

BODY_SECONDS = 30.0
"""Time in which a whole request arrives."""
UPSTREAM_SECONDS = aiohttp.ClientTimeout(total=None, connect=60.0, sock_connect=10.0, sock_read=600.0)
KEEP_ALIVE_SECONDS = 2.0
"""Time after which a connection to the model's server is not used again: uvicorn, and so vLLM, closes it after five
seconds, and a request that is written meanwhile is lost."""
_CONNECTIONS = 2000
_HEAD_BYTES = 65_536
_ERROR_BYTES = 100_000
_BEFORE_SENDING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_SENT_HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
_ENDS_HERE = {"connection": "close"}


def application(settings: Settings) -> ASGIApp:
    """Return the proxy as an ASGI application; its server speaks to it from one loop."""
    return _Proxy(settings)


class _Proxy:
    """The endpoints, and the choice between them: for three, layers of a framework would be a tenth of the CPU.

    Args:
        settings: What the gateway runs with.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: aiohttp.ClientSession | None = None
        is_openai = f".{urlsplit(settings.upstream).hostname}".endswith(".openai.com")
        self._openai = OpenAIChat(cap="max_completion_tokens" if is_openai else None)
        dialects: tuple[Dialect, ...] = (self._openai, AnthropicMessages())
        self._endpoints: dict[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            ("POST", dialect.path): self._endpoint(dialect) for dialect in dialects
        }
        self._endpoints["GET", "/v1/models"] = self._models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            if self._client is not None:
                await self._client.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        request = Request(scope, receive)
        endpoint = self._endpoints.get((scope["method"], scope["path"]))
        answer = self._not_served(request) if endpoint is None else await endpoint(request)
        await answer(scope, receive, send)

    def _not_served(self, request: Request) -> Response:
        known = ", ".join(f"{method} {path}" for method, path in self._endpoints)
        message = f"{request.method} {request.url.path[:100]} is not served by this gateway; served: {known}"
        status = 405 if any(path == request.scope["path"] for _, path in self._endpoints) else 404
        return JSONResponse(self._openai.error(Refusal(status, "not_served", message)), status, _ENDS_HERE)

    def _upstream_client(self) -> aiohttp.ClientSession:
        """Return the client of the model's server, which belongs to the loop that runs.

        It keeps no cookies: what the server says to one caller goes to no other.
        """
        if self._client is None:
            secure: ssl.SSLContext | bool = True
            if self._settings.upstream.startswith("https:"):
                secure = httpx.create_ssl_context(trust_env=False)  # with certifi's authorities
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=secure),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=UPSTREAM_SECONDS,
                headers=_SENT_HEADERS,
                max_line_size=_HEAD_BYTES,
                max_field_size=_HEAD_BYTES,
            )
        return self._client

    async def _models(self, request: Request) -> Response:
        """Return the models that the caller may call."""
        try:
            caller = identify(request.headers.raw, self._settings.callers)
        except Refusal as refusal:
            return JSONResponse(self._openai.error(refusal), refusal.status)
        policy = self._settings.policy
        names = dict.fromkeys(name for rule in policy.rules for name in rule.models)
        own = [name for name in names if policy.rule_of(caller.principal, name) is not None]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "gateway"} for name in own]
        return JSONResponse({"object": "list", "data": data})

    def _endpoint(self, dialect: Dialect) -> Callable[[Request], Awaitable[Response]]:

        async def answer(request: Request) -> Response:
            metrics = self._settings.metrics
            with metrics.streams.track_inprogress():
                try:
                    return await self._answer(request, dialect)
                except Refusal as refusal:
                    headers = _ENDS_HERE if refusal.status in (400, 408, 413) else {}
                    if refusal.seconds is not None:
                        headers = {"retry-after": str(refusal.seconds)}
                    return JSONResponse(dialect.error(refusal), refusal.status, headers)

        return answer

    async def _answer(self, request: Request, dialect: Dialect) -> Response:
        settings = self._settings
        _require_plain(request)
        caller = identify(request.headers.raw, settings.callers)
        body = await _body(request, settings.body_bytes)
        session = self._session(body, dialect, caller)
        await session.begin()
        try:
            return await self._upstream(session)
        except Refusal:
            await session.settle("upstream", produced=session.meter.tokens > 0)
            raise
        except BaseException:
            with anyio.CancelScope(shield=True):
                await session.settle("disconnect")
            raise

    def _session(self, body: dict[str, Any], dialect: Dialect, caller: Identity) -> Session:
        policy, model = self._settings.policy, body.get("model")
        rule = policy.rule_of(caller.principal, model) if isinstance(model, str) else None
        if rule is None or not isinstance(model, str):
            names = ", ".join(dict.fromkeys(name for rule in policy.rules for name in rule.models))
            raise Refusal(404, "model_not_served", f"model {str(model)[:80]!r} is not served here; served: {names}")
        limits = Limits(policy, rule, self._settings.log_only, [])
        return Session(self._settings, dialect, caller, rule, dialect.read(body, limits, model))

    async def _upstream(self, session: Session) -> Response:
        settings, dialect = self._settings, session.dialect
        alive = KeepAlive(session)
        try:
            answer = await self._upstream_client().post(
                settings.upstream + dialect.path,
                data=json.dumps(session.ask.body).encode(),
                headers=dialect.headers(settings.upstream_key),
                allow_redirects=False,
            )
            if answer.status == 200 and session.ask.stream:
                return Relay(session, answer)
            try:
                if answer.status == 200:
                    return await whole_answer(session, answer)
                return await _upstream_error(session, answer)
            finally:
                answer.close()
        except aiohttp.ClientError as failure:
            if not isinstance(failure, _BEFORE_SENDING):  # it may have generated all that was reserved
                session.meter.generated = session.grant.tokens
            raise Refusal(502, "upstream_down", "the model's server does not answer") from failure
        finally:
            alive.cancel()


async def _upstream_error(session: Session, answer: aiohttp.ClientResponse) -> Response:
    """Return the error of the model's server, with its status: nothing was generated, so no try counts."""
    content = b""
    async for part in answer.content.iter_any():
        content += part
        if len(content) > _ERROR_BYTES:
            break
    await session.settle("upstream", produced=False)
    status = answer.status if 400 <= answer.status < 600 else 502
    return Response(content[:_ERROR_BYTES], status, media_type="application/json")


def _require_plain(request: Request) -> None:
    """Raise a refusal for a request whose length two servers could read differently, or whose body is packed.

    Raises:
        Refusal: It is.
    """
    names = [name for name, _ in request.headers.raw]
    if names.count(b"content-length") + names.count(b"transfer-encoding") > 1:
        raise Refusal(400, "bad_framing", "a request has one length: Content-Length or Transfer-Encoding")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "packed_body", "a request's body is not packed; leave Content-Encoding out")


async def _body(request: Request, most: int) -> dict[str, Any]:
    """Return the body of a request: an object of JSON, read strictly, of a size and in a time.

    Raises:
        Refusal: It is none, too large, or does not arrive.
    """
    length = request.headers.get("content-length", "0")
    content = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if length.isdecimal() and int(length) <= most:
                async for part in request.stream():
                    content += part
                    if len(content) > most:
                        break
    except TimeoutError as failure:
        raise Refusal(408, "slow_body", f"the request did not arrive in {BODY_SECONDS:g} s") from failure
    except ClientDisconnect as failure:
        raise Refusal(400, "no_body", "the caller has gone") from failure
    if len(content) > most or not length.isdecimal() or int(length) > most:
        raise Refusal(413, "large_body", f"a request has at most {most:,} bytes")
    try:
        body = json_value(content, "the request")
    except InputError as failure:
        raise Refusal(400, "invalid_json", str(failure)) from failure
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_json", "the request is no JSON object")
    return {name: value for name, value in body.items() if value is not None}  # null is the default, in every dialect
