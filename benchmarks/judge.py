"""A judge whose error moves with the budget, on a true curve that is flat: who reports a change?

    python benchmarks/judge.py [--runs 1000] [--labels 40] [--questions 260]

The error rates are published ones: a string matcher against a rubric judge on the same responses at five reasoning
efforts (RaphaelKhalid/inkling-effort-refusal @b9aa195c). They were .28 at the lowest and .15 to .19 above, and made a
flat curve fall (Cochran–Armitage z = -3.5). The true share here is .10 at every effort, about what those counts leave
after the errors. In the last row the true curve falls and the judge's error hides it. Every run draws new questions,
marks and labels. Set OPENBLAS_NUM_THREADS=1 on a busy machine.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.judge_correction import CorrectedCurve, correct_judge
from overthink.stats.judge_error import DRIFT, NO_DRIFT, NOT_KNOWN, judge_drift

EFFORTS = (0.0, 0.2, 0.7, 0.9, 0.99)
ERROR_LARGE = (0.281, 0.181, 0.192, 0.154, 0.173)
ERROR_SMALL = (0.181, 0.142, 0.123, 0.162, 0.119)
FALL = (0.5, 0.4, 0.3, 0.2, 0.1)
HIDING = (0.10, 0.18, 0.26, 0.34, 0.42)
"""Errors that make the fall look flat, at .5."""

ALPHA = 0.05
SPREAD = 1.5
"""Standard deviation of the question effects, on the logit scale."""


@dataclass(frozen=True)
class Design:
    """One kind of study.

    Attributes:
        error: (rung,) share of answers on which the judge errs.
        truth: (rung,) true share.
        sensitivity: The judge's at every rung, its false alarms making up the rest of the error; None: equal to the
            specificity.
        questions: Questions.
        draws: Draws per question.
        labels: Answers labelled at each rung.
        same: Whether the same questions are labelled at every rung.
    """

    error: tuple[float, ...] = ERROR_LARGE
    truth: tuple[float, ...] = (0.10,) * 5
    sensitivity: float | None = 0.90
    questions: int = 260
    draws: int = 1
    labels: int = 40
    same: bool = False

    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(rung,) sensitivity and specificity."""
        error, truth = np.array(self.error), np.array(self.truth)
        if self.sensitivity is None:
            return 1 - error, 1 - error
        missed = truth * (1 - self.sensitivity)
        return np.full(len(error), self.sensitivity), 1 - (error - missed) / (1 - truth)


def intercepts(truth: Sequence[float]) -> NDArray[np.float64]:
    """The logit of a typical question for which the mean over question effects is the truth; (rung,)."""
    effect, weight = np.polynomial.hermite_e.hermegauss(60)
    grid = np.linspace(-12, 12, 4801)
    mean = special.expit(grid[:, None] + SPREAD * effect) @ (weight / weight.sum())
    return np.interp(truth, mean, grid)


