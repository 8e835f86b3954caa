"""The exact vote on pools too large to enumerate: against whole-number arithmetic, and against itself."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import numpy as np
import pytest

import overthink.stats.generating_function
from overthink.stats.generating_function import contours
from overthink.stats.majority_vote import vote

ROUNDING = 5e-12


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything that the tolerance cuts is cut far too early."""
    monkeypatch.setattr(overthink.stats.generating_function, "PROBABILITY_TOLERANCE", 0.1)
    forget()
    yield
    forget()


def forget() -> None:
    contours.cache_clear()


def in_whole_numbers(right: int, others: tuple[int, ...], silent: int, k: int) -> float:
    """Ways to draw k that elect the right answer, over all ways; ways[t][s]: t rivals tie, s votes given."""
    won = Fraction(0)
    for j in range(1, min(right, k) + 1):
        ways = {0: [1] + [0] * (k - j)}
        for n in others:
            longer: dict[int, list[int]] = {}
            for ties, of_sum in ways.items():
                for c in range(min(n, j) + 1):
                    row = longer.setdefault(ties + (c == j), [0] * (k - j + 1))
                    for s, w in enumerate(of_sum[: max(k - j - c + 1, 0)]):
                        row[s + c] += w * comb(n, c)
            ways = longer
        for ties, of_sum in ways.items():
            free = sum(w * comb(silent, k - j - s) for s, w in enumerate(of_sum))
            won += Fraction(comb(right, j) * free, ties + 1)
    return float(won / comb(right + sum(others) + silent, k))


def against_whole_numbers(pool: tuple[int, tuple[int, ...], int], k: tuple[int, ...]) -> float:
    return max(abs(a - in_whole_numbers(*pool, size)) for a, size in zip(vote(*pool, k), k, strict=True))


POOLS = [
    ((300, (280,), 444), (1, 5, 40)),
    ((30, (3, 20, 28, 30, 30), 25), (1, 2, 7, 30, 60, 83, 130, 165)),
    ((2, (1, 1, 1, 2, 2, 2, 2, 2, 2), 0), tuple(range(1, 18))),
    ((12, (1, 1, 1, 1, 10, 11, 12, 12, 13), 40), (3, 9, 20, 57, 100)),
]


@pytest.mark.parametrize(("pool", "k"), POOLS)
def test_the_vote_agrees_with_whole_numbers(pool: tuple[int, tuple[int, ...], int], k: tuple[int, ...]) -> None:
    assert against_whole_numbers(pool, k) < ROUNDING


@pytest.mark.usefixtures("coarse")
def test_the_check_sees_what_is_cut_off() -> None:
    assert max(against_whole_numbers(pool, k) for pool, k in POOLS) > 1e-4


def large_pools(seed: int, pools: int = 4) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [
        [int(n) for n in rng.multinomial(1024, rng.dirichlet(np.full(16, spread))) if n]
        for spread in np.geomspace(0.1, 20, pools)
    ]


GRID = tuple(np.unique(np.geomspace(1, 1024, 40).round().astype(int)).tolist())


def everyones_chances(counts: list[int], silent: int) -> np.ndarray:
    """(answer, k)"""
    return np.array([vote(n, tuple(sorted(counts[:i] + counts[i + 1 :])), silent, GRID) for i, n in enumerate(counts)])


def test_somebody_wins_every_vote() -> None:
    for counts in large_pools(1):
        np.testing.assert_allclose(everyones_chances(counts, 0).sum(axis=0), 1.0, atol=16 * ROUNDING)
    counts = [3, 2, 2]
    nobody_votes = [comb(1024, k) / comb(1031, k) for k in GRID]
    np.testing.assert_allclose(everyones_chances(counts, 1024).sum(axis=0), 1 - np.array(nobody_votes), atol=ROUNDING)


@pytest.mark.usefixtures("coarse")
def test_the_sum_sees_what_is_cut_off() -> None:
    assert max(np.abs(everyones_chances(counts, 0).sum(axis=0) - 1).max() for counts in large_pools(1)) > 1e-3


def test_more_votes_mean_a_better_chance() -> None:
    chances = everyones_chances(sorted(large_pools(2)[2]), 7)
    assert (np.diff(chances, axis=0) >= -ROUNDING).all()


def test_a_size_is_worth_the_same_alone_and_among_others() -> None:
    for counts in large_pools(3):
        pool = (counts[0], tuple(sorted(counts[1:])), 50)
        alone = [vote(*pool, (k,))[0] for k in GRID]
        np.testing.assert_allclose(vote(*pool, GRID), alone, atol=ROUNDING)
        shuffled = (*GRID[::-1], GRID[3], 1074)
        np.testing.assert_allclose(vote(*pool, shuffled)[:-1], [*alone[::-1], alone[3]], atol=ROUNDING)


def test_one_draw_wins_by_its_share_and_everyone_by_count() -> None:
    for counts in large_pools(4):
        others = tuple(sorted(counts[1:]))
        first, last = vote(counts[0], others, 0, (1, 1024))
        assert first == pytest.approx(counts[0] / 1024, abs=ROUNDING)
        assert last == float(counts[0] > others[-1])
    assert vote(4, (4, 4), 9, (21,)) == (1 / 3,)
    assert vote(0, (4,), 0, (1, 4)) == (0.0, 0.0)
    assert vote(3, (), 0, (1, 3)) == pytest.approx((1.0, 1.0))


def test_few_circles_serve_many_sizes() -> None:
    circles = contours(1024, tuple(range(1, 1024)))
    np.testing.assert_array_equal(np.concatenate([c.sizes for c in circles]), np.arange(1, 1024))
    assert len(circles) < 20
    assert all(c.points < 1025 for c in circles)
