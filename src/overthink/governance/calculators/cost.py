"""Cost per task at K, its decline over the years, and the accuracy that a multiple of compute gives.

USD per task = tokens · K · samples · price; c(t) = c0 · g^-t. The yearly factor g differs by task: 10 for a fixed level
(a16z 2024), 9 to 900 by milestone (Epoch AI 2025), 9 for hard reasoning; there is no single number for all tasks.
"""

import math
from collections.abc import Mapping
from datetime import date

import numpy as np
from pydantic import Field

from overthink.components.base import component
from overthink.errors import InputError
from overthink.governance.calculators import result
from overthink.governance.calculators.base import K_BASIS, K_REFERENCE, Calculator, K, above_zero, interval_meaning
from overthink.governance.calculators.result import Calculation
from overthink.governance.inputs import Range, at_least_one, not_negative, point, positive, share

MILLION = 1e6
LOG_OF_MOST = math.log(1e308)
"""Largest argument whose exponential fits a float."""


def usd_per_task(
    tokens_per_sample: float, *, usd_per_million_tokens: float, samples: float = 1.0, k: float = 1.0
) -> float:
    """Return the cost of one task at list price, in USD.

    Args:
        tokens_per_sample: Tokens of one sample at the reference budget.
        usd_per_million_tokens: Price of a million tokens.
        samples: Samples per task.
        k: Multiple of the reference budget.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> round(usd_per_task(57e6, usd_per_million_tokens=60))
        3420
    """
    tokens = positive(tokens_per_sample, "tokens per sample") * at_least_one(samples, "samples") * at_least_one(k, "K")
    return tokens * positive(usd_per_million_tokens, "USD per million tokens") / MILLION


def usd_after(usd: float, *, years: float, yearly_factor: float) -> float:
    """Return the cost of the same task after some years of decline, in USD.

    Raises:
        InputError: An argument is out of its bounds.
    """
    decline = -not_negative(years, "years") * math.log(at_least_one(yearly_factor, "yearly factor"))
    return positive(usd, "USD") * math.exp(decline)


def yearly_factor(usd_before: float, usd_now: float, *, years: float) -> float:
    """Return the factor by which a cost fell per year.

    Raises:
        InputError: An argument is not positive.

    Example:
        >>> round(yearly_factor(60, 0.06, years=3), 1)
        10.0
    """
    fall = math.log(positive(usd_before, "USD before")) - math.log(positive(usd_now, "USD now"))
    yearly = fall / positive(years, "years")
    return math.exp(yearly) if yearly < LOG_OF_MOST else math.inf


def accuracy_at(k: float, *, at_reference: float, per_tenfold: float, ceiling: float = 1.0) -> float:
    """Return the accuracy that grows with the logarithm of compute up to a ceiling: min(a + b · log10 K, ceiling).

    A straight line on log compute is a description of some measured curves (OpenAI o1, Snell et al. 2024) inside their
    range. Test it on your own curve before using it.

    Args:
        k: Multiple of the reference budget.
        at_reference: Accuracy at K = 1.
        per_tenfold: Accuracy gained per tenfold compute; may be negative.
        ceiling: Maximum accuracy.

    Raises:
        InputError: An argument is out of its bounds, or the accuracy starts above the ceiling.
    """
    if not 0 <= at_reference <= share(ceiling, "ceiling"):
        raise InputError(f"accuracy at the reference is {at_reference:g}; needed: from 0 to the ceiling {ceiling:g}")
    return max(0.0, min(at_reference + per_tenfold * math.log10(at_least_one(k, "K")), ceiling))


def per_tenfold(low: float, high: float, *, ratio: float) -> float:
    """Return the gain per tenfold compute between two measurements whose compute differs by a ratio.

    Raises:
        InputError: The ratio is not above 1.

    Example:
        >>> round(100 * per_tenfold(0.757, 0.875, ratio=172), 2)
        5.28
    """
    if not ratio > 1:
        raise InputError(f"the ratio is {ratio:g}; needed: above 1")
    return (high - low) / math.log10(positive(ratio, "ratio"))


