"""Chips for training and for inference: speed, bandwidth, TPP, export lanes, tokens per second.

TPP is the dense speed (tera operations per second) times the bit length, the largest over number formats. Training is
bound by speed and decoding by bandwidth, so a chip may lose most of one and keep the other: H20 has 15 % of the H100's
speed and 119 % of its bandwidth. Numbers: Epoch AI, machine learning hardware (copy of April 2026).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np
from pydantic import Field

from overthink.components.base import component
from overthink.governance.calculators import result
from overthink.governance.calculators.base import K_BASIS, K_REFERENCE, Calculator, K, above_zero, interval_meaning
from overthink.governance.calculators.cost import MILLION
from overthink.governance.calculators.result import Calculation, TableValue
from overthink.governance.calculators.transformer_flop import Machine, decode_tokens_per_second
from overthink.governance.inputs import Range, look_up, point, positive
from overthink.governance.thresholds.counting import SECONDS_PER_HOUR

TERA, GIGA = 1e12, 1e9
BITS16, BITS8 = 16, 8
LANE_TPP, LANE_BYTES_PER_SECOND = 21_000.0, 6.5e12
CONTROLLED_TPP, DENSE_TPP, DENSE_PER_MM2 = 4800.0, 1600.0, 5.92

Lane = Literal["inside", "outside", "not applicable"]


@dataclass(frozen=True, slots=True)
class Chip:
    """An accelerator.

    Attributes:
        id: Name of the chip.
        peak_flop_per_second: Dense, in BF16.
        peak_bits8_per_second: Dense, in an 8-bit format; None where TPP follows from BF16.
        memory_bytes: High-bandwidth memory.
        bytes_per_second: Memory bandwidth.
        performance_density: TPP per mm² of die; None where unknown.
        us_origin: Whether US export lanes apply to it.
        note: Note for the reader.
    """

    id: str
    peak_flop_per_second: float
    peak_bits8_per_second: float | None
    memory_bytes: float
    bytes_per_second: float
    performance_density: float | None
    us_origin: bool
    note: str

    @property
    def tpp(self) -> float:
        """Total processing performance."""
        return tpp({BITS16: self.peak_flop_per_second, BITS8: self.peak_bits8_per_second or 0.0})

    @property
    def flop_per_byte(self) -> float:
        """Operations per byte read where the roofline bends."""
        return self.peak_flop_per_second / self.bytes_per_second

    @property
    def lane(self) -> Lane:
        """The case-by-case lane of January 2026 (91 FR 1684): TPP below 21,000 and bandwidth below 6,500 GB/s."""
        if not self.us_origin:
            return "not applicable"
        return lane(tpp=self.tpp, bytes_per_second=self.bytes_per_second)

    @property
    def is_controlled(self) -> bool | None:
        """Whether 3A090.a lists it; None where that depends on an unknown density, or the chip is not of US origin."""
        if not self.us_origin:
            return None
        if self.tpp >= CONTROLLED_TPP:
            return True
        if self.tpp < DENSE_TPP:
            return False
        return None if self.performance_density is None else self.performance_density >= DENSE_PER_MM2

    def machine(self, *, utilisation: float = 1.0, chips: float = 1.0) -> Machine:
        """Return a group of such chips that shares the weights."""
        count = positive(chips, "chips")
        return Machine(self.bytes_per_second * count, self.peak_flop_per_second * count, utilisation)


def tpp(operations_per_second: dict[int, float]) -> float:
    """Return the total processing performance of dense speeds by bit length.

    Example:
        >>> tpp({16: 989e12, 8: 1979e12})
        15832.0
    """
    return max(speed / TERA * bits for bits, speed in operations_per_second.items())


def lane(*, tpp: float, bytes_per_second: float) -> Lane:
    """Return whether a chip is inside the case-by-case lane of January 2026.

    Raises:
        InputError: A number is not positive.
    """
    inside = positive(tpp, "TPP") < LANE_TPP and positive(bytes_per_second, "bytes per second") < LANE_BYTES_PER_SECOND
    return "inside" if inside else "outside"


@cache
def chips() -> dict[str, Chip]:
    """Return all chips by id."""
    text = resources.files("overthink.governance").joinpath("data/chips.toml").read_text(encoding="utf-8")
    return {row["id"]: _chip(row) for row in tomllib.loads(text)["chip"]}


def chip(name: str) -> Chip:
    """Return the chip with a name.

    Raises:
        InputError: The name is unknown; the nearest names are suggested.

    Example:
        >>> chip("h200").lane
        'inside'
    """
    return look_up(name, chips(), what="chip")


def _chip(row: dict[str, Any]) -> Chip:
    bits8 = row.get("bits8")
    return Chip(
        id=row["id"],
        peak_flop_per_second=row["bf16"] * TERA,
        peak_bits8_per_second=None if bits8 is None else bits8 * TERA,
        memory_bytes=row["memory_gb"] * GIGA,
        bytes_per_second=row["terabytes_per_second"] * TERA,
        performance_density=row.get("performance_density"),
        us_origin=row["us_origin"],
        note=row.get("note", ""),
    )


_REFERENCE = "H100"


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


@component("chips")
class Chips(Calculator):
    """Training against inference, TPP, export lanes, tokens per second, USD at K."""

    chip: str | None = Field(None, description="chip, such as H100; all chips are listed if left out")
    weights_bytes: Range | None = Field(None, description="bytes of the weights as served; gives tokens per second")
    active_parameters: Range | None = Field(
        None, description="parameters that a token passes through; without them only bandwidth limits"
    )
    cache_bytes_per_sequence: Range = Field(point(0), description="bytes of KV cache that one sequence reads per token")
    batch: Range = Field(point(1), description="sequences decoded together")
    chips: Range = Field(point(1), description="chips that share the weights")
    decode_utilisation: Range = Field(point(1), description="share of the peak that decoding achieves")
    usd_per_chip_hour: Range = Field(point(2), description="rent of a chip")
    tokens_per_task: Range | None = Field(
        None, description="tokens per task at the reference budget; K multiplies them"
    )
    k: Range = K
    k_basis: str | None = K_BASIS
    k_reference: str | None = K_REFERENCE

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        k = self.multiple()
        selection = [chip(self.words("chip"))] if "chip" in self else list(chips().values())
        decodes = "chip" in self and "weights_bytes" in self
        if "weights_bytes" in self or "tokens_per_task" in self:
            self.need("chip", "weights_bytes", to="for tokens per second")
        names = ("weights_bytes", "active_parameters", "cache_bytes_per_sequence", "batch", "chips")
        inputs = self.pick(*names, "decode_utilisation", "usd_per_chip_hour", "tokens_per_task") if decodes else {}
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
        if "tokens_per_task" in self:
            units["usd_per_task"] = "USD"
        return Calculation(
            results=result.propagate(formula, inputs, units=units, rng=rng) if decodes else (),
            formula="TPP = dense tera operations per second · bits, largest over formats; lane: TPP < 21,000 and "
            "bandwidth < 6,500 GB/s; 3A090.a: TPP >= 4,800, or >= 1,600 with density >= 5.92; tokens per second"
            " = batch / max(bytes read / bandwidth, FLOP / (utilisation · peak)); USD per token = rent / tokens"
            " per second",
            source="Epoch AI, machine learning hardware (copy of April 2026); 91 FR 1684 and ECCN 3A090 as in the "
            "registry; rent of USD 2 per H100-hour: Erdil 2025",
            interval_meaning=f"{interval_meaning(inputs)}; K is {k}",
            leaves_out="Links between chips, memory capacity, prefill, software, and every condition of a "
            "licence but TPP "
            "and bandwidth (volume cap, third-party testing). 3A090.b was only recalled and is not applied. "
            "Bandwidth is taken as fully used.",
            tables={"chips": [_row(row) for row in selection]},
        )
