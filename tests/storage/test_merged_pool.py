"""One pool of several: the rows, and the order, of a pool that was written at once."""

from pathlib import Path

import polars as pl
import pytest

from overthink.data.pool import ROW_KEY, pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.traces import with_traces
from overthink.errors import InputError
from overthink.storage.merged_pool import write_merged_pool
from overthink.storage.pool import scan_own_pool, write_pool


def row(task: str, arm: str, question: str, draw: int, rung: int) -> RungRecord:
    return RungRecord("s", arm, Axis.CAPABILITY, task, "match", question, draw, rung, Estimand.FORCED, value=draw % 2)


ROWS = [
    row(task, arm, question, draw, rung)
    for task in ("a", "b")
    for arm in ("base", "wait")
    for question in ("q10", "q2", "ä", "q1")
    for draw in range(3)
    for rung in range(2)
]


def parts(folder: Path, n: int) -> list[pl.LazyFrame]:
    """The rows in n pools; those of one question are in two of them, trace by trace."""
    pools = []
    for number in range(n):
        own = [each for each in ROWS if (each.draw + ROWS.index(each) // 12) % n == number]
        write_pool(folder / f"{number}.parquet", with_traces(pool_of(own), "ab"))
        pools.append(scan_own_pool(folder / f"{number}.parquet"))
    return pools


@pytest.mark.parametrize(("n", "at_once"), [(1, 5), (3, 1), (3, 7), (3, 10**6)])
def test_it_is_the_pool_that_is_written_at_once(n: int, at_once: int, tmp_path: Path) -> None:
    whole = write_pool(tmp_path / "whole.parquet", with_traces(pool_of(ROWS), "ab"))
    merged = write_merged_pool(tmp_path / "merged.parquet", parts(tmp_path, n), at_once=at_once)
    assert merged == whole
    assert pl.read_parquet(tmp_path / "merged.parquet").select(ROW_KEY).is_duplicated().sum() == 0


def test_a_pool_of_nothing_adds_nothing(tmp_path: Path) -> None:
    write_pool(tmp_path / "empty.parquet", with_traces(pool_of([]), "ab"))
    whole = write_pool(tmp_path / "whole.parquet", with_traces(pool_of(ROWS), "ab"))
    pools = [scan_own_pool(tmp_path / "empty.parquet"), scan_own_pool(tmp_path / "whole.parquet")]
    assert write_merged_pool(tmp_path / "merged.parquet", pools) == whole
    nothing = write_merged_pool(tmp_path / "nothing.parquet", pools[:1])
    assert pl.read_parquet(tmp_path / "nothing.parquet").height == 0
    assert nothing != whole


def test_what_is_no_pool_of_this_version_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "table.parquet")
    with pytest.raises(InputError, match="is not a pool"):
        scan_own_pool(tmp_path / "table.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        scan_own_pool(tmp_path / "broken.parquet")
