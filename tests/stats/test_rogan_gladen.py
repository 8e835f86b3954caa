import numpy as np
import pytest

from overthink.stats.judge_correction import rogan_gladen
from overthink.stats.judge_error import JudgeError
from overthink.stats.proportion import Proportion, clustered_proportion


def share(right: int, trials: int) -> Proportion:
    x = np.repeat([1, 0], [right, trials - right])
    return clustered_proportion(x, np.ones(trials, dtype=np.int64), level=0.95)


def judged(se: tuple[int, int], sp: tuple[int, int]) -> JudgeError:
    return JudgeError(share(*se), share(*sp), se[1] + sp[1], se[1] + sp[1])


def binomial_error(p: float, n: int) -> float:
    return float(np.sqrt(p * (1 - p) / n))


def test_the_estimate_inverts_the_judges_errors() -> None:
    truth, se, sp = 0.3, 0.9, 0.8
    mean = truth * se + (1 - truth) * (1 - sp)
    found = rogan_gladen(mean, binomial_error(mean, 500), 500, judged((90, 100), (80, 100)), level=0.95)
    assert found.estimate == pytest.approx(truth)
    assert found.low < truth < found.high


def test_a_judge_without_error_leaves_wilsons_interval() -> None:
    """With Se = Sp = 1 known from very many labels, Lang and Reiczigel's interval is Agresti and Coull's."""
    n, mean, z = 200, 0.3, 1.959964
    perfect = judged((10**6, 10**6), (10**6, 10**6))
    found = rogan_gladen(mean, binomial_error(mean, n), n, perfect, level=0.95)
    centre = (n * mean + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(centre * (1 - centre) / (n + z**2))
    np.testing.assert_allclose([found.low, found.high], [centre - half, centre + half], atol=1e-4)


def test_it_covers() -> None:
    """Positive control in the same simulation: taking Se and Sp for known covers too little."""
    rng, truth, se, sp, n = np.random.default_rng(3), 0.3, 0.85, 0.8, 300
    mean = truth * se + (1 - truth) * (1 - sp)
    held, held_if_known = [], []
    for _ in range(400):
        p = rng.binomial(n, mean) / n
        seen = judged((rng.binomial(30, se), 30), (rng.binomial(30, sp), 30))
        found = rogan_gladen(p, binomial_error(p, n), n, seen, level=0.95)
        held.append(found.low <= truth <= found.high)
        youden = seen.sensitivity.estimate + seen.specificity.estimate - 1
        held_if_known.append(abs(found.estimate - truth) < 1.96 * binomial_error(p, n) / youden)
    assert 0.92 < np.mean(held) <= 0.99
    assert np.mean(held_if_known) < 0.85


@pytest.mark.parametrize(("se", "sp"), [((5, 10), (5, 10)), ((2, 10), (3, 10)), ((3, 4), (3, 4)), ((1, 1), (30, 40))])
def test_a_judge_that_may_know_nothing_is_not_inverted(se: tuple[int, int], sp: tuple[int, int]) -> None:
    found = rogan_gladen(0.5, 0.05, 100, judged(se, sp), level=0.95)
    assert np.isnan([found.estimate, found.low, found.high]).all()
    assert "not clearly above 0" in str(found.reason)


def test_other_reasons() -> None:
    good = judged((95, 100), (95, 100))
    assert "fewer than two questions" in str(rogan_gladen(0.5, float("nan"), 1, good, level=0.95).reason)
    impossible = rogan_gladen(0.0, 0.0, 10**6, judged((95, 100), (60, 100)), level=0.95)
    assert "not one that its sensitivity and specificity can give" in str(impossible.reason)
    unlabelled = JudgeError(share(0, 0), share(3, 3), 3, 3, "no labelled answer is 1 by the human labels")
    assert rogan_gladen(0.5, 0.05, 100, unlabelled, level=0.95).reason == unlabelled.reason


def test_an_estimate_beyond_the_range_is_clipped_inside_its_interval() -> None:
    found = rogan_gladen(0.03, binomial_error(0.03, 100), 100, judged((95, 100), (95, 100)), level=0.95)
    assert found.estimate == 0
    assert found.low == 0
    assert found.high > 0


def test_agreement_of_all_marks_is_not_certainty() -> None:
    found = rogan_gladen(1.0, 0.0, 20, judged((20, 20), (20, 20)), level=0.95)
    assert found.high == 1
    assert found.low < 0.95
