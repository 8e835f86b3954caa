"""A disk that fills up, at every file of a study: exit code 3, nothing lost, nothing half-written."""

import logging
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from pydantic import TypeAdapter
from simulated_study import one_task, run
from sweeps import few

import overthink
from overthink.errors import StoppedError
from overthink.plan.study import Plan
from overthink.storage.journal import read_journal
from overthink.storage.pool import write_pool


def small() -> Plan:
    return one_task(budgets=(0, 32), limit=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    return run(tmp_path_factory.mktemp("whole") / "s", small())


@contextmanager
def files_no_larger_than(size: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a full disk does to whoever goes on writing; the system itself refuses the bytes."""
    monkeypatch.setattr(logging, "raiseExceptions", False)  # Inspect's trace file is full, too
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python keeps half of a module that it compiles meanwhile
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "file", few(["plan.json", "logs/thoughts.jsonl", "journal.jsonl", "logs/*.eval", "findings.json", "report.html"], 3)
)
def test_the_run_stops_where_the_disk_is_full_and_goes_on_where_it_was(
    file: str, whole: overthink.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert whole.folder is not None
    (there,) = whole.folder.path.glob(file)
    with files_no_larger_than(there.stat().st_size * 2 // 3, monkeypatch), pytest.raises(StoppedError) as stopped:
        run(tmp_path / "s", small())
    assert stopped.value.exit_code == 3
    assert "--resume" in str(stopped.value)
    assert not [path for path in (tmp_path / "s").rglob("*") if path.suffix == ".part"]
    begun = (tmp_path / "s" / "plan.json").exists()
    kept = read_journal(tmp_path / "s" / "journal.jsonl") if (tmp_path / "s" / "journal.jsonl").exists() else []
    told: list[object] = []
    resumed = run(tmp_path / "s", small(), resume=begun, on_trace=told.append)
    assert resumed.findings == whole.findings
    assert len(kept) + len(told) == 2 * 2


def test_a_pool_that_does_not_fit_leaves_no_half_of_one(
    whole: overthink.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert whole.folder is not None
    size = whole.folder.pool.stat().st_size

    def full(path: Path, pool: pl.LazyFrame) -> str:
        with files_no_larger_than(size // 2, monkeypatch):
            return write_pool(path, pool)

    with monkeypatch.context() as broken:
        broken.setattr("overthink.workflows.analyse.write_pool", full)
        with pytest.raises(StoppedError, match=r"pool.parquet: File too large.*--resume"):
            run(tmp_path / "s", small())
    assert not [path for path in (tmp_path / "s").iterdir() if "pool" in path.name]
    told: list[object] = []
    assert run(tmp_path / "s", small(), resume=True, on_trace=told.append).findings == whole.findings
    assert not told


def test_a_journal_that_could_not_write_a_trace_writes_none_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from overthink.storage.jsonl import JsonLines

    lines = JsonLines(tmp_path / "j", {"x": 1}, TypeAdapter(str))
    with lines as file:
        file.append("first")
        size = (tmp_path / "j").stat().st_size
        with files_no_larger_than(size + 4, monkeypatch), pytest.raises(StoppedError):
            file.append("too long for the disk")
        assert (tmp_path / "j").stat().st_size == size
        with pytest.raises(StoppedError):  # there is room again, but a line is missing
            file.append("last")
    assert [line for _, line in lines.read_lines()] == [b'"first"\n']
