"""Performance gap recovered: Fieller's set against its definition, and no share of a gap that may be none."""

import math

import numpy as np
import pytest
from scipy import special

import overthink
from overthink.stats.multiplier_bootstrap import errors, with_pseudo_units
from overthink.stats.oversight.recovered import (
    FEW_PAIRS,
    NO_GAP,
    NOT_ABOVE,
    REVERSED,
    judge_accuracy,
    performance_gap_recovered,
    swap_average,
)


def sides(weak: float, strong: float, protocol: float, n: int = 300, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    ease = rng.random(n)
    return tuple(((0.7 * ease + 0.3 * rng.random(n)) < share).astype(float) for share in (weak, strong, protocol))


def test_the_interval_holds_just_the_shares_that_are_not_rejected() -> None:
    weak, strong, protocol = sides(0.5, 0.9, 0.7)
    found = performance_gap_recovered(weak, strong, protocol)
    n = len(weak)
    gain, gap = protocol - weak, strong - weak
    padded = [float(errors(with_pseudo_units(side[:, None] / n))[0] ** 2) for side in (gain, gap)]
    both = float(np.cov(gain, gap)[0, 1]) / n
    quantile = special.stdtrit(n - 1, 0.975)

    def is_rejected(share: float) -> bool:
        error = math.sqrt(padded[0] + share**2 * padded[1] - 2 * share * both)
        return bool(abs(gain.mean() - share * gap.mean()) / error > quantile)

    assert found.estimate == pytest.approx(gain.mean() / gap.mean())
    assert not is_rejected(found.low + 1e-6)
    assert not is_rejected(found.high - 1e-6)
    assert is_rejected(found.low - 1e-3)
    assert is_rejected(found.high + 1e-3)
    assert found.is_bounded


def test_a_gap_that_may_be_none_has_no_share() -> None:
    found = performance_gap_recovered(*sides(0.6, 0.63, 0.62, n=60))
    assert math.isnan(found.estimate)
    assert math.isnan(found.low)
    assert not found.is_bounded
    assert found.gap_low < 0 < found.gap_high
    assert found.reason == NO_GAP
    assert "unbounded" in NO_GAP
    assert performance_gap_recovered(*sides(0.9, 0.5, 0.7)).reason == REVERSED


def test_single_numbers_have_a_share_without_an_interval() -> None:
    found = overthink.performance_gap_recovered(0.60, 0.90, 0.75)
    assert found.estimate == pytest.approx(0.5)
    assert math.isnan(found.low)
    assert "needs values by question" in str(found.reason)
    for weak in (0.9, 0.95):  # one number has no interval that could hold 0
        assert overthink.performance_gap_recovered(weak, 0.9, 0.9).reason == NOT_ABOVE


def test_the_interval_of_a_gap_stays_within_what_a_gap_can_be() -> None:
    assert (wide := performance_gap_recovered([0, 0], [1, 1], [0, 1])).reason == NO_GAP
    assert (wide.gap_low, wide.gap_high) == (-1.0, 1.0)
    sure = performance_gap_recovered([0] * 50, [1] * 50, [0.5] * 50)
    assert 0.9 < sure.gap_low < sure.gap_high == 1.0


def test_draws_are_averaged_and_unknown_questions_left_out() -> None:
    weak, strong, protocol = sides(0.5, 0.9, 0.7)
    tables = [np.stack([side, side], axis=1) for side in (weak, strong, protocol)]
    tables[0][:3] = np.nan
    found = performance_gap_recovered(*tables)
    assert found == performance_gap_recovered(weak[3:], strong[3:], protocol[3:])
    assert found.n_questions == 297


def test_a_protocol_that_is_the_strong_side_recovers_all() -> None:
    weak, strong, _ = sides(0.5, 0.9, 0.7)
    found = performance_gap_recovered(weak, strong, strong)
    assert found.estimate == pytest.approx(1.0)
    assert found.low < 1 < found.high


def test_other_questions_and_values_that_are_no_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="same questions"):
        performance_gap_recovered([0, 1], [1, 1], [1])
    with pytest.raises(ValueError, match="outside"):
        performance_gap_recovered(60, 90, 75)


def test_a_judge_that_leans_is_no_better_than_chance_and_both_orders_weigh_alike() -> None:
    leans = judge_accuracy([[[1, 1, 1], [0, np.nan, np.nan]]] * 50)
    assert (leans.estimate, leans.p, leans.n_pairs) == (0.5, 1.0, 50)
    assert leans.low < 0.5 < leans.high
    assert swap_average([[[1.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [np.nan, np.nan]]]).tolist()[0] == 0.75
    right = judge_accuracy([[[1], [1]]] * 45 + [[[1], [0]]] * 5)
    assert right.estimate == pytest.approx(0.95)
    assert right.p < 1e-6
    assert right.low < 0.95 < right.high <= 1


def test_a_pair_in_one_order_is_no_unit() -> None:
    found = judge_accuracy([[[1], [np.nan]]] * 50)
    assert (found.n_pairs, found.reason) == (0, FEW_PAIRS)
    assert math.isnan(found.estimate)
    with pytest.raises(ValueError, match="two orders"):
        swap_average([[[1], [1], [1]]])
