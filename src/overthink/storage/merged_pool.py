"""One pool of several, in the order of a pool, without holding more than a few hundred thousand rows.

Every pool is sorted by the same key, so that the rows of one question in one curve stand together in each. The order of
all rows follows from these groups alone. What a group has in common is not read again, and the other columns are read
and laid out by number of row, as many groups at once as fit.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
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
    """Return the groups of rows of each part of the merged pool, in their order: their key, pool, start and length."""
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
        .select("part", "group", "pool", "start", "length", *_GROUP)
        .partition_by("part", include_key=False, maintain_order=True)
    )


def _rows(pools: Sequence[pl.LazyFrame], part: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a part: what stands together in a pool is read at once, and laid out group by group."""
    spans = part.group_by("pool").agg(first=pl.col("start").min(), rows=pl.col("length").sum()).sort("pool")
    spans = spans.with_columns(offset=pl.col("rows").cum_sum() - pl.col("rows") - pl.col("first"))
    frames = pl.collect_all(
        [pools[number].drop(_GROUP).slice(first, rows) for number, first, rows, _ in spans.iter_rows()]
    )
    own = part.join(spans.select("pool", "offset"), on="pool", maintain_order="left")
    lengths = own["length"].to_numpy()
    behind = own["start"].to_numpy() + own["offset"].to_numpy() - (lengths.cumsum() - lengths)
    places = np.repeat(behind, lengths) + np.arange(lengths.sum())
    read = pl.concat(frames)
    empty = [name for name in read.columns if read[name].null_count() == read.height]
    rows = pl.concat(
        [
            read.drop(empty).rechunk()[_index(places)],
            own.select(_GROUP)[_index(np.repeat(np.arange(len(lengths)), lengths))],
        ],
        how="horizontal",
    )
    rows = rows.with_columns(pl.lit(None, POOL_SCHEMA[name]).alias(name) for name in empty).select(POOL_SCHEMA.names())
    return rows.sort(ROW_KEY) if own["group"].is_duplicated().any() else rows


def _index(places: NDArray[np.int64]) -> pl.Series:
    """Return places of rows in the type that needs no conversion."""
    return pl.Series(places.astype(np.uint32))
