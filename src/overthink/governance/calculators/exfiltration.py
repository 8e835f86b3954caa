"""Time to exfiltrate weights: at line rate, under an upload limit, with compression, and the chance of no detection.

days = bytes / compression / (upload per day · covert share · accounts). Sources: Greenblatt 2024 (upload limits), Brown
et al. 2026, arXiv:2601.01296 (compression of 16 to 100 times, inference verification). Whether compressed weights still
work is the attacker's risk, not part of the formula.
"""

import math

from overthink.errors import InputError
from overthink.governance.inputs import at_least_one, positive, share

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
    if not 0 <= detection_per_day < 1:
        raise InputError(f"detection per day is {detection_per_day:g}; needed: a chance from 0 to below 1")
    return math.exp(positive(days, "days") * math.log1p(-detection_per_day))
