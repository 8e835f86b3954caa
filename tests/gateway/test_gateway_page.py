"""The page on the gateway does what it says, on the embedded model and with the client of OpenAI."""

import contextlib
import io
import json
import re
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
import uvicorn
from embedded import require_embedded

from overthink.cli.main import app
from overthink.gateway import server
from overthink.gateway.session import Settings

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
CHEAPER = {
    "--model overthink/smollm2": "--model overthink/simulated",
    "--limit 12": "--limit 2",
    "study/statement.json --budget": "study/statement.json --model smollm2 --budget",
    "study/statement.json --upstream": "study/statement.json --model smollm2 --upstream",
}
"""What is cheaper here than on the page: the study is of the simulated model; what answers is the embedded one."""


def cheaper(line: str) -> str:
    for old, new in CHEAPER.items():
        line = line.replace(old, new)
    return line


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def served(line: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The gateway of a command line, in a thread; `test_server` starts one in a process of its own."""
    servers: list[uvicorn.Server] = []

    def server_of(settings: Settings) -> uvicorn.Server:
        servers.append(own(settings))
        return servers[0]

    own = server.server_of
    monkeypatch.setattr(server, "server_of", server_of)
    command = typer.main.get_command(app)
    thread = threading.Thread(target=command.main, args=(shlex.split(line)[1:],), kwargs={"standalone_mode": False})
    thread.start()
    while not (servers and servers[0].started):
        assert thread.is_alive()
        time.sleep(0.02)
    try:
        yield
    finally:
        servers[0].should_exit = True
        thread.join()


def test_the_ten_minutes_of_the_page(overthink: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_embedded()
    monkeypatch.chdir(tmp_path)
    study, look, after = blocks("bash")
    model_server, client = blocks("python")
    (line,) = re.findall(r"^overthink gateway .* --upstream .*$", PAGE.read_text(), flags=re.MULTILINE)

    def run(script: str) -> list[str]:
        outs = []
        for command in script.splitlines():
            code, out, err = overthink(*shlex.split(cheaper(command))[1:])
            assert code == 0, err
            outs.append(out)
        return outs

    run(study)
    assert "thinking tokens of a sample: 32" in run(look)[0]
    ports = {"18200": str(free_port()), "8088": str(free_port())}
    for old, new in ports.items():
        model_server, client, line = (text.replace(old, new) for text in (model_server, client, line))
    names: dict[str, Any] = {}
    exec(compile(model_server, "gateway.md", "exec"), names)
    printed = io.StringIO()
    with served(cheaper(line), monkeypatch), contextlib.redirect_stdout(printed):
        exec(compile(client, "gateway.md", "exec"), {})
    lines = printed.getvalue()
    assert "the cap on tries of this request is reached" in lines
    assert "thinking_token_budget 4,096 was not evaluated; evaluated: at most 32" in lines
    entries = [json.loads(text) for text in Path("gateway-usage.jsonl").read_text().splitlines()]
    assert [entry["end"] for entry in entries] == ["complete"] * 3 + ["refused"]
    assert len({entry["family"] for entry in entries}) == 1
    assert all(entry["counted"] == "provider" and 0 < entry["generated_tokens"] <= 24 for entry in entries[:3])
    usage, check = run(after)
    assert f"{sum(entry['generated_tokens'] for entry in entries):,} of 2,000" in usage
    assert "every rule is kept" in check
