"""The choice of the model band, one family left out, and the bars, with the bank as the unit.

`benchmarks/forecast.py --choose` calls this. A candidate says from which power of the attempts the line is laid, how
soon it has its full weight, and whether a fourth family holds that a share of the questions has no chance. It is chosen
by its mean interval score on the other families and on banks made harder from them (successes thinned to a tenth and to
three in a hundred), each family counting the same, and judged on the family that was left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from overthink.forecasts.layers import Layers
from overthink.forecasts.model_band import Continuation, ModelBand, continuation

Array = NDArray[np.float64]

KEPT = (0.1, 0.03)
THINNED = ("CodeContests", "MATH")
STARTS, FULL_WEIGHTS = (0.0, 0.4), (0.2, 0.3, 0.5, 1.0)
POOL, BEFORE = "mixture pool alone", "line at half the weight always (decision 10)"
NOMINAL, ENOUGH, REJECTED = 0.9, 0.87, 0.01
SINGLE = ("plug-in", "log-log", "beta-binomial", "saber-risk 0.2.0")


class HalfAndHalf(Continuation):
    """As many lines as own curves, whatever the draw."""

    def curves(self, k: Any) -> Array:
        """The ends of the fan alone."""
        curves = super().curves(k)
        draws = len(self.chances)
        return np.concatenate([curves[:draws], curves[-draws:]])


@dataclass(frozen=True)
class Candidate:
    """A way to continue the draws: None stands for no line, 0 for half the weight always."""

    start: float
    full_weight_at: float | None
    doubt: bool

    @property
    def name(self) -> str:
        """Name in the tables."""
        if self.full_weight_at is None:
            return POOL
        if self.full_weight_at == 0:
            return BEFORE
        return f"from n^{self.start:g}, full at {self.full_weight_at:g}{', doubt' if self.doubt else ''}"

    def layers(self, made: Layers) -> Layers:
        """The same draws continued in this way."""
        if made.model is None:
            return made
        pool, doubt = self._continued(made.model.pool), self._continued(made.model.doubt)
        return replace(made, model=ModelBand(pool, doubt if self.doubt else pool))

    def _continued(self, draws: Continuation) -> Continuation:
        new = continuation(draws.chances, draws.attempts, start=self.start, full_weight_at=self.full_weight_at or 1.0)
        if self.full_weight_at is None:
            return replace(new, weight=np.zeros_like(new.weight))
        if self.full_weight_at == 0:
            return HalfAndHalf(new.chances, new.attempts, new.height, new.slope, np.ones_like(new.weight))
        return new


CANDIDATES = (
    Candidate(0.4, None, False),
    Candidate(0.4, 0, False),
    *(Candidate(start, full, doubt) for start, full, doubt in product(STARTS, FULL_WEIGHTS, (False, True))),
)
CHOICE = Candidate(0.4, 0.3, True)
"""What the package does."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Errors, interval scores and hits of one candidate, (case, k) each."""

    error: Array
    score: Array
    inside: NDArray[np.bool_]


def harder(bench: ModuleType, data: Path, seeds: int) -> Iterator[Any]:
    """Cases of banks whose successes were thinned."""
    for (family, model, n, c), kept in product(bench.banks(data), KEPT):
        for seed in range(seeds if family in THINNED else 0):
            rng = np.random.default_rng([seed, round(100 * kept), *model.encode()])
            yield from bench.shown_of(family, model, n, rng.binomial(c, kept), rng)


def measured(bench: ModuleType, candidate: Candidate, made: Sequence[Any], shown: Sequence[Any]) -> Measured:
    """What a candidate does on these cases."""
    bands = [candidate.layers(one.layers).band(np.array(case.k)) for one, case in zip(made, shown, strict=True)]
    estimate, low, high = np.array(bands).transpose(1, 0, 2)
    truth = np.array([case.truth for case in shown])
    score = bench.interval_score(low, high, truth)
    return Measured(np.abs(estimate - truth), score, bench.holds(low, high, truth))