def matched_multiplier(model_multiplier: float, *, inference_to_pretraining: float) -> float:
    """Return the inference multiplier at equal FLOP with a model that is M times larger: M + 3·(M - 1)/R.

    From M·(X + Y) = X + k·Y with X = 6·N·D_pre and Y = 2·N·D_inf (Snell et al. 2024, arXiv:2408.03314).

    Args:
        model_multiplier: M, size ratio of the larger model.
        inference_to_pretraining: R, tokens of inference over the lifetime per token of pre-training.

    Raises:
        InputError: M is below 1, or R is not positive.

    Example:
        >>> [round(matched_multiplier(14, inference_to_pretraining=r), 1) for r in (0.16, 0.79, 22)]
        [257.8, 63.4, 15.8]
    """
    ratio = positive(inference_to_pretraining, "inference to pre-training ratio")
    return at_least_one(model_multiplier, "model multiplier") + 3 * (model_multiplier - 1) / ratio


def power_law_exponent(y_low: float, y_high: float, *, x_low: float, x_high: float) -> float:
    """Return the exponent of a power law through two points, such as task length against tokens.

    Raises:
        InputError: A value is not positive, or both x are the same.
    """
    rise = math.log(positive(y_high, "upper y")) - math.log(positive(y_low, "lower y"))
    run = math.log(positive(x_high, "upper x")) - math.log(positive(x_low, "lower x"))
    if run == 0:
        raise InputError(f"both x are {x_low:g}; needed: two different ones")
    return rise / run


@component("cost")
class Cost(Calculator):
    """USD per task at K, after years of decline, and per solved task."""

    tokens_per_sample: Range = Field(description="tokens of one sample at the reference budget")
    usd_per_million_tokens: Range = Field(description="price in USD per million tokens")
    samples: Range = Field(point(1), description="samples per task")
    years: Range = Field(point(0), description="years from now; the cost falls until then")
    yearly_factor: Range = Field(
        Range(9.0, 40.0), description="by how much it falls per year; 10 (a16z), 9 to 900 (Epoch AI)"
    )
    accuracy_at_reference: Range | None = Field(None, description="accuracy at K = 1, from 0 to 1")
    accuracy_per_tenfold: Range | None = Field(None, description="accuracy gained per tenfold compute")
    accuracy_ceiling: Range = Field(point(1), description="the most that accuracy can be")
    k: Range = K
    k_basis: str | None = K_BASIS
    k_reference: str | None = K_REFERENCE

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        k = self.multiple()
        names = ["tokens_per_sample", "usd_per_million_tokens", "samples"]
        above_zero(self.pick(*names))
        if self.range("years").high > 0:
            names += ["years", "yearly_factor"]
        units = {"usd_per_task": "USD"}
        if "accuracy_at_reference" in self or "accuracy_per_tenfold" in self:
            self.need("accuracy_at_reference", "accuracy_per_tenfold", to="together for accuracy at K")
            names += ["accuracy_at_reference", "accuracy_per_tenfold", "accuracy_ceiling"]
            units |= {"accuracy": "share", "usd_per_solved_task": "USD"}
        inputs = self.pick(*names)

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
            results=result.propagate(formula, inputs, units=units, rng=rng),
            formula="USD per task = tokens · K · samples · price; c(t) = c0 · g^-t; accuracy = min(a + b·log10 K, "
            "ceiling); USD per solved task = USD per task / accuracy",
            source="list prices are inputs; decline: a16z 2024 (10 per year), Epoch AI 2025 (9 to 900 by milestone); "
            "straight line on log compute: OpenAI o1, Snell et al. 2024",
            interval_meaning=f"{interval_meaning(inputs)}; K is {k}",
            leaves_out="Prompt tokens, caching, discounts, retries and engineering. The yearly factor differs "
            "by task and "
            "the straight line holds only inside the range it was measured in: test it on your own curve.",
        )
