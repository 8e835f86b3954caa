"""Uplift, its labels, and strata that do not regress to the mean."""

import math

import numpy as np
import pytest

from overthink.stats.oversight.necessity import NecessityLabel, by_necessity, necessity, necessity_label
from overthink.stats.summary_verdict import Counts, newcombe

RNG = np.random.default_rng


def by_hand(k1: int, n1: int, k2: int, n2: int, z: float) -> tuple[float, float]:
    """Newcombe's method 10 for p1 - p2 from two Wilson intervals."""
    sides = []
    for k, n in ((k1, n1), (k2, n2)):
        p = k / n
        centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        sides.append((p, (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)))
    (p1, low1, high1), (p2, low2, high2) = sides
    return p1 - p2 - math.hypot(p1 - low1, high2 - p2), p1 - p2 + math.hypot(high1 - p1, p2 - low2)


@pytest.mark.parametrize("counts", [(9, 10, 2, 10), (10, 10, 0, 10), (3, 7, 5, 8)])
def test_the_interval_of_a_question_is_that_of_two_wilson_intervals(counts: tuple[int, ...]) -> None:
    k1, n1, k2, n2 = counts
    assert newcombe(Counts(k2, n2), Counts(k1, n1), 2.0) == pytest.approx(by_hand(*counts, 2.0))
    chain, direct = ([[1] * k + [0] * (n - k)] for k, n in ((k1, n1), (k2, n2)))
    found = necessity(chain * 2, direct * 2)
    assert found.uplifts[0] == pytest.approx((k1 / n1 - k2 / n2, *by_hand(*counts, 2.0)))
    assert found.labels[0] is necessity_label(k1 / n1, k2 / n2)


def test_two_opposite_causes_of_no_uplift_have_two_labels() -> None:
    assert necessity_label(1, 1) is NecessityLabel.ONE_SHOT
    assert necessity_label(0, 0) is NecessityLabel.TOO_HARD
    assert necessity_label(0.75, 0.25) is NecessityLabel.NECESSARY
    assert necessity_label(0.7, 0.4) is NecessityLabel.WEAK


def test_the_uplift_is_paired_and_unknown_questions_are_left_out() -> None:
    rng = RNG(0)
    chance = rng.random((60, 1))
    chain, direct = (rng.random((60, 4)) < np.minimum(chance + 0.2, 1)) * 1.0, (rng.random((60, 4)) < chance) * 1.0
    chain[:5] = np.nan
    found = necessity(chain, direct)
    assert found.n_questions == 55
    assert found.estimate == pytest.approx((chain[5:].mean(axis=1) - direct[5:].mean(axis=1)).mean())
    assert found.labels[:5] == (None,) * 5
    assert sum(found.counts.values()) == 55
    assert found.low < found.estimate < found.high
    assert necessity(np.full((3, 2), np.nan), np.ones((3, 2))).reason is not None


def test_a_label_from_other_draws_selects_no_lucky_ones() -> None:
    """All questions are alike: a value by label is then that of all, from other draws; from the same it is not."""
    rng = RNG(1)
    chain, direct = (rng.random((4000, 8)) < 0.7) * 1.0, (rng.random((4000, 8)) < 0.3) * 1.0
    strata = {each.label: each for each in by_necessity(chain, chain, direct)}
    necessary = strata[NecessityLabel.NECESSARY]
    assert necessary.low < 0.7 < necessary.high
    lucky = chain.mean(axis=1) - direct.mean(axis=1) >= 0.5
    assert chain[lucky].mean() > 0.75


def test_too_few_draws_for_two_halves_are_refused() -> None:
    strata = by_necessity(np.ones((5, 3)), np.ones((5, 3)), np.zeros((5, 3)))
    assert [each.label for each in strata] == list(NecessityLabel)
    assert all(math.isnan(each.estimate) and "needed: 4" in str(each.reason) for each in strata)


def test_labels_outside_0_and_1_are_refused() -> None:
    with pytest.raises(ValueError, match=r"with_chain holds 0.5"):
        necessity([[0.5]], [[1]])
    with pytest.raises(ValueError, match="same questions"):
        necessity([[1], [0]], [[1]])
