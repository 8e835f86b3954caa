"""Calculator: number of copies of a model that its training cluster could run."""

import math
from collections.abc import Mapping
from datetime import date

import numpy as np

from overthink.governance.calculators import monte_carlo
from overthink.governance.calculators.result import Calculation
from overthink.governance.calculators.base import K_FIELDS, Calculator, CalculatorRequest, Field, above_zero, interval_meaning
from overthink.governance.calculators.overhang import copies, copies_in_memory, copy_years

SECONDS_PER_DAY = 86_400

FIELDS = (
    Field("training_flop", "training compute in FLOP", required=True),
    Field("training_days", "days that training took", required=True),
    Field("copy_flop_per_second", "FLOP per second that a copy spends at the reference budget"),
    Field("active_parameters", "or: parameters that a token passes through, with tokens per second"),
    Field("tokens_per_second", "tokens per second of a copy"),
    Field("utilisation_ratio", "utilisation of decoding divided by that of training", "0.125..0.75"),
    Field("memory_bytes", "memory of the cluster; caps the copies"),
    Field("bytes_per_copy", "memory of a copy: weights and cache"),
    *K_FIELDS,
)


def _answer(request: CalculatorRequest, day: date, rng: np.random.Generator) -> Calculation:
    k = request.k()
    if "copy_flop_per_second" not in request:
        request.need("active_parameters", "tokens_per_second", to="for what a copy spends, or --copy-flop-per-second")
    if ("memory_bytes" in request) != ("bytes_per_copy" in request):
        request.need("memory_bytes", "bytes_per_copy", to="together for the cap by memory")
    inputs = request.pick(*(field.name for field in FIELDS if field not in K_FIELDS))
    above_zero(inputs)

    def formula(values: Mapping[str, float]) -> dict[str, float]:
        copy_flop = values.get("copy_flop_per_second") or 2 * values["active_parameters"] * values["tokens_per_second"]
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
    if "memory_bytes" in request:
        units["copies_in_memory"] = "copies"
    return Calculation(
        results=monte_carlo.propagate(formula, inputs, units=units, rng=rng),
        formula="copies = C / (T · r · K) · utilisation ratio, at most memory / bytes per copy; copy-years = C / "
        "(3.156e7 · r · K) · utilisation ratio; r = 2·N·tokens per second",
        source="Davidson and Finnveden's sheet for Counting AGIs; Ord 2025 for K; utilisation ratio 0.05..0.3 "
        "decoding over 0.4 training is ours",
        interval_meaning=f"{interval_meaning(inputs)}; K is {k}",
        leaves_out="Demand, power, networking and who owns the cluster; copies that share weights in a batch need less"
        " memory. Copies are counted in compute, not in work done. K is taken as K times the FLOP of a "
        "copy; K times the tokens in one context cost more (see inference-flop).",
    )


OVERHANG = Calculator("overhang", "Copies that the training cluster can run, divided by K.", FIELDS, _answer)
