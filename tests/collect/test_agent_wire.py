"""A loop of turns over the wire: rows add up to what the server counted, tool calls and caches included."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import overthink
from overthink.collect.agent import collect_agents
from overthink.collect.keeper import Keeper
from overthink.core.record import RungRecord
from tool_model import plan


class Server:
    """An endpoint for chats with tools that adds 1 as often as the question says, and counts what it is asked."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                answer = json.dumps(server.answer(body)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        made = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        depth = int(
            str(next(message["content"] for message in body["messages"] if message["role"] == "user")).split()[-1]
        )
        read, written = 50 + 10 * len(body["messages"]), 7 + len(made)
        self.counted.update(prompt=read, decoded=written, cached=20, calls=1)
        self.bodies.append(body)
        message: dict[str, Any] = {"role": "assistant", "content": f"ANSWER: {made[-1] if made else 0}"}
        if len(made) < depth:
            arguments = json.dumps({"expression": f"{made[-1] if made else 0} + 1"})
            asked = {"id": f"c{len(made)}", "type": "function"}
            message = {"role": "assistant", "content": None}
            message["tool_calls"] = [asked | {"function": {"name": "calculator", "arguments": arguments}}]
        reason = "tool_calls" if len(made) < depth else "stop"
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return {
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": usage | {"prompt_tokens_details": {"cached_tokens": 20}},
        }  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    monkeypatch.setenv("LOOP_BASE_URL", f"http://127.0.0.1:{made.http.server_port}/v1")
    monkeypatch.setenv("LOOP_API_KEY", "k")
    yield made
    made.http.shutdown()
    made.http.server_close()


def test_the_rows_add_up_to_what_the_server_counted(tmp_path: Path, server: Server) -> None:
    rows: list[RungRecord] = []
    keeper = Keeper(done=set(), sparse={}, on_thought=lambda *_: None, on_trace=rows.extend)
    wanted = plan(tmp_path, model="openai-api/loop/m", turns=(1, 2, 4), limit=5)
    collect_agents(overthink.prepare(wanted), study="s", log_dir=tmp_path / "logs", keeper=keeper)
    assert len(rows) == 5 * 2 * 3
    assert {row.rung: row.value for row in rows if row.question == "q3"} == {0: 0, 1: 0, 2: 1}
    assert server.counted["calls"] == (1 + 2 + 3 + 4 + 4) * 2
    assert sum(row.generated_tokens or 0 for row in rows) == server.counted["decoded"]
    assert sum(row.prompt_tokens or 0 for row in rows) == server.counted["prompt"]
    assert sum(row.cached_tokens or 0 for row in rows) == server.counted["cached"]
    (tools,) = {json.dumps([tool["function"]["name"] for tool in body["tools"]]) for body in server.bodies}
    assert tools == '["calculator"]'
