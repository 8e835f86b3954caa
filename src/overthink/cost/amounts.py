"""Formatting of amounts of compute: 1,200 tokens, 3.2 × 10¹² FLOP, 0.0042 USD, 12 s."""

from overthink.cost.units import Unit

UNIT_NAMES = {
    Unit.TOKENS: "tokens",
    Unit.FLOP: "FLOP",
    Unit.EFFECTIVE_FLOP: "effective FLOP",
    Unit.USD: "USD",
    Unit.SECONDS: "seconds",
}
"""Name of each unit."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL = 1e-4
"""Below this, and for FLOP above ten thousand, zeros are harder to count than a power of ten is to read."""


def amount(number: float, unit: str | None) -> str:
    """A number with its unit.

    Args:
        number: Not negative.
        unit: Value of a :class:`~overthink.cost.units.Unit`; any other word stands as it is, None for tokens.

    Example:
        >>> amount(1234.5, "tokens"), amount(3.2e12, "flop"), amount(0.0042, "usd"), amount(12.34, "seconds")
        ('1,234 tokens', '3.2 × 10¹² FLOP', '0.0042 USD', '12.3 s')
    """
    return f"{figure(number, unit)} {'s' if unit == Unit.SECONDS else noun(unit)}"


def figure(number: float, unit: str | None) -> str:
    """The number alone: tokens are whole from ten on, everything else has three digits.

    Example:
        >>> figure(2.5, "tokens"), figure(1e13, "flop"), figure(4.2e-5, "usd"), figure(0, "usd")
        ('2.5', '10¹³', '4.2 × 10⁻⁵', '0')
    """
    if unit in (None, Unit.TOKENS):
        return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
    power_from = 1e4 if unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP) else 1e9
    if number == 0 or _SMALL <= number < power_from:
        return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
    digits, _, power = f"{number:.2e}".partition("e")
    digits = digits.rstrip("0").rstrip(".")
    ten = f"10{str(int(power)).translate(_SUPERSCRIPTS)}"
    return ten if digits == "1" else f"{digits} × {ten}"


def noun(unit: str | None) -> str:
    """Name of a unit."""
    words = {str(name): word for name, word in UNIT_NAMES.items()}
    return UNIT_NAMES[Unit.TOKENS] if unit is None else words.get(unit, unit)
