import numpy as np
import pytest

from overthink.stats.testing import paired_differences

LEVEL = 0.95


def compare(cells: np.ndarray, *pairs: tuple[int, int], level: float = LEVEL):
    return paired_differences(cells, pairs=pairs or ((1, 0),), level=level)


def noisy(n: int, shift: float, rng: np.random.Generator, *, noise: float = 0.05) -> np.ndarray:
    """Questions that differ much from each other, and each rung little from the other."""
    base = rng.uniform(0.1, 0.8, n)
    return np.column_stack([base, np.clip(base + shift + rng.normal(0, noise, n), 0, 1)])


def test_differences_are_paired_by_question() -> None:
    cells = noisy(40, 0.05, np.random.default_rng(1))
    change = compare(cells).intervals
    assert change.estimate[0] == pytest.approx((cells[:, 1] - cells[:, 0]).mean())
    unpaired = np.sqrt(sum(cells[:, r].var(ddof=1) / 40 for r in (0, 1)))
    assert change.error[0] < unpaired / 4


def test_a_reversed_pair_is_the_negative() -> None:
    cells = noisy(25, 0.1, np.random.default_rng(2))
    both = compare(cells, (1, 0), (0, 1))
    assert both.intervals.estimate[0] == pytest.approx(-both.intervals.estimate[1])
    assert both.intervals.low[0] == pytest.approx(-both.intervals.high[1])
    assert both.p[0] == pytest.approx(both.p[1])


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.02, 0.03, 0.1])
def test_the_p_value_is_where_the_interval_reaches_zero(shift: float) -> None:
    cells = noisy(30, shift, np.random.default_rng(3))
    found = compare(cells)
    p = float(found.p[0])
    edge = compare(cells, level=1 - p).intervals
    ends = [edge.low[0], edge.high[0]]
    assert min(abs(end) for end in ends) < 1e-7


def test_only_questions_known_at_both_rungs_count() -> None:
    cells = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, np.nan], [np.nan, 1.0]])
    found = compare(cells).intervals
    assert found.n_questions[0] == 2
    assert found.estimate[0] == 0.5


def test_p_values_without_spread() -> None:
    n = 12
    same, all_up = np.zeros((n, 2)), np.column_stack([np.zeros(n), np.ones(n)])
    assert compare(same).p[0] == 1
    assert compare(all_up).p[0] == pytest.approx(2 * 0.5**n)
    assert np.isnan(compare(np.array([[0.0, 1.0]])).p[0])


def rejections(test_p, studies: int = 400, *, shift: float = 0.0) -> float:
    rng = np.random.default_rng(11)
    found = [test_p(noisy(30, shift, rng, noise=0.2)) for _ in range(studies)]
    return float(np.mean(np.array(found) < 0.05))


def test_the_test_holds_its_size() -> None:
    """Of 400 true nulls 5 % are rejected; above 9 % or below 2 % would happen less than once in 500."""

    def ours(cells: np.ndarray) -> float:
        return float(paired_differences(cells, pairs=((1, 0),), level=LEVEL).p[0])

    def no_clusters(cells: np.ndarray) -> float:
        """Broken: every draw counted as if it were a question of its own, 5 draws each."""
        return ours(np.repeat(cells, 5, axis=0)[:30])

    assert 0.02 < rejections(ours) < 0.09
    assert rejections(no_clusters) > 0.2
    assert rejections(ours, shift=0.2) > 0.9


def test_what_rounding_leaves_of_no_change_is_no_change() -> None:
    value = np.random.default_rng(4).uniform(0.1, 0.9, 20)
    apart = compare(np.column_stack([value, 0.3 * value + 0.7 * value]))  # the same number, but for its last digits
    assert np.any(0.3 * value + 0.7 * value != value)
    assert (apart.intervals.estimate[0], apart.p[0]) == (0.0, 1.0)
    shifted = compare(np.column_stack([value, value + 1e-3]))
    assert shifted.p[0] < 1e-4  # the control: all of them changed alike, and by something


def test_few_small_changes_are_not_taken_for_certainty() -> None:
    """Where all changes are small, larger ones that the sample does not hold still count: wide rather than wrong."""
    changes = np.random.default_rng(5).normal(0, 0.05, 30)
    found = compare(np.column_stack([np.full(30, 0.5), 0.5 + changes])).intervals
    plain = changes.std(ddof=1) / np.sqrt(30)
    assert plain < found.error[0] < 2 * plain


def test_equal_data_have_equal_intervals() -> None:
    """Swapping questions, or a pair that stands elsewhere on the ladder, changes no digit."""
    cells = (np.random.default_rng(6).random((40, 3)) < [0.1, 0.3, 0.1]).astype(float)
    cells[:, 2] = cells[:, 0]
    up, down = compare(cells, (1, 0), (1, 2)), compare(cells[::-1], (1, 0), (2, 1))
    assert up.intervals.low[0] == up.intervals.low[1]
    assert up.intervals.high[0] == up.intervals.high[1]
    assert down.intervals.low[0] == pytest.approx(up.intervals.low[0], abs=1e-12)
    assert up.intervals.low[0] != -down.intervals.low[1]  # the control: another direction has another end


def test_an_interval_without_any_change_is_exact() -> None:
    n = 50
    found = compare(np.full((n, 2), 0.5)).intervals
    assert found.high[0] == pytest.approx(1 - 0.025 ** (1 / n))
    one = np.full((n, 2), 0.5)
    one[0] = 0, 1
    assert compare(one).intervals.high[0] > found.high[0]
