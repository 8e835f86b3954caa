"""The chance that the right answer wins a vote among k draws, exactly, for many k at once.

Write b for the binomials of :mod:`~overthink.stats.generating_function` and j for the votes of the right answer. It
wins with j votes if no answer has more, and shares the win with t answers that also have j, which is worth
1/(t+1) = ∫ y^t dy over [0, 1]. So the chance to win among k draws is the coefficient of x^k in

    Σ_j b_right(j) x^j · free(x) · ∫ Π_i (Σ_{c<j} b_i(c) x^c + y b_i(j) x^j) dy,

divided by b(k). The product is over the rivals. Draws that abstain, and answers that cannot spoil a win, are free.
On the circle each sum over c is a running total, which serves every j.

It is fast by truncation, each part with a bound: rivals that hardly ever reach the right answer's votes, numbers of
votes that hardly ever win, points of the circle at which the product vanishes, and nodes of the integral over y.
"""

from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

from overthink.stats.generating_function import Contour, binomials, contours


@lru_cache(maxsize=16384)
def vote(right: int, others: tuple[int, ...], abstentions: int, k: tuple[int, ...]) -> tuple[float, ...]:
    """Chance that the right answer wins among k draws taken from the pool, for each k.

    Ties are split evenly, an abstention does not vote, and without a voter the vote is lost.

    Args:
        right: Draws with the right answer.
        others: Draws with each other answer; sorted, so that equal pools are worked out once.
        abstentions: Draws without an answer.
        k: Subset sizes, each from 1 to the number of draws.

    Returns:
        One chance per k; off by less than 1e-12 plus the rounding of binomials, 1e-11 with 10,000 draws.
    """
    if right == 0:
        return (0.0,) * len(k)
    n = right + sum(others) + abstentions
    rivals = np.array(others, dtype=np.int64)
    smaller = tuple(sorted({size for size in k if size < n}))
    chances = {n: _vote_of_everyone(right, rivals)}
    for contour in contours(n, smaller):
        chances |= zip(contour.sizes.tolist(), _wins(right, rivals, n, contour).tolist(), strict=True)
    return tuple(chances[size] for size in k)


def _vote_of_everyone(right: int, rivals: NDArray[np.int64]) -> float:
    top = int(rivals.max(initial=0))
    return float(right >= top) / (1 + int((rivals == right).sum()))


def _wins(right: int, rivals: NDArray[np.int64], n: int, contour: Contour) -> NDArray[np.float64]:
    """Chance to win, (k,), at the sizes of one circle."""
    rivals = rivals[_may_spoil(right, rivals, contour)]
    counts = _counts_that_matter(right, rivals, contour)
    b = binomials(np.append(right, rivals), counts, contour.p)
    right_chances = np.where(counts > 0, b[0], 0.0)
    below = np.minimum(b[1:].cumsum(axis=1), 1.0)  # chance of at most j votes
    first, winning = _without_weak_rivals(right_chances, b[1:], below, contour)

    relevant = np.flatnonzero(winning > contour.negligible / len(counts))
    if not relevant.size:
        return np.zeros(len(contour.sizes))
    start, stop = int(relevant[0]), int(relevant[-1]) + 1
    first = max(first, int(np.searchsorted(rivals, counts[start])))  # a rival that cannot reach the first j is free
    rivals, b_rivals, below = rivals[first:], b[1 + first :, :stop], below[first:, start:stop]
    nodes = _nodes(
        winning[start:stop], b_rivals[:, start:] / below, contour, _most_ties(rivals, counts[start], contour)
    )

    free = n - right - int(rivals.sum())
    points = _points(b_rivals, free, contour)
    x = contour.powers(counts[:stop], points)
    product = _integral(b_rivals, x, start, nodes) * x[start:]
    circle = contour.powers(np.array([1]), points)[0]
    values = _weighted_sums(right_chances[start:stop], product) * (1 - contour.p + contour.p * circle) ** free
    return contour.coefficients(values).clip(0.0, 1.0)


def _may_spoil(right: int, rivals: NDArray[np.int64], contour: Contour) -> NDArray[np.bool_]:
    """Rivals that may reach the right answer's votes.

    Chernoff's bound for two independent binomials, E z^(rival - right) at the z that makes it least.
    """
    p, q = contour.p, 1 - contour.p
    gap = p * (right - rivals)
    z = (gap + np.sqrt(gap**2 + 4 * q**2 * rivals * right)) / (2 * q * rivals)
    log_bound = rivals * np.log(q + p * z) + right * np.log(q + p / z)
    return np.asarray((rivals >= right) | (log_bound > np.log(contour.negligible / max(len(rivals), 1))))


