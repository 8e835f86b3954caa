"""A journal loses at most the trace that was being written."""

import dataclasses
import os
from pathlib import Path

import pytest

from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.errors import InputError, StoppedError
from overthink.storage import jsonl as module
from overthink.storage.journal import Journal, read_journal


def trace(question: str) -> tuple[RungRecord, ...]:
    base = RungRecord("s", "base", Axis.SAFETY, "t", "judge", question, 0, 0, Estimand.FORCED, Verdict.SAFE, 1.0)
    return tuple(dataclasses.replace(base, rung=rung, thinking_tokens=64 * rung) for rung in range(3))


TRACES = [trace("one"), trace("zwei \n „drei“ </script>"), trace("")]


def write(path: Path) -> None:
    with Journal(path) as journal:
        for each in TRACES:
            journal.append(each)


def test_traces_come_back_in_order(tmp_path: Path) -> None:
    write(tmp_path / "j")
    assert read_journal(tmp_path / "j") == TRACES
    with Journal(tmp_path / "j") as journal:
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
        with Journal(path) as journal:
            assert read_journal(path) == TRACES[:whole]
            journal.append(trace("next"))
        assert read_journal(path) == [*TRACES[:whole], trace("next")]


def test_another_file_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    for content in (b'{"overthink.journal":99}\n[]\n', b"notes, no line end", b"notes\nmore"):
        path = tmp_path / "j"
        path.write_bytes(content)
        with pytest.raises(InputError, match="begins with"):
            Journal(path)
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
    with Journal(tmp_path / "j") as journal:
        journal.append(TRACES[0])
        assert synced[-1] == (tmp_path / "j").stat().st_size > synced[0]

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(module.os, "fsync", full)
        with pytest.raises(StoppedError, match="--resume"):
            journal.append(TRACES[1])
