"""From tens of attempts to ten thousand: how far off are forecasts, and how often do their intervals hold the truth?

    python benchmarks/forecast.py [--data FOLDER] [--seeds 8] [--saber PYTHON] [--choose] [--write]
    python benchmarks/forecast.py --fuzz 10000
    python benchmarks/forecast.py --time

FOLDER holds attempts.parquet and attempts_gsm8k.parquet: banks of 10,000 attempts or more per question (CodeContests,
MATH, checkpoints on GSM8K that solve few questions), of which 10 to 200 are shown by drawing without replacement, and
best-of-N jailbreaks sampled in batches of 60 until one succeeds, of which a random 120 prompts and the first 60, 120 or
240 attempts are shown. The truth is the bank's own value at k with all it has. Baselines: plug-in, log-log regression,
beta-binomial by maximum likelihood, and saber-risk 0.2.0 where --saber names an interpreter that has it. --choose adds
the candidates among which the model band was chosen, each judged on the family that it was not chosen on
(forecast_choice.py), and the bars, with the bank as the unit. --write makes the record anew that ships with the
package. --fuzz checks what is promised whatever the counts, --time how long the largest banks take. Set
OPENBLAS_NUM_THREADS=1 on a busy machine.
"""

import argparse
import functools
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import optimize, special

from overthink.forecasts import Forecast, forecast
from overthink.forecasts.result import NEVER
from overthink.stats.first_success import first_success_at_k
from overthink.stats.pass_at_k import pass_at_k

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

CAPABILITY, JAILBREAKS = ("CodeContests", "MATH", "GSM8K-ckpt"), "best_of_n_jailbreak"
FILES = ("attempts.parquet", "attempts_gsm8k.parquet")
FAMILIES = (*CAPABILITY, JAILBREAKS)
SHOWN, SHOWN_JAILBREAKS = (10, 50, 100, 200), (60, 120, 240)
ASKED, ASKED_JAILBREAKS = (1_000, 5_000, 10_000), (960, 4_980, 9_960)
BATCH, PROMPTS = 60, 120
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEVEL = 0.9
LARGEST_LOG_SHAPE = 20.0
"""Largest absolute log of a shape of the beta-binomial baseline."""
GRID = np.unique(np.geomspace(1, 10_000, 120).round().astype(np.int64))

SABER = """
import json, sys, warnings
import numpy as np
from saber import SABER
warnings.simplefilter("ignore")
for line in sys.stdin:
    case = json.loads(line)
    try:
        model = SABER().fit(k=case["successes"], n=case["attempts"])
        print(json.dumps([float(one.asr) for one in model.predict(N=np.array(case["k"]))]), flush=True)
    except Exception:
        print(json.dumps([float("nan")] * len(case["k"])), flush=True)
"""


@dataclass(frozen=True, eq=False)
class Case:
    """What is shown of a bank, what is asked, and the truth."""

    family: str
    model: str
    shown: int
    attempts: Counts
    successes: Counts
    k: tuple[int, ...]
    truth: Array
    truth_curve: Array  # on GRID

    @property
    def stopping(self) -> str:
        """How sampling stopped."""
        return "first_success" if self.family == JAILBREAKS else "fixed"


def banks(data: Path) -> Iterator[tuple[str, str, Counts, Counts]]:
    """Family, model, attempts and successes of every bank."""
    table = pl.concat([pl.read_parquet(data / file) for file in FILES])
    for (family, model), bank in sorted(table.group_by("family", "model"), key=lambda group: group[0]):
        yield str(family), str(model), bank["attempts"].to_numpy(), bank["successes"].to_numpy()


def cases(data: Path, seeds: int) -> Iterator[Case]:
    for family, model, n, c in banks(data):
        for seed in range(seeds):
            rng = np.random.default_rng([seed, *model.encode()])
            if family == JAILBREAKS:
                chosen = rng.choice(len(n), PROMPTS, replace=False)
                yield from _jailbreaks(model, n[chosen], c[chosen])
            else:
                yield from shown_of(family, model, n, c, rng)


def shown_of(family: str, model: str, n: Counts, c: Counts, rng: np.random.Generator) -> Iterator[Case]:
    """Parts of a bank of many attempts, drawn without replacement."""
    truth = pass_at_k(n, c, [*ASKED, *GRID], stopping="fixed").mean(axis=0)
    for shown in SHOWN:
        seen = rng.hypergeometric(c, n - c, shown)
        yield Case(family, model, shown, np.full(len(n), shown), seen, ASKED, truth[:3], truth[3:])


def _jailbreaks(model: str, n: Counts, c: Counts) -> Iterator[Case]:
    def broken(k: Sequence[int] | Counts) -> Array:
        return np.array([((n <= one) & (c > 0)).mean() for one in k])

    for shown in SHOWN_JAILBREAKS:
        done = (n <= shown) & (c > 0)
        attempts, successes = np.where(done, n, shown), np.where(done, c, 0)
        truth = broken(ASKED_JAILBREAKS)
        yield Case(JAILBREAKS, model, shown, attempts, successes, ASKED_JAILBREAKS, truth, broken(GRID))


