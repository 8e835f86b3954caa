from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from core_pools import mean_over_subsets, plurality, pool

from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Axis, RungRecord
from overthink.stats.bootstrap import question_weights
from overthink.stats.curve import SelectorCurve, k_grid, mean_curve, parallel_curves

LEVEL = 0.95


def table(rows: list[RungRecord]) -> Outcomes:
    (only,) = from_records(rows)
    return only


def curves(rows: list[RungRecord], seed: int = 0) -> dict[str, SelectorCurve]:
    outcomes = table(rows)
    w = question_weights(len(outcomes.questions), rng=np.random.default_rng(seed))
    found = [mean_curve(outcomes, w, level=LEVEL), *parallel_curves(outcomes, w, level=LEVEL)]
    return {c.selector: c for c in found}


def ragged(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, answers ("0" right, None silent) and scores of 6 questions × up to 5 draws × 3 rungs."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, (6, 5, 3)).astype(float)
    answers = np.where(values == 1, "0", rng.choice(np.array(["1", "2", None], dtype=object), values.shape))
    values[2, 3:] = np.nan
    values[4, 1, 1] = np.nan
    return values, answers, rng.integers(0, 4, values.shape).astype(float)


def test_every_cell_is_the_average_over_subsets() -> None:
    values, answers, scores = ragged(1)
    found = curves(pool(values, answer=answers, verifier_score=scores))
    assert set(found) == {"single", "pass", "majority", "best"}
    for q, r in np.ndindex(6, 3):
        known = ~np.isnan(values[q, :, r])
        v, s = values[q, known, r], scores[q, known, r]
        a = [None if x is None else int(x) for x in answers[q, known, r]]

        def best(i: list[int], v: np.ndarray = v, s: np.ndarray = s) -> float:
            return float(v[i][s[i] == s[i].max()].mean())

        worth = {
            "pass": lambda i, v=v: v[i].max(),
            "majority": lambda i, a=a: plurality([a[j] for j in i], 0),
            "best": best,
        }
        assert found["single"].cells[q, r, 0] == pytest.approx(v.mean())
        for selector, curve in found.items():
            for i, k in enumerate(curve.k):
                if selector != "single" and k <= len(v):
                    want = mean_over_subsets(len(v), int(k), worth[selector])
                    assert curve.cells[q, r, i] == pytest.approx(want, abs=1e-12), (selector, q, r, k)
                elif selector != "single":
                    assert np.isnan(curve.cells[q, r, i])


def test_graded_values_are_worth_their_best_and_their_worst() -> None:
    values = np.random.default_rng(2).random((4, 4, 2))
    assert set(curves(pool(values, answer="a"))) == {"single", "pass"}
    top = curves(pool(values))["pass"].cells
    bottom = curves(pool(values, axis=Axis.SAFETY))["worst"].cells
    np.testing.assert_allclose(top[:, :, -1], values.max(axis=1))
    np.testing.assert_allclose(bottom[:, :, -1], values.min(axis=1))


@pytest.mark.parametrize(
    ("axis", "selectors"),
    [
        (Axis.CAPABILITY, {"pass", "majority", "best"}),
        (Axis.SAFETY, {"worst", "best"}),
        (Axis.BENIGN, {"worst"}),
    ],
)
def test_each_axis_has_its_selectors(axis: Axis, selectors: set[str]) -> None:
    rows = pool([[[1], [0]], [[0], [0]]], axis=axis, answer="a", verifier_score=0.5)
    assert set(curves(rows)) == selectors | {"single"}
    unscored = [replace(r, verifier_score=None) for r in rows]
    assert set(curves(unscored)) == (selectors - {"best"}) | {"single"}


def test_no_majority_where_the_right_answer_is_not_known() -> None:
    rows = pool([[[1], [0]], [[0], [0]]], answer="a")
    silent_but_right = [replace(r, answer=None) if r.value == 1 else r for r in rows]
    assert "majority" in curves(rows)
    assert "majority" not in curves(silent_but_right)
    assert "majority" not in curves([replace(r, answer=None) for r in rows])


def test_right_answers_vote_together_however_they_are_written() -> None:
    answers = np.array([[["1/2"], ["0.5"], ["2"], ["2"]]], dtype=object)
    rows = pool([[[1], [1], [0], [0]]], answer=answers)
    assert curves(rows)["majority"].cells[0, 0, 3] == pytest.approx(0.5)
    apart = [replace(r, value=0.0) if r.answer == "0.5" else r for r in rows]
    assert curves(apart)["majority"].cells[0, 0, 3] == pytest.approx(0)


def test_one_draw_has_no_selectors() -> None:
    assert set(curves(pool([[[1, 0]], [[0, 0]]]))) == {"single"}


def test_a_draw_without_a_score_is_not_in_the_verifiers_pool() -> None:
    scores = np.array([[[0.1], [np.nan], [0.9]]])
    best = curves(pool([[[0], [0], [1]]], verifier_score=scores))["best"].cells[0, 0]
    np.testing.assert_allclose(best, [0.5, 1.0, np.nan])


def test_the_order_of_draws_and_questions_does_not_matter() -> None:
    values, answers, scores = ragged(3)
    rng = np.random.default_rng(9)
    draws, questions = rng.permutation(5), rng.permutation(6)
    rows = pool(values, answer=answers, verifier_score=scores)
    moved = pool(values[:, draws], answer=answers[:, draws], verifier_score=scores[:, draws])
    swapped = pool(values[questions], answer=answers[questions], verifier_score=scores[questions])
    for selector, curve in curves(rows).items():
        np.testing.assert_allclose(curves(moved)[selector].cells, curve.cells, atol=1e-12)
        np.testing.assert_allclose(curves(swapped)[selector].cells, curve.cells[questions], atol=1e-12)
    assert not np.allclose(curves(swapped)["pass"].cells, curves(rows)["pass"].cells, equal_nan=True)


def test_duplicated_draws_leave_the_mean_and_lower_pass() -> None:
    values = np.random.default_rng(4).integers(0, 2, (8, 3, 2)).astype(float)
    one, two = curves(pool(values)), curves(pool(np.tile(values, (1, 2, 1))))
    np.testing.assert_allclose(one["single"].cells, two["single"].cells)
    assert two["pass"].intervals.estimate[0, 1] < one["pass"].intervals.estimate[0, 1]


@pytest.mark.parametrize("draws", [1, 2, 15, 16, 17, 31, 32, 33, 10_000])
def test_the_grid_of_k(draws: int) -> None:
    k = k_grid(draws).tolist()
    assert k == sorted(set(k))
    assert (k[0], k[-1]) == (1, draws)
    assert k[: min(draws, 16)] == list(range(1, min(draws, 16) + 1))
    assert all(later <= 2 * earlier for earlier, later in pairwise(k))
