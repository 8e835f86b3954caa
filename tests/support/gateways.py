"""A model's server on loopback and gateways before it, in this process: each in a thread with a loop of its own."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from overthink.gateway.ledger import Ledger
from overthink.gateway.replica import UsageLog
from overthink.gateway.server import server_of
from overthink.gateway.session import Settings
from overthink.gateway.sqlite_ledger import SqliteLedger
from overthink.governance.deployment.policy import Budget, Policy, Rule, Tries


@dataclass
class Upstream:
    """What the model's server does and saw.

    Attributes:
        deltas: What it generates, in order; each is one token.
        pause: Seconds between two of them.
        bodies: Requests.
        headers: Their headers.
        produced: Tokens that it sent, or tried to.
        status: Status of its answers.
        breaks: It breaks off after so many deltas.
        content: What it answers instead of all this; None for nothing.
    """

    deltas: list[dict[str, Any]] = field(default_factory=lambda: [{"content": "wort "}] * 10)
    pause: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    produced: int = 0
    status: int = 200
    breaks: int | None = None
    content: bytes | None = None
    url: str = ""

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if self.status != 200:
            return JSONResponse({"error": {"message": "no"}}, self.status)
        if self.content is not None:
            return Response(self.content, media_type="text/event-stream")
        n = body.get("n", 1)
        deltas = self.deltas[: body.get("max_tokens", body.get("max_completion_tokens", 10**9))]
        thoughts = sum("reasoning_content" in delta for delta in deltas)
        usage = {
            "prompt_tokens": 7,
            "completion_tokens": n * len(deltas),
            "total_tokens": 7 + n * len(deltas),
            "completion_tokens_details": {"reasoning_tokens": thoughts},
        }
        if not body.get("stream"):
            self.produced += n * len(deltas)
            text = "".join(delta.get("content", "") for delta in deltas)
            message = {"role": "assistant", "content": text}
            choices = [{"index": i, "message": message, "finish_reason": "stop"} for i in range(n)]
            return JSONResponse({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices,
                                 "usage": usage})  # fmt: skip
        return StreamingResponse(self._chunks(deltas, n, usage), media_type="text/event-stream")

    async def _chunks(self, deltas: list[dict[str, Any]], n: int, usage: dict[str, Any]) -> AsyncIterator[str]:
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

        def chunk(**fields: Any) -> str:
            return f"data: {json.dumps(head | fields)}\n\n"

        for number, delta in enumerate(deltas):
            if number == self.breaks:
                raise ConnectionError("the model's server dies")
            for index in range(n):
                self.produced += 1
                yield chunk(choices=[{"index": index, "delta": delta, "finish_reason": None}])
            await asyncio.sleep(self.pause)
        yield chunk(choices=[{"index": i, "delta": {}, "finish_reason": "stop"} for i in range(n)])
        yield chunk(choices=[], usage=usage)
        yield "data: [DONE]\n\n"

    async def messages(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if not body.get("stream"):
            text = "".join(delta.get("content", "") for delta in self.deltas)
            usage = {"input_tokens": 7, "output_tokens": len(self.deltas)}
            return JSONResponse({"id": "m", "type": "message", "role": "assistant", "model": "m",
                                 "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                                 "usage": usage})  # fmt: skip
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[str]:
        def event(kind: str, **fields: Any) -> str:
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"

        usage = {"input_tokens": 7, "output_tokens": 1}
        yield event("message_start", message={"id": "m", "type": "message", "role": "assistant", "content": [],
                                              "model": "m", "usage": usage})  # fmt: skip
        yield event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})
        for delta in self.deltas:
            self.produced += 1
            text = delta.get("reasoning_content", delta.get("content", ""))
            yield event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": text})
            await asyncio.sleep(self.pause)
        yield event("content_block_stop", index=0)
        yield event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": len(self.deltas)})
        yield event("message_stop")


def loopback(server: uvicorn.Server) -> tuple[str, threading.Thread]:
    """Start a server in a thread, and wait until it listens."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", thread


@contextmanager
def running(server: uvicorn.Server) -> Iterator[str]:
    """A server while the block runs, and its address."""
    url, thread = loopback(server)
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(15)


def upstream_server(upstream: Upstream) -> uvicorn.Server:
    routes = [
        Route("/v1/chat/completions", upstream.chat, methods=["POST"]),
        Route("/v1/messages", upstream.messages, methods=["POST"]),
        Route("/v1/models", lambda _: JSONResponse({"data": []})),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_level="critical", access_log=False, lifespan="off",
                            timeout_graceful_shutdown=1)  # fmt: skip
    return uvicorn.Server(config)


def a_rule(**fields: Any) -> Rule:
    """A rule of 20 thinking tokens, answers of 30, and as many tries as one likes."""
    own: dict[str, Any] = {"models": ("m",), "thinking_tokens": 20, "output_tokens": 30, "efforts": None}
    return Rule(**(own | {"tries": Tries(per_key=None)} | fields))


def a_policy(**fields: Any) -> Policy:
    """A policy of one such rule."""
    whole = {name: fields.pop(name) for name in ("beyond", "active_parameters") if name in fields}
    return Policy(statement="st4t3m3nt", rules=(a_rule(**fields),), **whole)


def life(amount: int, scope: Any = "everybody") -> Budget:
    """A lifetime budget in tokens."""
    return Budget(amount=amount, window_seconds=None, scope=scope)


@dataclass
class Gateway:
    """A gateway that runs.

    Attributes:
        url: Its address.
        settings: What it runs with.
        folder: Folder of its store and its usage ledger.
    """

    url: str
    settings: Settings
    folder: Path

    def entries(self) -> list[dict[str, Any]]:
        """Lines of its usage ledger."""
        return [json.loads(line) for line in (self.folder / "usage.jsonl").read_text().splitlines()]


@contextmanager
def gateway(folder: Path, upstream: Upstream, policy: Policy, **fields: Any) -> Iterator[Gateway]:
    """A gateway with a store of its own while the block runs."""
    ledger: Ledger = fields.pop("ledger", None) or SqliteLedger(folder / "store.db", seconds=60)
    settings = Settings(policy, ledger, upstream.url, log=UsageLog(folder / "usage.jsonl"), **fields)
    try:
        with running(server_of(settings)) as url:
            yield Gateway(url, settings, folder)
    finally:
        settings.close()
