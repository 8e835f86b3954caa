"""Fano's inequality against the information of a channel, which it must never exceed."""

import math

import numpy as np
import pytest

from overthink.stats.oversight.encoded import bits_in_trace, information_bits, success_bound


def mutual_information(joint: np.ndarray) -> float:
    rows, columns = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    inside = joint > 0
    return float((joint[inside] * np.log2((joint / (rows * columns))[inside])).sum())


@pytest.mark.parametrize("seed", range(5))
def test_no_channel_has_less_information_than_its_accuracy_shows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    answers = 6
    channel = rng.dirichlet(np.full(answers, 0.2), size=answers)
    joint = channel / answers
    accuracy = float(joint.max(axis=0).sum())  # of the best decoder
    assert information_bits(accuracy, answers=answers) <= mutual_information(joint) + 1e-9


def test_the_symmetric_channel_reaches_the_bound() -> None:
    answers, accuracy = 16, 0.9
    joint = np.full((answers, answers), (1 - accuracy) / (answers - 1)) / answers
    np.fill_diagonal(joint, accuracy / answers)
    assert information_bits(accuracy, answers=answers) == pytest.approx(mutual_information(joint), abs=1e-9)


def test_at_chance_and_below_nothing_was_shown() -> None:
    assert information_bits(1 / 16, answers=16) == information_bits(0.0, answers=16) == 0.0
    assert information_bits(1.0, answers=16) == 4.0


def test_the_inverse_allows_what_was_measured() -> None:
    for accuracy in (0.3, 0.6, 0.95):
        bits = information_bits(accuracy, answers=100)
        assert success_bound(bits, 1.0, answers=100) >= accuracy


def test_the_lower_end_is_that_of_the_accuracy() -> None:
    found = bits_in_trace(np.r_[np.ones(30), np.zeros(10)][:, None], answers=8, kilobytes=4)
    assert found.low == pytest.approx(information_bits(found.accuracy_low, answers=8))
    assert found.bits_per_kb == pytest.approx(found.low / 4)
    assert math.isnan(found.high)  # no ceiling is claimed
    coin = bits_in_trace(np.r_[np.ones(5), np.zeros(35)][:, None], answers=8, kilobytes=4)
    assert (coin.estimate, coin.low) == (0.0, 0.0)
    assert "no trace" in str(bits_in_trace([[math.nan]], answers=8, kilobytes=4).reason)


@pytest.mark.parametrize(("accuracy", "answers"), [(1.5, 4), (-0.1, 4), (math.nan, 4), (0.5, 1), (0.5, 2.5)])
def test_what_is_no_share_or_no_number_of_answers_is_refused(accuracy: float, answers: float) -> None:
    with pytest.raises(ValueError, match=r"accuracy|answers"):
        information_bits(accuracy, answers=answers)  # type: ignore[arg-type]
