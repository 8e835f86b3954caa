"""A loop of turns over the wire: rows add up to what the server counted, tool calls and caches included."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from json_server import JsonServer
from tool_model import plan

import overthink
from overthink.collect.agent_loop.solver import run_agent_loops
from overthink.collect.sinks import TraceSink
from overthink.data.record import RungRecord
from overthink.errors import InputError


class Server(JsonServer):
    """An endpoint for chats with tools that adds 1 as often as the question says, and counts what it is asked.

    Attributes:
        silent_from: From this turn on, it does not say what it took.
    """

    def __init__(self) -> None:
        self.silent_from = 99
        self.counted: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        super().__init__()

    def reply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        made = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        depth = int(
            str(next(message["content"] for message in body["messages"] if message["role"] == "user")).split()[-1]
        )
        read, written = 50 + 10 * len(body["messages"]), 7 + len(made)
        self.counted.update(prompt=read, decoded=written, cached=20, calls=1)
        self.bodies.append(body)
        message: dict[str, Any] = {"role": "assistant", "content": f"ANSWER: {made[-1] if made else 0}"}
        if len(made) < depth:
            name = body["tools"][0]["function"]["name"]
            argument, text = self.calls(name, made)
            asked = {"id": f"c{len(made)}", "type": "function"}
            message = {"role": "assistant", "content": None}
            message["tool_calls"] = [asked | {"function": {"name": name, "arguments": json.dumps({argument: text})}}]
        reason = "tool_calls" if len(made) < depth else "stop"
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        told = (
            {"usage": usage | {"prompt_tokens_details": {"cached_tokens": 20}}} if len(made) < self.silent_from else {}
        )
        return {
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        } | told  # fmt: skip

    def calls(self, name: str, made: list[str]) -> tuple[str, str]:
        """The argument of a call, and what it is."""
        if name == "bash":
            return "command", "echo one >> lines && wc -l < lines"
        if name == "python":
            return "code", "open('lines', 'a').write('one\\n'); print(len(open('lines').readlines()))"
        return "expression", f"{made[-1] if made else 0} + 1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    name = f"LOOP{made.http.server_port}"  # Inspect keeps a model by its name, with the address that it had
    monkeypatch.setenv(f"{name}_BASE_URL", f"{made.root}/v1")
    monkeypatch.setenv(f"{name}_API_KEY", "k")
    yield made
    made.close()


def collected(server: Server, folder: Path, **changes: Any) -> list[RungRecord]:
    rows: list[RungRecord] = []
    keeper = TraceSink(done=set(), sparse={}, on_thinking=lambda *_: None, on_trace=rows.extend)
    wanted = plan(folder, model=f"openai-api/loop{server.http.server_port}/m", **changes)
    run_agent_loops(overthink.prepare(wanted), study="s", log_dir=folder / "logs", sink=keeper)
    return rows


def test_the_rows_add_up_to_what_the_server_counted(tmp_path: Path, server: Server) -> None:
    rows = collected(server, tmp_path, turns=(1, 2, 4), limit=5)
    assert len(rows) == 5 * 2 * 3
    assert {row.rung: row.value for row in rows if row.question == "q3"} == {0: 0, 1: 0, 2: 1}
    assert server.counted["calls"] == (1 + 2 + 3 + 4 + 4) * 2
    assert sum(row.generated_tokens or 0 for row in rows) == server.counted["decoded"]
    assert sum(row.prompt_tokens or 0 for row in rows) == server.counted["prompt"]
    assert sum(row.cached_tokens or 0 for row in rows) == server.counted["cached"]
    (tools,) = {json.dumps([tool["function"]["name"] for tool in body["tools"]]) for body in server.bodies}
    assert tools == '["calculator"]'


def test_the_turn_that_passes_the_highest_checkpoint_is_in_the_sum(tmp_path: Path, server: Server) -> None:
    """Turns take 7, 8, 9 and so on, so 20 tokens hold two of them, and the third is paid and kept by nobody."""
    rows = collected(server, tmp_path, turns=None, loop_tokens=(6, 8, 20), limit=5)
    assert server.counted["calls"] == (1 + 2 + 3 + 3 + 3) * 2
    assert sum(row.generated_tokens or 0 for row in rows) == server.counted["decoded"]
    assert sum(row.prompt_tokens or 0 for row in rows) == server.counted["prompt"]
    assert sum(row.cached_tokens or 0 for row in rows) == server.counted["cached"]
    assert {row.question: row.cancelled_tokens for row in rows if row.rung == 2} == {
        "q0": 0, "q1": 0, "q2": 9, "q3": 9, "q4": 9
    }  # fmt: skip
    assert {row.value for row in rows if row.rung == 0} == {None}
    assert {row.question: row.value for row in rows if row.rung == 2} == {"q0": 1, "q1": 1, "q2": 0, "q3": 0, "q4": 0}


def test_a_provider_that_counts_nothing_is_refused_after_one_call(tmp_path: Path, server: Server) -> None:
    server.silent_from = 0
    with pytest.raises(InputError, match=r"does not say how many tokens.*--loop-tokens counts them; give --turns"):
        collected(server, tmp_path, turns=None, loop_tokens=(8, 20), limit=5, concurrency=1)
    assert server.counted["calls"] == 1
    (tmp_path / "turns").mkdir()
    rows = collected(server, tmp_path / "turns", turns=(1, 2), limit=2, concurrency=1)  # these count turns alone
    assert {row.generated_tokens for row in rows if row.rung == 0} == {None}
    assert {row.error for row in rows} == {None}


def test_one_uncounted_turn_marks_its_trace_and_never_ends_the_run(tmp_path: Path, server: Server) -> None:
    server.silent_from = 2
    rows = collected(server, tmp_path, turns=None, loop_tokens=(8, 90), limit=3, draws=1, concurrency=1)
    errors = {(row.question, row.rung): row.error for row in rows}
    assert [errors[f"q{i}", 1] is None for i in range(3)] == [True, True, False]
    assert errors["q2", 0] is None
    assert "turn 3 has no count" in str(errors["q2", 1])


SANDBOXED = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import Score, accuracy, scorer
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import bash, python
from inspect_ai.util import sandbox

@scorer(metrics=[accuracy()])
def written(touches):
    async def score(state, target):
        try:
            lines = (await sandbox().read_file("lines")).splitlines()
        except FileNotFoundError:
            lines = []
        if touches:
            await sandbox().write_file("lines", "\\n".join([*lines, "one\\n"]))
        return Score(value=len(lines) / 10)
    return score

@task
def steps(tool="bash", touches=False):
    return Task(
        dataset=[Sample(id="q3", input="Steps: 3", target="3")],
        solver=[use_tools({"bash": bash(), "python": python()}[tool]), generate()],
        scorer=written(touches),
        sandbox="local",
    )
"""


