"""Curves of probability against thinking tokens, parsed from a short text: the ground truth of a simulated model."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.errors import InputError

CURVE_OPTIONS = {"low": 0.3, "high": 0.7, "peak": 64.0, "end": 256.0}
"""Parameters of a named shape with defaults: two probabilities and two numbers of thinking tokens."""

CURVE_SHAPES: dict[str, list[tuple[str | None, str]]] = {
    "flat": [(None, "high")],
    "rise": [(None, "low"), ("end", "high")],
    "decline": [(None, "high"), ("end", "low")],
    "plateau": [(None, "low"), ("peak", "high")],
    "hump": [(None, "low"), ("peak", "high"), ("end", "low")],
}
"""Knots of a curve by shape, each (tokens, probability); None is 0 tokens."""


@dataclass(frozen=True, slots=True)
class SimulatedCurve:
    """Probability against thinking tokens t: linear in log2(1 + t) between knots, constant beyond them.

    Attributes:
        tokens: Thinking tokens of the knots, strictly increasing.
        probabilities: Probability at each knot.
    """

    tokens: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, thinking_tokens: ArrayLike) -> NDArray[np.float64]:
        """Probability at each number of thinking tokens; same shape."""
        at = np.log2(1.0 + np.asarray(thinking_tokens, dtype=float))
        return np.asarray(np.interp(at, np.log2(1.0 + np.array(self.tokens)), self.probabilities))


def parse_curve(text: str) -> SimulatedCurve:
    """Return the curve of a text.

    Args:
        text: A table of tokens and probabilities, ``"0:0.2,64:0.6,256:0.4"``, or the name of a shape (flat,
            rise, decline, plateau, hump), optionally with values for :data:`CURVE_OPTIONS`:
            ``"hump(low=0.2,high=0.8,peak=128)"``.

    Raises:
        InputError: The text is neither, a probability is outside 0 to 1, or the tokens do not increase.

    Example:
        >>> parse_curve("0:0.2,3:0.6")([0, 1, 3]).round(3).tolist()
        [0.2, 0.4, 0.6]
    """
    name, _, options = text.strip().removesuffix(")").partition("(")
    if name in CURVE_SHAPES:
        parameters = CURVE_OPTIONS | _pairs(options, "=", text)
        if unknown := set(parameters) - set(CURVE_OPTIONS):
            raise InputError(
                f"curve {text!r}: unknown option {sorted(unknown)[0]!r}; known: {', '.join(CURVE_OPTIONS)}"
            )
        knots = [(0.0 if at is None else parameters[at], parameters[level]) for at, level in CURVE_SHAPES[name]]
    else:
        knots = [(_number(at, text), level) for at, level in _pairs(text, ":", text).items()]
    tokens, probabilities = tuple(at for at, _ in knots), tuple(level for _, level in knots)
    if not all(0 <= level <= 1 for level in probabilities):
        raise InputError(f"curve {text!r}: every probability must be between 0 and 1")
    if not tokens or tokens[0] < 0 or any(a >= b for a, b in pairwise(tokens)):
        raise InputError(f"curve {text!r}: needed tokens that increase, from 0 or more")
    return SimulatedCurve(tokens, probabilities)


def _pairs(text: str, sign: str, source: str) -> dict[str, float]:
    pairs: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        key, separator, value = item.partition(sign)
        if not separator:
            shapes = ", ".join(CURVE_SHAPES)
            raise InputError(f"curve {source!r}: needed a table such as 0:0.2,64:0.6 or one of: {shapes}")
        pairs[key.strip()] = _number(value, source)
    return pairs


def _number(text: str, source: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise InputError(f"curve {source!r}: {text.strip()!r} is not a number") from None
    if not math.isfinite(number):
        raise InputError(f"curve {source!r}: {text.strip()!r} is not finite")
    return number
