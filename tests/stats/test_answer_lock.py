import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.stats.reliability import forced_answer_lock, forcing_artefact

NAN = float("nan")


def lock(answers: list[float]) -> float:
    return float(forced_answer_lock([[answers]]).rung[0, 0])


@pytest.mark.parametrize(
    ("answers", "rung"),
    [
        ([1, 1, 1, 1], 0),
        ([0, 1, 1, 1], 1),
        ([1, 0, 1, 1], 2),
        ([0, 0, 0, 1], 3),
        ([0, 1, 0, 1], 3),
        ([NAN, 0, 1, 1], 2),
        ([-1, -1, 0, 1], 3),
        ([0, NAN, 1, 1], NAN),
        ([NAN, 1, 1, 1], NAN),
        ([0, 1, 1, -1], NAN),
        ([NAN, NAN, NAN, NAN], NAN),
    ],
)
def test_the_lock_is_the_lowest_rung_of_the_last_run(answers: list[float], rung: float) -> None:
    assert lock(answers) == pytest.approx(rung, nan_ok=True)


def by_definition(answers: list[int]) -> int:
    return min(r for r in range(len(answers)) if len(set(answers[r:])) == 1)


@given(st.lists(st.integers(0, 2), min_size=2, max_size=8))
def test_by_definition(answers: list[int]) -> None:
    assert lock([float(a) for a in answers]) == by_definition(answers)


def test_a_change_at_the_last_rung_is_censored() -> None:
    found = forced_answer_lock([[[0, 0, 1], [0, 1, 1], [0, 1, NAN]]])
    assert found.is_censored.tolist() == [[True, False, False]]


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3,)])
def test_a_lock_needs_a_ladder(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least two rungs"):
        forced_answer_lock(np.zeros(shape))


def test_the_artefact_is_paired_by_trace() -> None:
    rng = np.random.default_rng(0)
    commitment = rng.uniform(0, 1000, (40, 3))
    late = commitment + 50 + rng.normal(0, 5, (40, 3))
    found = forcing_artefact(late, commitment, rng=rng)
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(50, abs=3)
    assert found.high - found.low < 5, "unpaired, the spread of the traces would make it 150"
    back = forcing_artefact(commitment, late, rng=np.random.default_rng(0))
    assert back.mean == pytest.approx(-found.mean)
    np.testing.assert_allclose(found.differences, late - commitment)


def test_traces_without_both_are_left_out_and_counted() -> None:
    found = forcing_artefact([[5.0, NAN], [7.0, 8.0]], [[3.0, 1.0], [NAN, 5.0]], rng=np.random.default_rng(0))
    assert (found.mean, found.n_questions, found.n_left_out) == (2.5, 2, 2)
    nobody = forcing_artefact([[NAN]], [[3.0]], rng=np.random.default_rng(0))
    assert np.isnan([nobody.mean, nobody.low]).all()
    one = forcing_artefact([[5.0, 6.0]], [[3.0, 3.0]], rng=np.random.default_rng(0))
    assert one.mean == 2.5
    assert np.isnan([one.low, one.high]).all()


def test_bad_input_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="the same"):
        forcing_artefact([[1.0]], [[1.0, 2.0]], rng=rng)
    with pytest.raises(ValueError, match="between 0 and 1"):
        forcing_artefact([[1.0]], [[1.0]], rng=rng, level=1.0)
