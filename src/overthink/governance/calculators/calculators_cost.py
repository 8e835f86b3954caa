"""Calculator: cost per task at K, after years of decline, and per solved task."""

import math
from collections.abc import Mapping
from datetime import date

import numpy as np

from overthink.governance.calculators import monte_carlo
from overthink.governance.calculators.result import Calculation
from overthink.governance.calculators.base import K_FIELDS, Calculator, CalculatorRequest, Field, above_zero, interval_meaning
from overthink.governance.calculators.cost import accuracy_at, usd_after, usd_per_task

FIELDS = (
    Field("tokens_per_sample", "tokens of one sample at the reference budget", required=True),
    Field("usd_per_million_tokens", "price in USD per million tokens", required=True),
    Field("samples", "samples per task", "1"),
    Field("years", "years from now; the cost falls until then", "0"),
    Field("yearly_factor", "by how much it falls per year; 10 (a16z), 9 to 900 (Epoch AI)", "9..40"),
    Field("accuracy_at_reference", "accuracy at K = 1, from 0 to 1"),
    Field("accuracy_per_tenfold", "accuracy gained per tenfold compute"),
    Field("accuracy_ceiling", "the most that accuracy can be", "1"),
    *K_FIELDS,
)


def _answer(request: CalculatorRequest, day: date, rng: np.random.Generator) -> Calculation:
    k = request.k()
    names = ["tokens_per_sample", "usd_per_million_tokens", "samples"]
    above_zero(request.pick(*names))
    if request.range("years").high > 0:
        names += ["years", "yearly_factor"]
    units = {"usd_per_task": "USD"}
    if "accuracy_at_reference" in request or "accuracy_per_tenfold" in request:
        request.need("accuracy_at_reference", "accuracy_per_tenfold", to="together for accuracy at K")
        names += ["accuracy_at_reference", "accuracy_per_tenfold", "accuracy_ceiling"]
        units |= {"accuracy": "share", "usd_per_solved_task": "USD"}
    inputs = request.pick(*names)

    def formula(values: Mapping[str, float]) -> dict[str, float]:
        usd = usd_per_task(
            values["tokens_per_sample"],
            usd_per_million_tokens=values["usd_per_million_tokens"],
            samples=values["samples"],
            k=k.value,
        )
        if "years" in values:
            usd = usd_after(usd, years=values["years"], yearly_factor=values["yearly_factor"])
        results = {"usd_per_task": usd}
        if "accuracy_at_reference" in values:
            accuracy = accuracy_at(
                k.value,
                at_reference=values["accuracy_at_reference"],
                per_tenfold=values["accuracy_per_tenfold"],
                ceiling=values["accuracy_ceiling"],
            )
            results |= {"accuracy": accuracy, "usd_per_solved_task": usd / accuracy if accuracy else math.inf}
        return results

    return Calculation(
        results=monte_carlo.propagate(formula, inputs, units=units, rng=rng),
        formula="USD per task = tokens · K · samples · price; c(t) = c0 · g^-t; accuracy = min(a + b·log10 K, "
        "ceiling); USD per solved task = USD per task / accuracy",
        source="list prices are inputs; decline: a16z 2024 (10 per year), Epoch AI 2025 (9 to 900 by milestone); "
        "straight line on log compute: OpenAI o1, Snell et al. 2024",
        interval_meaning=f"{interval_meaning(inputs)}; K is {k}",
        leaves_out="Prompt tokens, caching, discounts, retries and engineering. The yearly factor differs by task and "
        "the straight line holds only inside the range it was measured in: test it on your own curve.",
    )


COST = Calculator("cost", "USD per task at K, after years of decline, and per solved task.", FIELDS, _answer)
