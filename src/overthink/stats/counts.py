"""Validation of counts: attempts, successes, votes and subset sizes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]


def whole_numbers(numbers: ArrayLike, name: str) -> Counts:
    """The numbers as integers.

    Raises:
        ValueError: There is more than one dimension, or a number is negative, missing or not whole.
    """
    array = np.asarray(numbers)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; needed: one dimension")
    whole = array.astype(np.int64) if np.isfinite(array.astype(np.float64)).all() else None
    if whole is None or (whole != array).any() or (whole < 0).any():
        raise ValueError(f"{name} holds a number that is negative, missing or not whole; needed: counts")
    return whole


def subset_sizes(k: ArrayLike, most: int) -> Counts:
    """The subset sizes, (k,); a single number counts as one.

    Raises:
        ValueError: One is less than 1 or larger than ``most``.
    """
    sizes = whole_numbers(np.atleast_1d(np.asarray(k)), "k")
    if (sizes < 1).any() or (sizes > most).any():
        wrong = int(sizes.max() if (sizes > most).any() else sizes.min())
        raise ValueError(f"k is {wrong}; needed: from 1 to the {most} draws there are")
    return sizes


def tries(attempts: ArrayLike, successes: ArrayLike, k: ArrayLike) -> tuple[Counts, Counts, Counts]:
    """Attempts and successes, (question,) each, and subset sizes up to the most attempts, (k,).

    Raises:
        ValueError: As above; or the lengths differ, or a question has more successes than attempts.
    """
    n, c = whole_numbers(attempts, "attempts"), whole_numbers(successes, "successes")
    if n.shape != c.shape:
        raise ValueError(f"attempts has shape {n.shape}, successes {c.shape}; needed: one of each per question")
    if (c > n).any():
        i = int(np.argmax(c > n))
        raise ValueError(f"question {i} has {c[i]} successes in {n[i]} attempts; needed: at most as many")
    return n, c, subset_sizes(k, int(n.max(initial=0)))
