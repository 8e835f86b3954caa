"""Cost of running stolen weights, per task and per purse, at K times the reference budget.

chips = ceil((weights + cache) / memory); USD per task = K · seconds per task · chips · USD per chip-hour / 3600;
tasks = purse / USD per task. The purses are the budgets of RAND's operational capacities OC1 to OC5 (Securing AI Model
Weights, 2024). RAND states them for the theft; using them as purses for running is ours.
"""

import math

from overthink.governance.inputs import at_least_one, not_negative, positive
from overthink.governance.thresholds.training_compute import SECONDS_PER_HOUR

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
