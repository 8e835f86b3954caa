"""Servers of one model on loopback, whose replies follow from prompt and seed alone, with a prefix cache and faults."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from model_servers import ModelServer, ids_of

import overthink
from overthink.data.endpoints import endpoint_order
from overthink.plan.study import Plan, checked_plan

MODEL = "openai-api-completions/replica/org/smollm2"
KEY = "REPLICA_API_KEY"


class ReplicaServer(ModelServer):
    """A server that decodes letters which follow from prompt and seed, so that another one would decode the same.

    Attributes:
        block: Tokens of a block of its prefix cache; 0 for no cache.
        fault: What it does instead of a reply: "silent" closes the connection, "hangs" waits, a number is a status of
            completions; "" replies.
        reports: What vLLM was started with: what came from its cache, where something did.
        dies_after: Completions of more than one token after which it is silent for good; None for none.
        replies: Prompt, seed and tokens of every completion that was answered, those of one token left out.
    """

    def __init__(self, software: str = "llama.cpp") -> None:
        self.block = 1
        self.fault: str | int = ""
        self.dies_after: int | None = None
        self.reports = False
        self.replies: list[tuple[tuple[int, ...], int, int]] = []
        self._read: list[tuple[int, ...]] = []
        self._lock, self._released = threading.Lock(), threading.Event()
        super().__init__(software)
        self.http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that gave up is wanted

    def close(self) -> None:
        """Stop listening; what hangs ends."""
        self._released.set()
        super().close()

    def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
        """Status and reply, or none."""
        if self.dies_after is not None and len(self.replies) >= self.dies_after:
            self.fault = "silent"
        if self.fault == "hangs":
            self._released.wait(60)
        if self.fault in ("silent", "hangs"):
            raise ConnectionError("no reply")
        if isinstance(self.fault, int) and path == "/v1/completions":
            return self.fault, {"error": {"message": "busy"}}
        return super().respond(path, body, headers)

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt, n = tuple(body["prompt"]), body["max_tokens"]
        text = hashlib.sha256(repr((prompt, body.get("seed"))).encode()).hexdigest()
        text = (text * (1 + n // len(text)))[:n]
        with self._lock:
            if self.dies_after is not None and len(self.replies) >= self.dies_after:
                raise ConnectionError("it died while this request waited")
            self.decoded = (text, ids_of(text), "length")
            reply = super()._completion(body)
            cached = max((_alike(prompt, earlier) for earlier in self._read), default=0)
            cached = min(cached, len(prompt) - 1) // self.block * self.block if self.block else 0
            self._read.append(prompt + tuple(ids_of(text))[:-1])
            if n > 1:
                self.replies.append((prompt, body["seed"], n))
        if self.software != "vllm" or (self.reports and cached):
            reply["usage"]["prompt_tokens_details"] = {"cached_tokens": cached}
        return reply


def servers_with_traces(n: int, traces: Iterable[bytes], software: str = "llama.cpp") -> list[ReplicaServer]:
    """Servers of which each has at least two of the traces: which it gets follows from its port, and that is chance."""
    ids = list(traces)
    while True:
        servers = [ReplicaServer(software) for _ in range(n)]
        homes = [endpoint_order(trace, [server.root for server in servers])[0] for trace in ids]
        if all(homes.count(i) >= 2 for i in range(n)):
            return servers
        for server in servers:
            server.close()


def _alike(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def replica_plan(**changes: object) -> Plan:
    """Eight traces of arithmetic on three rungs."""
    fields: dict[str, object] = {
        "overthink": "0",
        "model": MODEL,
        "tasks": overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        "budgets": (0, 4, 8),
        "answer_tokens": 4,
        "draws": 2,
        "limit": 4,
        "seed": 5,
    }
    return checked_plan(**(fields | changes))
