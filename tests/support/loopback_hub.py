"""A hub on loopback that speaks the protocol of huggingface.co for files: what huggingface-hub asks of it, and no more.

``HEAD`` and ``GET`` of ``/OWNER/REPO/resolve/REVISION/FILE`` redirect to a store on another port, as to a CDN, with the
headers ``X-Repo-Commit``, ``X-Linked-Etag`` and ``X-Linked-Size``; the store serves ranges. Errors carry the hub's
``X-Error-Code``.
"""

import hashlib
import random
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34
REPO = "maker/tiny-GGUF"
FILE = "q4/tiny-q4_0.gguf"
SOURCE = f"hub:{REPO}/{FILE}@{COMMIT}"

TENSOR = struct.pack("<Q1sIQIQ", 1, b"w", 1, 1024, 0, 0)
WEIGHTS = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + TENSOR + random.Random(1).randbytes((1 << 20) - len(TENSOR))
"""A whole file of no model: a header of version 3 without values, one tensor, and bytes behind it."""
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


class LoopbackHub:
    """A hub with one repository of one file.

    Attributes:
        url: Its address, for ``HF_ENDPOINT``.
        content: The bytes of the file.
        sha256: What the hub says that they have.
        requests: Method and path of every request to the hub and the store, with the range.
        served: Bytes of the file that were sent in all.
        limit: Bytes after which the store breaks a connection; None for never.
        ranges: Whether the store honours ranges.
        lfs: Whether the file is in LFS: only then the hub knows its SHA-256.
        refusal: Status and error code with which the hub refuses everything.
        authorized: Authorization headers that the store got.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.commit = COMMIT
        self.requests: list[str] = []
        self.served = 0
        self.limit: int | None = None
        self.ranges = True
        self.lfs = True
        self.refusal: tuple[int, str] | None = None
        self.authorized: list[str] = []
        self._hub = self._listen(self._resolve)
        self._store = self._listen(self._serve)
        self.url = f"http://127.0.0.1:{self._hub.server_port}"

    @staticmethod
    def _listen(answer):  # type: ignore[no-untyped-def]
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer(self)

            def do_HEAD(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a client that was killed

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def close(self) -> None:
        """Stop listening."""
        for server in (self._hub, self._store):
            server.shutdown()
            server.server_close()

    def _resolve(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"hub {request.command} {request.path}")
        status, code = self.refusal or self._status(request.path)
        headers = {"X-Error-Code": code} if code else {}
        if status < 300:
            status = 302
            etag = self.sha256 if self.lfs else "e" * 40
            headers = {
                "X-Repo-Commit": self.commit,
                "X-Linked-Etag": f'"{etag}"',
                "X-Linked-Size": str(len(self.content)),
                "Location": f"http://localhost:{self._store.server_port}/store/{self.sha256}?X-Signature=1",
            }
        _head(request, status, headers | {"Content-Length": "0"})

    def _status(self, path: str) -> tuple[int, str]:
        owner, repo, verb, revision, *file = path.lstrip("/").split("/")
        if f"{owner}/{repo}" != REPO or verb != "resolve":
            return 401, "RepoNotFound"
        if revision not in ("main", COMMIT):
            return 404, "RevisionNotFound"
        return (200, "") if "/".join(file) == FILE else (404, "EntryNotFound")

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.requests.append(f"store {request.command} {asked or 'all'}")
        self.authorized += request.headers.get_all("Authorization") or []
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        body = self.content[begin:]
        headers = {"Content-Length": str(len(body)), "ETag": f'"{self.sha256}"', "Accept-Ranges": "bytes"}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}"
        _head(request, 206 if begin else 200, headers)
        if request.command == "HEAD":
            return
        sent = body if self.limit is None else body[: self.limit]
        for at in range(0, len(sent), 1 << 16):
            self.served += len(sent[at : at + (1 << 16)])  # before: who has read the last bytes may ask at once
            request.wfile.write(sent[at : at + (1 << 16)])
        if len(sent) < len(body):
            request.connection.shutdown(socket.SHUT_RDWR)


def _head(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
