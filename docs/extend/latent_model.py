"""A latent model: thinks in states instead of text; this one adds the numbers of its question, one at each step.

On the command line:

    overthink latent docs/extend/latent_model.py@running-sum --out sums
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from overthink.extend import Field, LatentModel, LatentQuestion, component


@component("running-sum")
class RunningSum(LatentModel):
    """A sum of as many numbers as there are steps; its state is the total so far, so that every step counts."""

    steps: int = Field(3, ge=1, le=8, description="numbers of a sum")
    size: int = Field(40, ge=2, description="questions")

    def questions(self) -> Sequence[LatentQuestion]:
        """Return the questions with their targets."""
        table = np.random.default_rng(self.size).integers(1, 10, size=(self.size, self.steps))
        return [LatentQuestion(f"sum{n}", " + ".join(map(str, row)), str(row.sum())) for n, row in enumerate(table)]

    def step(self, question: LatentQuestion, states: Sequence[Any], seed: int) -> Any:
        """Return the state behind those before it, which may not be the ones that this method gave."""
        total = states[-1][0] if states else 0.0
        return np.array([total + float(question.text.split(" + ")[len(states)]), 1.0])

    def answer(self, question: LatentQuestion, states: Sequence[Any], seed: int) -> str:
        """Return the answer behind these states; with fewer steps it is that of fewer."""
        return str(round(states[-1][0])) if states else "0"