def plug_in(case: Case) -> Array:
    p = case.successes / case.attempts
    return np.array([(1 - (1 - p) ** k).mean() for k in case.k])


def log_log(case: Case) -> Array:
    """log(-log pass@k) on log k by least squares, where 0 < pass@k < 1 (Brown et al. 2024; Hughes et al. 2024)."""
    sizes = np.unique(np.geomspace(1, case.shown, 30).round().astype(np.int64))
    if case.stopping == "fixed":
        curve = pass_at_k(case.attempts, case.successes, sizes, stopping="fixed").mean(axis=0)
    else:
        curve = first_success_at_k(case.attempts, case.successes, sizes, batch=BATCH)
    usable = (curve > 0) & (curve < 1)
    if usable.sum() < 2:
        return np.full(len(case.k), curve[-1])
    line = np.polyfit(np.log(sizes[usable]), np.log(-np.log(curve[usable])), 1)
    return np.exp(-np.exp(np.polyval(line, np.log(np.array(case.k, dtype=float)))))


def beta_binomial(case: Case) -> Array:
    n, c = case.attempts, case.successes

    def minus_log_likelihood(logs: Array) -> float:
        a, b = np.exp(logs)
        return -float((special.betaln(c + a, n - c + b) - special.betaln(a, b)).sum())

    tried = [
        optimize.minimize(minus_log_likelihood, start, method="Nelder-Mead", options={"maxiter": 400})
        for start in ([-1.0, 1.0], [-2.0, 3.0])
    ]
    # Where a single success was seen the maximum can lie at infinity: the shapes are cut where doubles still resolve.
    a, b = np.exp(np.clip(min(tried, key=lambda found: found.fun).x, -LARGEST_LOG_SHAPE, LARGEST_LOG_SHAPE))
    return np.array([-np.expm1(special.betaln(a, b + k) - special.betaln(a, b)) for k in case.k])


def saber(python: str, shown: Sequence[Case]) -> list[Array]:
    """saber-risk's default (anchored) forecasts, from another interpreter."""
    lines = "".join(
        json.dumps({"attempts": one.attempts.tolist(), "successes": one.successes.tolist(), "k": one.k}) + "\n"
        for one in shown
    )
    done = subprocess.run([python, "-c", SABER], input=lines, capture_output=True, text=True, check=True)
    return [np.array(json.loads(line)) for line in done.stdout.splitlines()]


@dataclass(frozen=True, eq=False)
class Results:
    """Everything measured: per case and k, or per threshold."""

    family: NDArray[np.str_]
    shown: Counts
    truth: Array  # (case, k)
    baselines: dict[str, Array]  # (case, k) each
    made: list[Forecast]
    seconds: Array

    def error(self, estimate: Array) -> dict[str, float]:
        """Mean absolute error by family, all banks and k alike."""
        return {name: _mean(np.abs(estimate - self.truth)[self.family == name]) for name in FAMILIES}

    def at(self, estimate: Array, family: str, shown: int, which: int) -> float:
        """Mean absolute error from so many attempts, at one of the k."""
        chosen = (self.family == family) & (self.shown == shown)
        return _mean(np.abs(estimate - self.truth)[chosen, which])


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def measure(shown: Sequence[Case], python: str | None) -> Results:
    made, seconds = [], []
    for number, case in enumerate(shown):
        start = time.process_time()
        made.append(
            forecast(
                case.attempts,
                case.successes,
                k=case.k,
                level=LEVEL,
                stopping=case.stopping,
                rng=np.random.default_rng(number),
            )
        )
        seconds.append(time.process_time() - start)
    baselines = {
        "plug-in": np.array([plug_in(case) for case in shown]),
        "log-log": np.array([log_log(case) for case in shown]),
        "beta-binomial": np.array([beta_binomial(case) for case in shown]),
    }
    if python is not None:
        baselines["saber-risk 0.2.0"] = np.array(saber(python, shown))
    return Results(
        np.array([case.family for case in shown]),
        np.array([case.shown for case in shown]),
        np.array([case.truth for case in shown]),
        baselines,
        made,
        np.array(seconds),
    )


def holds(low: Array, high: Array, truth: Array) -> NDArray[np.bool_]:
    """Where the interval holds the truth."""
    return (low - 1e-9 <= truth) & (truth <= high + 1e-9)


def interval_score(low: Array, high: Array, truth: Array) -> Array:
    """Width, and for a miss 2/α times its distance (Gneiting and Raftery 2007)."""
    return high - low + 2 / (1 - LEVEL) * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0))


def crossings(shown: Sequence[Case], made: Sequence[Forecast]) -> dict[str, list[tuple[bool, bool]]]:
    """For each family: whether K* was within a factor of three, and inside its interval, for resolvable cases."""
    found: dict[str, list[tuple[bool, bool]]] = {case.family: [] for case in shown}
    for case, one in zip(shown, made, strict=True):
        found[case.family] += _crossed(case, one)
    return found


