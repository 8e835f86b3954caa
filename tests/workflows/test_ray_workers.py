"""Workers of a real Ray on this machine: `make test-ray` installs it and runs these; without it they are left out."""

import importlib.util
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from counting_server import MODEL, CountingServer

import overthink
from overthink.errors import InputError
from overthink.storage.journal import read_journal
from overthink.storage.shards import FolderSender, Piece, store_pieces
from overthink.storage.study_folder import LOCK_FILE
from overthink.workflows import ray_workers

needs_ray = [
    pytest.mark.ray,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: make test-ray"),
    pytest.mark.filterwarnings("default"),  # Ray's own
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    monkeypatch.setenv("COUNTING_API_KEY", "of-this-server")
    server = CountingServer(0.3)
    yield server
    server.close()


def words(server: CountingServer, **more: Any) -> dict[str, Any]:
    own = {"model": MODEL, "model_args": {"base_url": server.url}, "safety": "overthink/secret", "budgets": "0,8"}
    own |= {"answer_cue": "ANSWER:", "limit": 4, "draws": 6, "concurrency": 2, "shards": 2, "progress": False}
    return own | {"workers": "ray:1"} | more


def keys(shards: Path) -> list[tuple[str, int]]:
    return [(t[0].question, t[0].draw) for path in shards.glob("*/journal.jsonl") for t in read_journal(path)]


class Killing(threading.Thread):
    """Kills the worker of this process's Ray once a journal has a trace."""

    def __init__(self, shards: Path) -> None:
        super().__init__(daemon=True)
        self.shards, self.before = shards, list[tuple[str, int]]()

    def run(self) -> None:
        while not self.before:
            time.sleep(0.1)
            self.before = keys(self.shards)
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if b"ray::collect_remotely" in (process / "cmdline").read_bytes() and is_own(int(process.name)):
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue


def is_own(pid: int) -> bool:
    while pid > 1 and pid != os.getpid():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid == os.getpid()


@pytest.mark.parametrize("is_shared", [True, False])
class TestWithRay:
    pytestmark = needs_ray

    def test_a_killed_worker_loses_nothing_and_pays_nothing_twice(
        self, server: CountingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_shared: bool
    ) -> None:
        """Where the folder is not shared, the successor goes on from what the driver has."""
        monkeypatch.setattr(ray_workers, "SECONDS_BETWEEN_PIECES", 0.5)
        if not is_shared:
            monkeypatch.setattr(ray_workers, "read_file", lambda path: b"of another machine")
        killing = Killing(tmp_path / "s.shards")
        killing.start()
        study = overthink.experiment(**words(server), out=tmp_path / "s")
        killing.join()
        assert len(study.frame()) == 4 * 6 * 2
        after = keys(tmp_path / "s.shards")
        assert len(after) == len(set(after)) == 24
        assert 0 < len(killing.before) < 24
        assert set(killing.before) <= set(after)
        times: dict[int | None, list[float]] = {}
        for request in server.requests:
            times.setdefault(request.seed, []).append(request.at)
        assert len(times) == 24 * 3
        again = sum(len(each) - 1 for each in times.values())
        assert again <= 2 * 3 + (0 if is_shared else 6)  # of traces in flight; and of those since the last piece
        assert [*(tmp_path / "s" / "logs").rglob("*.eval")]


@pytest.mark.ray
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: make test-ray")
@pytest.mark.parametrize("listens", [False, True])
def test_an_address_that_does_not_answer_is_named_in_time(listens: bool, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(ray_workers, "SECONDS_TO_ANSWER", 15.0)
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        if listens:
            port.listen()
        address = f"127.0.0.1:{port.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(InputError, match=f"--workers ray:{address}: no Ray answers there .*`ray start --head`"):
            overthink.experiment(
                model="overthink/simulated", safety="overthink/secret", budgets="0,8", limit=2,
                workers=f"ray:{address}", out=tmp_path / "s", progress=False,
            )  # fmt: skip
        assert time.monotonic() - began < 40
    assert not (tmp_path / "s").exists()


def test_pieces_of_a_folder_make_the_same_folder(tmp_path: Path) -> None:
    here, there = tmp_path / "1-of-2", tmp_path / "there"
    overthink.experiment(
        model="overthink/simulated", safety="overthink/secret", budgets="0,8", limit=2, draws=1, shard="1/1", out=here,
        progress=False,
    )  # fmt: skip
    there.mkdir()
    sender, journal, tries = FolderSender(here), here / "journal.jsonl", here / "unfinished.jsonl"
    tries.write_bytes(tries.read_bytes() + b"a line of a try in flight\n")
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-5])  # a trace that is being written
    first = [*sender.news(is_final=False)]
    assert [piece.path for piece in first[:2]] == ["unfinished.jsonl", "journal.jsonl"]
    store_pieces(there, first)
    assert (there / "journal.jsonl").read_bytes() == b"".join(whole.splitlines(keepends=True)[:-1])
    assert not [*there.rglob("*.eval")]
    journal.write_bytes(whole)
    tries.write_bytes(b"written anew, longer, and with nothing of what it had before\n")
    last = [*sender.news(is_final=True)]
    assert {Path(piece.path).suffix for piece in last} == {".jsonl", ".eval"}
    store_pieces(there, last)
    store_pieces(there, last)
    names = {path.relative_to(here) for path in here.rglob("*") if path.is_file() and path.name != LOCK_FILE}
    assert names == {path.relative_to(there) for path in there.rglob("*") if path.is_file()}
    assert all((here / name).read_bytes() == (there / name).read_bytes() for name in names)
    assert [*sender.news(is_final=True)] == []
    assert json.loads((there / "shard.json").read_text())["shard"] == "1/1"


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (Piece("../x", None, b""), "is outside of"),
        (Piece("/x", None, b""), "is outside of"),
        (Piece("journal.jsonl", 9, b""), "has 0 bytes, and a part begins at 9"),
    ],
)
def test_pieces_that_do_not_fit_are_refused(piece: Piece, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        store_pieces(tmp_path, [piece])
    assert not [*tmp_path.iterdir()]
