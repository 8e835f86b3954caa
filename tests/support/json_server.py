"""A server on loopback that reads JSON and replies with JSON: what it says is up to those that are made from it."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class JsonServer:
    """Listens at ``root`` as soon as it is made."""

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(*server.respond(self.path, {}, self.headers))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._send(*server.respond(self.path, body, self.headers))

            def _send(self, status: int, said: object) -> None:
                text = (said if isinstance(said, str) else json.dumps(said)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
        """Status and reply; the body of a GET is empty, and a text is sent as it stands."""
        said = self.reply(path, body)
        return (404, {"error": "not found"}) if said is None else (200, said)

    def reply(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """What is said on a path; None where there is nothing."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop listening."""
        self.http.shutdown()
        self.http.server_close()
