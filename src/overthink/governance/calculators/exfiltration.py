"""Time to exfiltrate weights: at line rate, under an upload limit, with compression, and the chance of no detection.

days = bytes / compression / (upload per day · covert share · accounts). Sources: Greenblatt 2024 (upload limits), Brown
et al. 2026, arXiv:2601.01296 (compression of 16 to 100 times, inference verification). Whether compressed weights still
work is the attacker's risk, not part of the formula.
"""

import math
from collections.abc import Mapping
from datetime import date

import numpy as np
from pydantic import Field

from overthink.components.base import component
from overthink.errors import InputError
from overthink.governance.calculators import result
from overthink.governance.calculators.base import Calculator, above_zero, interval_meaning, option
from overthink.governance.calculators.result import Calculation
from overthink.governance.inputs import Range, at_least_one, point, positive, share
from overthink.governance.thresholds.counting import SECONDS_PER_HOUR

BITS_PER_BYTE = 8


def exfiltration_days(
    weights_bytes: float,
    *,
    upload_bytes_per_day: float,
    compression: float = 1.0,
    covert_share: float = 1.0,
    accounts: float = 1.0,
) -> float:
    """Return the days until the weights are exfiltrated.

    Args:
        weights_bytes: Size of the weights.
        upload_bytes_per_day: Upload limit per day and account.
        compression: Compression ratio of the weights.
        covert_share: Share of the upload that can contain weights without being noticed.
        accounts: Accounts or machines that upload in parallel.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> exfiltration_days(1e12, upload_bytes_per_day=5e9)
        200.0
    """
    bytes_per_day = positive(upload_bytes_per_day, "upload bytes per day") * share(covert_share, "covert share")
    bytes_per_day *= at_least_one(accounts, "accounts")
    return positive(weights_bytes, "weights bytes") / at_least_one(compression, "compression") / bytes_per_day


def line_seconds(weights_bytes: float, *, line_bits_per_second: float, compression: float = 1.0) -> float:
    """Return the seconds at the full rate of a line, without any monitoring.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> line_seconds(810e9, line_bits_per_second=1e9) / 60
        108.0
    """
    bits = positive(weights_bytes, "weights bytes") / at_least_one(compression, "compression") * BITS_PER_BYTE
    return bits / positive(line_bits_per_second, "line bits per second")


def chance_undetected(days: float, *, detection_per_day: float) -> float:
    """Return the chance of no detection until the weights are out, with the same chance of detection every day.

    Raises:
        InputError: The days are not positive, or the chance is not from 0 to below 1.

    Example:
        >>> round(chance_undetected(10, detection_per_day=0.1), 2)
        0.35
    """
    return math.exp(positive(days, "days") * math.log1p(-_detection(detection_per_day, "detection per day")))


def _detection(chance: float, name: str) -> float:
    if not 0 <= chance < 1:
        raise InputError(f"{name} is {chance:g}; needed: a chance from 0 to below 1")
    return chance


@component("exfiltration")
class Exfiltration(Calculator):
    """Days to carry weights out under upload limits, compression, detection."""

    weights_bytes: Range = Field(description="size of the weights in bytes")
    upload_bytes_per_day: Range | None = Field(None, description="upload limit in bytes per day and account")
    line_bits_per_second: Range | None = Field(
        None, description="rate of the line in bits per second, with nobody watching"
    )
    compression: Range = Field(
        point(1), description="how many times smaller the weights are made; 16..100 was published"
    )
    covert_share: Range = Field(point(1), description="share of the upload that can carry weights unnoticed")
    accounts: Range = Field(point(1), description="accounts that upload side by side")
    detection_per_day: Range | None = Field(None, description="chance per day that somebody notices, from 0 to below 1")

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        if "upload_bytes_per_day" not in self and "line_bits_per_second" not in self:
            raise InputError(
                "nothing carries the weights; needed: --upload-bytes-per-day or --line-bits-per-second, or both"
            )
        if "detection_per_day" in self:
            self.need("upload_bytes_per_day", to="for the chance to stay undetected")
        inputs = self.pick(*type(self).model_fields)
        above_zero({name: values for name, values in inputs.items() if name != "detection_per_day"})
        share(inputs["covert_share"].high, option("covert_share"))
        if "detection_per_day" in inputs:
            _detection(inputs["detection_per_day"].low, option("detection_per_day"))
            _detection(inputs["detection_per_day"].high, option("detection_per_day"))

        def formula(values: Mapping[str, float]) -> dict[str, float]:
            results = {}
            if "line_bits_per_second" in values:
                seconds = line_seconds(
                    values["weights_bytes"],
                    line_bits_per_second=values["line_bits_per_second"],
                    compression=values["compression"],
                )
                results["hours_at_line_rate"] = seconds / SECONDS_PER_HOUR
            if "upload_bytes_per_day" in values:
                names = ("upload_bytes_per_day", "compression", "covert_share", "accounts")
                days = exfiltration_days(values["weights_bytes"], **{name: values[name] for name in names})
                results["days_under_the_limit"] = days
                if "detection_per_day" in values:
                    results["chance_undetected"] = chance_undetected(
                        days, detection_per_day=values["detection_per_day"]
                    )
            return results

        units = {
            name: unit
            for name, unit, needs in (
                ("hours_at_line_rate", "hours", "line_bits_per_second"),
                ("days_under_the_limit", "days", "upload_bytes_per_day"),
                ("chance_undetected", "chance", "detection_per_day"),
            )
            if needs in self
        }
        return Calculation(
            results=result.propagate(formula, inputs, units=units, rng=rng),
            formula="days = bytes / compression / (upload per day · covert share · accounts); line: 8 · bytes / "
            "compression / bits per second; undetected = (1 - detection per day)^days",
            source="Greenblatt 2024 on upload limits; Brown et al. 2026, arXiv:2601.01296, on inference verification "
            "and compression of 16 to 100 times; the constant chance of detection is ours",
            interval_meaning=interval_meaning(inputs),
            leaves_out="Physical theft, insiders, other routes out, and whether weights compressed that far "
            "still work. "
            "Detection on one day is taken to be independent of the others.",
        )
