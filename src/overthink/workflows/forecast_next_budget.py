"""Forecasts of a study's curves one octave beyond their ladders."""

from collections.abc import Sequence

import numpy as np

from overthink.data.finding_ids import curve_ids
from overthink.data.outcomes import Outcomes
from overthink.data.results.forecast import NextBudgetResult
from overthink.forecasts.next_budget_findings import next_budget_result
from overthink.plan.analysis import MARGIN

SEED_OFFSET = 1
"""Third element of the seed; gives these forecasts other random numbers than forecasts over tries."""


def next_budget_forecasts(
    tables: Sequence[Outcomes], *, level: float, stopping: str | None, seed: int
) -> tuple[NextBudgetResult, ...]:
    """Return the forecast of every curve with a ladder.

    Args:
        tables: The curves of a study, logs, or a table of draws.
        level: Confidence level.
        stopping: "fixed", "first_success", or None to infer it.
        seed: Seed of the draws.

    Raises:
        InputError: The stopping rule contradicts the counts.
    """
    results = [
        next_budget_result(
            table,
            level=level,
            margin=MARGIN,
            stopping=stopping,
            prefix=prefix,
            rng=np.random.default_rng([seed, number, SEED_OFFSET]),
        )
        for number, (table, prefix) in enumerate(zip(tables, curve_ids([table.key for table in tables]), strict=True))
    ]
    return tuple(result for result in results if result is not None)
