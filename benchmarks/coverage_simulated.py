"""Do the 95 % intervals hold on overthink/simulated? Planted hump, plateau and decline, 200 small studies each.

    python benchmarks/coverage_simulated.py [--studies 200] [--questions 40] [--draws 4]

The outcomes are those of the simulated model itself, trace by trace: one latent number per trace along its whole
ladder, question effects from the model's seed. `tests/workflows/test_study.py` shows that a run through Inspect
gives the same.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from coverage import LEVEL, covers, pool, tolerance  # benchmarks/coverage.py
from overthink.analysis import findings
from overthink.collect.providers.simulated.model import SimulatedModel
from overthink.data.outcomes import from_records
from overthink.plan.analysis import Analysis

BUDGETS = (0, 16, 64, 128, 256)


def study(model: SimulatedModel, *, questions: int, draws: int, seed: int) -> NDArray[np.bool_]:
    """What the model's traces answer, (question, draw, rung); every study has questions of its own."""
    right = np.empty((questions, draws, len(BUDGETS)), dtype=np.bool_)
    for question, draw, rung in np.ndindex(right.shape):
        right[question, draw, rung] = model.outcome("capability", f"q{seed}-{question}", draw, seed, BUDGETS[rung])
    return right


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--draws", type=int, default=4)
    given = parser.parse_args()
    by_chance = tolerance(given.studies)
    print(f"{given.studies} studies a shape; nominal {LEVEL:.0%}, ±{by_chance:.1%} by chance at one rung")
    print(f"{'shape':<10}" + "".join(f"{budget:>8}" for budget in BUDGETS) + f"{'all':>8}{'± s.e.':>8}")
    for shape in ("hump", "plateau", "decline"):
        model = SimulatedModel(capability=shape)
        truth = model.truth("capability", BUDGETS)
        held = []
        for seed in range(given.studies):
            right = study(model, questions=given.questions, draws=given.draws, seed=seed)
            found = findings(from_records(pool(right, BUDGETS)), Analysis(level=LEVEL), rng=np.random.default_rng(seed))
            means = [f for f in found if f.kind == "value" and f.metric == "mean"]
            held.append([covers(f, t) for f, t in zip(means, truth, strict=True)])
        table = np.array(held)
        error = table.mean(axis=1).std(ddof=1) / np.sqrt(given.studies)
        row = "".join(f"{share:>8.1%}" for share in table.mean(axis=0))
        print(f"{shape:<10}{row}{table.mean():>8.1%}{error:>8.1%}")


if __name__ == "__main__":
    main()
