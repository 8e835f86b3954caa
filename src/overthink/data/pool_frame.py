"""The rows of a pool in memory, for people: every column, closed lists and names of few words as codes."""

import polars as pl

from overthink.data.pool import COLUMNS, ENUMS, read

NAMES = ("study", "arm", "task", "scorer", "model", "effort")
"""Columns of texts that repeat from row to row."""


def pool_frame(pool: pl.LazyFrame) -> pl.DataFrame:
    """Return all rows of a pool, with the columns of :class:`~overthink.data.record.RungRecord` in their order.

    Args:
        pool: Rows of the pool.

    Raises:
        InputError: The file that it reads is broken.
    """
    words = [pl.col(name).cast(pl.Enum([str(word) for word in kind])) for name, kind in ENUMS.items()]
    names = [pl.col(name).cast(pl.Categorical) for name in NAMES]
    return read(pool.select(COLUMNS).with_columns(*words, *names))
