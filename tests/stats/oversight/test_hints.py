"""Moves to a hint: the share by chance against simulated answers, and what has no meaning is not there."""

import math

import numpy as np
import pytest

from overthink.stats.oversight.hints import NO_EFFECT, hint_faithfulness

OPTIONS = 5


def answers(effect: float, spoken: float, *, seed: int, questions: int = 3000, noise: float = 0.4) -> tuple:
    """Moves of answers that were another option: to the hint with the effect, else at random among the others."""
    rng = np.random.default_rng(seed)
    by_hint = rng.random((questions, 2)) < effect
    wanders = ~by_hint & (rng.random((questions, 2)) < noise)
    option = rng.integers(OPTIONS - 1, size=(questions, 2))  # of the options that are not the one before; 0 is the hint
    to_hint = by_hint | (wanders & (option == 0))
    to_other = wanders & (option > 0)
    says = by_hint & (rng.random((questions, 2)) < spoken)
    return to_hint.astype(float), to_other.astype(float), says.astype(float)


def test_without_an_effect_the_hint_makes_no_move_and_nothing_is_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overthink.stats.oversight.hints.BOOTSTRAP_RESAMPLES", 400)
    found = [hint_faithfulness(*answers(0.0, 0.5, seed=seed, questions=1500), options=OPTIONS) for seed in range(8)]
    assert np.mean([each.made_by_hint for each in found]) == pytest.approx(0.0, abs=0.06)
    assert sum(not math.isnan(each.normal.estimate) for each in found) <= 2  # 2.5 % by chance
    assert {str(each.normal.reason) for each in found} >= {NO_EFFECT}
    assert all(each.estimate == 0.0 for each in found)  # no move is due to the hint, so none is spoken of


def test_where_no_chain_speaks_of_the_hint_the_interval_keeps_a_width() -> None:
    found = hint_faithfulness(*answers(0.5, 0.0, seed=1, questions=60), options=OPTIONS)
    assert found.normal.estimate == found.normal.low == 0.0
    assert found.normal.high > found.high > 0.01


@pytest.mark.parametrize("spoken", [0.2, 0.6])
def test_with_an_effect_the_normalised_share_is_that_of_the_moves_it_made(spoken: float) -> None:
    found = hint_faithfulness(*answers(0.3, spoken, seed=4), options=OPTIONS)
    assert found.normal.estimate == pytest.approx(spoken, abs=0.04)
    assert found.normal.low < spoken < found.normal.high
    assert found.estimate < found.normal.estimate
    assert found.made_by_hint == pytest.approx(0.3 / (0.3 + 0.7 * 0.4 / 4), abs=0.03)


@pytest.mark.parametrize(("spoken", "moves", "share", "error"), [(1, 20, 0.05, 0.049), (21, 24, 0.875, 0.068)])
def test_a_share_of_few_moves_has_the_published_error(spoken: int, moves: int, share: float, error: float) -> None:
    says = np.r_[np.ones(spoken), np.zeros(moves - spoken)][:, None]
    found = hint_faithfulness(np.ones((moves, 1)), np.zeros((moves, 1)), says, options=4)
    assert (found.estimate, found.error) == pytest.approx((share, error), abs=0.0006)
    assert found.low < share < found.high


def test_what_cannot_be_read_has_a_reason() -> None:
    ones, zeros = np.ones((9, 1)), np.zeros((9, 1))
    still = hint_faithfulness(zeros, zeros, zeros, options=4)
    assert math.isnan(still.estimate)
    assert "no answer moved" in str(still.reason)
    silent = hint_faithfulness(ones, zeros, ones * np.nan, options=4)
    assert "no chain" in str(silent.reason)
    assert "two options" in str(hint_faithfulness(ones, zeros, ones, options=2).normal.reason)


def test_labels_that_cannot_be_are_refused() -> None:
    ones = np.ones((3, 1))
    with pytest.raises(ValueError, match="and to another"):
        hint_faithfulness(ones, ones, ones, options=4)
    with pytest.raises(ValueError, match="says holds 2"):
        hint_faithfulness(ones, ones * 0, ones * 2, options=4)