def study(design: Design, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The judge's marks and the human labels of one study, (question, draw, rung) each."""
    shape = (design.questions, design.draws, len(design.error))
    chance = special.expit(intercepts(design.truth) + SPREAD * rng.standard_normal((design.questions, 1, 1)))
    good = rng.random(shape) < chance
    sensitivity, specificity = design.rates()
    judge = np.where(good, rng.random(shape) < sensitivity, rng.random(shape) >= specificity)
    order = rng.random((design.questions, design.draws, 1) if design.same else shape)
    rank = order.reshape(-1, order.shape[2]).argsort(axis=0).argsort(axis=0).reshape(order.shape)
    return judge.astype(np.float64), np.where(rank < design.labels, good.astype(np.float64), np.nan)


def cochran_armitage_p(successes: NDArray[np.float64], trials: int, scores: Sequence[float]) -> float:
    """Two-sided p-value of a linear trend of shares over scores (Cochran 1954, Armitage 1955); trials independent."""
    centred = np.asarray(scores) - np.mean(scores)
    share = successes.sum() / (trials * len(successes))
    if share in (0, 1):
        return float("nan")
    z = centred @ successes / np.sqrt(share * (1 - share) * trials * (centred @ centred))
    return float(2 * special.ndtr(-abs(z)))


def verdicts(
    judge: NDArray[np.float64], human: NDArray[np.float64], rng: np.random.Generator
) -> tuple[dict[str, Any], CorrectedCurve]:
    """What each procedure says about one study; True where it reports a change."""
    answers = judge.shape[0] * judge.shape[1]
    rungs = judge.shape[2]
    naive_p = cochran_armitage_p(judge.sum(axis=(0, 1)), answers, EFFORTS)
    whole = judge.mean(axis=1)
    change = whole[:, -1] - whole[:, 0]
    t = change.mean() / (change.std(ddof=1) / np.sqrt(len(change)))
    curve = correct_judge(judge, human, rng=rng)
    trend = np.array(EFFORTS) - np.mean(EFFORTS)
    apart = np.eye(rungs)[-1] - np.eye(rungs)[0]
    p = curve.contrasts([trend, apart])[1]
    from_values = curve.values @ trend
    z = from_values.mean() / (from_values.std(ddof=1) / np.sqrt(len(from_values)))
    return {
        "naive trend": naive_p < ALPHA,
        "naive difference": 2 * special.ndtr(-abs(t)) < ALPHA,
        "corrected trend": p[0] < ALPHA,
        "corrected difference": p[1] < ALPHA,
        "trend of values": 2 * special.ndtr(-abs(z)) < ALPHA,
        "drift": judge_drift(judge, human, rng=rng).decision,
    }, curve


def simulate(design: Design, *, runs: int, seed: int) -> dict[str, NDArray[Any]]:
    """Verdicts of many studies, (run,) each; and "covered" and "rogan_gladen", whether intervals hold the truth.

    Both are (run, rung); Rogan and Gladen's is NaN where the estimate was refused.
    """
    found: dict[str, list[Any]] = {}
    for child in np.random.default_rng(seed).spawn(runs):
        said, curve = verdicts(*study(design, child), child)
        truth = np.array(design.truth)
        said["covered"] = (curve.low <= truth) & (truth <= curve.high)
        said["rogan_gladen"] = [
            float("nan") if r.reason else float(r.low <= t <= r.high)
            for r, t in zip(curve.rogan_gladen, truth, strict=True)
        ]
        for name, value in said.items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


CLAIMS = ("naive trend", "naive difference", "corrected trend", "corrected difference", "trend of values")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--labels", type=int, default=40)
    parser.add_argument("--questions", type=int, default=260)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    plain = Design(questions=given.questions, labels=given.labels)
    designs = {
        "published error": plain,
        "same questions labelled": replace(plain, same=True),
        "symmetric error": replace(plain, sensitivity=None),
        "smaller drift": replace(plain, error=ERROR_SMALL),
        "no drift": replace(plain, error=(0.18,) * 5),
        "a hidden fall": replace(plain, error=HIDING, truth=FALL),
    }
    print(f"{given.runs} studies a row, {given.questions} questions, {given.labels} human labels a rung")
    print(
        "truth: flat at .10; share of studies that report a change, at 5 % (± Monte Carlo s.e.), and coverage at 95 %"
    )
    print(f"{'':<25}" + "".join(f"{c:>22}" for c in (*CLAIMS, "covered", "Rogan–Gladen covered")) + "  drift gate")
    for name, design in designs.items():
        found = simulate(design, runs=given.runs, seed=given.seed)
        cells = []
        for claim in CLAIMS:
            share = float(found[claim].mean())
            cells.append(f"{share:.1%} ± {np.sqrt(share * (1 - share) / given.runs):.1%}")
        known = found["rogan_gladen"][~np.isnan(found["rogan_gladen"])]
        cells += [f"{found['covered'].mean():.1%}", f"{known.mean():.1%} of {known.size / found['covered'].size:.0%}"]
        gate = ", ".join(f"{d} {(found['drift'] == d).mean():.0%}" for d in (DRIFT, NO_DRIFT, NOT_KNOWN))
        print(f"{name:<25}" + "".join(f"{c:>22}" for c in cells) + f"  {gate}")


if __name__ == "__main__":
    main()
