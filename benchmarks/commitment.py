"""Where does a trace commit? A planted change, found by the change-point and by the first passage.

    python benchmarks/commitment.py [--runs 500]

Counts out of ``draws`` resamples at each of 30 steps; the rate jumps at step 5, or climbs around step 13. The interval
is one for a jump: on a climb it holds the middle about half the time, which the ramp beside it says.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.commitment import CommitmentStep, commitment_steps, first_passage_step

STEPS = 30
TRACES = 20
"""Traces of a study, whose over-dispersion is pooled."""

LOGISTIC = 2 * float(np.log(9))
"""10 to 90 % width of a logistic curve of scale 1."""


@dataclass(frozen=True)
class Design:
    """A planted change; ``ramp`` is its 10 to 90 % width, 0 for a jump."""

    draws: int
    before: float
    after: float
    step: float = 5
    ramp: float = 0.0

    def rates(self) -> NDArray[np.float64]:
        """(step,) the rate at each step."""
        axis = np.arange(STEPS)
        if self.ramp:
            risen = special.expit((axis - self.step) / (self.ramp / LOGISTIC))
        else:
            risen = (axis >= self.step).astype(np.float64)
        return np.asarray(self.before + (self.after - self.before) * risen)


BAR = Design(8, 0.5, 0.95)
DESIGNS = (
    BAR,
    Design(20, 0.5, 0.95),
    Design(50, 0.5, 0.95),
    Design(8, 0.5, 0.8),
    Design(50, 0.5, 0.8),
    Design(8, 0.9, 0.2),
    Design(20, 0.2, 0.95, step=13, ramp=4),
    Design(20, 0.2, 0.95, step=13, ramp=9),
    Design(8, 0.5, 0.5),
    Design(8, 0.95, 0.95),
)


def simulate(design: Design, *, runs: int, seed: int) -> tuple[list[CommitmentStep], NDArray[np.int64]]:
    """The commitment steps and the first passages of many traces, in studies of 20."""
    rng = np.random.default_rng(seed)
    counts = rng.binomial(design.draws, design.rates(), size=(runs, STEPS))
    passages = [first_passage_step(row, design.draws) for row in counts]
    groups = [counts[start : start + TRACES] for start in range(0, runs, TRACES)]
    steps = [step for group in groups for step in commitment_steps(list(group), design.draws, rng=rng)]
    return steps, np.array(passages)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    print(f"{given.runs} traces of {STEPS} steps a row; interval at 95 %, test at 5 %")
    columns = ("draws", "rates", "true step", "true ramp", "committed", "mean step", "covered", "ramp", "first passage")
    print("".join(f"{c:>16}" for c in columns))
    for design in DESIGNS:
        found, passages = simulate(design, runs=given.runs, seed=given.seed)
        hits = [c for c in found if c.committed]
        steps, low, high = (np.array([getattr(c, name) for c in hits], float) for name in ("step", "low", "high"))
        held = ((low <= design.step) & (design.step <= high)).mean()
        ramps = [c.ramp for c in hits if c.ramp is not None]
        error = steps.std(ddof=1) / np.sqrt(len(steps)) if len(steps) > 1 else np.nan
        changes = design.before != design.after
        cells = [
            f"{design.draws}",
            f"{design.before:.2f}→{design.after:.2f}",
            f"{design.step:g}" if changes else "never",
            f"{design.ramp:g}" if changes else "–",
            f"{len(hits) / len(found):.1%}",
            f"{steps.mean():.2f} ± {error:.2f}" if changes else "–",
            f"{held:.1%}" if changes else "–",
            f"{np.median(ramps):.1f}" if changes else "–",
            f"{passages.mean():.1f}",
        ]
        print("".join(f"{c:>16}" for c in cells))


if __name__ == "__main__":
    main()
