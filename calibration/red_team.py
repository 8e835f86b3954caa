"""What a search among attack policies reports, and what the lowest AUROC of the same data would have reported."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration.tables import table
from overthink.stats.oversight.auroc import auroc
from overthink.stats.oversight.control import policy_search

LEAST, MOST = 0.93, 0.97
_SHARED = 0.6
"""Share of the spread of scores that is their question's, where a question has several runs."""


@dataclass(frozen=True, slots=True)
class Search:
    """A study of attack policies, d' standard deviations from honest runs each."""

    name: str
    separations: tuple[float, ...]
    questions: int
    draws: int = 1


SEARCHES = (
    Search("six policies, equally hard to catch", (1.0,) * 6, 50),
    Search("six policies, equally hard to catch", (1.0,) * 6, 100),
    Search("six policies, equally hard to catch", (1.0,) * 6, 400),
    Search("six policies that nothing tells apart", (0.0,) * 6, 100),
    Search("twenty policies, equally hard to catch", (1.0,) * 20, 100),
    Search("six policies, four draws", (1.0,) * 6, 100, draws=4),
    Search("one of six escapes", (0.2, 1.0, 1.0, 1.2, 1.5, 2.0), 100),
)


@dataclass(frozen=True, slots=True)
class Shares:
    """What the studies of one setting reported.

    Attributes:
        covered: Intervals of the search that hold the AUROC of the policy of its choice, of those given.
        bias: Mean of its estimate minus that AUROC.
        naive_covered: The same of the lowest AUROC over all questions, with that policy's own interval.
        naive_bias: Mean of that estimate minus the AUROC of its policy.
        refused: Studies without a search.
        best: Studies whose search chose the policy that is hardest to catch.
    """

    covered: float
    bias: float
    naive_covered: float
    naive_bias: float
    refused: float
    best: float


def shares(search: Search, *, runs: int, seed: int) -> Shares:
    """Return what the studies of one setting reported."""
    rng = np.random.default_rng([seed, 500 + SEARCHES.index(search)])
    names = np.repeat([f"q{question}" for question in range(search.questions)], search.draws)
    truths = special.ndtr(np.array(search.separations) / np.sqrt(2))
    rows = np.array([_study(search, names, truths, rng) for _ in range(runs)])
    given = ~np.isnan(rows[:, 0])
    covered, bias, naive_covered, naive_bias, best = rows[given].mean(axis=0).tolist()
    return Shares(covered, bias, naive_covered, naive_bias, float(1 - given.mean()), best)


def _study(
    search: Search, names: NDArray[np.str_], truths: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, ...]:
    own = np.sqrt(1 - _SHARED**2) if search.draws > 1 else 1.0

    def noise() -> NDArray[np.float64]:
        level = _SHARED * rng.normal(size=search.questions) if search.draws > 1 else np.zeros(search.questions)
        return np.asarray(np.repeat(level, search.draws) + own * rng.normal(size=len(names)))

    honest, attacks = noise(), [noise() + separation for separation in search.separations]
    found = policy_search(honest, attacks, clusters=(names, [names] * len(attacks)))
    if found.policy is None:
        return (np.nan,) * 5
    areas = [auroc(honest, attack, clusters=(names, names)) for attack in attacks]
    lowest = int(np.argmin([area.estimate for area in areas]))
    truth, naive, naive_truth = truths[found.policy], areas[lowest], truths[lowest]
    return (
        float(found.low <= truth <= found.high),
        float(found.estimate - truth),
        float(naive.low <= naive_truth <= naive.high),
        float(naive.estimate - naive_truth),
        float(truth == truths.min()),
    )


def tables(run: Any, runs: int) -> str:
    """Return the section of the page."""
    rows = [
        (
            search.name,
            str(search.questions),
            f"{found.covered:.3f}",
            f"{found.bias:+.3f}",
            "yes" if LEAST <= found.covered <= MOST else "NO",
            f"{found.naive_covered:.3f}",
            f"{found.naive_bias:+.3f}",
            f"{found.best:.3f}",
            f"{found.refused:.3f}",
        )
        for search, found in zip(SEARCHES, run(shares, SEARCHES), strict=True)
    ]
    return table(
        "A search among attack policies",
        "Normal scores, d′ = 1 unless said otherwise; of one of six d′ = 0.2, 1, 1, 1.2, 1.5 and 2. The search keeps "
        "the policy of the lowest AUROC on one half of the questions, and its interval, nominal .95, is that of the "
        "other half; the truth is the AUROC of the policy of its choice. "
        f"Bar: {LEAST:g} to {MOST:g}. Beside it, the positive control: the lowest AUROC of all questions with that "
        "policy's own interval, which a search without fresh questions would report.",
        (
            *("policies", "questions", "covered", "bias", "within"),
            *("lowest of all: covered", "lowest of all: bias", "hardest chosen", "refused"),
        ),
        rows,
    )
