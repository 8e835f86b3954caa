"""Calculator: chips for training and inference, their export lanes, tokens per second and USD per token at K."""

from collections.abc import Mapping
from datetime import date

import numpy as np

from overthink.governance.calculators import monte_carlo
from overthink.governance.calculators.result import Calculation, TableValue
from overthink.governance.calculators.base import K_FIELDS, Calculator, CalculatorRequest, Field, above_zero, interval_meaning
from overthink.governance.calculators.chips import Chip, chip, chips
from overthink.governance.calculators.cost import MILLION
from overthink.governance.calculators.transformer_flop import decode_tokens_per_second
from overthink.governance.thresholds.training_compute import SECONDS_PER_HOUR

FIELDS = (
    Field("chip", "chip, such as H100; all chips are listed if left out", words=True),
    Field("weights_bytes", "bytes of the weights as served; gives tokens per second"),
    Field("active_parameters", "parameters that a token passes through; without them only bandwidth limits"),
    Field("cache_bytes_per_sequence", "bytes of KV cache that one sequence reads per token", "0"),
    Field("batch", "sequences decoded together", "1"),
    Field("chips", "chips that share the weights", "1"),
    Field("decode_utilisation", "share of the peak that decoding achieves", "1"),
    Field("usd_per_chip_hour", "rent of a chip", "2"),
    Field("tokens_per_task", "tokens per task at the reference budget; K multiplies them"),
    *K_FIELDS,
)

_REFERENCE = "H100"


def _answer(request: CalculatorRequest, day: date, rng: np.random.Generator) -> Calculation:
    k = request.k()
    selection = [chip(request.words("chip"))] if "chip" in request else list(chips().values())
    decodes = "chip" in request and "weights_bytes" in request
    if "weights_bytes" in request or "tokens_per_task" in request:
        request.need("chip", "weights_bytes", to="for tokens per second")
    names = ("weights_bytes", "active_parameters", "cache_bytes_per_sequence", "batch", "chips")
    inputs = request.pick(*names, "decode_utilisation", "usd_per_chip_hour", "tokens_per_task") if decodes else {}
    above_zero({name: values for name, values in inputs.items() if name != "cache_bytes_per_sequence"})

    def formula(values: Mapping[str, float]) -> dict[str, float]:
        speed = decode_tokens_per_second(
            selection[0].machine(utilisation=values["decode_utilisation"], chips=values["chips"]),
            weight_bytes=values["weights_bytes"],
            token_flop=2 * values.get("active_parameters", 0.0),
            kv_bytes=values["cache_bytes_per_sequence"],
            batch=values["batch"],
        )
        usd_per_token = values["usd_per_chip_hour"] * values["chips"] / SECONDS_PER_HOUR / speed
        return {
            "tokens_per_second": speed,
            "tokens_per_second_and_user": speed / values["batch"],
            "usd_per_million_tokens": usd_per_token * MILLION,
            "usd_per_task": usd_per_token * k.value * values.get("tokens_per_task", 0.0),
        }

    units = {
        "tokens_per_second": "tokens per second over the batch",
        "tokens_per_second_and_user": "tokens per second",
        "usd_per_million_tokens": "USD",
    }
    if "tokens_per_task" in request:
        units["usd_per_task"] = "USD"
    return Calculation(
        results=monte_carlo.propagate(formula, inputs, units=units, rng=rng) if decodes else (),
        formula="TPP = dense tera operations per second · bits, largest over formats; lane: TPP < 21,000 and "
        "bandwidth < 6,500 GB/s; 3A090.a: TPP >= 4,800, or >= 1,600 with density >= 5.92; tokens per second"
        " = batch / max(bytes read / bandwidth, FLOP / (utilisation · peak)); USD per token = rent / tokens"
        " per second",
        source="Epoch AI, machine learning hardware (copy of April 2026); 91 FR 1684 and ECCN 3A090 as in the "
        "registry; rent of USD 2 per H100-hour: Erdil 2025",
        interval_meaning=f"{interval_meaning(inputs)}; K is {k}",
        leaves_out="Links between chips, memory capacity, prefill, software, and every condition of a licence but TPP "
        "and bandwidth (volume cap, third-party testing). 3A090.b was only recalled and is not applied. "
        "Bandwidth is taken as fully used.",
        tables={"chips": [_row(row) for row in selection]},
    )


def _row(item: Chip) -> dict[str, TableValue]:
    reference = chip(_REFERENCE)
    return {
        "chip": item.id,
        "bf16_teraflop_per_second": item.peak_flop_per_second / 1e12,
        "memory_gb": item.memory_bytes / 1e9,
        "terabytes_per_second": item.bytes_per_second / 1e12,
        "training_speed_of_h100": item.peak_flop_per_second / reference.peak_flop_per_second,
        "bandwidth_of_h100": item.bytes_per_second / reference.bytes_per_second,
        "flop_per_byte": item.flop_per_byte,
        "tpp": item.tpp,
        "lane_of_january_2026": item.lane,
        "listed_in_3A090_a": item.is_controlled,
        "note": item.note,
    }


CHIPS = Calculator(
    "chips", "Training against inference, TPP, export lanes, tokens per second, USD at K.", FIELDS, _answer
)
