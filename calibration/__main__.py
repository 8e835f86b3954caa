"""Run the calibration studies and write their tables.

python -m calibration [--runs 2000] [--workers 2] [--seed 1] [--only PART …] [--out docs/calibration.md]

Every table of the page names the command that wrote it; a run replaces its own tables and leaves the others.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

# Many small matrices: threads inside a product only get in each other's way. Set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from calibration import (
    control,
    faithfulness,
    latent_steps,
    monitorability,
    monitors,
    oversight_shapes,
    planted_code,
    red_team,
    tables_of_oversight,
    tables_of_pairs,
    tables_of_shapes,
    tables_of_studies,
)

HEAD = """# Calibration

Studies simulated from populations whose curve is known exactly (`calibration/population.py`), and how often Overthink
is right. Below each title stand the command that wrote the table, the studies per cell, and the standard error that a
share of .05 then has.
"""

PARTS = {
    "flats": tables_of_shapes.flats,
    "false": tables_of_shapes.false_verdicts,
    "naive": tables_of_shapes.naive,
    "power": tables_of_shapes.power,
    "effects": tables_of_shapes.effects,
    "intervals": tables_of_studies.intervals,
    "differences": tables_of_studies.changes,
    "paired": tables_of_pairs.paired,
    "bands": tables_of_studies.bands,
    "mitigations": tables_of_studies.mitigation,
    "placebos": tables_of_studies.placebos,
    "readings": tables_of_studies.read_or_said,
    "control": control.tables,
    "sizes": tables_of_shapes.sizes_of_turns,
    "saturating": tables_of_shapes.saturating,
    "hypotheses": tables_of_shapes.hypothesis,
    "commitment": tables_of_studies.committed,
    "monitors": monitors.tables,
    "search": red_team.tables,
    "oversight": tables_of_oversight.intervals,
    "maxima": tables_of_oversight.maxima,
    "probes": tables_of_oversight.probes,
    "tpr": tables_of_oversight.monitors,
    "claims": tables_of_oversight.claims,
    "latent_steps": latent_steps.tables,
    "moves": oversight_shapes.tables,
    "crossfit": monitorability.cross_fit,
    "monitorability": monitorability.tables,
    "faithfulness": faithfulness.tables,
    "code": planted_code.tables,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts asked for and write them to one page."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description="Run the calibration studies.")
    parser.add_argument("--runs", type=int, default=2000, help="studies per cell")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.md"))
    options = parser.parse_args(arguments)
    error = float(np.sqrt(0.05 * 0.95 / options.runs))
    with ProcessPoolExecutor(options.workers) as pool:

        def run(study: Any, cells: Sequence[Any]) -> list[Any]:
            return list(pool.map(partial(study, runs=options.runs, seed=options.seed), cells))

        for part in options.only or PARTS:
            command = f"python -m calibration --only {part} --runs {options.runs} --seed {options.seed}"
            title, text = PARTS[part](run, options.runs).split("\n", maxsplit=1)
            source = f"`{command}`; {options.runs:,} studies per cell; ±{error:.4f}."
            section = f"{title}\n\n{source}\n{text}"
            sys.stdout.write(section + "\n")
            sys.stdout.flush()
            _write(options.out, part, section)


def _write(page: Path, part: str, section: str) -> None:
    """Put the section of a part in its place on the page, in the order of the parts."""
    text = page.read_text(encoding="utf-8") if page.exists() else HEAD
    head, *sections = re.split(r"(?m)^(?=## )", text)
    by_part = {name: old for old in sections for name in re.findall(r"--only (\w+)", old)[:1]}
    by_part[part] = section
    page.parent.mkdir(parents=True, exist_ok=True)
    ordered = [by_part[name].rstrip() + "\n" for name in PARTS if name in by_part]
    page.write_text("\n".join([head.rstrip() + "\n", *ordered]), encoding="utf-8")


if __name__ == "__main__":
    main()
