"""Time to carry weights out: at line rate, under an upload limit, with compression, and the chance to stay undetected.

days = bytes / compression / (upload per day · covert share · accounts). Sources: Greenblatt 2024 (upload limits), Brown
et al. 2026, arXiv:2601.01296 (compression of 16 to 100 times, inference verification). Whether compressed weights still
work is the attacker's risk, not part of the formula.
"""

import math

from overthink.errors import InputError
from overthink.govern.inputs import at_least_one, positive, share

BITS_PER_BYTE = 8


def exfiltration_days(
    weights_bytes: float,
    *,
    upload_bytes_per_day: float,
    compression: float = 1.0,
    covert_share: float = 1.0,
    accounts: float = 1.0,
) -> float:
    """Days until the weights are out.

    Args:
        weights_bytes: Size of the weights.
        upload_bytes_per_day: What the limit lets out per day and account.
        compression: How many times smaller the weights are made.
        covert_share: Share of the upload that can carry weights unnoticed.
        accounts: Accounts or machines that upload side by side.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> exfiltration_days(1e12, upload_bytes_per_day=5e9)
        200.0
    """
    carried = positive(upload_bytes_per_day, "upload bytes per day") * share(covert_share, "covert share")
    carried *= at_least_one(accounts, "accounts")
    return positive(weights_bytes, "weights bytes") / at_least_one(compression, "compression") / carried


def line_seconds(weights_bytes: float, *, line_bits_per_second: float, compression: float = 1.0) -> float:
    """Seconds at the full rate of a line, with nobody watching.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> line_seconds(810e9, line_bits_per_second=1e9) / 60
        108.0
    """
    bits = positive(weights_bytes, "weights bytes") / at_least_one(compression, "compression") * BITS_PER_BYTE
    return bits / positive(line_bits_per_second, "line bits per second")


def undetected(days: float, *, detection_per_day: float) -> float:
    """Chance that nobody notices until the weights are out, with the same chance of detection every day.

    Raises:
        InputError: The days are not positive, or the chance is not from 0 to below 1.

    Example:
        >>> round(undetected(10, detection_per_day=0.1), 2)
        0.35
    """
    if not 0 <= detection_per_day < 1:
        raise InputError(f"detection per day is {detection_per_day:g}; needed: a chance from 0 to below 1")
    return math.exp(positive(days, "days") * math.log1p(-detection_per_day))
