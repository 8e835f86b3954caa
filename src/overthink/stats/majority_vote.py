"""The chance that the right answer wins a vote among k draws, exactly, for many pools and many k at once.

Write b for the binomials of :mod:`~overthink.stats.generating_function` and j for the votes of the right answer. It
wins with j votes if no answer has more, and shares the win with t answers that also have j, which is worth
1/(t+1) = ∫ y^t dy over [0, 1]. So the chance to win among k draws is the coefficient of x^k in

    Σ_j b_right(j) x^j · free(x) · ∫ Π_i (Σ_{c<j} b_i(c) x^c + y b_i(j) x^j) dy,

divided by b(k). The product is over the rivals. Draws that abstain, and answers that cannot spoil a win, are free.
On the circle each sum over c is a running total, which serves every j; it depends on a rival alone, so that pools share
it.

It is fast by truncation, each part with a bound: rivals that hardly ever reach the right answer's votes, numbers of
votes that hardly ever win, points of the circle at which the product vanishes, and nodes of the integral over y.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array
from overthink.stats.generating_function import Contour, binomials, contours

Counts = NDArray[np.int64]

POOLS_AT_ONCE = 1024
"""Pools whose truncation is decided at once."""

TERMS_AT_ONCE = 40_000
"""Maximum number of complex terms of a product, about what the processor's cache takes."""


def vote(right: int, others: tuple[int, ...], abstentions: int, k: tuple[int, ...]) -> tuple[float, ...]:
    """Chance that the right answer wins among k draws taken from one pool, for each k.

    Args:
        right: Draws with the right answer.
        others: Draws with each other answer.
        abstentions: Draws without an answer.
        k: Subset sizes, each from 1 to the number of draws.

    Returns:
        One chance per k, as from :func:`votes`.
    """
    draws = right + sum(others) + abstentions
    pool = votes(np.array([right]), np.array([sorted(others)], dtype=np.int64), draws, np.array(k, dtype=np.int64))
    return tuple(pool[0].tolist())


def votes(right: Counts, others: Counts, draws: int, k: Counts) -> Array:
    """Chance that the right answer wins among k draws taken from a pool, for many pools of as many draws.

    Ties are split evenly, an abstention does not vote, and without a voter the vote is lost.

    Args:
        right: (pool,) draws with the right answer.
        others: (pool, answer) draws with each other answer, ascending; 0 for none. The rest of the draws abstains.
        draws: Number of draws of every pool.
        k: (k,) subset sizes, each from 1 to the number of draws.

    Returns:
        (pool, k); off by less than 1e-12 plus the rounding of binomials, 1e-11 with 10,000 draws.

    Example:
        >>> votes(np.array([2, 1]), np.array([[0, 1], [1, 1]]), 3, np.array([1, 3])).round(3).tolist()
        [[0.667, 1.0], [0.333, 0.333]]
    """
    sizes, column = np.unique(k, return_inverse=True)
    chances = np.zeros((len(right), len(sizes)))
    can_win = np.flatnonzero(right > 0)
    right, others = right[can_win], others[can_win]
    for contour in contours(draws, tuple(sizes[sizes < draws].tolist())):
        at = np.searchsorted(sizes, contour.sizes)
        for block in _alike(right, others):
            chances[np.ix_(can_win[block], at)] = _wins(right[block], others[block], draws, contour)
    if sizes.size and sizes[-1] == draws:
        top = others.max(axis=1, initial=0)
        chances[can_win, -1] = (right >= top) / (1 + (others == right[:, None]).sum(axis=1))
    return chances[:, column]


def _alike(right: Counts, others: Counts) -> Iterator[Counts]:
    """Yield blocks of pools with about as many draws of the right answer and of the strongest other one."""
    order = np.lexsort((others[:, -1] if others.shape[1] else right, right))
    for start in range(0, len(order), POOLS_AT_ONCE):
        yield order[start : start + POOLS_AT_ONCE]


@dataclass(frozen=True, slots=True, eq=False)
class _Pools:
    """Pools with what is left of them after truncation.

    Attributes:
        counts: (count,) numbers of votes, ascending.
        b: (size, count) binomials of the different numbers of draws that an answer has, ascending; the first is 0.
        rivals: (pool, rival) row of ``b`` of each rival, ascending; 0 where it is free.
        own: (pool, count) chance that the right answer has these votes; 0 where it hardly ever wins with them.
        free: (pool,) draws of no rival and not of the right answer.
        nodes: (pool,) nodes of the integral over y.
        points: (pool,) points of the upper half circle.
    """

    counts: Counts
    b: Array
    rivals: NDArray[np.intp]
    own: Array
    free: Counts
    nodes: Counts
    points: Counts


def _wins(right: Counts, others: Counts, n: int, contour: Contour) -> Array:
    """Chance to win, (pool, k), at the sizes of one circle."""
    pools = _truncate(right, others, n, contour)
    chances = np.zeros((len(right), len(contour.sizes)))
    for piece in _pieces(pools):
        chances[piece] = contour.coefficients(_values(pools, piece, contour)).clip(0.0, 1.0)
    return chances


