"""Cost of running stolen weights, per task and per purse, at K times the reference budget.

chips = ceil((weights + cache) / memory); USD per task = K · seconds per task · chips · USD per chip-hour / 3600;
tasks = purse / USD per task. The purses are the budgets of RAND's operational capacities OC1 to OC5 (Securing AI Model
Weights, 2024). RAND states them for the theft; using them as purses for running is ours.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar

import numpy as np
from pydantic import Field

from overthink.components.base import component
from overthink.governance.calculators import result
from overthink.governance.calculators.base import K_BASIS, K_REFERENCE, Calculator, K, above_zero, interval_meaning
from overthink.governance.calculators.chips import chip
from overthink.governance.calculators.cost import usd_after
from overthink.governance.calculators.result import Calculation, Result, TableValue
from overthink.governance.calculators.transformer_flop import decode_tokens_per_second
from overthink.governance.inputs import Range, at_least_one, not_negative, point, positive
from overthink.governance.thresholds.counting import SECONDS_PER_HOUR

PURSES_USD = {"OC1": 1e3, "OC2": 1e4, "OC3": 1e6, "OC4": 1e7, "OC5": 1e9}
"""Budgets of RAND's operational capacities for a theft, reused here as purses for running."""


def chips_needed(weights_bytes: float, *, cache_bytes: float = 0.0, memory_bytes_per_chip: float) -> float:
    """Return the number of chips that fit the weights and the cache, rounded up.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> chips_needed(810e9, memory_bytes_per_chip=80e9)
        11.0
    """
    held = positive(weights_bytes, "weights bytes") + not_negative(cache_bytes, "cache bytes")
    return float(math.ceil(held / positive(memory_bytes_per_chip, "memory bytes per chip")))


def usd_per_task(
    tokens_per_task: float, *, tokens_per_second: float, chips: float, usd_per_chip_hour: float, k: float = 1.0
) -> float:
    """Return the cost of one task on rented chips, in USD.

    Args:
        tokens_per_task: Tokens decoded per task at the reference budget.
        tokens_per_second: Throughput of the whole group of chips, over all tasks decoded together.
        chips: Chips in the group.
        usd_per_chip_hour: Rent of one chip.
        k: Multiple of the reference budget.

    Raises:
        InputError: An argument is out of its bounds.
    """
    tokens = positive(tokens_per_task, "tokens per task") * at_least_one(k, "K")
    hours = tokens / positive(tokens_per_second, "tokens per second") / SECONDS_PER_HOUR
    return hours * positive(chips, "chips") * positive(usd_per_chip_hour, "USD per chip-hour")


def tasks_in_purse(purse_usd: float, *, usd_per_task: float) -> float:
    """Return the number of tasks that a purse pays for.

    Raises:
        InputError: An argument is not positive.

    Example:
        >>> round(tasks_in_purse(1e6, usd_per_task=3420))
        292
    """
    return positive(purse_usd, "purse USD") / positive(usd_per_task, "USD per task")


def _by_hardware(values: Mapping[str, float], request: Calculator, k: float) -> dict[str, float]:
    kind = chip(request.words("chip"))
    count = chips_needed(
        values["weights_bytes"], cache_bytes=values["cache_bytes"], memory_bytes_per_chip=kind.memory_bytes
    )
    speed = decode_tokens_per_second(
        kind.machine(utilisation=values["decode_utilisation"], chips=count),
        weight_bytes=values["weights_bytes"],
        token_flop=2 * values.get("active_parameters", 0.0),
        kv_bytes=values["cache_bytes"] / values["batch"],
        batch=values["batch"],
    )
    usd = usd_per_task(
        values["tokens_per_task"],
        tokens_per_second=speed,
        chips=count,
        usd_per_chip_hour=values["usd_per_chip_hour"],
        k=k,
    )
    return {"chips": count, "tokens_per_second": speed, "usd_per_task": usd}


def _purse(name: str, purse: float, usd: Result) -> dict[str, TableValue]:
    """Return the tasks in a purse; the higher end of the cost gives the lower number of tasks."""
    return {
        "purse": name,
        "usd": purse,
        "tasks": tasks_in_purse(purse, usd_per_task=usd.estimate),
        "tasks_low": None if usd.high is None else tasks_in_purse(purse, usd_per_task=usd.high),
        "tasks_high": None if usd.low is None else tasks_in_purse(purse, usd_per_task=usd.low),
    }


