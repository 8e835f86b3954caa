"""One pool of several, in the order of a pool, without holding more than a few hundred thousand rows.

Every pool is sorted by the same key, so that the rows of one question in one curve stand together in each. The order of
all rows follows from these groups alone; the rows are then read group by group, and written at once.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from overthink.data.pool import ROW_KEY, read
from overthink.storage.pool import POOL_SCHEMA, sink_pool

ROWS_AT_ONCE = 350_000
"""Rows that are in memory at once."""

_GROUP = ROW_KEY[: ROW_KEY.index("question") + 1]


def write_merged_pool(path: Path, pools: Sequence[pl.LazyFrame], *, at_once: int = ROWS_AT_ONCE) -> str:
    """Write the rows of several pools as one pool.

    Args:
        path: The Parquet file; replaced whole.
        pools: Pools on disk as they were written, sorted; no trace is in two of them.
        at_once: Most rows in memory, unless those of one question in one curve are more.

    Returns:
        The SHA-256 of the file.

    Raises:
        InputError: A pool cannot be read.
        StoppedError: The disk is full.
    """
    parts = _parts(pools, at_once)

    def rows(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        yield from (_rows(pools, part) for part in parts)

    merged: pl.LazyFrame = register_io_source(rows, schema=POOL_SCHEMA, is_pure=True)
    return sink_pool(path, merged)


def _parts(pools: Sequence[pl.LazyFrame], at_once: int) -> list[pl.DataFrame]:
    """Return the groups of rows of each part of the merged pool, in their order: pool, start and length."""
    groups = pl.concat(
        read(pool.group_by(_GROUP, maintain_order=True).agg(length=pl.len().cast(pl.Int64))).with_columns(
            pool=pl.lit(number), start=pl.col("length").cum_sum() - pl.col("length")
        )
        for number, pool in enumerate(pools)
    ).sort(*_GROUP, "pool")
    groups = groups.with_columns(group=pl.struct(_GROUP).rle_id())
    sizes = groups.group_by("group").agg(pl.col("length").sum().alias("rows")).sort("group")
    part = sizes.select("group", part=(pl.col("rows").cum_sum() - pl.col("rows")) // at_once)
    return (
        groups.join(part, on="group", maintain_order="left")
        .select("part", "group", "pool", "start", "length")
        .partition_by("part", include_key=False, maintain_order=True)
    )


def _rows(pools: Sequence[pl.LazyFrame], part: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a part: what stands together in a pool is read at once, and laid out group by group."""
    spans = part.group_by("pool").agg(first=pl.col("start").min(), rows=pl.col("length").sum()).sort("pool")
    frames = dict(
        zip(
            spans["pool"],
            pl.collect_all([pools[number].slice(first, rows) for number, first, rows in spans.iter_rows()]),
            strict=True,
        )
    )
    firsts = dict(zip(spans["pool"], spans["first"], strict=True))
    pieces, common = [], set(part.filter(pl.col("group").is_duplicated())["group"])
    for (group,), slices in part.group_by("group", maintain_order=True):
        own = [frames[pool].slice(start - firsts[pool], length) for _, pool, start, length in slices.iter_rows()]
        pieces.append(pl.concat(own).sort(ROW_KEY) if group in common else own[0])
    rows: pl.DataFrame = pl.concat(pieces, rechunk=True)
    return rows
