"""Deployment overhang: how many copies of a model the cluster that trained it could run, and what K divides.

copies = C / (T · r · K): the compute that a cluster spends in T seconds, divided by what a copy spends per second at K
times the reference budget; capped by memory, and scaled by how well decoding uses the chips compared with training.
Copy-years = C / (3.156e7 · r · K). Source: Davidson and Finnveden's sheet for "Counting AGIs"; Ord 2025 for K.
"""

import math

from overthink.govern.inputs import at_least_one, positive

SECONDS_PER_YEAR = 3.156e7


def copies(
    training_flop: float,
    *,
    training_seconds: float,
    copy_flop_per_second: float,
    k: float = 1.0,
    utilisation_ratio: float = 1.0,
    memory_copies: float = math.inf,
) -> float:
    """Copies that the training cluster can run at once.

    Args:
        training_flop: Training compute.
        training_seconds: How long training took; compute and time give the cluster's speed.
        copy_flop_per_second: What a copy spends at the reference budget: FLOP per token times tokens per second.
        k: Multiple of the reference inference budget; a copy that thinks K times longer takes K times the chips.
        utilisation_ratio: Utilisation of decoding divided by that of training, such as 0.1/0.4.
        memory_copies: Copies that fit the cluster's memory; infinite leaves the cap out.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> f"{copies(1e29, training_seconds=1e7, copy_flop_per_second=2.89e13):.2g}"
        '3.5e+08'
    """
    speed = positive(training_flop, "training FLOP") / positive(training_seconds, "training seconds")
    running = speed / positive(copy_flop_per_second, "FLOP per second of a copy") / at_least_one(k, "K")
    running *= positive(utilisation_ratio, "utilisation ratio")
    return min(running, memory_copies)


def copy_years(training_flop: float, *, copy_flop_per_second: float, k: float = 1.0) -> float:
    """Years of one copy that the compute of training would pay for.

    Raises:
        InputError: An argument is out of its bounds.
    """
    speed = positive(copy_flop_per_second, "FLOP per second of a copy") * at_least_one(k, "K")
    return positive(training_flop, "training FLOP") / SECONDS_PER_YEAR / speed


def copies_in_memory(memory_bytes: float, *, bytes_per_copy: float) -> float:
    """Copies that fit a cluster's memory, where a copy has its own weights and cache. Shared weights allow more.

    Raises:
        InputError: An argument is not positive.
    """
    return positive(memory_bytes, "memory bytes") / positive(bytes_per_copy, "bytes per copy")


def anchor_parameters(
    training_flop: float, *, flop_per_parameter_second: float, tokens_per_parameter: float, horizon: float
) -> float:
    """Parameters that a training compute pays for in the bio-anchors sheet: C = 3 · h · k · m · p².

    Args:
        training_flop: Training compute C.
        flop_per_parameter_second: k, FLOP per parameter and second of running.
        tokens_per_parameter: m, data per parameter.
        horizon: h, seconds per effective data point.

    Raises:
        InputError: An argument is not positive.
    """
    per_square = positive(horizon, "horizon") * positive(flop_per_parameter_second, "FLOP per parameter and second")
    per_square *= 3 * positive(tokens_per_parameter, "tokens per parameter")
    return math.sqrt(positive(training_flop, "training FLOP") / per_square)
