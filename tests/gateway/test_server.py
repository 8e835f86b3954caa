"""Before the port opens everything is checked, with one message; then the command serves until it is stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from deployment import statement_path
from gateways import Upstream, a_policy
from openai import OpenAI

from overthink.errors import InputError
from overthink.gateway.identity import read_keys
from overthink.gateway.replica import UsageLog
from overthink.gateway.server import ServeOptions, prepare, upstream_root


def options(folder: Path, server: Upstream, **fields: Any) -> ServeOptions:
    own: dict[str, Any] = {"store": f"sqlite:{folder / 'store.db'}", "usage": folder / "usage.jsonl", "port": 0}
    return ServeOptions(**({"upstream": server.url} | own | fields))


def keys_file(folder: Path, *entries: dict[str, str], mode: int = 0o600, schema: str = "overthink.keys/1.0.0") -> Path:
    path = folder / "keys.json"
    path.write_text(json.dumps({"schema": schema, "keys": list(entries)}))
    path.chmod(mode)
    return path


A, B = ({"sha256": letter * 64, "principal": letter} for letter in "ab")


def test_keys_give_principals_and_organisations(tmp_path: Path) -> None:
    callers = read_keys(keys_file(tmp_path, A, B | {"organisation": "acme"}))
    assert [(c.principal, c.organisation) for c in callers.values()] == [("a", "a"), ("b", "acme")]


@pytest.mark.parametrize(
    ("entries", "fields", "message"),
    [
        ([A], {"mode": 0o640}, "can be read by others"),
        ([A], {"mode": 0o604}, "can be read by others"),
        ([A], {"schema": "x"}, "is no keys file"),
        ([], {}, "is no keys file"),
        ([A, A], {}, "has a key twice"),
        ([A | {"sha256": "plain-key"}], {}, "is no keys file"),
    ],
)
def test_a_keys_file_that_cannot_be_trusted_is_refused(
    tmp_path: Path, entries: list[dict[str, str]], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_keys(keys_file(tmp_path, *entries, **fields))


def test_what_cannot_be_used_is_an_error_before_the_port_opens(tmp_path: Path, upstream: Upstream) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"upstream": "http://127.0.0.1:1"}, "no server answers at"),
            ({"upstream": "ftp://x"}, "is no address of a server"),
            ({"upstream": "http://key@host"}, "is no address of a server"),
            ({"store": f"sqlite:{tmp_path}"}, "cannot be a store"),
            ({"store": "paper"}, "is of no known kind"),
            ({"keys": tmp_path / "none.json"}, "is not there"),
            ({"upstream_key_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE is not set"),
            ({"port": other.getsockname()[1]}, "cannot be opened"),
            ({"metrics": "9108"}, "needed: HOST:PORT"),
            ({"metrics": f"127.0.0.1:{other.getsockname()[1]}"}, "needed: a free port"),
        ]
        for number, (fields, message) in enumerate(cases):
            folder = tmp_path / str(number)
            folder.mkdir()
            with pytest.raises(InputError, match=message):
                prepare(a_policy(), options(folder, upstream, **fields))


def test_a_usage_ledger_belongs_to_one_replica_and_is_whole(tmp_path: Path) -> None:
    log = UsageLog(tmp_path / "usage.jsonl")
    with pytest.raises(InputError, match="belongs to a replica that runs"):
        UsageLog(tmp_path / "usage.jsonl")
    log.append(at=1.0)
    log.close()
    again = UsageLog(tmp_path / "usage.jsonl")
    assert again.lines == 1
    again.close()
    with (tmp_path / "usage.jsonl").open("a") as file:
        file.write('{"half')
    with pytest.raises(InputError, match="ends in the middle of a line"):
        UsageLog(tmp_path / "usage.jsonl")


def test_addresses_of_servers() -> None:
    assert upstream_root("https://api.openai.com/v1") == upstream_root("https://api.openai.com/")
    assert upstream_root("http://127.0.0.1:8000/prefix/v1/") == "http://127.0.0.1:8000/prefix"


def test_the_command_serves_and_writes_what_was_used(tmp_path: Path, upstream: Upstream) -> None:
    upstream.deltas = [{"content": "ja "}] * 10
    command = [
        sys.executable,
        "-c",
        "from overthink.cli.start import main; main()",
        "gateway",
        str(statement_path()),
        "--upstream",
        upstream.url,
    ]
    command += ["--port", "0", "--model", "m", "--budget", "12/life", "--metrics", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        timer = threading.Timer(40, process.kill)  # so that a failure does not wait for the server
        timer.start()
        url = next(line for line in process.stderr if line.startswith("gateway: ")).split()[1]
        chat = OpenAI(base_url=url, api_key="any", max_retries=0).chat.completions
        chunks = list(chat.create(model="m", messages=[{"role": "user", "content": "Hello you"}], stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
        chunks = list(chat.create(model="m", messages=[{"role": "user", "content": "Another one"}], stream=True))
        assert chunks[-1].choices[0].finish_reason == "length"
        process.send_signal(signal.SIGINT)
        process.wait(20)
        timer.cancel()
    first, second = [json.loads(line) for line in (tmp_path / "gateway-usage.jsonl").read_text().splitlines()]
    assert (first["generated_tokens"], second["generated_tokens"]) == (10, 2)
    assert second["previous"] == first["hash"]
    assert first["statement"] == json.loads(statement_path().read_text())["id"]
