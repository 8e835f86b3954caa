"""The reference of K (thinking): the thinking budget that counts as K = 1 on every axis of a study."""

import math
from typing import Literal

from overthink.errors import InputError

OPTION = "--k-reference"
LOWEST: Literal["lowest"] = "lowest"
"""The word for the lowest thinking budget that all curves have, where an earlier analysis stated a reference."""
_DO = f"give a thinking budget above 0, or {LOWEST} for the lowest one that all curves have"


def read_k_reference(text: str) -> float | Literal["lowest"]:
    """Return the reference in thinking tokens, or in FLOP where a study counts FLOP; 2k is 2,000.

    Raises:
        InputError: The text is no number, or :func:`reference_fault` finds a fault.

    Example:
        >>> read_k_reference("2k")
        2000.0
    """
    if text == LOWEST:
        return LOWEST
    digits, factor = (text[:-1], 1000) if text[-1:] in ("k", "K") else (text, 1)
    try:
        number = float(digits) * factor
    except ValueError:
        raise InputError(
            f"{OPTION} {text} cannot be read; needed: thinking tokens, as 512 or 2k, or FLOP, as 1e13; or {LOWEST}"
        ) from None
    return checked_reference(number)


def checked_reference(number: float) -> float:
    """Return the reference.

    Raises:
        InputError: :func:`reference_fault` finds a fault.
    """
    if (fault := reference_fault(number)) is not None:
        raise InputError(fault)
    return number


def reference_fault(
    number: float, *, top: float | None = None, unit: str = "thinking tokens", least: float = 1.0
) -> str | None:
    """Return why a number cannot be the reference; None if it can.

    Args:
        number: The reference.
        top: Most thinking of any curve, in the unit; None if unknown.
        unit: Unit of all three.
        least: What one token of thinking takes, in the unit.

    Example:
        >>> reference_fault(512, top=4096) is None
        True
    """
    if number == 0:
        return f"{OPTION} 0 is a direct answer, and no thinking is a multiple of none; {_DO}"
    if not (math.isfinite(number) and number > 0):
        return f"{OPTION} {number:g} is not a positive number; {_DO}"
    do = _DO if least == 1.0 else f"give {unit} from {_words(least)} upwards, or {LOWEST}"
    if number < least:
        return f"{OPTION} {_words(number)} is less than one token of thinking, {_words(least)} {unit}; {do}"
    if top is not None and number > top:
        most = f"the most is {_words(top)} {unit}" if top > 0 else "no rung of it thinks"
        return f"{OPTION} {_words(number)} is beyond the ladder: {most}; {do}"
    return None


def _words(number: float) -> str:
    return f"{number:,.0f}" if 1 <= number < 1e9 else f"{number:.3g}"


def k_refusal(number: float, reason: str) -> str:
    """Return the message for a stated reference without a K axis to stand on, or with a fault of its own."""
    if reason.startswith(OPTION):
        return reason
    why = reason.partition(f"; {OPTION}")[0]
    do = f"leave it out, or give {LOWEST} where an earlier analysis stated it"
    return f"{OPTION} {_words(number)} has no axis to stand on: {why}; {do}"
