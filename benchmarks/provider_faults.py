"""Every fault of a provider on every path that calls a model: how each run ends, and whether the mended run is whole.

    python benchmarks/provider_faults.py [PATH,PATH] [FAULT,FAULT]

The bounds on waiting are scaled down: two tries of at most two seconds each. A cell is right if the run ends well, or
with exit code 3 in the provider's words; within its printed bound; and if the run that goes on with a mended provider
has the true value everywhere.
"""

import math
import re
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from overthink.collect.providers.attempts import Patience
from provider_faults import FAULTS, SECRET, WAYS, Ending, meet

PATIENCE = Patience(tries=2, seconds=2, seconds_per_token=0, seconds_unlimited=2, pause=0.02, longest_pause=0.05)
CONCURRENCY = 4
TRUTH = {"verify-judge": 0.7, "verify-endpoint": 0.5}
OVERHEAD = 30.0
"""Seconds for everything but waiting, on a busy machine."""


def bounded(session: Any) -> Any:
    return replace(session, patience=PATIENCE)


def bound(path: str) -> float:
    """Seconds within which a run ends: calls that fail in turns of the traces that run at once; two requests each."""
    turns = math.ceil(PATIENCE.failures / CONCURRENCY) + 1
    return OVERHEAD + turns * PATIENCE.call(None) * (2 if path == "verify-judge" else 1)


def faults_of(path: str, fault: str, ending: Ending) -> list[str]:
    """What is wrong with an ending; nothing if it is as stated. Nothing was waited for where a reply was read."""
    wrong = []
    if ending.code not in (0, 3):
        wrong.append(f"exit code {ending.code}: {ending.message[:120]}")
    is_read = fault.startswith("usage-")
    if ending.code == 3 and not is_read and not re.search(r"waits at most [\d,]+ s", ending.message):
        wrong.append("no bound")
    if SECRET in ending.message or not ending.message.isprintable() or len(ending.message) > 900:
        wrong.append("message")
    if ending.seconds > bound(path):
        wrong.append(f"{ending.seconds:.0f} s")
    allowed = {TRUTH.get(path, 1.0), None} if path.startswith("verify") else {1.0}
    if not ending.values or not ending.values <= allowed:
        wrong.append(f"values {sorted(map(str, ending.values))[:3]}")
    return wrong


def main(paths: list[str], faults: list[str]) -> int:
    """Print a line per cell, and the number of wrong ones."""
    warnings.filterwarnings("ignore")
    n_wrong, start = 0, time.monotonic()
    for path in paths:
        for fault in faults:
            with tempfile.TemporaryDirectory() as folder:
                ending = meet(path, fault, Path(folder), bounded)
            wrong = faults_of(path, fault, ending)
            n_wrong += bool(wrong)
            text = "; ".join(wrong) or "as stated"
            print(f"{path:16}{fault:18}{ending.code!s:>5}{ending.seconds:6.1f} s{ending.requests:5} requests  {text}")
            sys.stdout.flush()
    print(f"{n_wrong} of {len(paths) * len(faults)} cells wrong; {time.monotonic() - start:.0f} s")
    return n_wrong


if __name__ == "__main__":
    chosen = [argument.split(",") for argument in sys.argv[1:]]
    sys.exit(bool(main(*(chosen + [list(WAYS), list(FAULTS)][len(chosen) :]))))
