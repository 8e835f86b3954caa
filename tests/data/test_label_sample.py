from collections import Counter

import numpy as np
import pytest
from core_pools import pool

from overthink.data.labels import HumanLabel, label_sample
from overthink.data.outcomes import from_records
from overthink.data.record import ON_TRACE


def sample(rows: list, per_rung: int) -> tuple[HumanLabel, ...]:
    return label_sample(from_records(rows), per_rung=per_rung, rng=np.random.default_rng(0))


def test_every_rung_gets_its_own_sample_of_different_questions() -> None:
    found = sample(pool(np.ones((50, 4, 3))), 20)
    assert Counter(one.rung for one in found) == {0: 20, 1: 20, 2: 20}
    by_rung = [{one.question for one in found if one.rung == rung} for rung in range(3)]
    assert [len(questions) for questions in by_rung] == [20, 20, 20]
    assert by_rung[0] != by_rung[1]
    assert {one.task for one in found} == {"sums"}


def test_questions_are_drawn_again_only_when_all_were() -> None:
    found = sample(pool(np.ones((10, 3, 1))), 25)
    times = Counter(one.question for one in found)
    assert sorted(times.values()) == [2] * 5 + [3] * 5
    assert len({(one.question, one.draw) for one in found}) == 25


def test_all_answers_are_as_likely() -> None:
    """Positive control: a sample that took the first draws would give draw 0 every time."""
    tables = from_records(pool(np.ones((6, 2, 1))))
    samples = (label_sample(tables, per_rung=3, rng=np.random.default_rng(seed)) for seed in range(600))
    times = Counter((one.question, one.draw) for found in samples for one in found)
    counts = np.array(list(times.values()))
    assert len(counts) == 12
    assert ((counts - 150) ** 2 / 150).sum() < 31.3  # chi-squared, 11 degrees of freedom, p = .001


def test_unjudged_answers_and_verdicts_on_the_thinking_are_not_drawn() -> None:
    values = np.ones((5, 1, 1))
    values[2] = np.nan
    assert len(sample(pool(values), 10)) == 4
    two = pool(np.ones((5, 1, 1))) + pool(np.ones((5, 1, 1)), scorer="exact" + ON_TRACE)
    assert len(sample(two, 10)) == 5
    with pytest.raises(ValueError, match="1 or more"):
        sample(two, 0)
