"""Shards that are killed, go on and are merged: no trace is lost, and none is there twice."""

import signal
from pathlib import Path
from typing import Any

import pytest
from forked import run

import overthink
from overthink.data.pool import TRACE_KEY
from overthink.storage.journal import read_journal
from overthink.storage.shards import read_merged

CODE = """
import os, signal, sys
from overthink.storage.jsonl import JsonLines

written, write = [], JsonLines.write

def killed_within(self, content):
    if self.path.name == "journal.jsonl":
        written.append(content)
        if len(written) == int(sys.argv[1]):
            self._file.write(b'[{"study":')
            os.kill(os.getpid(), signal.SIGKILL)
    write(self, content)

JsonLines.write = killed_within
import overthink
overthink.experiment(**eval(sys.argv[2]))
"""
"""A run that is killed while it writes a line of its journal."""

LIMIT, DRAWS, ARMS, KILLED_AT = 6, 4, "base,wait:rounds=2,minimum=8", 7


def test_a_killed_shard_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    words: dict[str, Any] = {
        "model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,8", "limit": LIMIT, "draws": DRAWS,
        "seed": 5, "arms": ARMS, "progress": False,
    }  # fmt: skip
    whole = overthink.experiment(**words, out=tmp_path / "whole")
    part = tmp_path / "1-of-2"
    killed = run(CODE, str(KILLED_AT), repr(words | {"shard": "1/2", "out": str(part)}))
    assert killed.returncode == -signal.SIGKILL
    stored = len(read_journal(part / "journal.jsonl"))
    assert stored == KILLED_AT - 2  # a header comes first
    overthink.merge(tmp_path / "out", part)
    half = read_merged(tmp_path / "out" / "merged.json")
    assert half is not None
    assert half.shards[0].traces == stored  # what a killed shard holds counts already
    assert overthink.status(part).total.state == "stopped"
    overthink.experiment(**words, resume=True, out=part)
    overthink.experiment(**words, shard="2/2", out=tmp_path / "2-of-2")
    names = [(trace[0].arm, trace[0].question, trace[0].draw) for trace in read_journal(part / "journal.jsonl")]
    assert len(names) == len({*names}) > stored
    merged = overthink.merge(tmp_path / "out", part, tmp_path / "2-of-2")
    assert merged.findings == whole.findings
    assert not merged.frame().select(*TRACE_KEY, "rung").is_duplicated().any()
    cost, expected = merged.about.actual_cost, whole.about.actual_cost
    assert cost is not None
    assert expected is not None
    again = cost.retry_usage  # what the traces in flight had taken when the kill came
    assert cost.n_cut_short
    assert (cost.prompt_tokens, cost.decoded_tokens) == (
        (expected.prompt_tokens or 0) + (again.prompt_tokens or 0),
        (expected.decoded_tokens or 0) + (again.decoded_tokens or 0),
    )


@pytest.mark.parametrize("moment", [1, 2])
def test_a_merge_that_ends_at_its_last_step_leaves_the_study_as_it_was(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,8", "limit": 4, "draws": 1}
    overthink.experiment(**words, shard="1/1", out=tmp_path / "part", progress=False)  # type: ignore[arg-type]
    overthink.merge(tmp_path / "out", tmp_path / "part")
    before = (tmp_path / "out" / "findings.json").read_bytes()
    (tmp_path / ".out.99999999.part").mkdir()  # of a merge that was killed
    renamed: list[Path] = []
    rename = Path.rename

    def stopping(self: Path, target: Path) -> Path:
        renamed.append(self)
        if len(renamed) == moment:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stopping)
        with pytest.raises(KeyboardInterrupt):
            overthink.merge(tmp_path / "out", tmp_path / "part")
    assert (tmp_path / "out" / "findings.json").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"out", "part"}
