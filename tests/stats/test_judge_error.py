import numpy as np
import pytest

from overthink.stats.judge_error import GRADED, judge_error

NAN = float("nan")


def test_the_two_tables_are_counted() -> None:
    """Two rungs: 3 of 4 good answers and 1 of 2 bad ones are marked rightly; then 1 of 1 and 5 of 5."""
    human = np.array([[1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0]], dtype=float).T[:, None]
    judge = np.array([[1, 1, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0]], dtype=float).T[:, None]
    low, high = judge_error(judge, human)
    assert (low.sensitivity.estimate, low.specificity.estimate) == (0.75, 0.5)
    assert (high.sensitivity.estimate, high.specificity.estimate) == (1, 1)
    assert (low.sensitivity.trials, low.specificity.trials, low.labels, low.questions) == (4, 2, 6, 6)
    assert high.sensitivity.low == pytest.approx(0.025), "one of one proves little"
    swapped = judge_error(1 - judge, 1 - human)[0]
    assert swapped.sensitivity == low.specificity


def test_a_label_without_a_mark_does_not_count() -> None:
    human = np.array([1, 1, 0, 0]).reshape(4, 1, 1)
    judge = np.array([1, NAN, 0, NAN]).reshape(4, 1, 1)
    assert judge_error(judge, human)[0].labels == 2


def test_reasons() -> None:
    judge = np.array([1.0, 0.0, 1.0, 0.5]).reshape(1, 1, 4)
    human = np.array([NAN, 0.0, 1.0, 1.0]).reshape(1, 1, 4)
    none, only_bad, only_good, graded = judge_error(judge, human)
    assert none.reason == "no answer of this rung has a human label"
    assert only_bad.reason == "no labelled answer is 1 by the human labels"
    assert only_good.reason == "no labelled answer is 0 by the human labels"
    assert graded.reason == GRADED
    assert np.isnan([none.sensitivity.low, only_bad.sensitivity.low, only_good.specificity.high]).all()
    assert np.isnan([graded.sensitivity.estimate, graded.specificity.estimate]).all()


@pytest.mark.parametrize(
    ("judge", "human", "why"),
    [
        (np.zeros((2, 1, 3)), np.zeros((2, 1, 2)), "same shape"),
        (np.zeros((2, 3)), np.zeros((2, 3)), "question, draw, rung"),
        (np.zeros((0, 1, 3)), np.zeros((0, 1, 3)), "none of them 0"),
        (np.full((2, 1, 1), 1.5), np.zeros((2, 1, 1)), "judge holds 1.5"),
        (np.zeros((2, 1, 1)), np.full((2, 1, 1), -1.0), "human holds -1"),
        (np.full((2, 1, 1), np.inf), np.zeros((2, 1, 1)), "judge holds inf"),
    ],
)
def test_bad_input_is_refused(judge: np.ndarray, human: np.ndarray, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        judge_error(judge, human)


def test_the_input_is_not_changed() -> None:
    judge, human = np.full((2, 1, 1), NAN), np.ones((2, 1, 1))
    judge_error(judge, human)
    assert (human == 1).all()
