"""Six wrong set-ups of a server, each tried with the command line in a process of its own: exit code and message."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
from real_servers import Server, key

PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in to the network</body></html>"
WRONG = "wrong-key"
COMMAND = [sys.executable, "-c", "from overthink.cli.start import main; main()"]


@dataclass(frozen=True)
class Ending:
    """How a command ended: its exit code, and what it printed to standard error in one line."""

    code: int
    message: str


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Page(BaseHTTPRequestHandler):
    """A page for whatever is requested, as a proxy with a login sends it."""

    status, kind, body = 200, "text/html", PAGE

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


class _Locked(_Page):
    """The refusal of vLLM and llama.cpp servers started with a key, below /v1."""

    status, kind, body = 401, "application/json", b'{"error": "Unauthorized"}'


@contextmanager
def _wrong_key(server: Server) -> Iterator[tuple[Server, dict[str, str]]]:
    """The server with a wrong key; where it demands none, a gate on loopback that refuses every key."""
    environment = {f"{server.kind.upper()}_API_KEY": WRONG}
    reply = httpx.get(f"{server.root}/v1/models", headers={"Authorization": f"Bearer {WRONG}"}, timeout=60)
    if reply.status_code == 401:
        yield server, environment
        return
    with _serving(_Locked) as url:
        yield replace(server, url=url), environment


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def endings(server: Server, way: str, folder: Path) -> dict[str, Ending]:
    """How `overthink run` ends with each wrong set-up."""
    port = replace(server, url=f"http://127.0.0.1:{_free_port()}/v1")
    https = replace(server, url=server.url.replace("http://", "https://", 1))
    results = {
        "wrong port": _run(port, way, folder / "port"),
        "wrong name": _run(server, way.removesuffix(server.name) + "no-such-model", folder / "name"),
        "https for http": _run(https, way, folder / "https"),
        "context too short": _run(server, way, folder / "context", budgets="0,1000000"),
    }
    with _wrong_key(server) as (locked, environment):
        results["wrong key"] = _run(locked, way, folder / "key", **environment)
    with _serving(_Page) as url:
        results["a web page"] = _run(replace(server, url=url), way, folder / "page")
    return results


def _run(server: Server, way: str, folder: Path, *, budgets: str = "0,16", **environment: str) -> Ending:
    options = ["--capability", "overthink/arithmetic", "--limit", "1", "--draws", "1", "--yes"]
    done = subprocess.run(
        [*COMMAND, "run", "--model", way, *options, "--budgets", budgets, "--out", str(folder)],
        env={**os.environ, **server.environment, **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )
    message = " ".join(done.stderr.split())
    assert key() == "none" or key() not in message, "a message shows the key"
    return Ending(done.returncode, message)
