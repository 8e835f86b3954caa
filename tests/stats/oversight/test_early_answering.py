"""Areas over the curve against the theorem for an answer fixed at a point, and the mean over questions."""

import math

import numpy as np
import pytest

from overthink.stats.oversight.necessity import area_over_curve, early_answering

RNG = np.random.default_rng


@pytest.mark.parametrize(("fixed_at", "options"), [(0.25, 2), (0.5, 4), (0.75, 10)])
def test_an_answer_fixed_at_a_point_and_random_before_has_the_area_of_the_theorem(
    fixed_at: float, options: int
) -> None:
    """AOC = f0 (1 - 1/M): 200 sentences, so that the trapezoid at the step is small."""
    rng = RNG(options)
    fractions = np.arange(200) / 200
    areas = []
    for _ in range(400):
        answers = np.where(fractions < fixed_at, rng.integers(options, size=200), 0)
        areas.append(area_over_curve(answers == 0, fractions))
    assert np.mean(areas) == pytest.approx(fixed_at * (1 - 1 / options), abs=0.005)


def test_the_last_point_may_be_left_out_and_an_unknown_answer_is_unknown() -> None:
    assert area_over_curve([0, 1, 1], [0, 0.5, 1]) == area_over_curve([0, 1], [0, 0.5]) == 0.25
    assert math.isnan(area_over_curve([0, math.nan], [0, 0.5]))
    assert area_over_curve([1, 1], [0, 0.5]) == 0


@pytest.mark.parametrize(
    ("agreement", "fractions", "words"),
    [
        ([0, 1], [0.1, 0.5], "rising from 0"),
        ([0, 1], [0, 0], "rising from 0"),
        ([0, 1], [0], "one answer per point"),
        ([0, 2], [0, 0.5], "agreement holds 2"),
        ([], [], "rising from 0"),
    ],
)
def test_curves_that_are_none_are_refused(agreement: list, fractions: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        area_over_curve(agreement, fractions)


def test_the_estimate_is_the_mean_of_the_buckets_by_their_shares() -> None:
    rng = RNG(0)
    areas, lengths = rng.random((30, 4)), rng.integers(3, 60, (30, 4))
    found = early_answering(areas, lengths)
    assert found.estimate == pytest.approx(areas.mean())
    assert found.estimate == pytest.approx(sum(bucket.share * bucket.mean for bucket in found.buckets))
    assert [bucket.share for bucket in found.buckets] == pytest.approx([0.25] * 4, abs=0.05)
    assert all(a.longest < b.shortest for a, b in zip(found.buckets, found.buckets[1:], strict=False))
    assert found.low < found.estimate < found.high


def test_traces_without_an_area_are_counted() -> None:
    found = early_answering([[0.5, math.nan], [0.25, 0.75]], [[4, 4], [4, 4]])
    assert (found.n_traces, found.n_unknown, found.estimate) == (3, 1, 0.5)
    alone, none = (early_answering([[value]], [[3]]) for value in (0.5, math.nan))
    assert alone.estimate == 0.5
    assert math.isnan(alone.low)
    assert "fewer than two questions" in str(alone.reason)
    assert math.isnan(none.estimate)
    assert "no trace" in str(none.reason)


def test_an_area_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"each in \[0, 1\]"):
        early_answering([[1.5]], [[3]])
