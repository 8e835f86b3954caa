"""Chips for training and for inference: speed, bandwidth, TPP, export lanes, tokens per second.

TPP is the dense speed (tera operations per second) times the bit length, the largest over number formats. Training is
bound by speed and decoding by bandwidth, so a chip may lose most of one and keep the other: H20 has 15 % of the H100's
speed and 119 % of its bandwidth. Numbers: Epoch AI, machine learning hardware (copy of April 2026).
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from overthink.governance.calculators.transformer_flop import Machine
from overthink.governance.inputs import positive
from overthink.governance.naming import look_up

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
