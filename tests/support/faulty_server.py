"""A completions server on loopback that misbehaves on demand: a prompt names the fault that it will meet, and where.

A prompt holds ``<fault>/<place>/<times>``: the place is "template", "think" or "answer", and the first so many
requests of that prompt at that place meet the fault. Every other request gets a truthful reply.
"""

import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUE = "ANSWER:"
PROMPT = re.compile(r"([\w-]+)/(template|think|answer)/(\d+)/(\d+)")
ANSWER = " 42"


def listening(serve: Callable[[BaseHTTPRequestHandler], object], port: int = 0) -> ThreadingHTTPServer:
    """A server whose posts go to a function, at a port of its own if none is named; a client may give up on it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            serve(self)

        def do_GET(self) -> None:
            send(self, 404, b"{}")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            pass  # a client that gave up is what is wanted

    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


class FaultyServer:
    """A server that listens at ``url`` and counts the requests it met, by prompt and place; mended, it is truthful."""

    def __init__(self) -> None:
        self.met: Counter[tuple[str, str]] = Counter()
        self.mended = False
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
            place, truth = "template", {"prompt": text}
        elif handler.path.endswith("/completions"):
            text, place = body["prompt"], "answer" if body["prompt"].endswith(CUE) else "think"
            truth = completion(text, place, body["max_tokens"])
        else:
            return send(handler, 404, b'{"error": "not found"}')
        found = PROMPT.search(text)
        if found is None:  # the check of the server before the study
            return send(handler, 200, json.dumps(truth).encode())
        with self._lock:
            self.met[found.group(), place] += 1
            hit = not self.mended and place == found[2] and self.met[found.group(), place] <= int(found[3])
        if hit:
            return FAULTS[found[1]](handler, truth)
        return send(handler, 200, json.dumps(truth).encode())


def completion(prompt: str, place: str, max_tokens: int) -> dict[str, Any]:
    """A truthful reply: thinking that never ends by itself, and the right answer."""
    thinking = place == "think"
    tokens = max_tokens if thinking else 2
    return {
        "id": "1", "object": "text_completion", "created": 0, "model": "m",
        "choices": [
            {
                "index": 0,
                "text": " abc" * max_tokens if thinking else ANSWER,
                "finish_reason": "length" if thinking else "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 1 + len(prompt) // 4, "completion_tokens": tokens, "total_tokens": 9 + tokens},
    }  # fmt: skip


Handler = BaseHTTPRequestHandler
Fault = Callable[[Handler, dict[str, Any]], None]


def send(handler: Handler, status: int, body: bytes, *, kind: str = "application/json", **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def status(code: int, **headers: str) -> Fault:
    return lambda handler, truth: send(handler, code, b'{"error": {"message": "injected", "code": null}}', **headers)


def raw(body: bytes, kind: str = "application/json") -> Fault:
    return lambda handler, truth: send(handler, 200, body, kind=kind)


def changed(change: Callable[[dict[str, Any]], object]) -> Fault:
    """The truthful reply with something changed in it."""

    def fault(handler: Handler, truth: dict[str, Any]) -> None:
        change(truth)
        send(handler, 200, json.dumps(truth).encode())

    return fault


def choice(**fields: Any) -> Fault:
    return changed(lambda truth: truth["choices"][0].update(fields))


def usage(**fields: Any) -> Fault:
    return changed(lambda truth: truth["usage"].update(fields))


def reset(handler: Handler, truth: dict[str, Any]) -> None:
    """The connection is reset instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def reset_after_headers(handler: Handler, truth: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.flush()
    reset(handler, truth)


def half_a_body(handler: Handler, truth: dict[str, Any]) -> None:
    body = json.dumps(truth).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def closed(handler: Handler, truth: dict[str, Any]) -> None:
    handler.close_connection = True


def hangs(handler: Handler, truth: dict[str, Any]) -> None:
    time.sleep(SLOW)
    handler.close_connection = True


def slow_loris(handler: Handler, truth: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    end = time.monotonic() + SLOW
    while time.monotonic() < end:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def redirected(handler: Handler, truth: dict[str, Any]) -> None:
    send(handler, 307, b"", Location=handler.path)


def redirected_elsewhere(handler: Handler, truth: dict[str, Any]) -> None:
    send(handler, 302, b"", Location="/login")


SLOW = 9.0
"""Seconds that a server which hangs stays so: longer than all tries together."""

HTML = b"<!doctype html><title>502</title><h1>Bad gateway</h1> ANSWER: 42"

FAULTS: dict[str, Fault] = {
    "hangs": hangs,
    "slow-loris": slow_loris,
    "429": status(429),
    "429-retry-after": status(429, Retry_After="0.01"),
    "500": status(500),
    "502-html": lambda handler, truth: send(handler, 502, HTML, kind="text/html"),
    "503": status(503),
    "504": status(504),
    "401": status(401),
    "403": status(403),
    "404": status(404),
    "400-context-overflow": status(400),
    "413": status(413),
    "422": status(422),
    "reset": reset,
    "reset-after-headers": reset_after_headers,
    "closed": closed,
    "half-a-body": half_a_body,
    "redirect-loop": redirected,
    "redirect-elsewhere": redirected_elsewhere,
    "html-page": raw(HTML, "text/html"),
    "plain-text": raw(b"42", "text/plain"),
    "garbage-json": raw(b'{"choices": [{"text": "4'),
    "empty-body": raw(b""),
    "json-null": raw(b"null"),
    "json-list": raw(b"[1, 2]"),
    "error-with-200": raw(b'{"error": {"message": "overloaded"}}'),
    "invalid-utf-8": raw(b'{"id": "1", "model": "m", "choices": [{"text": "\xff\xfe", "index": 0}]}'),
    "half-a-character": choice(text=" 42\ud83d"),
    "no-choices": changed(lambda truth: truth.update(choices=[])),
    "choices-null": changed(lambda truth: truth.update(choices=None)),
    "text-null": choice(text=None),
    "text-is-a-number": choice(text=42),
    "text-is-a-dict": choice(text={"content": "42"}),
    "empty-text": changed(lambda t: (t["choices"][0].update(text="", finish_reason="length"), whole(t))),
    "finish-unknown": choice(finish_reason="tired"),
    "finish-missing": choice(finish_reason=None),
    "finish-content-filter": choice(finish_reason="content_filter"),
    "usage-missing": changed(lambda truth: truth.pop("usage")),
    "usage-null": changed(lambda truth: truth.update(usage=None)),
    "usage-empty": changed(lambda truth: truth.update(usage={})),
    "usage-negative": usage(completion_tokens=-3),
    "usage-too-large": usage(completion_tokens=100_000),
    "usage-zero": usage(completion_tokens=0),
    "usage-fraction": usage(completion_tokens=1.5),
    "usage-words": usage(completion_tokens="many"),
    "usage-of-a-longer-text": usage(completion_tokens=40),
    "usage-prompt-zero": usage(prompt_tokens=0),
    "usage-prompt-negative": usage(prompt_tokens=-7),
    "stopped-early": changed(lambda t: (t["choices"][0].update(finish_reason="length"), short(t))),
    "far-too-much-text": choice(text=" 42" * 20_000),
    "another-model": changed(lambda truth: truth.update(model="cheaper")),
    "no-model": changed(lambda truth: truth.pop("model")),
}
"""What a server may do to a completion, by name."""

TEMPLATE_FAULTS: dict[str, Fault] = {
    "template-500": status(500),
    "template-429": status(429),
    "template-401": status(401),
    "template-hangs": hangs,
    "template-slow-loris": slow_loris,
    "template-reset": reset,
    "template-garbage": raw(b"{{{"),
    "template-html": raw(HTML, "text/html"),
    "template-wrong-shape": raw(b'{"text": "x"}'),
    "template-empty": raw(b'{"prompt": ""}'),
    "template-null": raw(b'{"prompt": null}'),
    "template-loses-the-question": raw(b'{"prompt": "You are a helpful assistant."}'),
}
"""What it may do to a request that renders a chat."""

FAULTS |= TEMPLATE_FAULTS


def whole(truth: dict[str, Any]) -> None:
    """Counts that say that all allowed tokens were decoded."""
    truth["usage"]["completion_tokens"] = max(truth["usage"]["completion_tokens"], 32)


def short(truth: dict[str, Any]) -> None:
    """Counts that say that fewer were decoded than allowed, although the limit is what stopped it."""
    truth["usage"]["completion_tokens"] = 5
