"""Samples behind the rungs of the curves: a few of each verdict, with the log and the epoch that hold them.

Only few columns of a pool are read, and only of the rows that are shown; a pool of a million rows costs no more memory
than one of a thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from overthink.data.ids import CurveKey
from overthink.data.pool import CURVE, SCHEMA, read
from overthink.data.record import Verdict

SAMPLES_PER_VERDICT = 5
"""Samples of each verdict at a rung."""

MOST_SAMPLES = 600
"""Samples of all rungs together."""

_PIECE = 50_000
"""Rows in memory at once."""

_RUNG = (*CURVE, "rung")
_SHOWN = ("question", "draw", "verdict", "value", "log", "epoch")


@dataclass(frozen=True, slots=True)
class RungSample:
    """One sample behind a rung.

    Attributes:
        question: Its question, which is its id in the log.
        draw: Its draw.
        verdict: Verdict on its answer; None where there is none.
        value: Value of its answer; None where unknown.
        log: The log that holds it.
        epoch: Its epoch there; None where unknown.
    """

    question: str
    draw: int
    verdict: Verdict | None
    value: float | None
    log: str
    epoch: int | None


@dataclass(frozen=True, slots=True)
class RungSamples:
    """Samples behind one rung of one curve.

    Attributes:
        key: Names of the curve.
        rung: The rung.
        n_samples: All samples of the rung whose log is known.
        n_other: Those whose log is unknown.
        samples: Some of them: the first of each verdict, worst first.
    """

    key: CurveKey
    rung: int
    n_samples: int
    n_other: int
    samples: tuple[RungSample, ...]


class SamplePlace(NamedTuple):
    """Where samples stand: a curve, one of its rungs, and a question."""

    key: CurveKey
    rung: int
    question: str


def samples_at(pool: pl.LazyFrame, places: Sequence[SamplePlace]) -> dict[SamplePlace, RungSample]:
    """Return the first draw at each place whose log is known.

    Args:
        pool: Rows with the columns of :data:`~overthink.data.pool.SCHEMA`.
        places: Any number of places, of which every one is looked up in one pass.

    Raises:
        InputError: The pool cannot be read.
    """
    if not places:
        return {}
    cells = [(*place.key._asdict().values(), place.rung, place.question) for place in places]
    names = (*CurveKey._fields, "rung", "question")
    wanted = pl.DataFrame(cells, schema={name: SCHEMA[name] for name in names}, orient="row").unique()
    rows = pool.select(*_RUNG, *_SHOWN, "error").filter(pl.col("log").is_not_null()).with_columns(_verdict())
    first_draws = read(rows.join(wanted.lazy(), on=names, how="semi")).sort(*names, "draw").unique(names, keep="first")
    return {
        SamplePlace(CurveKey(*(row[name] for name in CurveKey._fields)), row["rung"], row["question"]): sample
        for row in first_draws.iter_rows(named=True)
        for sample in _samples([{name: row[name] for name in _SHOWN}])
    }


def rung_samples(
    pool: pl.LazyFrame, *, per_verdict: int = SAMPLES_PER_VERDICT, most: int = MOST_SAMPLES
) -> tuple[RungSamples, ...]:
    """Return the samples behind every rung, sorted by curve and rung; empty where no row names its log.

    Args:
        pool: Rows with the columns of :data:`~overthink.data.pool.SCHEMA`.
        per_verdict: Samples of each verdict at a rung; fewer where all rungs together have too many.
        most: Samples of all rungs together; rungs beyond them have none.

    Raises:
        InputError: The pool cannot be read.

    Example:
        >>> from overthink.data.pool import pool_of
        >>> from overthink.data.record import Axis, Estimand, RungRecord
        >>> row = RungRecord("s", "m", Axis.SAFETY, "t", "k", "q", 0, 0, Estimand.NATURAL, log="a.eval", epoch=2)
        >>> rung_samples(pool_of([row]))[0].samples
        (RungSample(question='q', draw=0, verdict=None, value=None, log='a.eval', epoch=2),)
    """
    if not read(pool.select(pl.col("log").count())).item():
        return ()
    groups = _groups(pool, per_verdict)
    while per_verdict > 1 and len(groups) and groups["samples"].list.len().sum() > most:
        per_verdict -= 1
        groups = groups.with_columns(pl.col("samples").list.head(per_verdict))
    is_within = pl.col("samples").list.len().cum_sum() <= most
    groups = groups.with_columns(pl.when(is_within).then("samples").otherwise(pl.lit([], groups.schema["samples"])))
    rungs = groups.group_by(_RUNG, maintain_order=True).agg(
        pl.col("n_known").sum(),
        pl.col("n_other").sum(),
        pl.col("samples").list.explode(keep_nulls=False, empty_as_null=False),
    )
    return tuple(
        RungSamples(CurveKey(axis, task, arm, scorer, estimand), rung, n, other, _samples(samples))
        for arm, axis, task, scorer, estimand, rung, n, other, samples in rungs.iter_rows()
    )


def _groups(pool: pl.LazyFrame, per_verdict: int) -> pl.DataFrame:
    """Return a row per rung and verdict, sorted: rows of known and of unknown log, and the first samples.

    Rows are read in pieces, so that few of them are in memory at once.
    """
    rows = pool.select(*_RUNG, *_SHOWN, "error").with_columns(_verdict())
    key = (*_RUNG, "verdict")
    sample = pl.struct(_SHOWN).filter(pl.col("log").is_not_null()).head(per_verdict).alias("samples")
    is_known = pl.col("log").is_not_null()
    whole: pl.DataFrame | None = None
    for start in range(0, read(pool.select(pl.len())).item(), _PIECE):
        piece = read(rows.slice(start, _PIECE))
        part = piece.group_by(key, maintain_order=True).agg(
            is_known.sum().cast(pl.Int64).alias("n_known"), (~is_known).sum().cast(pl.Int64).alias("n_other"), sample
        )
        both = part if whole is None else pl.concat([whole, part])
        whole = both.group_by(key, maintain_order=True).agg(
            pl.col("n_known", "n_other").sum(),
            pl.col("samples").list.explode(keep_nulls=False, empty_as_null=False).head(per_verdict),
        )
    assert whole is not None  # some row has a log
    return whole.sort(key)


def _verdict() -> pl.Expr:
    """Return the verdict of a row; one with an error and no verdict is an errored one."""
    is_errored = pl.col("verdict").is_null() & pl.col("error").is_not_null()
    return pl.when(is_errored).then(pl.lit(str(Verdict.ERRORED))).otherwise(pl.col("verdict")).alias("verdict")


def _samples(rows: list[dict[str, Any]]) -> tuple[RungSample, ...]:
    """Return samples, worst first."""
    words = (row | {"verdict": None if row["verdict"] is None else Verdict(row["verdict"])} for row in rows)
    return tuple(sorted((RungSample(**row) for row in words), key=_badness))


def _badness(sample: RungSample) -> tuple[float, str, str, int]:
    """Return the sort key: the worst value first, unknown values last."""
    value = 2.0 if sample.value is None else sample.value
    return value, sample.verdict or "", sample.question, sample.draw
