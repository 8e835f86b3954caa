"""Success within a limit: what a cap on the use of finished traces would have kept.

A trace keeps its credit at a limit if it used at most that much; a trace that used more counts as none, whatever it
came to. The share can only rise with the limit, so its rise says nothing of the model: it is the distribution of what
traces use, weighted by their outcome. It is no curve of a budget, under which a model would have answered otherwise.
"""

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array

MOST_LIMITS = 14
"""Limits of a grid."""


def limit_grid(used: Array, *, most: int = MOST_LIMITS) -> Array:
    """Return limits at which traces are read: powers of two, and at last the largest use of all.

    The grid does not depend on outcomes, and the grids of two runs differ in nothing but their ends. Nothing is read
    above the largest use: what a limit of the runs themselves has cut is unknown there.

    Args:
        used: Use of each trace, in any shape; NaN where unknown.
        most: Number of limits; the highest ones are taken.

    Returns:
        (limit,) increasing; empty where no use above 0 is known.

    Example:
        >>> limit_grid(np.array([70.0, 300.0, np.nan])).tolist()
        [128.0, 256.0, 300.0]
    """
    known = used[used > 0]
    if not known.size:
        return np.empty(0)
    powers = 2.0 ** np.arange(np.ceil(np.log2(known.min())), np.ceil(np.log2(known.max())))
    return np.append(powers, known.max())[-most:]


def within_cells(used: Array, credit: Array, limits: Array) -> Array:
    """Return the share of credit that each question keeps at each limit.

    Args:
        used: (question, draw) use of each trace; NaN where unknown.
        credit: (question, draw) what a trace counts if it is kept, such as 1 for a right answer; NaN where unknown.
        limits: (limit,) increasing.

    Returns:
        (question, limit); does not fall along the limits. A trace of unknown use or credit is left out; a question
        without any other is NaN.

    Example:
        >>> used, credit = np.array([[100.0, 900.0, np.nan]]), np.array([[1.0, 1.0, 1.0]])
        >>> within_cells(used, credit, np.array([50.0, 100.0, 1000.0])).tolist()
        [[0.0, 0.5, 1.0]]
    """
    is_known = is_usable(used, credit)
    n = is_known.sum(axis=1)
    cells = np.empty((len(used), len(limits)))
    for place, limit in enumerate(limits):  # one limit at a time takes no memory beside the table
        cells[:, place] = np.where(is_known & (used <= limit), credit, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(n[:, None] > 0, cells / n[:, None], np.nan))


def is_usable(used: Array, credit: Array) -> NDArray[np.bool_]:
    """Return whether both use and credit of a trace are known."""
    return ~np.isnan(used) & ~np.isnan(credit)
