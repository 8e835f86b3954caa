"""Does the interval of a FLOP-matched multiple hold? Two models of known size and a planted multiple, study by study.

    python benchmarks/flop_matched.py [--studies 150]

Questions share an effect over rungs and models, as in real pools. The small model has half of the large one's
parameters. The multiple is planted at rungs: what the small model takes where it is as good, over what the large one
takes. "Covered" allows 3 %, since budgets keep 5 % to spare.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import special

from overthink.analysis.flop_matched import flop_matches
from overthink.analysis.request import CurveContext
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles, Unit
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

BUDGETS = (0, 64, 256, 1024)
ANSWER = 10
SIZES = {"small": 4e9, "large": 8e9}
SPREAD = 1.0
"""Standard deviation of the question effects, on the logit scale."""

STEPPED = ((0.2, 0.4, 0.6, 0.8), (0.3, 0.5, 0.7, 0.95))
"""Capability of the small and the large model by rung: the small one is as good one rung later."""

ALIKE = ((0.3, 0.5, 0.7, 0.8), (0.3, 0.5, 0.7, 0.95))
"""As good at the same rung, so at half of the FLOP."""

SETTINGS = (("as good one rung later", STEPPED, 60), ("as good one rung later", STEPPED, 200), ("alike", ALIKE, 100))

TOKENS = np.array(BUDGETS) + ANSWER


def planted(curves: Sequence[Sequence[float]]) -> list[float]:
    """The multiple at each rung of the large model but its top."""
    small, large = (2 * SIZES[name] * TOKENS for name in SIZES)
    first = [next(i for i, value in enumerate(curves[0]) if value >= wanted) for wanted in curves[1][:-1]]
    return [float(small[i] / cost) for i, cost in zip(first, large, strict=False)]


def rows(curves: Sequence[Sequence[float]], *, questions: int, rng: np.random.Generator) -> Iterator[RungRecord]:
    """One study: a draw per question and rung of both models."""
    effects = rng.normal(0, SPREAD, questions)
    for name, curve in zip(SIZES, curves, strict=True):
        for rung, (budget, wanted) in enumerate(zip(BUDGETS, curve, strict=True)):
            chances = special.expit(_centre(wanted) + effects)
            for question, value in enumerate((rng.random(questions) < chances).astype(float)):
                yield RungRecord(
                    study=name,
                    arm=name,
                    axis=Axis.CAPABILITY,
                    task="made",
                    scorer="exact",
                    question=f"q{question:03}",
                    draw=0,
                    rung=rung,
                    estimand=Estimand.FORCED,
                    verdict=Verdict.CORRECT if value else Verdict.WRONG,
                    value=value,
                    requested_tokens=budget,
                    thinking_tokens=budget,
                    answer_tokens=ANSWER,
                    generated_tokens=budget + ANSWER,
                )


def _centre(wanted: float) -> float:
    """The logit of a typical question where the mean over all questions is the one wanted."""
    effects = SPREAD * np.linspace(-4, 4, 401)
    density = np.exp(-((effects / SPREAD) ** 2) / 2)
    low, high = -15.0, 15.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float((special.expit(middle + effects) * density).sum() / density.sum())
        low, high = (middle, high) if mean < wanted else (low, middle)
    return (low + high) / 2


def multiples(records: Sequence[RungRecord], *, seed: int) -> list[Finding]:
    """The finding at the highest budget that affords a rung of the large model and not the next one, by rung."""
    parties = {name: ModelRoles(ModelInfo(name, ModelShape(size, size))) for name, size in SIZES.items()}
    decided = Analysis(level=0.95, unit=Unit.FLOP, parties=parties, reference="large", other_models=("small",))
    pages = []
    for table in from_records(records):
        weights = question_weights(len(table.questions), rng=np.random.default_rng(0), resamples=20)
        pages.append(CurveContext.of(table, decided, prefix=table.arm, scorers=1, family=1, weights=weights))
    found = [f for f in flop_matches(pages, rng=np.random.default_rng(seed)) if f.metric == "multiple"]
    above = 2 * SIZES["large"] * TOKENS[1:]
    return [[f for f in found if (f.at.total or 0) < 0.95 * cost][-1] for cost in above]


def main() -> None:
    """Print one line per setting and rung."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--studies", type=int, default=150)
    studies = parser.parse_args().studies
    print(f"{'the small model is':24}{'questions':>10}{'rung':>6}{'truth':>8}{'median':>8}{'covered, %':>12}")
    for name, curves, questions in SETTINGS:
        truth = planted(curves)
        made = [
            multiples(list(rows(curves, questions=questions, rng=np.random.default_rng([seed, 1]))), seed=seed)
            for seed in range(studies)
        ]
        for rung, true in enumerate(truth):
            of_rung = [one[rung] for one in made]
            covered = [(f.low or 0) * 0.97 <= true <= (np.inf if f.high is None else f.high) * 1.03 for f in of_rung]
            told = [np.nan if f.estimate is None else f.estimate for f in of_rung]
            numbers = f"{rung:>6}{true:>8.2f}{np.nanmedian(told):>8.2f}{100 * np.mean(covered):>12.1f}"
            print(f"{name:24}{questions:>10}{numbers}", flush=True)


if __name__ == "__main__":
    main()
