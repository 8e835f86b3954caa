"""A completions server on loopback that takes its time and writes down every request: what a provider would bill."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from faulty_server import CUE, completion, listening, send

MODEL = "openai-api-completions/counting/m"
"""The model behind it; `COUNTING_API_KEY` must be set."""


@dataclass(frozen=True)
class Request:
    """A request: when it came, for which seed, its prompt, and the tokens of prompt and reply."""

    at: float
    seed: int | None
    prompt: str
    tokens: int


class CountingServer:
    """A server at ``url`` that answers after some seconds.

    Args:
        seconds: How long an answer takes.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._server = listening(self.serve)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if handler.path.endswith("/apply-template"):
            text = "\n".join(message["content"] for message in body["messages"]) + "\n"
            return send(handler, 200, json.dumps({"prompt": text}).encode())
        if not handler.path.endswith("/completions"):
            return send(handler, 404, b'{"error": "not found"}')
        place = "answer" if body["prompt"].endswith(CUE) else "think"
        answer: dict[str, Any] = completion(body["prompt"], place, body["max_tokens"])
        tokens = answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]
        with self._lock:
            self.requests.append(Request(time.time(), body.get("seed"), body["prompt"], tokens))
        time.sleep(self.seconds)
        return send(handler, 200, json.dumps(answer).encode())
