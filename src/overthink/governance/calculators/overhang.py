"""Deployment overhang: number of copies of a model that its training cluster could run, as a function of K.

copies = C / (T · r · K): the compute of a cluster in T seconds, divided by the compute of a copy per second at K times
the reference budget; capped by memory, and scaled by the utilisation of decoding relative to training.
Copy-years = C / (3.156e7 · r · K). Source: Davidson and Finnveden's sheet for "Counting AGIs"; Ord 2025 for K.
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
from overthink.governance.calculators.result import Calculation
from overthink.governance.inputs import Range, at_least_one, positive

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
    """Return the number of copies that the training cluster can run at once.

    Args:
        training_flop: Training compute.
        training_seconds: Duration of training; compute and time give the cluster's speed.
        copy_flop_per_second: Compute of a copy at the reference budget: FLOP per token times tokens per second.
        k: Multiple of the reference inference budget; a copy that thinks K times longer needs K times the chips.
        utilisation_ratio: Utilisation of decoding divided by that of training, such as 0.1/0.4.
        memory_copies: Number of copies that fit the cluster's memory; infinite for no cap.

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
    """Return the years that the compute of training could run one copy.

    Raises:
        InputError: An argument is out of its bounds.
    """
    speed = positive(copy_flop_per_second, "FLOP per second of a copy") * at_least_one(k, "K")
    return positive(training_flop, "training FLOP") / SECONDS_PER_YEAR / speed


def copies_in_memory(memory_bytes: float, *, bytes_per_copy: float) -> float:
    """Return the copies that fit a cluster's memory, each with its own weights and cache. Shared weights allow more.

    Raises:
        InputError: An argument is not positive.
    """
    return positive(memory_bytes, "memory bytes") / positive(bytes_per_copy, "bytes per copy")


def anchor_parameters(
    training_flop: float, *, flop_per_parameter_second: float, tokens_per_parameter: float, horizon: float
) -> float:
    """Return the parameters that a training compute allows in the bio-anchors sheet: C = 3 · h · k · m · p².

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


SECONDS_PER_DAY = 86_400


@component("overhang")
class Overhang(Calculator):
    """Copies that the training cluster can run, divided by K."""

    replaced: ClassVar[Mapping[str, Sequence[str]]] = {
        "copy_flop_per_second": ("active_parameters", "tokens_per_second")
    }
    training_flop: Range = Field(description="training compute in FLOP")
    training_days: Range = Field(description="days that training took")
    copy_flop_per_second: Range | None = Field(
        None, description="FLOP per second that a copy spends at the reference budget"
    )
    active_parameters: Range | None = Field(
        None, description="or: parameters that a token passes through, with tokens per second"
    )
    tokens_per_second: Range | None = Field(None, description="tokens per second of a copy")
    utilisation_ratio: Range = Field(
        Range(0.125, 0.75), description="utilisation of decoding divided by that of training"
    )
    memory_bytes: Range | None = Field(None, description="memory of the cluster; caps the copies")
    bytes_per_copy: Range | None = Field(None, description="memory of a copy: weights and cache")
    k: Range = K
    k_basis: str | None = K_BASIS
    k_reference: str | None = K_REFERENCE

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        k = self.multiple()
        if "copy_flop_per_second" not in self:
            self.need("active_parameters", "tokens_per_second", to="for what a copy spends, or --copy-flop-per-second")
        else:
            self.refuse_replaced("copy_flop_per_second")
        if ("memory_bytes" in self) != ("bytes_per_copy" in self):
            self.need("memory_bytes", "bytes_per_copy", to="together for the cap by memory")
        inputs = self.pick(*(name for name in type(self).model_fields if not name.startswith("k")))
        above_zero(inputs)

        def formula(values: Mapping[str, float]) -> dict[str, float]:
            copy_flop = (
                values.get("copy_flop_per_second") or 2 * values["active_parameters"] * values["tokens_per_second"]
            )
            fit = math.inf
            if "memory_bytes" in values:
                fit = copies_in_memory(values["memory_bytes"], bytes_per_copy=values["bytes_per_copy"])
            running = copies(
                values["training_flop"],
                training_seconds=values["training_days"] * SECONDS_PER_DAY,
                copy_flop_per_second=copy_flop,
                k=k.value,
                utilisation_ratio=values["utilisation_ratio"],
                memory_copies=fit,
            )
            years = copy_years(values["training_flop"], copy_flop_per_second=copy_flop, k=k.value)
            return {"copies": running, "copy_years": years * values["utilisation_ratio"], "copies_in_memory": fit}

        units = {"copies": "copies", "copy_years": "years of one copy"}
        if "memory_bytes" in self:
            units["copies_in_memory"] = "copies"
        return Calculation(
            results=result.propagate(formula, inputs, units=units, rng=rng),
            formula="copies = C / (T · r · K) · utilisation ratio, at most memory / bytes per copy; copy-years = C / "
            "(3.156e7 · r · K) · utilisation ratio; r = 2·N·tokens per second",
            source="Davidson and Finnveden's sheet for Counting AGIs; Ord 2025 for K; utilisation ratio 0.05..0.3 "
            "decoding over 0.4 training is ours",
            interval_meaning=f"{interval_meaning(inputs)}; K is {k}",
            leaves_out="Demand, power, networking and who owns the cluster; copies that share weights in a "
            "batch need less"
            " memory. Copies are counted in compute, not in work done. K is taken as K times the FLOP of a "
            "copy; K times the tokens in one context cost more (see inference-flop).",
        )
