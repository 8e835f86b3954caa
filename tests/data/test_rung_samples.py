"""Samples behind a rung: the first of each verdict, whatever the size of the pool, and nothing without a log."""

from dataclasses import replace

import polars as pl
import pytest

from overthink.data import rung_samples as module
from overthink.data.pool import frame_of, pool_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.rung_samples import RungSamples, rung_samples


def row(number: int, *, rung: int = 0, arm: str = "m", log: str | None = "a.eval") -> RungRecord:
    verdict = (Verdict.CORRECT, Verdict.WRONG)[number % 2]
    return RungRecord(
        "s", arm, Axis.CAPABILITY, "t", "k", f"q{number:03d}", 0, rung, Estimand.EFFORT, verdict=verdict,
        value=float(number % 2 == 0), log=log, epoch=1,
    )  # fmt: skip


def numbers(rung: RungSamples) -> list[int]:
    return [int(sample.question[1:]) for sample in rung.samples]


def test_a_rung_shows_the_first_of_each_verdict_the_worst_first() -> None:
    (rung,) = rung_samples(pool_of(row(n) for n in range(40)), per_verdict=3)
    assert numbers(rung) == [1, 3, 5, 0, 2, 4]
    assert (rung.n_samples, rung.n_other) == (40, 0)


def test_an_error_without_a_verdict_is_a_verdict_of_its_own() -> None:
    failed = replace(row(1), verdict=None, value=None, error="no reply")
    (rung,) = rung_samples(pool_of([row(0), failed]))
    assert [sample.verdict for sample in rung.samples] == [Verdict.CORRECT, Verdict.ERRORED]


def test_pieces_of_a_pool_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = pool_of(row(n, rung=n // 50, arm=("m", "other")[n % 3 == 0]) for n in range(150))
    whole = rung_samples(pool)
    monkeypatch.setattr(module, "_PIECE", 7)
    assert rung_samples(pool) == whole
    assert len(whole) == 6
    assert sum(rung.n_samples for rung in whole) == 150


def test_many_rungs_show_fewer_samples_each_and_at_last_none() -> None:
    pool = pool_of(row(n, rung=rung) for rung in range(10) for n in range(20))
    assert {len(rung.samples) for rung in rung_samples(pool, per_verdict=5, most=60)} == {6}
    few = rung_samples(pool, per_verdict=5, most=5)
    assert sum(len(rung.samples) for rung in few) == 5
    assert [rung.n_samples for rung in few] == [20] * 10


def test_rows_of_no_log_are_counted_and_not_shown() -> None:
    assert rung_samples(pool_of([row(n, log=None) for n in range(4)])) == ()
    assert rung_samples(frame_of([]).lazy()) == ()
    (rung,) = rung_samples(pool_of([row(0, log=None), row(1), row(2, log=None)]))
    assert (numbers(rung), rung.n_samples, rung.n_other) == ([1], 1, 2)


def test_only_few_columns_are_read() -> None:
    """A column that cannot be computed is no obstacle, so it was not read."""
    pool = pool_of([row(0)]).with_columns(answer=pl.col("answer").map_batches(lambda _: 1 // 0, return_dtype=pl.String))
    assert len(rung_samples(pool)) == 1
