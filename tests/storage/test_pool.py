"""The pool comes back as it was written, does not depend on order, and refuses what it does not know."""

import dataclasses
import hashlib
import math
import random
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overthink.data import pool as pool_module
from overthink.data.outcomes import from_frame, outcome_bytes
from overthink.data.pool import pool_of, records_of
from overthink.data.record import OF_LOGS, POOL_VERSION, Axis, Estimand, RungRecord, Verdict
from overthink.data.traces import with_traces
from overthink.errors import InputError, StoppedError
from overthink.storage import files, foreign_files
from overthink.storage import pool as storage_pool
from overthink.storage.pool import read_pool, scan_pool, write_pool


@pytest.fixture(autouse=True, params=["in memory", "by column"], scope="module")
def _pools_of_few_and_of_many_rows(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "by column":
            patch.setattr(pool_module, "FEW_ROWS", -1)
        yield


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
MAYBE_INT = st.none() | st.integers(0, 2**62)

RECORD = st.builds(
    RungRecord,
    study=TEXT,
    arm=TEXT,
    axis=st.sampled_from(Axis),
    task=TEXT,
    scorer=TEXT,
    question=TEXT,
    draw=st.integers(0, 9),
    rung=st.integers(0, 9),
    estimand=st.sampled_from(Estimand),
    verdict=st.none() | st.sampled_from(Verdict),
    value=st.none() | st.floats(0, 1),
    requested_tokens=MAYBE_INT,
    thinking_tokens=MAYBE_INT,
    answer_tokens=MAYBE_INT,
    generated_tokens=MAYBE_INT,
    natural_end=st.none() | st.booleans(),
    truncated=st.none() | st.booleans(),
    answer=st.none() | TEXT,
    verifier_score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    effort=st.none() | TEXT,
    seed=MAYBE_INT,
    error=st.none() | TEXT,
)


def key(r: RungRecord) -> tuple[object, ...]:
    return (r.task, r.axis, r.scorer, r.arm, r.estimand, r.question, r.draw, r.rung, r.study)


def record(**changes: object) -> RungRecord:
    base = RungRecord("s", "base", Axis.CAPABILITY, "sums", "match", "q1", 0, 0, Estimand.FORCED)
    return dataclasses.replace(base, **changes)


@settings(max_examples=20, deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=12, unique_by=key), st.randoms(use_true_random=False))
def test_a_pool_comes_back_whole_and_ignores_the_order(
    tmp_path_factory: pytest.TempPathFactory, records: list[RungRecord], shuffler: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("pool")
    first = write_pool(folder / "a.parquet", pool_of(records))
    shuffler.shuffle(records)
    second = write_pool(folder / "b.parquet", pool_of(iter(records)))
    assert first == second == hashlib.sha256((folder / "a.parquet").read_bytes()).hexdigest()
    assert sorted(records_of(read_pool(folder / "b.parquet")), key=key) == sorted(records, key=key)


def test_a_pool_of_the_version_before_is_checked_as_well(tmp_path: Path) -> None:
    path = tmp_path / "pool.parquet"
    old_pool(path, [record(value=1.0)])
    assert records_of(read_pool(path)) == [record(value=1.0)]
    rewrite(path, lambda t: t.with_columns(value=pl.lit(math.nan)), {"overthink.pool": "3"})
    with pytest.raises(InputError, match="value is nan"):
        read_pool(path)


@pytest.mark.parametrize(
    ("ids", "says"),
    [((b"a", b"a", b"a", b"a"), "one id stands for several traces"), ((b"a", b"b", b"c", b"c"), "several ids")],
)
def test_ids_are_one_for_each_trace(tmp_path: Path, ids: tuple[bytes, ...], says: str) -> None:
    rows = pool_of([record(draw=draw, rung=rung) for draw in (0, 1) for rung in (0, 1)])
    named = rows.with_columns(trace=pl.Series([16 * name for name in ids]))
    write_pool(tmp_path / "pool.parquet", named)
    with pytest.raises(InputError, match=f"trace: .*{says}.*draw=0"):
        read_pool(tmp_path / "pool.parquet")


def test_one_changed_value_changes_the_hash(tmp_path: Path) -> None:
    assert write_pool(tmp_path / "a", pool_of([record(value=0.0)])) != write_pool(
        tmp_path / "a", pool_of([record(value=1.0)])
    )


def test_nan_is_unknown(tmp_path: Path) -> None:
    write_pool(tmp_path / "a", pool_of([record(value=math.nan, verifier_score=math.nan)]))
    assert records_of(read_pool(tmp_path / "a")) == [record()]


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ([record(), record(value=1.0)], "repeat"),
        ([record(value=1.5)], "value is 1.5 in 1 rows; needed: from 0 to 1"),
        ([record(value=math.inf)], "value is inf"),
        ([record(draw=-1)], "draw is -1"),
        ([record(thinking_tokens=-1)], "thinking_tokens is -1 .* needed: a number from 0"),
        ([record(seconds=-0.5)], "seconds is -0.5"),
        ([record(attempt_seconds=math.inf)], "attempt_seconds is inf"),
        ([record(verifier_score=float("inf"))], "verifier_score is inf in 1 rows; needed: a finite number"),
        ([record(verdict="nice")], "nice"),
        ([record(thinking_tokens="many")], "type"),
        ([record(question=None)], "question"),
    ],
)
def test_a_bad_record_is_refused_and_nothing_is_written(tmp_path: Path, records: list[RungRecord], says: str) -> None:
    with pytest.raises(InputError, match=says):
        write_pool(tmp_path / "pool.parquet", pool_of(records))
    assert list(tmp_path.iterdir()) == []