def choose(bench: ModuleType, data: Path, results: Any, every: Sequence[Any], seeds: int) -> None:
    """Print the candidates, the choice with one family left out, and the bars."""
    live = [i for i, case in enumerate(every) if case.successes.any()]
    shown, made = [every[i] for i in live], [results.made[i] for i in live]
    hard = [case for case in harder(bench, data, max(1, seeds // 2)) if case.successes.any()]
    on_hard = bench.measure(hard, None).made
    print(f"\n{len(shown)} cases and {len(hard)} thinned ones; {len(every) - len(live)} without a success set apart")
    table = {c.name: measured(bench, c, made, shown) for c in CANDIDATES}
    thinned = {c.name: measured(bench, c, on_hard, hard) for c in CANDIDATES}
    family = np.array([case.family for case in shown])
    hard_family = np.array([case.family for case in hard])

    def loss(name: str, one: str) -> float:
        parts = [table[name].score[family == one].mean()]
        parts += [thinned[name].score[hard_family == one].mean()] if one in THINNED else []
        return float(np.mean(parts))

    heads = "".join(f"{f'{what} {one[:8]}':>16}" for what in ("error", "score") for one in bench.FAMILIES)
    print(f"{'candidate':<46}{heads}{'thinned: score, coverage':>26}")
    for name, one in table.items():
        cells = [values[family == f].mean() for values in (one.error, one.score) for f in bench.FAMILIES]
        end = f"{thinned[name].score.mean():>18.3f}{thinned[name].inside.mean():>8.2f}"
        print(f"{name:<46}" + "".join(f"{cell:>16.4f}" for cell in cells) + end)
    left_out = Measured(*(np.empty_like(getattr(table[POOL], part)) for part in ("error", "score", "inside")))
    for left in bench.FAMILIES:
        best = min(table, key=lambda name: np.mean([loss(name, f) for f in bench.FAMILIES if f != left]))
        print(f"without {left}: {best}")
        for part in ("error", "score", "inside"):
            getattr(left_out, part)[family == left] = getattr(table[best], part)[family == left]
    best = min(table, key=lambda name: np.mean([loss(name, f) for f in bench.FAMILIES]))
    print(f"on all families: {best}; the package: {CHOICE.name}")
    singles = {
        name: np.where(np.isfinite(values[live]), values[live], 0.0)
        for name, values in results.baselines.items()
        if name in SINGLE
    }
    truth = np.array([case.truth for case in shown])
    errors = {name: float(np.abs(values - truth).mean()) for name, values in singles.items()}
    print("\nsingle baselines, mean error over all cells: " + ", ".join(f"{n} {e:.4f}" for n, e in errors.items()))
    units = np.array([f"{case.family}/{case.model}" for case in shown])
    rows = {name: table[name] for name in (POOL, BEFORE)}
    rows |= {"family left out": left_out, "the package": table[CHOICE.name]}
    for name, one in rows.items():
        bars(name, one, table[POOL], min(errors.values()), units)


def bars(name: str, one: Measured, pool: Measured, single: float, units: NDArray[np.str_]) -> tuple[str, ...]:
    """Print the bars, and return those that are missed.

    A bank counts once for each k: by the share of its cases that are inside.
    """
    banks = np.unique(units)
    coverage = np.array([one.inside[units == bank].mean(axis=0) for bank in banks])  # (bank, k)
    family = np.array([bank.split("/")[0] for bank in banks])
    rejected = []
    for f in np.unique(family):
        held = np.floor(coverage[family == f].sum(axis=0) + 1e-9)
        chance = stats.binom.cdf(held, (family == f).sum(), NOMINAL)
        rejected += [f"{f} at k {i + 1}" for i in np.flatnonzero(chance < REJECTED)]
    error, score, held = one.error.mean(), one.score.mean(), coverage.mean(axis=0)
    met = {
        "coverage": bool((held >= ENOUGH).all()) and not rejected,
        "error": error <= min(pool.error.mean(), 0.9 * single),
        "score": score <= pool.score.mean(),
    }
    missed = tuple(part for part, is_met in met.items() if not is_met)
    print(
        f"{name}: coverage, banks as units {np.array2string(held, precision=3)}, rejected: "
        f"{', '.join(rejected) or 'none'}; error {error:.4f} (pool {pool.error.mean():.4f}, .9 × best single "
        f"{0.9 * single:.4f}); score {score:.4f} (pool {pool.score.mean():.4f}); bars missed: "
        f"{', '.join(missed) or 'none'}"
    )
    return missed
