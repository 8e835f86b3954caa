"""How long logs made by others take to read, against Inspect's own data frame of the same samples.

    python benchmarks/read_logs.py [--samples 1000 10000] [--logs FOLDER]

Makes logs of a trivial task on a mock model (about 7 ms a sample; kept in FOLDER, if given, for the next time), reads
each in a fresh process, and prints wall time and peak memory. It also checks that both read the same scores.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

READERS = ("read_logs", "read_logs + write_pool", "samples_df")


def make_log(folder: Path, samples: int) -> None:
    """A log of ten questions; its epochs are the draws."""
    from inspect_ai import Task, eval  # noqa: A004
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import includes

    turn = 0

    def respond(*_: Any) -> ModelOutput:
        nonlocal turn
        turn += 1
        output = ModelOutput.from_content("mockllm/model", ("no", "yes")[turn % 3 == 0])
        output.usage = ModelUsage(input_tokens=10, output_tokens=200, total_tokens=210, reasoning_tokens=150)
        return output

    eval(
        Task(
            name="benchmark",
            dataset=[Sample(id=f"q{i}", input=f"question {i}", target="yes") for i in range(10)],
            scorer=includes(),
        ),
        model=get_model("mockllm/model", custom_outputs=respond),
        epochs=samples // 10,
        log_dir=str(folder),
        log_realtime=False,
        display="none",
    )


def read(reader: str, folder: Path) -> dict[str, Any]:
    """Read once, in this process, and say what it took."""
    if reader == "samples_df":
        from inspect_ai.analysis import samples_df

        begin = time.perf_counter()
        frame = samples_df(str(folder), quiet=True)
        seconds = time.perf_counter() - begin
        values = frame["score_includes"].map({"C": 1.0, "I": 0.0})
        scores = Counter(zip(frame["id"], values, strict=True))
    else:
        from overthink.collect.inspect_logs.read import read_logs
        from overthink.data.pool import pool_of
        from overthink.storage.pool import write_pool

        begin = time.perf_counter()
        records = read_logs(folder).records
        if reader != "read_logs":
            with tempfile.TemporaryDirectory() as scratch:
                write_pool(Path(scratch, "pool.parquet"), pool_of(records))
        seconds = time.perf_counter() - begin
        scores = Counter((record.question, record.value) for record in records)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak, "scores": sorted(map(repr, scores.items()))}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--samples", type=int, nargs="+", default=[1_000, 10_000])
    arguments.add_argument("--logs", type=Path)
    arguments.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.read:
        print(json.dumps(read(given.read[0], Path(given.read[1]))))
        return
    print("| samples | log MB | reader | seconds | peak MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for samples in given.samples:
            folder = (given.logs or Path(scratch)) / str(samples)
            if not list(folder.glob("*.eval")):
                make_log(folder, samples)
                gc.collect()
            size = sum(file.stat().st_size for file in folder.glob("*.eval")) / 1e6
            seen = []
            for reader in READERS:
                command = [sys.executable, __file__, "--read", reader, str(folder)]
                printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                took = json.loads(printed.splitlines()[-1])
                seen.append(took["scores"])
                print(f"| {samples:,} | {size:.1f} | {reader} | {took['seconds']:.2f} | {took['peak_mb']:.0f} |")
            if any(scores != seen[0] for scores in seen):
                sys.exit("the readers disagree about the scores")


if __name__ == "__main__":
    main()
