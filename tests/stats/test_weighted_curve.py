"""The curve of a weighted vote: against every subset, and only where there is something to vote with."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from core_pools import pool

from overthink.analysis import findings
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Axis
from overthink.data.verifier_scores import VerifierRun
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights
from overthink.stats.weighted_vote import weighted_majority_curve

VALUES = np.array([[[1.0], [0.0], [0.0], [1.0]], [[0.0], [0.0], [1.0], [0.0]]])
ANSWERS = np.array([[["4"], ["5"], ["6"], ["4"]], [["7"], ["8"], ["9"], ["8"]]], dtype=object)
SCORES = np.array([[[0.9], [0.8], [0.2], [0.3]], [[0.1], [0.6], [0.7], [0.3]]])


def table(**columns: Any) -> Outcomes:
    (made,) = from_records(pool(VALUES, **({"answer": ANSWERS, "verifier_score": SCORES} | columns)))
    return made


def curve(outcomes: Outcomes) -> Any:
    weights = question_weights(2, rng=np.random.default_rng(0))
    return weighted_majority_curve(outcomes, weights, level=0.95, rng=np.random.default_rng(1))


def won(question: int, chosen: tuple[int, ...]) -> float:
    weight: dict[str, float] = {}
    for draw in chosen:
        weight[ANSWERS[question, draw, 0]] = weight.get(ANSWERS[question, draw, 0], 0) + SCORES[question, draw, 0]
    top = max(weight.values())
    winners = [answer for answer, sum_ in weight.items() if abs(sum_ - top) < 1e-9]
    right = next(ANSWERS[question, d, 0] for d in range(4) if VALUES[question, d, 0] == 1)
    return (right in winners) / len(winners)


def test_the_vote_is_the_mean_over_every_subset() -> None:
    found, error = curve(table())
    assert 0 < error < 0.04
    for i, k in enumerate(found.k.tolist()):
        for question in range(2):
            wanted = np.mean([won(question, chosen) for chosen in combinations(range(4), k)])
            assert found.cells[question, 0, i] == pytest.approx(wanted, abs=4 * error + 1e-9)
    flipped, _ = curve(table(verifier_score=1 - SCORES))
    assert abs(flipped.cells - found.cells).max() > 0.2  # the scores matter


def test_a_vote_needs_scores_answers_and_values_that_are_right_or_wrong() -> None:
    assert curve(table(verifier_score=None)) is None
    assert curve(table(verifier_score=SCORES - 0.5)) is None
    assert curve(table(answer=None)) is None
    assert curve(table(axis=Axis.SAFETY)) is None
    assert curve(from_records(pool(VALUES / 2, answer=ANSWERS, verifier_score=SCORES))[0]) is None


def metrics(oracle: bool) -> set[str]:
    verified = VerifierRun("v", "answer", None, oracle, (), ("base",))
    made = findings([table()], Analysis(level=0.95, verified=(verified,)), rng=np.random.default_rng(0))
    by_scores = [one for one in made if one.metric.removeprefix("oracle_") in ("best_at_k", "weighted_majority_at_k")]
    assert all(any("scored by v, the whole answer" in limit for limit in one.limits) for one in by_scores)
    assert all(one.at.selector == one.metric.removesuffix("_at_k") for one in by_scores)
    return {one.metric for one in by_scores}


def test_what_an_oracle_selects_has_another_name() -> None:
    assert metrics(oracle=False) == {"best_at_k", "weighted_majority_at_k"}
    assert metrics(oracle=True) == {"oracle_best_at_k", "oracle_weighted_majority_at_k"}


def test_scores_change_no_other_number() -> None:
    plain, with_scores = (
        findings([table(**given)], Analysis(level=0.95), rng=np.random.default_rng(0))
        for given in ({"verifier_score": None}, {})
    )
    kept = {one.id for one in plain if one.kind != "frontier"}
    assert [one for one in with_scores if one.id in kept] == [one for one in plain if one.id in kept]
