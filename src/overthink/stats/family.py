"""Several tests at once: p-values adjusted over the declared family."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values: reject where they are at most α, and any false rejection has a chance of at most α.

    Valid whatever the dependence between the tests. A NaN (no test was possible) stays NaN and does not count.

    Args:
        p: (test,) p-values of the family.

    Returns:
        (test,) adjusted p-values, in the order given.

    Raises:
        ValueError: Not a list of p-values, or one outside [0, 1].

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p, dtype=np.float64)
    if p_values.ndim != 1:
        raise ValueError(f"p has shape {p_values.shape}; needed: (test,)")
    tested_indices = np.flatnonzero(~np.isnan(p_values))
    if ((p_values[tested_indices] < 0) | (p_values[tested_indices] > 1)).any():
        raise ValueError("a p-value is outside [0, 1]; needed: p-values")
    order = tested_indices[np.argsort(p_values[tested_indices], kind="stable")]
    steps = p_values[order] * (len(order) - np.arange(len(order)))
    adjusted_p = np.full(p_values.shape, np.nan)
    adjusted_p[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted_p
