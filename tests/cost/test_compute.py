import numpy as np
import pytest

from overthink.cost.units import budget_multiple


def test_the_reference_is_one_and_k_scales_with_the_budget() -> None:
    budgets = np.array([[0.0, 64], [128, np.nan]])
    k = budget_multiple(budgets, reference=64)
    np.testing.assert_array_equal(k, [[0, 1], [2, np.nan]])
    np.testing.assert_array_equal(budget_multiple(2 * budgets, reference=128), k)


@pytest.mark.parametrize("reference", [0, -1, np.nan, np.inf])
def test_a_reference_that_cannot_divide_is_refused(reference: float) -> None:
    with pytest.raises(ValueError, match="reference budget"):
        budget_multiple([1], reference=reference)


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="a budget is -1"):
        budget_multiple([-1, np.nan], reference=2)
