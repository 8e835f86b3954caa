"""Do the intervals hold? Small studies with a planted shape, and how often the interval covers the truth.

    python benchmarks/coverage.py [--studies 200] [--questions 40] [--draws 4]

The truth is integrated, not simulated. Question effects are shared by all rungs, as in a real pool.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.analysis import findings
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.plan.analysis import Analysis

LEVEL = 0.95
BUDGETS = (0, 128, 512, 2048, 8192)
SPREAD = 1.0
"""Standard deviation of the question effects, on the logit scale."""

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Thinking tokens to the chance of a typical question (one with effect 0)."""


def hump(tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.25 + 0.45 * np.exp(-((np.log2(1 + tokens / 128) - 2.3) ** 2) / 4)


def plateau(tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.15 + 0.65 * (1 - np.exp(-tokens / 300))


def decline(tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.95 - 0.35 * np.log2(1 + tokens / 128) / np.log2(65)


SHAPES: dict[str, Curve] = {"hump": hump, "plateau": plateau, "decline": decline}


@dataclass(frozen=True)
class Design:
    """Size of one study."""

    questions: int = 40
    draws: int = 4
    budgets: tuple[int, ...] = BUDGETS
    spread: float = SPREAD


def expected(curve: Curve, design: Design, k: int = 1) -> NDArray[np.float64]:
    """Chance that at least one of k tries succeeds, averaged over all questions there could be; (rung,)."""
    effect, weight = np.polynomial.hermite_e.hermegauss(100)
    chance = special.expit(
        special.logit(curve(np.array(design.budgets, dtype=float)))[:, None] + design.spread * effect
    )
    return (1 - (1 - chance) ** k) @ (weight / weight.sum())


def study(curve: Curve, design: Design, rng: np.random.Generator) -> list[RungRecord]:
    """The pool of one simulated study."""
    location = special.logit(curve(np.array(design.budgets, dtype=float)))
    effect = design.spread * rng.standard_normal(design.questions)
    chance = special.expit(location + effect[:, None])
    right = rng.random((design.questions, design.draws, len(design.budgets))) < chance[:, None, :]
    return pool(right, design.budgets)


def pool(right: NDArray[np.bool_], budgets: Sequence[int]) -> list[RungRecord]:
    """Outcomes, (question, draw, rung), as rows of a pool."""
    return [
        RungRecord(
            study="coverage",
            arm="base",
            axis=Axis.CAPABILITY,
            task="planted",
            scorer="exact",
            question=f"q{q:04}",
            draw=d,
            rung=r,
            estimand=Estimand.FORCED,
            value=float(right[q, d, r]),
            requested_tokens=budgets[r],
        )
        for q, d, r in np.ndindex(right.shape)
    ]


def coverage(curve: Curve, design: Design, *, studies: int, seed: int) -> dict[str, NDArray[np.bool_]]:
    """Whether the intervals of simulated studies cover the truth.

    Returns:
        By claim: (study, rung), True where covered. The claims are "mean", "difference" (to the lowest rung)
        and, with several draws, "pass_at_k" (k = draws).
    """
    single, several = expected(curve, design), expected(curve, design, design.draws)
    truth = {"mean": single, "difference": (single - single[0])[1:]}
    if design.draws > 1:
        truth["pass_at_k"] = several
    held: dict[str, list[list[bool]]] = {claim: [] for claim in truth}
    for child in np.random.default_rng(seed).spawn(studies):
        found = findings(from_records(study(curve, design, child)), Analysis(level=LEVEL), rng=child)
        claims = {
            "mean": [f for f in found if f.kind == "value" and f.metric == "mean"],
            "difference": [f for f in found if f.kind == "difference" and f.at.from_rung == 0],
            "pass_at_k": [f for f in found if f.metric == "pass_at_k" and f.at.k == design.draws],
        }
        for claim, answer in truth.items():
            held[claim].append([covers(f, t) for f, t in zip(claims[claim], answer, strict=True)])
    return {claim: np.array(rows) for claim, rows in held.items()}


def covers(finding: Finding, truth: float) -> bool:
    return finding.low is not None and finding.high is not None and finding.low <= truth <= finding.high


def tolerance(studies: int) -> float:
    """Half width of what a coverage of 95 % may show by chance in 19 of 20 benchmarks, at one rung."""
    return 1.96 * float(np.sqrt(LEVEL * (1 - LEVEL) / studies))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    design = Design(questions=given.questions, draws=given.draws)
    print(
        f"{given.studies} studies per shape, {design.questions} questions × {design.draws} draws; "
        f"nominal {LEVEL:.0%}, ±{tolerance(given.studies):.1%} by chance at one rung"
    )
    print(f"{'shape':<10}{'claim':<12}" + "".join(f"{b:>8}" for b in design.budgets) + f"{'all':>8}{'± s.e.':>8}")
    for shape, curve in SHAPES.items():
        for claim, held in coverage(curve, design, studies=given.studies, seed=given.seed).items():
            rungs = [*[""] * (len(design.budgets) - held.shape[1]), *(f"{c:.1%}" for c in held.mean(axis=0))]
            by_study = held.mean(axis=1)
            error = by_study.std(ddof=1) / np.sqrt(given.studies)
            row = "".join(f"{c:>8}" for c in rungs)
            print(f"{shape:<10}{claim:<12}{row}{held.mean():>8.1%}{error:>8.1%}")


if __name__ == "__main__":
    main()
