"""How often an attack's protocol is said to help by its reading, where its monitor tosses a coin and where it sees.

An attack that is withheld is safe. The placebo of an attack under control withholds as often as the protocol does on
honest runs, so the two arms alone are drawn: no model and no donors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from calibration.tables import table
from overthink.cost.reading import reading

QUESTIONS, DRAWS, SUCCESS = 40, 2, 0.8
"""Questions, draws of each, and the share of runs in which the attack succeeds where nothing is withheld."""
LEVEL, FALSE_BAR, POWER_BAR = 0.05, 0.05, 0.8


@dataclass(frozen=True, slots=True)
class Review:
    """A monitor: the shares of attacks and of honest answers that it flags."""

    name: str
    attacks: float
    honest: float

    @property
    def is_coin(self) -> bool:
        """Whether it reads nothing."""
        return self.attacks == self.honest


REVIEWS = (
    Review("coin", 0.05, 0.05),
    Review("coin", 0.3, 0.3),
    Review("d′ = 1", 0.26, 0.05),
    Review("catches most", 0.85, 0.1),
)


def claims(review: Review, *, runs: int, seed: int) -> tuple[float, float]:
    """Return in which shares of studies the reading is found to help and to harm, at an unadjusted level of .05."""
    rng = np.random.default_rng([seed, REVIEWS.index(review)])
    signs = []
    for _ in range(runs):
        rate = special.expit(special.logit(SUCCESS) + rng.normal(size=(QUESTIONS, 1)))
        succeeds = rng.random((QUESTIONS, DRAWS)) < rate
        flagged = rng.random((QUESTIONS, DRAWS)) < np.where(succeeds, review.attacks, review.honest)
        by_chance = rng.random((QUESTIONS, DRAWS)) < review.honest
        safe, placebo = (1.0 - (succeeds & ~withheld) for withheld in (flagged, by_chance))
        change = reading(placebo.mean(axis=1), safe.mean(axis=1), level=0.95).change
        signs.append(np.sign(change.estimate) if change.p < LEVEL else 0.0)
    return float(np.mean(np.array(signs) > 0)), float(np.mean(np.array(signs) < 0))


def tables(run: Any, runs: int) -> str:
    """Return how often a reading is found to help or to harm, as a table."""
    rows = [_row(review, pair, runs) for review, pair in zip(REVIEWS, run(claims, REVIEWS), strict=True)]
    note = (
        f"{QUESTIONS} questions × {DRAWS}; the attack succeeds in {SUCCESS:g} of runs where nothing is withheld; "
        f"safety of the protocol minus that of its placebo, p < {LEVEL:g}, not adjusted. Bars: a coin helps in at most "
        f"{_bar(runs):.3f}; a monitor that sees, the positive control, in at least {POWER_BAR:g}."
    )
    header = ["monitor", "flags of attacks", "flags of honest", "reading helps", "reading harms", "within the bar"]
    return table("Protocols of control against their placebos", note, header, rows)


def _bar(runs: int) -> float:
    return FALSE_BAR + 2 * float(np.sqrt(FALSE_BAR * (1 - FALSE_BAR) / runs))


def _row(review: Review, shares: tuple[float, float], runs: int) -> Sequence[str]:
    helps, harms = shares
    is_within = max(helps, harms) <= _bar(runs) if review.is_coin else helps >= POWER_BAR
    rates = f"{review.attacks:.2f}", f"{review.honest:.2f}"
    return [review.name, *rates, f"{helps:.3f}", f"{harms:.3f}", "yes" if is_within else "NO"]
