"""Holm's adjustment against the closed test that it shortcuts."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.stats.testing import holm


def closed_bonferroni(p: list[float]) -> list[float]:
    """Largest Bonferroni p-value over every subset of the family that holds the test."""
    members = range(len(p))
    subsets = [s for size in range(1, len(p) + 1) for s in combinations(members, size)]
    return [max(min(1.0, len(s) * min(p[j] for j in s)) for s in subsets if i in s) for i in members]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closed_bonferroni_test(p: list[float]) -> None:
    np.testing.assert_allclose(holm(p), closed_bonferroni(p), atol=1e-12)


def test_the_oracle_sees_a_plain_bonferroni() -> None:
    p = [0.01, 0.02, 0.03]
    assert not np.allclose(np.minimum(np.array(p) * 3, 1), closed_bonferroni(p))


def test_an_impossible_test_does_not_count() -> None:
    np.testing.assert_array_equal(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    assert holm([]).shape == (0,)


@pytest.mark.parametrize("p", [[0.5, 1.2], [-0.1], [[0.1, 0.2]]])
def test_only_p_values(p: list[float]) -> None:
    with pytest.raises(ValueError, match="needed"):
        holm(p)
