"""A journal loses at most the trace that was being written."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from overthink.data.record import JOURNAL_VERSION, TRACE_COLUMNS, Axis, Estimand, RungRecord, Verdict
from overthink.data.tokens import CutShort, TokenUsage
from overthink.data.verifier_scores import AnswerScore, VerifierRun
from overthink.errors import InputError, StoppedError
from overthink.storage import jsonl as module
from overthink.storage.journal import (
    journal_file,
    read_journal,
    read_thoughts,
    thoughts_file,
    unfinished_file,
    wave_draws,
    wave_file,
)
from overthink.storage.verifier_scores import ScoreFile


def trace(question: str) -> tuple[RungRecord, ...]:
    base = RungRecord("s", "base", Axis.SAFETY, "t", "judge", question, 0, 0, Estimand.FORCED, Verdict.SAFE, 1.0)
    return tuple(dataclasses.replace(base, rung=rung, thinking_tokens=64 * rung) for rung in range(3))


TRACES = [trace("one"), trace("zwei \n „drei“ </script>"), trace("")]


def write(path: Path) -> None:
    with journal_file(path) as journal:
        for each in TRACES:
            journal.append(each)


def test_traces_come_back_in_order(tmp_path: Path) -> None:
    write(tmp_path / "j")
    assert read_journal(tmp_path / "j") == TRACES
    with journal_file(tmp_path / "j") as journal:
        journal.append(trace("four"))
    assert read_journal(tmp_path / "j") == [*TRACES, trace("four")]


def test_cut_anywhere_the_whole_lines_remain_and_appending_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path)
    content = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for cut in range(0, len(content) + 1, 7):
        path.write_bytes(content[:cut])
        whole = max(sum(end <= cut for end in ends) - 1, 0)
        with journal_file(path) as journal:
            assert read_journal(path) == TRACES[:whole]
            journal.append(trace("next"))
        assert read_journal(path) == [*TRACES[:whole], trace("next")]


def test_another_file_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    for content in (b'{"overthink.journal":99}\n[]\n', b"notes, no line end", b"notes\nmore"):
        path = tmp_path / "j"
        path.write_bytes(content)
        with pytest.raises(InputError, match="begins with"):
            journal_file(path).__enter__()
        assert path.read_bytes() == content


def test_damage_before_the_last_line_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "j")
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"safe"', b'"sage"')
    (tmp_path / "j").write_bytes(b"".join(lines))
    with pytest.raises(InputError, match="line 2"):
        read_journal(tmp_path / "j")
    with pytest.raises(InputError, match="not there"):
        read_journal(tmp_path / "none")


def test_append_returns_only_after_the_disk_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(module.os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_size), sync(fd)))
    with journal_file(tmp_path / "j") as journal:
        journal.append(TRACES[0])
        assert synced[-1] == (tmp_path / "j").stat().st_size > synced[0]

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(module.os, "fsync", full)
        with pytest.raises(StoppedError, match="--resume"):
            journal.append(TRACES[1])


EARLIER = {
    "u": b'{"overthink.unfinished":1}\n{"task":"t","arm":"base","question":"q","draw":0,"paid":{"prompt_tokens":1,'
    b'"cached_tokens":null,"decoded_tokens":3,"judge_tokens":4,"guard_tokens":5,"step_verifier_tokens":6},'
    b'"unanswered":1}\n',
    "t": b'{"overthink.thoughts":2}\n["t","base","q",0,[1,2]]\n',
    "w": b'{"overthink.waves":1}\n{"task":"t","draws":{"b":2,"a":3}}\n',
    "s": b'{"overthink.verified":1}\n{"verifier":"rollouts:n=2","by":"steps","aggregate":"last","oracle":false,'
    b'"models":["m"],"arms":["base"],"gaps":{}}\n'
    b'{"place":["t","base","q",0,8],"score":0.5,"tokens":7,"reason":null}\n',
}
"""Files as version 0.2.0 wrote them."""


def test_the_bytes_of_every_file_are_those_of_earlier_versions(tmp_path: Path) -> None:
    records = (dataclasses.replace(trace("„q“")[0], value=float("nan")),)
    verifier = VerifierRun("rollouts:n=2", "steps", "last", False, ("m",), ("base",))
    with (
        journal_file(tmp_path / "j") as journal,
        unfinished_file(tmp_path / "u") as unfinished,
        thoughts_file(tmp_path / "t") as thoughts,
        wave_file(tmp_path / "w") as waves,
        ScoreFile(tmp_path / "s", verifier) as scores,
    ):
        journal.append(records)
        usage = TokenUsage(1, None, decoded_tokens=3, judge_tokens=4, guard_tokens=5, step_verifier_tokens=6)
        unfinished.append(CutShort("t", "base", "q", 0, usage, 1))
        thoughts.append(("t", "base", "q", 0, (1, 2)))
        waves.append(wave_draws("t", ("b", "a"), np.array([2, 3])))
        scores.append(AnswerScore(("t", "base", "q", 0, 8), 0.5, 7))
    assert {name: (tmp_path / name).read_bytes() for name in EARLIER} == EARLIER
    columns = json.dumps(
        [{name: getattr(record, name) for name in TRACE_COLUMNS} | {"value": None} for record in records],
        separators=(",", ":"),
    )
    assert (tmp_path / "j").read_bytes() == b'{"overthink.journal":%d}\n%s\n' % (JOURNAL_VERSION, columns.encode())
    with ScoreFile(tmp_path / "s", verifier):
        pass
    assert (tmp_path / "s").read_bytes() == EARLIER["s"]
    assert read_thoughts(tmp_path / "t") == {("t", "base", "q", 0): (1, 2)}