def _counts_that_matter(right: int, rivals: NDArray[np.int64], contour: Contour) -> NDArray[np.int64]:
    """Numbers of votes from the least that any answer may get to the most that the right one may.

    Chernoff's bounds for a binomial of mean m: exp(-t²/2m) to fall t below, exp(-t²/(2m + 2t/3)) to rise t above.
    """
    log = -np.log(contour.negligible)
    low = np.append(right, rivals) * contour.p
    mean = right * contour.p
    least = int(max((low - np.sqrt(2 * log * low)).min(), 0.0))
    most = int(mean + log / 3 + np.sqrt(log**2 / 9 + 2 * log * mean)) + 1
    return np.arange(least, min(right, int(contour.sizes[-1]), most) + 1)


def _without_weak_rivals(
    own: NDArray[np.float64], b: NDArray[np.float64], below: NDArray[np.float64], contour: Contour
) -> tuple[int, NDArray[np.float64]]:
    """How many of the weakest rivals can be freed, and the chance that j wins against the others, (j,).

    Freeing a rival changes nothing unless it reaches j while j beats the stronger ones.
    """
    winning = np.vstack([own, own * below[::-1].cumprod(axis=0)])[::-1]
    loss = (winning[1:] * (1 - below + b)).sum(axis=1).cumsum()
    n_free = int(np.searchsorted(loss, contour.negligible))
    return n_free, winning[n_free]


def _most_ties(rivals: NDArray[np.int64], votes: int, contour: Contour) -> int:
    return min(len(rivals), int(contour.sizes[-1] - votes) // int(votes))


def _nodes(
    winning: NDArray[np.float64], tying: NDArray[np.float64], contour: Contour, most_ties: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss–Legendre nodes and weights on [0, 1], as few as the tolerance allows.

    With g nodes the error is g!⁴/((2g+1)(2g)!²) times the expected number of ways to pick 2g answers that tie,
    which is at most the expected number of ties to the power of 2g over (2g)!; and 0 with fewer than 2g ties.

    Args:
        winning: (j,) chance that j wins.
        tying: (rival, j) chance that a rival beaten or tied has exactly j.
        contour: The circle.
        most_ties: Ties that are possible at all.
    """
    ties = tying.sum(axis=0)
    g = 1
    while 2 * g - 1 < most_ties:
        remainder = factorial(g) ** 4 / ((2 * g + 1) * factorial(2 * g) ** 3)
        if remainder * float(winning @ ties ** (2 * g)) < contour.negligible:
            break
        g += 1
    return _quadrature(g)


@lru_cache(maxsize=1024)
def _quadrature(nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, weight = np.polynomial.legendre.leggauss(nodes)
    return (x + 1) / 2, weight / 2


def _points(b: NDArray[np.float64], free: int, contour: Contour) -> int:
    """How many points of the upper half circle matter.

    At angle t a binomial's sum is |1-p+p·e^it|^n, and a sum over counts, cut off or not, at most max b / sin(t/2),
    by summation by parts, since a binomial rises and then falls.
    """
    sine = np.sin(np.pi * np.arange(1, contour.points // 2 + 1) / contour.points)
    size = np.maximum(1 - 4 * contour.p * (1 - contour.p) * sine**2, 0.0) ** (free / 2)
    size *= np.minimum(b.max(axis=1, initial=0.0)[:, None] / sine, 1.0).prod(axis=0)
    beyond = size[::-1].cumsum()[::-1] * (2 / contour.points)
    return 1 + int(np.count_nonzero(beyond > contour.negligible))


def _integral(
    b: NDArray[np.float64],
    x: NDArray[np.complex128],
    start: int,
    nodes: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.complex128]:
    """∫ Π_i (Σ_{c<j} b_i(c) x^c + y b_i(j) x^j) dy, (j, point), for the counts from ``start`` on."""
    tie_terms = b[:, start:, None] * x[start:]
    beaten_or_tied = tie_terms.cumsum(axis=1)
    beaten_or_tied += _weighted_sums(b[:, :start], x[:start])[:, None]
    total = np.zeros_like(x[start:])
    product, factor = np.empty_like(total), np.empty_like(total)
    # y is real: half the work of complex multiplication.
    tie_parts, factor_parts = tie_terms.view(np.float64), factor.view(np.float64)
    for y, weight in zip(*nodes, strict=True):
        product.fill(weight)
        for i, at_most in enumerate(beaten_or_tied):
            np.multiply(tie_parts[i], y - 1, out=factor_parts)
            factor += at_most
            product *= factor
        total += product
    return total


def _weighted_sums(weights: NDArray[np.float64], x: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """``weights @ x`` in real arithmetic; x is contiguous."""
    return np.asarray((weights @ x.view(np.float64)).view(np.complex128))