def rewrite(path: Path, change: object, metadata: dict[str, str] | None = None) -> None:
    metadata = {"overthink.pool": str(POOL_VERSION)} if metadata is None else metadata
    change(pl.read_parquet(path)).write_parquet(path, metadata=metadata)


@pytest.mark.parametrize(
    ("change", "metadata", "says"),
    [
        (lambda t: t, {"overthink.pool": "99"}, f"version '99'.*reads version {POOL_VERSION} and 4 and 3"),
        (lambda t: t, {"other": "1"}, "not a pool"),
        (lambda t: t.drop("seed"), None, "missing: 'seed'"),
        (lambda t: t.with_columns(mood=pl.lit("x")), None, "unknown: 'mood'"),
        (lambda t: t.with_columns(pl.col("value").cast(pl.String)), None, "value is String, needed Float64"),
        (lambda t: t.with_columns(verdict=pl.lit("splendid")), None, "splendid.*knows: correct"),
        (lambda t: t.with_columns(axis=pl.lit("beauty")), None, "beauty"),
        (lambda t: t.with_columns(value=pl.lit(-0.5)), None, "value is -0.5"),
        (lambda t: t.with_columns(value=pl.lit(math.nan)), None, "value is nan"),
        (lambda t: t.with_columns(seconds=pl.lit(math.nan)), None, "seconds is nan"),
        (lambda t: t.with_columns(trace=pl.lit(b"short")), None, "trace holds no id in 1 rows"),
        (lambda t: t.head(0), None, "has no rows"),
        (lambda t: t.with_columns(pl.lit(None, pl.String).alias("question")), None, "question"),
        (lambda t: pl.concat([t, t]), None, "repeat"),
    ],
)
def test_a_strange_pool_is_refused(tmp_path: Path, change: object, metadata: dict[str, str] | None, says: str) -> None:
    path = tmp_path / "pool.parquet"
    write_pool(path, pool_of([record(value=1.0)]))
    rewrite(path, lambda t: t)
    assert records_of(read_pool(path)) == [record(value=1.0)]  # rewriting alone does no harm
    rewrite(path, change, metadata)
    with pytest.raises(InputError, match=says):
        records_of(read_pool(path))


def test_a_broken_file_is_one_clear_message(tmp_path: Path) -> None:
    path = tmp_path / "pool.parquet"
    write_pool(path, pool_of([record(question=str(i), value=i / 50) for i in range(50)]))
    whole = path.read_bytes()
    noise = random.Random(7)
    refused = 0
    for _ in range(150):
        broken = bytearray(whole[: noise.randrange(len(whole))] if noise.random() < 0.5 else whole)
        for _ in range(noise.randrange(1, 9)):
            if broken:
                broken[noise.randrange(len(broken))] = noise.randrange(256)
        path.write_bytes(bytes(broken))
        try:
            records_of(read_pool(path))  # some flips only change a value; that is what the recorded hash is for
        except InputError:
            refused += 1
    assert refused > 100
    with pytest.raises(InputError, match="not there"):
        records_of(read_pool(tmp_path / "none.parquet"))
    with pytest.raises(InputError, match="a folder"):
        records_of(read_pool(tmp_path))


