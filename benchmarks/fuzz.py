"""Hostile names, documents, command lines and arguments: does anything end in a traceback, a wrong code or nonsense?

    python benchmarks/fuzz.py [--seed 0] [--only names] [--runs 40]

`names`: every command that takes a path, under file names that are patterns, options or addresses elsewhere.
`documents`: mutated files of a study. `commands`: command lines. `functions`: calls of the public functions. Each part
prints its faults and its number of runs; the exit code is 1 if there is a fault.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

SUPPORT = Path(__file__).parents[1] / "tests" / "support"
RUNS = {"names": 40, "documents": 5_000, "commands": 2_000, "functions": 10_000}
"""Runs of each part; of names, how many are tried with every command."""
MODULES = {"names": "hostile_names"} | {part: f"fuzz_{part}" for part in ("documents", "commands", "functions")}


def part_faults(part: str, *, seed: int, runs: int) -> list[str]:
    """The faults of one part, in words.

    Its module has ``run_all(seed, runs, folder)``, or ``run(seed, runs)`` where it needs no folder; both return them.
    """
    module = importlib.import_module(MODULES[part])
    faults: list[str]
    if not hasattr(module, "run_all"):
        faults = module.run(seed, runs)
        return faults
    with tempfile.TemporaryDirectory(prefix="overthink-fuzz-") as folder:
        faults = module.run_all(seed, runs, Path(folder))
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=RUNS, help="one part alone")
    parser.add_argument("--runs", type=int, help="runs of each part, in place of its own number")
    options = parser.parse_args()
    os.environ.setdefault("INSPECT_DISPLAY", "none")
    sys.path.insert(0, str(SUPPORT))
    n_faults = 0
    for part in RUNS if options.only is None else (options.only,):
        start, runs = time.perf_counter(), options.runs or RUNS[part]
        faults = part_faults(part, seed=options.seed, runs=runs)
        for fault in faults:
            print(ascii(fault))
        n_faults += len(faults)
        print(f"{part}: {len(faults)} faults in {runs:,} runs, {time.perf_counter() - start:.0f} s", flush=True)
    return int(n_faults > 0)


if __name__ == "__main__":
    sys.exit(main())
