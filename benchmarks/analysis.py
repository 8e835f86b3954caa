"""Time and memory of an analysis by the size of its pool: findings and report alone, or with the reading of a table.

    OPENBLAS_NUM_THREADS=1 python benchmarks/analysis.py [--questions 2000 20000 60000] [--arms 1] [--table]

Answers of 100 draws at 5 rungs: right or wrong by the difficulty of the question, 8 different answers, thinking and
answer tokens. Every size runs in a fresh process. Without ``--table`` the arrays of the curve are made in memory; with
it, a Parquet file is written first, and `overthink.analyse` reads it.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import scipy

import overthink
from overthink.analysis import findings
from overthink.data.outcomes import VERDICTS, Outcomes, Rung
from overthink.data.record import Axis, Estimand, Verdict
from overthink.plan.analysis import Analysis
from overthink.reports import About, report_html, summary_text

DRAWS, BUDGETS = 100, (0, 512, 2048, 8192, 32768)
LIFT = (0.0, 0.5, 1.0, 1.1, 0.9)
"""Rise of the log odds of a right answer at each rung."""

QUESTIONS_AT_ONCE = 500
ABOUT = About(
    title="benchmark",
    source="benchmarks/analysis.py",
    made_with=overthink.__version__,
    created_at="2026-01-01T00:00:00+00:00",
    command=None,
    plan=None,
    plan_sha256=None,
    notes=(),
    estimate=None,
    actual_cost=None,
)


def answers_of(questions: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Arrays (question, draw, rung): values, answers, thinking_tokens and answer_tokens."""
    shape = (questions, DRAWS, len(BUDGETS))
    log_odds = rng.normal(0, 1.2, questions)[:, None] + LIFT
    arrays = {name: np.empty(shape) for name in ("values", "thinking_tokens", "answer_tokens")}
    arrays["answers"] = np.empty(shape, dtype=np.int64)
    for start in range(0, questions, QUESTIONS_AT_ONCE):
        block = slice(start, start + QUESTIONS_AT_ONCE)
        right = rng.random(arrays["values"][block].shape) < 1 / (1 + np.exp(-log_odds[block, None]))
        arrays["values"][block] = right
        arrays["answers"][block] = np.where(right, 0, np.minimum(rng.geometric(0.4, size=right.shape), 7))
        arrays["thinking_tokens"][block] = np.minimum(rng.integers(50, 40_000, size=(*right.shape[:2], 1)), BUDGETS)
        arrays["answer_tokens"][block] = rng.integers(10, 60, size=right.shape)
    return arrays


def curve(questions: int, arm: str, seed: int) -> Outcomes:
    """The curve of an arm; columns that nobody counted take no memory."""
    arrays = answers_of(questions, np.random.default_rng(seed))
    shape = arrays["values"].shape
    verdicts = np.where(arrays["values"] == 1, *(VERDICTS.index(v) for v in (Verdict.CORRECT, Verdict.WRONG)))
    columns = [field.name for field in fields(Outcomes) if "float64" in str(field.type)]
    return Outcomes(
        study="benchmark",
        arm=arm,
        axis=Axis.CAPABILITY,
        task="task",
        scorer="match",
        estimand=Estimand.FORCED,
        questions=tuple(f"q{number:06d}" for number in range(questions)),
        draws=tuple(range(DRAWS)),
        rungs=tuple(Rung(index, budget) for index, budget in enumerate(BUDGETS)),
        observed=np.ones(shape, dtype=np.bool_),
        verdicts=verdicts,
        **{name: np.broadcast_to(np.nan, shape) for name in columns} | arrays,
    )


def write_table(questions: int, arms: int, path: Path) -> None:
    """The same answers as rows of a Parquet file."""
    import polars as pl

    shape = (questions, DRAWS, len(BUDGETS))
    question, draw, rung = (axis.ravel() for axis in np.indices(shape, dtype=np.int32))
    frames = []
    for arm in range(arms):
        arrays = answers_of(questions, np.random.default_rng(arm))
        frame = pl.DataFrame(
            {
                "question": question,
                "draw": draw,
                "requested_tokens": np.array(BUDGETS)[rung],
                "value": arrays["values"].ravel(),
                "answer": arrays["answers"].ravel(),
                "thinking_tokens": arrays["thinking_tokens"].ravel().astype(np.int64),
                "answer_tokens": arrays["answer_tokens"].ravel().astype(np.int64),
            }
        )
        name = pl.lit("base" if arm == 0 else f"arm{arm}").alias("arm")
        frames.append(frame.with_columns(pl.format("q{}", "question").alias("question"), name))
    pl.concat(frames).write_parquet(path)


def peak() -> float:
    """Peak resident memory of this program in MB; on Linux, where usage counts the process that started it, too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def of_arrays(questions: int, arms: int) -> str:
    tables = [curve(questions, "base" if arm == 0 else f"arm{arm}", arm) for arm in range(arms)]
    before, begin, cpu = peak(), time.perf_counter(), time.process_time()
    results = findings(tables, Analysis(level=0.95), rng=np.random.default_rng(0))
    found, found_cpu = time.perf_counter() - begin, time.process_time() - cpu
    report_html(results, ABOUT)
    summary_text(results, ABOUT)
    both = time.perf_counter() - begin
    return (
        f"findings {found:.1f} s (CPU {found_cpu:.1f} s), with report {both:.1f} s; {before:.0f} MB before, "
        f"{peak():.0f} MB at most; {len(results)} findings"
    )


def of_table(path: Path) -> str:
    begin, cpu = time.perf_counter(), time.process_time()
    study = overthink.analyse(path)
    study.html()
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    return f"{seconds:.1f} s (CPU {cpu_seconds:.1f} s), {peak():.0f} MB at most; {len(study.findings)} findings"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, nargs="+", default=[2_000, 20_000, 60_000])
    parser.add_argument("--arms", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(of_arrays(options.measure, options.arms) if options.path is None else of_table(options.path))
        return
    versions = f"overthink {overthink.__version__}, numpy {np.__version__}, scipy {scipy.__version__}"
    print(f"{versions}, Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        for questions in options.questions:
            command = [sys.executable, __file__, "--arms", str(options.arms), "--measure", str(questions)]
            if options.table:
                path = Path(folder) / f"{questions}.parquet"
                write_table(questions, options.arms, path)
                command += ["--path", str(path)]
            result = subprocess.run(command, check=True, capture_output=True, text=True)
            rows = questions * DRAWS * len(BUDGETS) * options.arms
            print(f"{rows:>12,} rows: {result.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