def test_a_full_disk_keeps_the_old_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.parquet"
    before = write_pool(path, pool_of([record(value=1.0)]))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoppedError, match=r"No space left.*--resume"):
        write_pool(path, pool_of([record(value=0.0)]))
    assert files.file_sha256(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["pool.parquet"]


def old_pool(path: Path, records: list[RungRecord], version: int = 3) -> Path:
    """A pool as an earlier version wrote it."""
    write_pool(path, with_traces(pool_of(records), "ab" * 32))
    columns = (*OF_LOGS, "trace") if version == 3 else OF_LOGS
    rewrite(path, lambda t: t.drop(columns), {"overthink.pool": str(version)})
    return path


def test_a_pool_without_the_columns_of_logs_is_read_with_its_ids(tmp_path: Path) -> None:
    path = old_pool(tmp_path / "pool.parquet", [record(value=1.0), record(draw=1, value=0.0)], version=4)
    ids = pl.read_parquet(path)["trace"].to_list()
    for pool in (read_pool(path), scan_pool(path)):
        assert records_of(pool) == [record(value=1.0), record(draw=1, value=0.0)]
        assert [table.values.tolist() for table in from_frame(pool)] == [[[[1.0], [0.0]]]]
    write_pool(path, read_pool(path))
    assert pl.read_parquet_metadata(path)["overthink.pool"] == str(POOL_VERSION)
    assert pl.read_parquet(path)["trace"].to_list() == ids


def test_the_columns_of_logs_are_stored(tmp_path: Path) -> None:
    row = record(log="logs/a.eval", epoch=2, conditions='{"judge": "m"}')
    write_pool(tmp_path / "pool.parquet", pool_of([row]))
    assert records_of(read_pool(tmp_path / "pool.parquet")) == [row]


def test_a_pool_of_the_version_before_is_read_and_gets_its_ids_when_it_is_written(tmp_path: Path) -> None:
    path = old_pool(tmp_path / "pool.parquet", [record(value=1.0), record(draw=1, value=0.0)])
    pool = read_pool(path)
    assert records_of(pool) == [record(value=1.0), record(draw=1, value=0.0)]
    assert [table.values.tolist() for table in from_frame(pool)] == [[[[1.0], [0.0]]]]
    write_pool(path, with_traces(pool, "ab" * 32))
    assert pl.read_parquet_metadata(path)["overthink.pool"] == str(POOL_VERSION)
    ids = pl.read_parquet(path)["trace"]
    assert ids.n_unique() == 2
    assert ids.null_count() == 0
    assert records_of(read_pool(path)) == [record(value=1.0), record(draw=1, value=0.0)]


def test_a_pool_of_the_version_before_has_no_ids(tmp_path: Path) -> None:
    path = old_pool(tmp_path / "pool.parquet", [record()])
    rewrite(path, lambda t: t.with_columns(trace=pl.lit(b"x")), {"overthink.pool": "3"})
    with pytest.raises(InputError, match="unknown: 'trace'"):
        read_pool(path)


def test_a_pool_without_ids_is_written_with_empty_cells(tmp_path: Path) -> None:
    write_pool(tmp_path / "pool.parquet", pool_of([record()]))
    assert pl.read_parquet(tmp_path / "pool.parquet")["trace"].to_list() == [None]


def test_a_pool_beyond_memory_is_refused_before_a_row_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.parquet"
    write_pool(path, pool_of([record(draw=draw, value=1.0) for draw in range(1000)]))
    tables = from_frame(read_pool(path))
    needed = 1000 * outcome_bytes(["value"])
    assert needed >= tables[0].values.nbytes + tables[0].observed.nbytes
    monkeypatch.setattr(foreign_files, "available_memory", lambda: needed)
    read_pool(path)
    monkeypatch.setattr(foreign_files, "available_memory", lambda: needed - 1)
    monkeypatch.setattr(storage_pool, "row_codes", lambda pool: pytest.fail("a column was kept"))
    with pytest.raises(InputError, match=r"has 1,000 rows, which take about .* available: split it.*--max-rows 1000"):
        read_pool(path)


def test_max_rows_replaces_the_bound_on_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.parquet"
    write_pool(path, pool_of([record(draw=draw) for draw in range(5)]))
    with pytest.raises(InputError, match="5 rows; at most 4 are read"):
        read_pool(path, max_rows=4)
    monkeypatch.setattr(foreign_files, "available_memory", lambda: 1)
    with pytest.raises(InputError, match="of memory"):
        read_pool(path)
    assert len(records_of(read_pool(path, max_rows=5))) == 5


def test_only_known_columns_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.parquet"
    seconds = [record(draw=draw, seconds=1.0) for draw in range(100)]
    write_pool(path, pool_of(seconds))
    monkeypatch.setattr(foreign_files, "available_memory", lambda: 100 * outcome_bytes([]))
    with pytest.raises(InputError, match="of memory"):
        read_pool(path)
    write_pool(path, pool_of([dataclasses.replace(row, seconds=None) for row in seconds]))
    read_pool(path)
