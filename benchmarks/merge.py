"""Time and memory of merging many shards, made here: no model is called.

    python benchmarks/merge.py [--shards 64] [--rows 500000] [--analyse] [--where FOLDER]

Every shard has its own questions, 64 draws at 8 budgets each, and random numbers in all columns that a ladder fills.
Printed are the rows, seconds of the processor and of the clock, and the peak of the memory, of reading the shards and
writing the pool; with --analyse, of all that `overthink merge` does, report included. Making the shards is not counted:
it runs in a process of its own.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl

import overthink
from overthink.data.pool import SCHEMA
from overthink.data.record import StudyQuestion
from overthink.data.shards import Shard, shard_of
from overthink.data.traces import with_traces
from overthink.plan.study import Plan, checked_plan
from overthink.storage.json_documents import write_plan, write_questions
from overthink.storage.merged_pool import write_merged_pool
from overthink.storage.pool import sink_pool
from overthink.storage.shards import ShardState, write_shard
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.shard_rows import common_plan, missing_traces, rows_of_shard, without_duplicates

TASK, DRAWS = "overthink/arithmetic", 64
BUDGETS = (0, 64, 128, 256, 512, 1024, 2048, 4096)
FILLED = ("value", "thinking_tokens", "answer_tokens", "generated_tokens", "prompt_tokens", "cached_tokens", "seconds")


def plan() -> Plan:
    return checked_plan(
        model="overthink/simulated", tasks=overthink.tasks(capability=[TASK]), budgets=BUDGETS, draws=DRAWS, seed=0
    )


def make(where: Path, shards: int, rows: int) -> None:
    by_shard: dict[int, list[str]] = defaultdict(list)
    names = [f"{number:07d}" for number in range(1, shards * max(1, rows // (DRAWS * len(BUDGETS))) + 1)]
    for name in names:
        by_shard[shard_of(TASK, name, shards)].append(name)
    questions = {TASK: tuple(StudyQuestion(name, True, "0" * 64) for name in names)}
    for number in range(1, shards + 1):
        shard, folder = Shard(number, shards), StudyFolder(where / f"{number:03d}")
        folder.path.mkdir()
        write_plan(folder.plan, plan())
        write_questions(folder.questions, questions)
        write_shard(folder.shard, ShardState(str(shard), f"overthink run --shard {shard} --out {folder.path}", 0))
        frame = rows_of(sorted(by_shard[number]), np.random.default_rng(number))
        sink_pool(folder.shard_pool, with_traces(frame.lazy(), plan().sha256()))


def rows_of(questions: list[str], rng: np.random.Generator) -> pl.DataFrame:
    rungs = len(BUDGETS)
    n = len(questions) * DRAWS * rungs
    labels = {"study": "s", "arm": "base", "axis": "capability", "task": TASK, "scorer": "match", "estimand": "forced"}
    columns = {name: pl.Series([text]).new_from_index(0, n) for name, text in labels.items()}
    columns |= {"log": pl.Series(["logs/2026_arithmetic.eval"]).new_from_index(0, n)}
    columns |= {"question": pl.Series(questions).gather(np.repeat(np.arange(len(questions)), DRAWS * rungs))}
    columns |= {"draw": pl.Series(np.tile(np.repeat(np.arange(DRAWS), rungs), len(questions)))}
    columns |= {"rung": pl.Series(np.tile(np.arange(rungs), len(questions) * DRAWS))}
    columns |= {"requested_tokens": pl.Series(np.tile(np.array(BUDGETS), len(questions) * DRAWS))}
    columns |= {"answer": pl.Series([str(word) for word in range(50)]).gather(rng.integers(0, 50, n))}
    columns |= {name: pl.Series(rng.integers(0, 5000, n)) for name in FILLED}
    columns |= {"value": pl.Series((rng.random(n) < 0.5).astype(float)), "seconds": pl.Series(rng.random(n))}
    empty = pl.Series([None]).new_from_index(0, n)
    return pl.DataFrame({name: columns.get(name, empty).cast(kind) for name, kind in SCHEMA.items()})


def merge_rows(folders: list[StudyFolder], where: Path) -> None:
    """Do what `overthink merge` does up to the pool."""
    scratch = where / "rows"
    scratch.mkdir()
    one_plan, questions = common_plan(folders)
    shards = [rows_of_shard(folder, one_plan, scratch / f"{i}.parquet") for i, folder in enumerate(folders)]
    shards = without_duplicates(shards, scratch)
    missing = missing_traces(shards, one_plan, questions, {})
    assert not missing
    parts = [shard.rows.with_columns(study=pl.lit("out"), log=pl.lit("logs/1/") + pl.col("log")) for shard in shards]
    write_merged_pool(where / "pool.parquet", parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--analyse", action="store_true")
    parser.add_argument("--where", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.where) as name:
        where = Path(name)
        making = multiprocessing.get_context("spawn").Process(target=make, args=(where, options.shards, options.rows))
        making.start()
        making.join()
        assert making.exitcode == 0
        folders = [StudyFolder(path) for path in sorted(where.iterdir())]
        began, processor = time.perf_counter(), time.process_time()
        if options.analyse:
            overthink.merge(where / "out", *(folder.path for folder in folders))
        else:
            merge_rows(folders, where)
        seconds, work = time.perf_counter() - began, time.process_time() - processor
        path = where / "out" / "pool.parquet" if options.analyse else where / "pool.parquet"
        rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{options.shards} shards, {rows:,} rows: {work:.1f} s CPU, {seconds:.1f} s, {peak:,.0f} MB at most")


if __name__ == "__main__":
    main()
