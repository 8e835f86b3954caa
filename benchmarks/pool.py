"""Time and memory of reading a pool, of its outcomes, and of the whole analysis, by rows; run by hand.

Every measurement is a process of its own. A pool has 100 draws and 5 rungs per question, one curve and 8 answers, as
after a collection; a table is the same as a plain Parquet file of another author.

    python benchmarks/pool.py --millions 1,10,30 --what outcomes,analyse
"""

import argparse
import itertools
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from overthink.data.pool import SCHEMA
from overthink.data.record import POOL_VERSION

DRAWS, RUNGS, ANSWERS = 100, 5, 8
ROWS_PER_QUESTION = DRAWS * RUNGS
BATCH = 500
"""Questions that are made at once."""


def batches(questions: int) -> Iterator[pl.DataFrame]:
    """The rows of the pool, some questions at a time; harder questions have fewer right answers, higher rungs more."""
    for first in range(0, questions, BATCH):
        n = min(BATCH, questions - first)
        rng = np.random.default_rng(first)
        shape = (n, DRAWS, RUNGS)
        question, draw, rung = (index.ravel() for index in np.indices(shape))
        ability = rng.normal(size=(n, 1, 1)) + np.linspace(-1, 1, RUNGS)
        is_right = (rng.random(shape) < 1 / (1 + np.exp(-ability))).ravel()
        answer = np.where(is_right, 0, rng.integers(1, ANSWERS, len(question)))
        tokens = 64 * rung
        yield pl.DataFrame(
            {
                "question": pl.Series(first + question).cast(pl.String).str.zfill(7),
                "draw": draw,
                "rung": rung,
                "verdict": pl.Series(np.where(is_right, "correct", "wrong")),
                "value": is_right.astype(float),
                "requested_tokens": tokens,
                "thinking_tokens": tokens,
                "answer_tokens": rng.integers(3, 9, len(question)),
                "natural_end": rng.random(len(question)) < 0.05 * rung,
                "answer": pl.Series(answer).cast(pl.String),
            }
        )


def write_pool_file(path: Path, questions: int) -> None:
    """A pool as `overthink` stores it, without holding it."""
    constant = {"study": "made", "arm": "base", "axis": "capability", "task": "sums", "scorer": "match"}
    constant |= {"estimand": "forced", "model": "none/none"}
    columns = {**SCHEMA, "trace": pl.Binary()}

    def whole(batch: pl.DataFrame) -> pl.LazyFrame:
        missing = {name: kind for name, kind in columns.items() if name not in batch.columns}
        filled = batch.lazy().with_columns(pl.lit(constant.get(m), dtype=kind).alias(m) for m, kind in missing.items())
        return filled.select(pl.col(name).cast(kind) for name, kind in columns.items())

    _sink(path, (whole(batch) for batch in batches(questions)), {"overthink.pool": str(POOL_VERSION)})


def write_table_file(path: Path, questions: int) -> None:
    """A plain table: question, draw, budget, score, answer and tokens."""
    names = {"question": "problem_id", "draw": "draw", "requested_tokens": "budget", "value": "score"}
    names |= {"answer": "answer", "thinking_tokens": "thinking_tokens"}
    columns = [*(pl.col(name).alias(to) for name, to in names.items()), pl.lit("forced").alias("estimand")]
    _sink(path, (batch.lazy().select(columns) for batch in batches(questions)), {})


def _sink(path: Path, frames: Iterator[pl.LazyFrame], metadata: dict[str, str]) -> None:
    """Write frames one after the other: parts of 2 million rows in files of their own, which are then joined."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        parts = []
        while part := [frame.collect() for frame in itertools.islice(frames, 2_000_000 // (BATCH * ROWS_PER_QUESTION))]:
            parts.append(Path(scratch, f"{len(parts):04}.parquet"))
            pl.concat(part).write_parquet(parts[-1])
        pl.scan_parquet(parts).sink_parquet(path, metadata=metadata, row_group_size=100_000)


def measure(what: str, path: Path) -> dict[str, Any]:
    """Run one measurement in this process: its parts in seconds, and the peak of its memory."""
    from overthink.workflows.analyse import analyse
    from overthink.workflows.sources import ReadOptions, read_source

    parts: dict[str, Any] = {}
    begin = time.perf_counter()
    if what == "outcomes":
        source = read_source(path, ReadOptions())
        parts["read"] = time.perf_counter() - begin
        (table,) = source.tables()
        parts["outcomes"] = time.perf_counter() - begin - parts["read"]
        parts["cells"] = table.values.size
    else:
        with tempfile.TemporaryDirectory() as folder:
            parts["findings"] = len(analyse(path, out=folder).findings)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    parts["cpu"] = usage.ru_utime + usage.ru_stime
    parts["seconds"] = time.perf_counter() - begin
    parts["peak_mb"] = usage.ru_maxrss / 1024
    return parts


def call(*words: object) -> str:
    """Standard output of this script in a process of its own.

    A new process begins with the peak of its parent, so that the parent must stay small: it makes no pool itself.
    """
    command = [sys.executable, __file__, *map(str, words)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--millions", default="1,10", help="Millions of rows.")
    arguments.add_argument("--what", default="outcomes,analyse")
    arguments.add_argument("--form", choices=tuple(FORMS), default="pool")
    arguments.add_argument("--folder", type=Path, help="Where files are kept; a temporary folder if left out.")
    arguments.add_argument("--make", nargs=3, metavar=("FORM", "PATH", "QUESTIONS"), help=argparse.SUPPRESS)
    arguments.add_argument("--measure", nargs=2, metavar=("WHAT", "PATH"), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.make is not None:
        form, path, questions = given.make
        FORMS[form](Path(path), int(questions))
    elif given.measure is not None:
        print(json.dumps(measure(given.measure[0], Path(given.measure[1]))))
    else:
        compare(given)


def compare(given: argparse.Namespace) -> None:
    """Make the files that are missing, measure, and print."""
    print(f"Python {platform.python_version()}, polars {pl.__version__}, numpy {np.__version__}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        for millions in map(float, given.millions.split(",")):
            questions = round(millions * 1e6 / ROWS_PER_QUESTION)
            path = folder / f"{given.form}-{questions}.parquet"
            if not path.exists():
                call("--make", given.form, path, questions)
            for what in given.what.split(","):
                parts = json.loads(call("--measure", what, path))
                numbers = ", ".join(f"{name} {value:,.1f}" for name, value in parts.items())
                print(f"{questions * ROWS_PER_QUESTION:>12,} rows, {what}: {numbers}", flush=True)


FORMS = {"pool": write_pool_file, "table": write_table_file}

if __name__ == "__main__":
    main()