def in_sandbox(server: Server, folder: Path, *, args: dict[str, Any], **changes: Any) -> list[float | None]:
    folder.mkdir()
    named = overthink.tasks(capability=[f"{folder}/theirs.py@steps"], safety=[], benign=[], args=args)
    fields = {"tasks": named, "draws": 1, "sandbox_scoring": "unchanged"}
    return [row.value for row in collected(server, folder, file=SANDBOXED, **(fields | changes))]


@pytest.mark.parametrize("tool", ["bash", "python"])
def test_a_loop_in_a_sandbox_is_scored_in_it_on_its_way(tmp_path: Path, server: Server, tool: str) -> None:
    assert in_sandbox(server, tmp_path / "a", args={"tool": tool}, turns=(1, 2, 4)) == [0.1, 0.2, 0.3]
    assert server.counted["decoded"] == 7 + 8 + 9 + 10
    made = [[message["content"] for message in body["messages"] if message["role"] == "tool"] for body in server.bodies]
    assert [text.strip() for text in made[-1]] == ["1", "2", "3"]


def test_a_loop_in_a_sandbox_is_scored_before_the_turn_that_passes_acts(tmp_path: Path, server: Server) -> None:
    assert in_sandbox(server, tmp_path / "a", args={}, turns=None, loop_tokens=(8, 15, 20, 99)) == [0.1, 0.2, 0.2, 0.3]


def test_what_was_stated_of_the_sandbox_matters(tmp_path: Path, server: Server) -> None:
    """Positive control: a scorer that writes there changes what is seen later; scored once, nothing follows."""
    assert in_sandbox(server, tmp_path / "a", args={"touches": True}, turns=(1, 2, 4)) != [0.1, 0.2, 0.3]
    assert in_sandbox(server, tmp_path / "b", args={"touches": True}, turns=(4,), sandbox_scoring=None) == [0.3]