HARDWARE = (
    "weights_bytes",
    "chip",
    "tokens_per_task",
    "usd_per_chip_hour",
    "cache_bytes",
    "batch",
    "active_parameters",
    "decode_utilisation",
)
"""Inputs of the cost by hardware."""


@component("stolen-weights")
class StolenWeights(Calculator):
    """What stolen weights cost to run at K, and the tasks in each purse."""

    replaced: ClassVar[Mapping[str, Sequence[str]]] = {"usd_per_task": HARDWARE}
    usd_per_task: Range | None = Field(None, description="USD per task at the reference budget; or by hardware:")
    weights_bytes: Range | None = Field(None, description="bytes of the weights as served")
    chip: str | None = Field(None, description="chip that runs them, such as H100")
    tokens_per_task: Range | None = Field(None, description="tokens decoded per task at the reference budget")
    usd_per_chip_hour: Range = Field(point(2), description="rent of a chip")
    cache_bytes: Range = Field(point(0), description="bytes of KV cache over the batch")
    batch: Range = Field(point(1), description="tasks decoded together")
    active_parameters: Range | None = Field(
        None, description="parameters that a token passes through; without them only bandwidth limits"
    )
    decode_utilisation: Range = Field(point(0.3), description="share of the chip's peak that decoding achieves")
    purse_usd: Range | None = Field(None, description="one more purse, beside those of OC1 to OC5")
    years: Range = Field(point(0), description="years from now; the cost per task falls until then")
    yearly_factor: Range = Field(
        Range(9.0, 40.0), description="by how much the cost falls per year; 10 (a16z), 9 to 900 (Epoch AI)"
    )
    k: Range = K
    k_basis: str | None = K_BASIS
    k_reference: str | None = K_REFERENCE

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        k = self.multiple()
        by_hardware = "usd_per_task" not in self
        names = ["years", "yearly_factor"] if self.range("years").high > 0 else []
        if by_hardware:
            self.need("weights_bytes", "chip", "tokens_per_task", to="for the cost by hardware, or --usd-per-task")
            names += [name for name in HARDWARE if name != "chip"]
        else:
            self.refuse_replaced("usd_per_task")
            names += ["usd_per_task"]
        inputs = self.pick(*names)
        above_zero({name: values for name, values in inputs.items() if name not in ("cache_bytes", "years")})

        def formula(values: Mapping[str, float]) -> dict[str, float]:
            if by_hardware:
                results = _by_hardware(values, self, k.value)
            else:
                results = {"usd_per_task": values["usd_per_task"] * k.value}
            if "years" in values:
                results["usd_per_task"] = usd_after(
                    results["usd_per_task"], years=values["years"], yearly_factor=values["yearly_factor"]
                )
            return results

        units = {"chips": "chips", "tokens_per_second": "tokens per second over the batch"} if by_hardware else {}
        results = result.propagate(formula, inputs, units=units | {"usd_per_task": "USD"}, rng=rng)
        purses = dict(PURSES_USD)
        if "purse_usd" in self:
            purses["given"] = self.number("purse_usd")
        return Calculation(
            results=results,
            formula="chips = ceil((weights + cache) / memory); USD per task = K · tokens / (tokens per second) · chips "
            "· rent; tasks = purse / USD per task; cost falls as g^-years",
            source="RAND 2024, Securing AI Model Weights (budgets of OC1 to OC5); rent of USD 2 per H100-hour: Erdil "
            "2025; decline: a16z 2024, Epoch AI 2025",
            interval_meaning=f"{interval_meaning(inputs)}; K is {k}",
            leaves_out="RAND states these budgets for the theft; reading them as purses for running is ours. "
            "Skill, access"
            " to chips, safeguards of providers, and fine-tuning are not priced. Bandwidth is taken as fully "
            "used, and K as K times the tokens at the same speed.",
            tables={"purses": [_purse(name, purse, results[-1]) for name, purse in purses.items()]},
        )
