"""Types of arrays, and arrays without memory of their own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""An array of floats; NaN where a number is unknown."""

Weights = NDArray[np.uint8] | NDArray[np.float64]
"""Number of times that each question occurs in each resample, (resample, question)."""

Signs = NDArray[np.int8]
"""Random signs, -1 or 1, (resample, unit)."""


def blank(shape: tuple[int, ...], empty: float, dtype: Any) -> NDArray[Any]:
    """Return a table of one value that takes no memory; it is read-only.

    Example:
        >>> blank((2, 3), np.nan, np.float64).strides
        (0, 0)
    """
    return np.broadcast_to(np.asarray(empty, dtype=dtype), shape)
