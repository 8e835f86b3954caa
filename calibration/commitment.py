"""How often a trace is said to commit, and to what, where the rates along it are exact."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.commitment import COMMITMENT_ALPHA, commitment_steps
from overthink.stats.overdispersed import best_splits, wobble

TRACES = 24
"""Traces of a study, whose over-dispersion is pooled."""

DRIFT = 0.8
"""Correlation of the wobble of neighbouring steps where it drifts."""

SIMULATIONS = 199
"""Binomial traces behind the p-value of the positive control."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Rates along a trace, by the share of its steps that have each, and the labels that they rule out."""

    parts: tuple[tuple[float, float], ...]
    wrong: tuple[str, ...] = ()
    right: str = ""
    drifts: bool = False

    def rates(self, steps: int) -> NDArray[np.float64]:
        """Return the (step,) rates."""
        ends = np.round(np.cumsum([share for share, _ in self.parts]) * steps).astype(int)
        return np.repeat([rate for _, rate in self.parts], np.diff(ends, prepend=0))


CHANGES = ("committed", "changes, not settled")
TRUTHS = {
    "one rate, .50": Truth(((1, 0.5),), CHANGES),
    "one rate, .90": Truth(((1, 0.9),), CHANGES),
    "wobble that drifts, .50": Truth(((1, 0.5),), CHANGES, drifts=True),
    ".30→.95": Truth(((0.35, 0.3), (0.65, 0.95)), right="committed"),
    ".50→.80": Truth(((0.35, 0.5), (0.65, 0.8)), right="committed"),
    ".10→.75, later steps 20 points from it": Truth(
        ((0.3, 0.1), (0.35, 0.95), (0.35, 0.55)), ("changes, not settled",)
    ),
    ".10→.95, back to .20 and up again": Truth(
        ((0.3, 0.1), (0.3, 0.95), (0.15, 0.2), (0.25, 0.95)), right="changes, not settled"
    ),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    truth: str
    steps: int
    draws: int
    icc: float


def cells() -> list[Cell]:
    """Return every setting of the table."""
    nulls = [name for name, truth in TRUTHS.items() if truth.wrong == CHANGES and not truth.drifts]
    others = [name for name in TRUTHS if name not in nulls]
    return [
        *(Cell(name, 20, draws, icc) for name in nulls for draws in (8, 50) for icc in (0.0, 0.05, 0.1)),
        *(Cell(name, steps, 12, icc) for name in nulls for steps in (4, 6) for icc in (0.0, 0.1)),
        *(Cell(name, 20, draws, icc) for name in others for draws in (8, 50) for icc in (0.05, 0.1)),
        *(Cell(".30→.95", steps, 12, 0.1) for steps in (4, 6)),
    ]


def labels(cell: Cell, *, runs: int, seed: int) -> tuple[Counter[str], float]:
    """Return the labels of that many traces, in studies of 24, and how often a binomial test shows a change."""
    counter: Counter[str] = Counter()
    naive = 0
    for study in range(-(-runs // TRACES)):
        rng = np.random.default_rng([seed, cell.steps, cell.draws, round(1000 * cell.icc), study])
        traces = sample(cell, rng=rng)
        counter.update(str(result.label) for result in commitment_steps(traces, cell.draws, rng=rng))
        naive += sum(is_binomial_change(counts, cell.draws, rng=rng) for counts in traces)
    return counter, naive / counter.total()


def sample(cell: Cell, *, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return the (step,) counts of every trace of a study."""
    truth = TRUTHS[cell.truth]
    rates = truth.rates(cell.steps)
    if not truth.drifts:
        columns = [wobble(float(rate), cell.icc, cell.draws, (TRACES,), rng=rng) for rate in rates]
        return list(np.stack(columns, axis=1))
    noise = rng.standard_normal((TRACES, cell.steps))
    for step in range(1, cell.steps):
        noise[:, step] = DRIFT * noise[:, step - 1] + np.sqrt(1 - DRIFT**2) * noise[:, step]
    weight = 1 / cell.icc - 1
    drifting = special.betaincinv(rates * weight, (1 - rates) * weight, special.ndtr(noise))
    return list(rng.binomial(cell.draws, drifting).astype(np.float64))


def is_binomial_change(counts: NDArray[np.float64], draws: int, *, rng: np.random.Generator) -> bool:
    """Return whether a test that takes the steps for binomial shows a change: the positive control."""
    fakes = wobble(float(counts.mean()) / draws, 0.0, draws, (SIMULATIONS, len(counts)), rng=rng)
    as_large = int((best_splits(fakes, draws).gain >= best_splits(counts, draws).gain - 1e-9).sum())
    return (1 + as_large) / (1 + SIMULATIONS) <= COMMITMENT_ALPHA
