"""The workflow `samples`: every sample behind the rungs of a study, with the way to its transcript."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from overthink.data.pool import read, words_of
from overthink.data.record import Verdict
from overthink.errors import InputError
from overthink.reports.transcripts import transcript_link
from overthink.storage.tables.cells import csv_text
from overthink.workflows import arguments as arg
from overthink.workflows.sources import ReadOptions, read_source

_COLUMNS = (
    *("axis", "task", "arm", "scorer", "estimand", "rung", "question", "draw", "verdict", "value", "log", "epoch"),
)
_HEAD = (*_COLUMNS, "command", "address", "reason")
_PIECE = 20_000
"""Rows in memory at once."""


_TEXT = arg.a(str | None)


@arg.checked(path=arg.a_path, task=_TEXT, arm=_TEXT, question=_TEXT, verdict=_TEXT, rung=arg.whole_or_none(0))
def samples(
    path: str | Path,
    *,
    task: str | None = None,
    arm: str | None = None,
    rung: int | None = None,
    question: str | None = None,
    verdict: str | None = None,
) -> pl.DataFrame:
    """Return every sample behind the rungs of a study, with the way to its transcript.

    Args:
        path: A study's folder, or a pool.
        task: Samples of this task alone; None for all.
        arm: Samples of this arm alone.
        rung: Samples of this rung alone, from 0.
        question: Samples of this question alone.
        verdict: Samples with this verdict alone, such as "wrong" or "harmful".

    Returns:
        A row per sample: columns of the pool, and the command and the address that open its transcript, or the reason
        why none does.

    Raises:
        InputError: The path is no study or pool, a verdict is unknown, or no row is left.
    """
    words = {"task": task, "arm": arm, "rung": rung, "question": question, "verdict": verdict}
    rows = read(_rows(Path(path), {name: cell for name, cell in words.items() if cell is not None})[0])
    places = rows.select("log", "question", "epoch").iter_rows()
    links = [transcript_link(*place) for place in places]
    columns = {"command": "command", "address": "url", "reason": "reason"}
    return rows.with_columns(
        pl.Series(name, [getattr(link, field) for link in links], dtype=pl.String) for name, field in columns.items()
    )


def samples_csv(path: Path, only: Mapping[str, str | int]) -> Iterator[str]:
    """Yield the samples of a study as CSV, in pieces of whole lines without the last newline; the head comes first.

    Args:
        path: A study's folder, or a pool.
        only: Columns with the cell that a row must have, such as ``{"task": "math", "verdict": "wrong"}``.

    Raises:
        InputError: As for :func:`samples`.
    """
    return _pieces(*_rows(path, only))


def _rows(path: Path, filters: Mapping[str, str | int]) -> tuple[pl.LazyFrame, int]:
    """Return the chosen rows of a study, and how many there are."""
    verdict = filters.get("verdict")
    if verdict is not None and verdict not in tuple(Verdict):
        raise InputError(f"there is no verdict {verdict!r}; needed: one of {', '.join(Verdict)}")
    pool = read_source(path, ReadOptions()).pool
    rows = pool.select(_COLUMNS).filter(*(pl.col(name) == cell for name, cell in filters.items()))
    n_rows = int(read(rows.select(pl.len())).item())
    if not n_rows:
        raise InputError(f"{path} has no sample with {_filter_text(filters)}; {_remedy(pool, filters)}")
    return rows, n_rows


def _pieces(rows: pl.LazyFrame, n_rows: int) -> Iterator[str]:
    yield ",".join(_HEAD)
    for start in range(0, n_rows, _PIECE):
        lines = []
        for row in read(rows.slice(start, _PIECE)).iter_rows(named=True):
            link = transcript_link(row["log"], row["question"], row["epoch"])
            lines.append((*row.values(), link.command, link.url, link.reason))
        yield csv_text(lines).removesuffix("\n")


def _filter_text(filters: Mapping[str, str | int]) -> str:
    return " and ".join(f"{name} {cell}" for name, cell in filters.items()) or "any row"


def _remedy(pool: pl.LazyFrame, filters: Mapping[str, str | int]) -> str:
    """Return the words that the first column with an unknown one has, or that the words occur only apart."""
    for name in (name for name in ("task", "arm", "question") if name in filters):
        (words,) = words_of(pool, name)
        if filters[name] not in words:
            return f"its {name}s are: {', '.join(words.head(10).to_list())[:300]}"
    return "each occurs, but not together" if len(filters) > 1 else "needed: one that occurs"
