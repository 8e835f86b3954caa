"""A calculator: a formula with inputs, ranges and sources.

On the command line:

    overthink calc docs/extend/calculator.py@energy --tokens-per-task 2e3..2e4
"""

from collections.abc import Mapping
from datetime import date

import numpy as np

from overthink.extend import Calculation, Calculator, Field, Range, component, interval_meaning, propagate

JOULES_PER_KWH = 3.6e6


@component("energy")
class Energy(Calculator):
    """Energy of a task that a language model answers."""

    tokens_per_task: Range = Field(description="tokens that a task takes")
    joules_per_token: Range = Field(Range(0.5, 5.0), description="energy of a token at the wall, in joules")

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return kWh per task."""
        inputs = self.pick("tokens_per_task", "joules_per_token")

        def formula(values: Mapping[str, float]) -> dict[str, float]:
            return {"kwh_per_task": values["tokens_per_task"] * values["joules_per_token"] / JOULES_PER_KWH}

        return Calculation(
            results=propagate(formula, inputs, units={"kwh_per_task": "kWh"}, rng=rng),
            formula="kWh = tokens · joules per token / 3.6e6",
            source="state the source of your numbers here",
            interval_meaning=interval_meaning(inputs),
            leaves_out="Training, idle servers and cooling beyond the wall.",
        )
