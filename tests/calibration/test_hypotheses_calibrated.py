"""The calibration of hypotheses with fewer runs, and a verdict whose parts share no rung, which fails it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sweeps import few

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import hypotheses, shapes
from overthink.stats.hypothesis import HypothesisTest, hypothesis_verdict
from overthink.stats.multiplier_bootstrap import signs, units
from overthink.stats.testing import p_equivalent

RUNS, SEED = 30, 5
LIMIT = shapes.limit(0.05, RUNS) + float(np.sqrt(0.05 * 0.95 / RUNS))  # three standard errors


def share(truth: str, label: str) -> float:
    return hypotheses.labels(hypotheses.Cell(truth), runs=RUNS, seed=SEED)[label] / RUNS


def test_the_claim_is_confirmed() -> None:
    assert share("the claim", "confirmed") >= 0.7


@pytest.mark.parametrize("truth", few(hypotheses.CONTRARY, 3))
def test_no_other_curve_is(truth: str) -> None:
    assert share(truth, "confirmed") <= LIMIT


def test_contradicted_where_it_falls_and_not_where_it_is_flat() -> None:
    assert share("falls within 0-2k", "contradicted") >= 0.8
    assert share("flat throughout", "contradicted") <= LIMIT


def test_parts_that_share_no_rung_fail_the_check() -> None:
    """Broken: a fall between two parts belongs to neither, so that the plateau begins after it."""
    curve = hypotheses.CONTRARY["10-point fall between 2k and 4k"]
    population = hypotheses.with_interaction(curve, effect_sd=1.0, interaction_sd=0.0, rng=np.random.default_rng(SEED))
    n_confirmed = 0
    for run in range(RUNS):
        rng = np.random.default_rng([SEED, run])
        on_rungs = units(population.study(questions=200, draws=4, rng=rng).mean(axis=1))
        flips = signs(on_rungs.n_units, rng=rng)
        spec = HypothesisTest(hypotheses.PARTS, 0.06, 0.05)
        up, _, down = hypothesis_verdict(on_rungs, hypotheses.BUDGETS, spec, flips, n_questions=200).parts
        apart = p_equivalent(on_rungs.differences(np.array([5]), np.array([4])), margin=0.06)
        n_confirmed += max(up.p_shown, apart, down.p_shown) <= 0.05
    assert n_confirmed / RUNS > 0.5
