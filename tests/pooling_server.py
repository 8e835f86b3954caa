"""A vLLM-like server on loopback with a planted reward model: a step is sound as far as it says "good"."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MARK = "<extra_0>"


def worth(text: str) -> float:
    """What the planted model thinks of a text: the share of "good" among its verdicts; 0.5 without any."""
    said = re.findall(r"good|poor", text)
    return said.count("good") / len(said) if said else 0.5


class PoolingServer:
    """Answers /pooling, /classify and /score; ``change`` may alter a reply before it is sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.tokens = 0
        self.model = "prm"
        self.statuses: list[int] = []
        self.change: Any = lambda reply: reply
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = server.statuses.pop(0) if server.statuses else 200
                server.bodies.append(body)
                server.keys.append(self.headers.get("Authorization"))
                reply = server.change(server.reply(self.path, body)) if status == 200 else {"error": "no"}
                text = (reply if isinstance(reply, str) else json.dumps(reply)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def reply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/score":
            texts = body["text_2"]
            read = [body["text_1"] + text for text in texts]
            # out of order, as a server may answer
            data = [{"index": i, "object": "score", "score": worth(text)} for i, text in enumerate(texts)][::-1]
        else:
            solution = body["messages"][-1]["content"]
            read = [message["content"] for message in body["messages"]]
            if path == "/classify":
                data = [{"index": 0, "label": "x", "probs": [1 - worth(solution), worth(solution)], "num_classes": 2}]
            elif MARK in solution:
                rows = [[1 - worth(step), worth(step)] for step in solution.split(MARK)[:-1]]
                data = [{"index": 0, "object": "pooling", "data": rows}]
            else:  # one number per token, as a reward model without a pooler gives: the last counts
                rows = [[0.0]] * 3 + [[worth(solution)]]
                data = [{"index": 0, "object": "pooling", "data": rows}]
        tokens = sum(len(text.split()) for text in read)
        self.tokens += tokens
        usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
        return {"id": "1", "object": "list", "created": 0, "model": self.model, "data": data, "usage": usage}