def _truncate(right: Counts, others: Counts, n: int, contour: Contour) -> _Pools:
    """Return the pools without rivals and numbers of votes that hardly ever matter."""
    spoilers = np.where(_may_spoil(right, others, contour), others, 0)
    counts = _counts_that_matter(right, spoilers, contour)
    used, index = np.unique(np.concatenate([[0], right, spoilers.ravel()]), return_inverse=True)
    right_index, rivals = index[1 : 1 + len(right)], index[1 + len(right) :].reshape(spoilers.shape)
    b = binomials(used, counts, contour.p)
    b[0] = 0.0  # who has no draw is below any number of votes, and ties with none
    at_most = np.minimum(b.cumsum(axis=1), 1.0)
    at_most[0] = 1.0

    own = np.where(counts > 0, b[right_index], 0.0)
    rivals, winning = _without_weak_rivals(own, b, at_most, rivals, contour)
    own[winning <= contour.negligible / len(counts)] = 0.0
    lowest = counts[(own > 0).argmax(axis=1)]
    rivals = np.where(used[rivals] >= lowest[:, None], rivals, 0)  # a rival that cannot reach the lowest is free
    free = n - right - used[rivals].sum(axis=1)
    most_ties = np.minimum((rivals > 0).sum(axis=1), (contour.sizes[-1] - lowest) // np.maximum(lowest, 1))
    tying = np.divide(b, at_most, out=np.zeros_like(b), where=at_most > 0)
    nodes = _n_nodes(np.where(own > 0, winning, 0.0), _sum_over(tying, rivals), most_ties, contour)
    return _Pools(counts, b, rivals, own, free, nodes, _n_points(b, rivals, free, contour))


def _may_spoil(right: Counts, rivals: Counts, contour: Contour) -> NDArray[np.bool_]:
    """Rivals that may reach the right answer's votes, (pool, rival).

    Chernoff's bound for two independent binomials, E z^(rival - right) at the z that makes it least.
    """
    p, q = contour.p, 1 - contour.p
    own, other = right[:, None], np.maximum(rivals, 1)
    gap = p * (own - other)
    z = (gap + np.sqrt(gap**2 + 4 * q**2 * other * own)) / (2 * q * other)
    log_bound = other * np.log(q + p * z) + own * np.log(q + p / z)
    n_rivals = np.maximum((rivals > 0).sum(axis=1, keepdims=True), 1)
    return np.asarray((rivals > 0) & ((rivals >= own) | (log_bound > np.log(contour.negligible / n_rivals))))


def _counts_that_matter(right: Counts, rivals: Counts, contour: Contour) -> Counts:
    """Numbers of votes from the least that any answer may get to the most that a right one may.

    Chernoff's bounds for a binomial of mean m: exp(-t²/2m) to fall t below, exp(-t²/(2m + 2t/3)) to rise t above.
    """
    log = -np.log(contour.negligible)
    low = np.append(right, rivals[rivals > 0]) * contour.p
    mean = right * contour.p
    least = int(max((low - np.sqrt(2 * log * low)).min(), 0.0))
    most = (mean + log / 3 + np.sqrt(log**2 / 9 + 2 * log * mean)).astype(np.int64) + 1
    return np.arange(least, int(np.minimum(np.minimum(right, contour.sizes[-1]), most).max()) + 1)


def _without_weak_rivals(
    own: Array, b: Array, at_most: Array, rivals: NDArray[np.intp], contour: Contour
) -> tuple[NDArray[np.intp], Array]:
    """The rivals without the weakest, and the chance to win with j votes against the others, (pool, j).

    Freeing a rival changes nothing unless it reaches j while j beats the stronger ones.
    """
    loss = np.zeros((len(own), rivals.shape[1]))
    winning = own.copy()
    for i in range(rivals.shape[1] - 1, -1, -1):
        loss[:, i] = (winning * (1 - at_most + b)[rivals[:, i]]).sum(axis=1)
        winning *= at_most[rivals[:, i]]
    is_free = loss.cumsum(axis=1) < contour.negligible
    rivals = np.where(is_free, 0, rivals)
    winning = own.copy()
    for i in range(rivals.shape[1] - 1, -1, -1):
        winning *= at_most[rivals[:, i]]
    return rivals, winning


def _n_nodes(winning: Array, ties: Array, most_ties: Counts, contour: Contour) -> Counts:
    """Number of Gauss–Legendre nodes on [0, 1], (pool,), as few as the tolerance allows.

    With g nodes the error is g!⁴/((2g+1)(2g)!²) times the expected number of ways to pick 2g answers that tie,
    which is at most the expected number of ties to the power of 2g over (2g)!; and 0 with fewer than 2g ties.

    Args:
        winning: (pool, j) chance that j wins.
        ties: (pool, j) expected number of rivals that have exactly j, of those that are beaten or tied.
        most_ties: (pool,) ties that are possible at all.
        contour: The circle.
    """
    nodes = np.ones(len(winning), dtype=np.int64)
    open_pools = np.flatnonzero(most_ties > 1)
    g = 1
    while open_pools.size:
        remainder = factorial(g) ** 4 / ((2 * g + 1) * factorial(2 * g) ** 3)
        error = remainder * (winning[open_pools] * ties[open_pools] ** (2 * g)).sum(axis=1)
        open_pools = open_pools[(error >= contour.negligible) & (most_ties[open_pools] > 2 * g - 1)]
        g += 1
        nodes[open_pools] = g
    return nodes


@lru_cache(maxsize=1024)
def _quadrature(nodes: int) -> tuple[Array, Array]:
    x, weight = np.polynomial.legendre.leggauss(nodes)
    return (x + 1) / 2, weight / 2


def _n_points(b: Array, rivals: NDArray[np.intp], free: Counts, contour: Contour) -> Counts:
    """How many points of the upper half circle matter, (pool,).

    At angle t a binomial's sum is |1-p+p·e^it|^n, and a sum over counts, cut off or not, at most max b / sin(t/2),
    by summation by parts, since a binomial rises and then falls.
    """
    sine = np.sin(np.pi * np.arange(1, contour.points // 2 + 1) / contour.points)
    free_size = np.maximum(1 - 4 * contour.p * (1 - contour.p) * sine**2, 0.0)
    bound = np.minimum(b.max(axis=1, initial=0.0)[:, None] / sine, 1.0)
    bound[0] = 1.0
    size = free_size ** (free[:, None] / 2)
    for column in rivals.T:
        size *= bound[column]
    beyond = size[:, ::-1].cumsum(axis=1) * (2 / contour.points)
    return np.asarray(1 + np.count_nonzero(beyond > contour.negligible, axis=1))


def _pieces(pools: _Pools) -> Iterator[NDArray[np.intp]]:
    """Yield the pools that can win, in pieces alike in nodes, rivals and votes, so that little is computed in vain."""
    wins = pools.own > 0
    n_rivals, first, n_votes = (pools.rivals > 0).sum(axis=1), wins.argmax(axis=1), wins.sum(axis=1)
    order = np.lexsort((first, n_rivals, pools.nodes))
    order = order[n_votes[order] > 0]
    kind = pools.nodes[order] * (pools.rivals.shape[1] + 1) + n_rivals[order]
    for group in np.split(order, np.flatnonzero(np.diff(kind)) + 1):
        terms = int(n_votes[group].max(initial=1) * pools.points[group].max(initial=1))
        size = max(TERMS_AT_ONCE // terms, 1)
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _values(pools: _Pools, piece: NDArray[np.intp], contour: Contour) -> NDArray[np.complex128]:
    """The polynomial of each pool of a piece at the first points of the circle, (pool, point)."""
    own, points = pools.own[piece], int(pools.points[piece].max())
    wins = np.flatnonzero(own.any(axis=0))
    start, stop = int(wins[0]), int(wins[-1]) + 1
    n_rivals = int((pools.rivals[piece[:1]] > 0).sum())
    rivals = pools.rivals[piece][:, pools.rivals.shape[1] - n_rivals :]
    sizes, rivals = np.unique(rivals, return_inverse=True)
    rivals = rivals.reshape(len(piece), n_rivals)
    x = contour.powers(pools.counts[:stop], points)
    product = _integral(pools.b[sizes, :stop], rivals, x, start, int(pools.nodes[piece[0]]))
    product *= x[start:]
    circle = contour.powers(np.array([1]), points)[0]
    values = _weighted_sums(own[:, None, start:stop], product)[:, 0]
    values *= (1 - contour.p + contour.p * circle) ** pools.free[piece, None]
    return values


def _integral(
    b: Array, rivals: NDArray[np.intp], x: NDArray[np.complex128], start: int, n_nodes: int
) -> NDArray[np.complex128]:
    """∫ Π_i (Σ_{c<j} b_i(c) x^c + y b_i(j) x^j) dy, (pool, j, point), for the counts from ``start`` on.

    Args:
        b: (size, count) binomials of the different rivals.
        rivals: (pool, rival) index of each rival's binomials.
        x: (count, point) powers.
        start: The first count.
        n_nodes: Nodes of the integral.
    """
    tie_terms = b[:, start:, None] * x[start:]
    beaten_or_tied = tie_terms.cumsum(axis=1)
    beaten_or_tied += _weighted_sums(b[:, :start], x[:start])[:, None]
    total = np.zeros((len(rivals), *x[start:].shape), dtype=np.complex128)
    for y, weight in zip(*_quadrature(n_nodes), strict=True):
        factors = beaten_or_tied + (y - 1) * tie_terms
        product = np.full_like(total, weight)
        for column in rivals.T:
            product *= factors[column]
        total += product
    return total


def _sum_over(table: Array, rivals: NDArray[np.intp]) -> Array:
    """Sum over the rivals of each pool of the table's rows, (pool, column)."""
    total = np.zeros((len(rivals), table.shape[1]))
    for column in rivals.T:
        total += table[column]
    return total


def _weighted_sums(weights: Array, x: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """``weights @ x`` in real arithmetic; x is contiguous."""
    return np.asarray((weights @ x.view(np.float64)).view(np.complex128))
