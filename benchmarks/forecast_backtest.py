"""The record that ships with the package: how often forecasts were right on public banks, family by family.

`benchmarks/forecast.py --write` calls this. Beside the families that the method was chosen on stand CodeContests with
nine successes in ten taken away, which took part in the choice as a harder bank, and a kind of bank that did not: MATH
without the questions that succeed in one try of a hundred or more.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from overthink import __version__
from overthink.forecasts.backtest import Backtest, FamilyRecord
from overthink.storage.json_documents import BACKTEST_FILE, BACKTEST_SCHEMA

FILE = Path(__file__).parents[1] / "src" / "overthink" / "storage" / "data" / BACKTEST_FILE
COMMAND = "OPENBLAS_NUM_THREADS=1 python benchmarks/forecast.py --data FOLDER --seeds {seeds} --write"
SOURCE = (
    "per-problem counts of 10,000 attempts or more published with SullivanC19/monkeys_revisited (CodeContests, MATH, "
    "GSM8K) and of "
    "best-of-N jailbreaks published with RylanSchaeffer/"
    "KoyejoLab-Large-How-Do-Language-Monkey-Power-Get-Their-Power"
)
NAMES = {"best_of_n_jailbreak": "best-of-N jailbreaks"}
THINNED, KEPT = "CodeContests, successes thinned to a tenth", 0.1
RARE, RAREST = "MATH, questions that succeed in 1 % of tries or more left out", 0.01


def thinned(bench: ModuleType, data: Path, seeds: int) -> Iterator[Any]:
    """Cases of CodeContests with each success kept with chance ``KEPT``."""
    for family, model, n, c in bench.banks(data):
        if family != "CodeContests":
            continue
        for seed in range(seeds):
            rng = np.random.default_rng([seed, 1, *model.encode()])
            for case in bench.shown_of(family, model, n, rng.binomial(c, KEPT), rng):
                yield replace(case, family=THINNED)


def rare(bench: ModuleType, data: Path, seeds: int) -> Iterator[Any]:
    """Cases of MATH with the questions whose chance is below ``RAREST``."""
    for family, model, n, c in bench.banks(data):
        if family != "MATH":
            continue
        hard = c < RAREST * n
        for seed in range(seeds):
            rng = np.random.default_rng([seed, 2, *model.encode()])
            for case in bench.shown_of(family, model, n[hard], c[hard], rng):
                yield replace(case, family=RARE)


def record(bench: ModuleType, results: Any, shown: Sequence[Any], family: str) -> FamilyRecord:
    """The record on one family."""
    chosen = np.array([case.family == family for case in shown])
    cases = [case for case in shown if case.family == family]
    made = [one for one, case in zip(results.made, shown, strict=True) if case.family == family]
    truth = results.truth[chosen]
    names = ("estimate", "low", "high", "bound_low", "bound_high")
    estimate, low, high, free_low, free_high = (np.array([getattr(one, name) for one in made]) for name in names)
    crossed = bench.crossings(cases, made).get(family, [])
    return FamilyRecord(
        family=NAMES.get(family, family),
        chosen_on=family != RARE,
        models=len({case.model for case in cases}),
        banks=len(cases),
        shown=tuple(sorted({case.shown for case in cases})),
        asked=tuple(cases[0].k),
        forecasts=truth.size,
        inside=int(bench.holds(low, high, truth).sum()),
        bound_inside=int(bench.holds(free_low, free_high, truth).sum()),
        mean_error=round(float(np.abs(np.nan_to_num(estimate) - truth).mean()), 4),
        width=round(float((high - low).mean()), 4),
        bound_width=round(float((free_high - free_low).mean()), 4),
        crossings=len(crossed),
        crossings_near=sum(near for near, _ in crossed),
        crossings_inside=sum(held for _, held in crossed),
    )


def write(bench: ModuleType, data: Path, results: Any, shown: Sequence[Any], seeds: int, file: Path = FILE) -> Backtest:
    """Measure the harder banks, too, and write the record of all.

    Args:
        bench: The module of ``benchmarks/forecast.py``.
        data: Folder of the banks.
        results: What was measured on the families.
        shown: Their cases.
        seeds: Random parts of each bank.
        file: Where to write.
    """
    harder = [*thinned(bench, data, seeds), *rare(bench, data, seeds)]
    on_harder = bench.measure(harder, None)
    records = [record(bench, results, shown, family) for family in bench.FAMILIES]
    records += [record(bench, on_harder, harder, family) for family in (THINNED, RARE)]
    every = [*results.made, *on_harder.made]
    made = Backtest(
        made=datetime.now(UTC).date().isoformat(),
        overthink=__version__,
        command=COMMAND.format(seeds=seeds),
        source=SOURCE,
        seeds=seeds,
        level=bench.LEVEL,
        silent=sum(one.reason is not None for one in every),
        families=tuple(records),
    )
    file.write_text(json.dumps({"schema": BACKTEST_SCHEMA, **asdict(made)}, indent=1, ensure_ascii=False) + "\n")
    return made