@functools.cache
def _crossed(case: Case, one: Forecast) -> list[tuple[bool, bool]]:
    found: list[tuple[bool, bool]] = []
    if one.layers.model is None:
        return found
    wide = np.unique(np.geomspace(1, 1e7, 300).round().astype(np.int64))
    bands = one.layers.band(wide)
    for threshold in THRESHOLDS:
        reached = case.truth_curve >= threshold
        true = float(GRID[reached.argmax()])
        if not reached.any() or true <= 1.5 * case.shown:
            continue
        star, high, low = (float(wide[(b >= threshold).argmax()]) if b[-1] >= threshold else NEVER for b in bands)
        near = star < NEVER and abs(np.log(star / true)) <= np.log(3)
        found.append((bool(near), low <= true * 1.04 and true <= high * 1.04))
    return found


def show(results: Results, shown: Sequence[Case]) -> None:
    estimate = np.array([one.estimate for one in results.made])
    # Where nothing succeeded nothing is forecast; for the comparison it is then counted as a forecast of 0.
    silent = np.isnan(estimate)
    estimate = np.where(silent, 0.0, estimate)
    low, high = (np.array([getattr(one, name) for one in results.made]) for name in ("low", "high"))
    free_low, free_high = (
        np.array([getattr(one, name) for one in results.made]) for name in ("bound_low", "bound_high")
    )
    print(
        f"{len(shown)} banks × 3 k; {silent.any(axis=1).sum()} banks without a success are counted as forecasts of 0\n"
    )
    print(f"{'mean absolute error':<22}" + "".join(f"{name:>21}" for name in (*FAMILIES, "mean")))
    for name, values in {"overthink": estimate, **results.baselines}.items():
        error = results.error(values)
        cells = [*error.values(), float(np.mean(list(error.values())))]
        note = f"   NaN in {np.isnan(values).mean():.0%}" if np.isnan(values).any() else ""
        print(f"{name:<22}" + "".join(f"{cell:>21.3f}" for cell in cells) + note)
    print("\nat the horizons users ask for   CodeContests, MATH, GSM8K 100→10k, jailbreak 120→960, 120→9,960")
    for name, values in {"overthink": estimate, **results.baselines}.items():
        numbers = [results.at(values, family, 100, 2) for family in CAPABILITY]
        numbers += [results.at(values, JAILBREAKS, 120, which) for which in (0, 2)]
        print(f"{name:<32}" + "".join(f"{number:>17.3f}" for number in numbers))
    inside, free = holds(low, high, results.truth), holds(free_low, free_high, results.truth)
    score = interval_score(low, high, results.truth)
    heads = f"{'coverage':>12}{'width':>12}{'score':>12}{'assumption-free: coverage':>28}{'width':>9}"
    print(f"\n{'90 % intervals':<22}{heads}")
    groups = {name: results.family == name for name in FAMILIES}
    groups |= {"capability": results.family != JAILBREAKS, "pooled": np.full(len(shown), True)}
    for name, chosen in groups.items():
        print(
            f"{name:<22}{inside[chosen].mean():>12.3f}{(high - low)[chosen].mean():>12.3f}{score[chosen].mean():>12.3f}"
            f"{free[chosen].mean():>28.3f}{(free_high - free_low)[chosen].mean():>9.3f}"
        )
    found = crossings(shown, results.made)
    print(f"\n{'K*':<22}{'cases':>8}{'within ×3':>12}{'in interval':>13}")
    found["pooled"] = [pair for several in found.values() for pair in several]
    for name, pairs in found.items():
        near, held = (100 * np.mean([pair[i] for pair in pairs]) if pairs else float("nan") for i in (0, 1))
        print(f"{name:<22}{len(pairs):>8}{near:>11.0f}%{held:>12.0f}%")
    print(
        f"\nCPU seconds per bank, all layers at three k: median {np.median(results.seconds):.2f}, "
        f"90 % {np.quantile(results.seconds, 0.9):.2f}, most {results.seconds.max():.2f}"
    )


def main(arguments: Sequence[str] | None = None, tell: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="by default what OVERTHINK_DATA names")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--saber", default=None)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--time", action="store_true")
    given = parser.parse_args(arguments)
    from real_data import real_data

    if given.fuzz or given.time:
        import forecast_promises

        if given.fuzz:
            forecast_promises.fuzz(given.fuzz)
        if given.time:
            forecast_promises.timed()
        if given.data is None:
            return
    data = real_data(given.data, FILES[0])
    if data is None or real_data(data, FILES[1]) is None:
        return
    warnings.simplefilter("ignore")
    shown = list(cases(data, given.seeds))
    results = measure(shown, given.saber)
    show(results, shown)
    if given.choose:
        import forecast_choice

        forecast_choice.choose(sys.modules[__name__], data, results, shown, given.seeds)
    if given.write:
        import forecast_backtest

        forecast_backtest.write(sys.modules[__name__], data, results, shown, given.seeds)
        tell(f"\nwritten: {forecast_backtest.FILE}")


if __name__ == "__main__":
    main()
