"""Verdicts on planted shapes, what must leave them unchanged, and what must keep them silent."""

from dataclasses import replace

import numpy as np
import pytest

from overthink.stats.multiplier_bootstrap import signs, units
from overthink.stats.regimes import assign, doublings, onset, regime_means
from overthink.stats.shape import ShapeVerdict, shape_verdict
from overthink.stats.testing import p_equivalent
from overthink.stats.turning_points import anywhere, between_ends, find_turns

BUDGETS = [0, 500, 1000, 2000, 4000, 8000, 16000, 32000]
HYPOTHESIS = (1000, 8000)

SHAPES = {
    "up": [0.30, 0.37, 0.44, 0.51, 0.58, 0.65, 0.72, 0.79],
    "down": [0.79, 0.72, 0.65, 0.58, 0.51, 0.44, 0.37, 0.30],
    "flat": [0.97] * 8,
    "saturating": [0.30, 0.50, 0.70, 0.97, 0.97, 0.97, 0.97, 0.97],
    "hump": [0.40, 0.50, 0.60, 0.70, 0.70, 0.60, 0.50, 0.40],
    "dip": [0.70, 0.60, 0.50, 0.40, 0.40, 0.50, 0.60, 0.70],
}


def answers(curve: list[float], questions: int = 600, draws: int = 8, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((questions, draws, len(curve))) < curve).astype(float)


def verdict(values: np.ndarray, budgets: list[int] | None = None, seed: int = 0, **options: object) -> ShapeVerdict:
    given: dict[str, object] = {"margin": 0.03, **options}
    ladder = BUDGETS[: values.shape[2]] if budgets is None else budgets
    return shape_verdict(values, ladder, rng=np.random.default_rng(seed), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("hypothesis", [None, HYPOTHESIS])
@pytest.mark.parametrize("shape", SHAPES)
def test_planted_shapes_are_found(shape: str, hypothesis: tuple[int, ...] | None) -> None:
    found = verdict(answers(SHAPES[shape]), hypothesis=hypothesis)
    assert found.label == shape
    assert 0 < found.p_value <= 0.05
    assert found.reason is None
    assert dict(found.claims)[shape] == found.p_value == found.test.p
    assert (found.onset is None) == (shape == "flat")
    assert (found.test.name.startswith("max-t")) == (hypothesis is None)


def test_a_curve_that_turns_twice_has_no_name() -> None:
    found = verdict(answers([0.3, 0.6, 0.6, 0.3, 0.3, 0.6, 0.6, 0.6]))
    assert (found.label, found.reason) == ("undetermined", "the curve turns more than once")
    assert found.onset is None


def test_a_curve_within_the_margin_is_flat_even_if_it_surely_rises() -> None:
    values = answers([0.5, 0.52], questions=9000)
    assert verdict(values, margin=0.04).label == "flat"
    assert verdict(values, margin=0.01).label == "up"


def test_noise_is_undetermined_with_what_could_have_been_seen() -> None:
    found = verdict(answers([0.5] * 8, questions=50, draws=2))
    assert found.label == "undetermined"
    assert found.reason == "no shape is shown"
    assert found.p_value > 0.05
    assert 0.05 < found.mde < 0.5
    assert found.test.mde == found.mde


def test_the_other_way_up_a_hump_is_a_dip() -> None:
    """Metamorphosis: 1 - value mirrors every test, to the last digit."""
    values = answers(SHAPES["hump"], questions=60, draws=2)
    for hypothesis in (None, HYPOTHESIS):
        found, mirrored = (verdict(v, hypothesis=hypothesis) for v in (values, 1 - values))
        p, q = dict(found.claims), dict(mirrored.claims)
        assert (p["hump"], p["up"]) == pytest.approx((q["dip"], q["down"]))
        assert p["flat"] == pytest.approx(q["flat"])


def test_the_other_way_round_up_is_down() -> None:
    values = answers(SHAPES["up"], questions=20, draws=1)
    found, turned = verdict(values), verdict(values[:, :, ::-1])
    assert dict(found.claims)["up"] == pytest.approx(dict(turned.claims)["down"])
    assert dict(found.claims)["hump"] == pytest.approx(dict(turned.claims)["hump"])


def test_questions_of_one_cluster_count_once() -> None:
    """Theorem: copies of a question in one cluster add no evidence; the same copies as questions would."""
    values = answers(SHAPES["hump"], questions=30, draws=1)
    copies = np.repeat(values, 10, axis=0)
    clustered = verdict(copies, clusters=np.repeat(np.arange(30), 10))
    assert dict(clustered.claims) == pytest.approx(dict(verdict(values).claims))
    assert clustered.mde == pytest.approx(verdict(values).mde)
    assert verdict(copies).mde < 0.5 * clustered.mde


def test_draws_are_averaged_within_questions() -> None:
    values = answers(SHAPES["hump"], questions=40, draws=3)
    assert dict(verdict(np.repeat(values, 2, axis=1)).claims) == pytest.approx(dict(verdict(values).claims))


def test_a_question_without_a_rung_is_left_out() -> None:
    values = answers(SHAPES["hump"], questions=80, draws=2)
    holed = values.copy()
    holed[0, :, 3] = np.nan
    found = verdict(holed)
    assert found.n_questions == 79
    assert dict(found.claims) == pytest.approx(dict(verdict(values[1:]).claims))


def test_few_questions_prove_nothing_however_much_they_agree() -> None:
    every = np.tile([0.0, 1.0, 0.0], (4, 1, 1))
    assert verdict(every).label == "undetermined"
    assert verdict(every).p_value > 1 / 16
    assert np.isnan(verdict(every).mde)
    assert verdict(every).test.mde is None
    assert verdict(np.repeat(every, 5, axis=0)).label == "hump"


def test_agreement_is_flat_only_with_enough_questions() -> None:
    assert verdict(np.ones((20, 3, 4))).label == "undetermined"
    assert verdict(np.ones((20, 3, 4))).mde > 0
    assert verdict(np.ones((150, 3, 4))).label == "flat"


@pytest.mark.parametrize(
    ("values", "options", "reason"),
    [
        (np.ones((1, 5, 4)), {}, "1 of 1 questions"),
        (np.full((9, 5, 4), np.nan), {}, "no value is known at 4 of 4 rungs"),
        (np.where(np.arange(4) == 2, np.nan, np.ones((9, 5, 4))), {}, "no value is known at 1 of 4 rungs"),
        (np.ones((9, 5, 4)), {"clusters": ["one"] * 9}, "one cluster"),
    ],
)
def test_nothing_to_say(values: np.ndarray, options: dict[str, object], reason: str) -> None:
    found = verdict(values, **options)
    assert found.label == "undetermined"
    assert reason in str(found.reason)
    assert np.isnan([found.p_value, found.mde]).all()
    assert found.test.p is None
    assert found.claims == ()


@pytest.mark.parametrize(
    ("values", "budgets", "options"),
    [
        (np.ones((9, 4)), [0, 1, 2, 3], {}),
        (np.ones((9, 0, 4)), [0, 1, 2, 3], {}),
        (np.ones((9, 2, 4)), [0, 1, 2], {}),
        (np.ones((9, 2, 4)), [0, 1, 1, 2], {}),
        (np.ones((9, 2, 4)), [0, 2, 1, 3], {}),
        (np.ones((9, 2, 4)), [-1, 2, 3, 4], {}),
        (np.ones((9, 2, 4)), [0, 1, 2, np.inf], {}),
        (np.ones((9, 2, 1)), [0], {}),
        (np.full((9, 2, 4), 1.1), [0, 1, 2, 3], {}),
        (np.ones((9, 2, 4)), [0, 1, 2, 3], {"margin": 0}),
        (np.ones((9, 2, 4)), [0, 1, 2, 3], {"margin": 3}),
        (np.ones((9, 2, 4)), [0, 1, 2, 3], {"alpha": 5}),
        (np.ones((9, 2, 4)), [0, 1, 2, 3], {"clusters": [1, 2]}),
        (np.ones((9, 2, 4)), [0, 1, 2, 3], {"hypothesis": ()}),
        (np.ones((9, 2, 4)), [0, 1, 2, 3], {"hypothesis": (2, 1)}),
        (np.ones((9, 2, 4)), [0, 1, 2, 3], {"hypothesis": (1, 9)}),
    ],
)
def test_bad_input(values: np.ndarray, budgets: list[int], options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needed"):
        verdict(values, budgets, **options)


def test_regimes_are_reported() -> None:
    values = answers(SHAPES["hump"])
    low, middle, high = verdict(values, hypothesis=(1000, 8000)).regimes
    assert (low.above, low.up_to, high.up_to) == (None, 1000, None)
    assert (low.budgets, middle.budgets) == ((0, 500, 1000), (2000, 4000, 8000))
    assert low.estimate == pytest.approx(values[:, :, :3].mean())
    assert high.low < high.estimate < high.high < middle.low
    assert verdict(values).regimes == ()


@pytest.mark.parametrize("hypothesis", [(2000,), (500, 2000, 8000), (0, 500, 4000, 16000)])
def test_any_number_of_regimes(hypothesis: tuple[int, ...]) -> None:
    found = verdict(answers(SHAPES["hump"]), hypothesis=hypothesis)
    assert len(found.regimes) == len(hypothesis) + 1
    assert (found.label == "hump") == (len(hypothesis) > 1)
    assert verdict(answers(SHAPES["down"]), hypothesis=hypothesis).label == "down"


def test_a_regime_is_the_mean_of_its_rungs() -> None:
    regime = assign(np.array([0.0, 2, 4, 8]), (2, 4))
    assert regime.tolist() == [0, 0, 1, 2]
    np.testing.assert_allclose(regime_means(np.array([[0.2, 0.4, 0.7, 0.9]]), regime), [[0.3, 0.7, 0.9]])


def test_no_pair_of_a_valley_makes_a_hump() -> None:
    """Theorem: without noise, a curve that only falls and then rises has no hump, though both halves are huge."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        turn = rng.integers(0, 7)
        curve = np.concatenate([np.sort(rng.random(turn))[::-1], np.sort(rng.random(7 - turn))])
        curve[turn:] += curve[turn - 1] if turn else 0
        noise = rng.normal(0, 1e-3, (40, 7))
        parts = units(curve / 2 + noise - noise.mean(axis=0))
        for compared in (anywhere(parts), between_ends(parts)):
            found = find_turns(compared, signs(40, rng=np.random.default_rng(1)), alpha=0.05)
            assert found.hump > 0.05
    hump = units(np.array([0, 1, 2, 3, 2, 1, 0]) / 4 + noise)
    assert find_turns(anywhere(hump), signs(40, rng=rng), alpha=0.05).hump < 0.01


def test_equivalence_is_a_two_sided_interval_within_the_margin() -> None:
    """Oracle: TOST at 5 % is the 90 % interval of Student's t inside the margin."""
    from scipy import stats

    d = np.random.default_rng(1).normal(0.004, 0.2, 400)
    low, high = stats.t.interval(0.9, len(d) - 1, d.mean(), stats.sem(d))
    edge = max(abs(low), abs(high))
    for margin in (edge * 0.97, edge * 1.03):
        assert (p_equivalent(d[:, None] / len(d), margin=margin) <= 0.05) == (margin > edge)
    assert np.isnan(p_equivalent(np.zeros((5, 0)), margin=0.1))
    assert np.isnan(p_equivalent(np.zeros((1, 2)), margin=0.1))


def test_onset_holds_the_turn() -> None:
    found = verdict(answers(SHAPES["hump"])).onset
    assert found is not None
    assert (found.low, found.high) == (2000, 4000)
    late = verdict(answers([0.5, 0.5, 0.5, 0.5, 0.5, 0.4, 0.3, 0.2])).onset
    assert late is not None
    assert late.low <= 4000 <= late.high < 32000


def test_onset_is_not_identified_from_few_rungs_or_noise() -> None:
    few = verdict(answers([0.3, 0.7, 0.3])).onset
    assert few is not None
    assert str(few.reason).startswith("not identified: 3 rungs")
    assert np.isnan([few.low, few.high]).all()
    noise = np.random.default_rng(0).normal(0.5, 0.1, (300, 8))
    assert onset(noise, np.array(BUDGETS, dtype=float), label="hump", level=0.95).reason is not None
    falling = np.tile(np.linspace(1, 0, 8), (300, 1))
    assert onset(falling, np.array(BUDGETS, dtype=float), label="up", level=0.95).reason is not None


def test_doublings_start_at_zero() -> None:
    np.testing.assert_allclose(doublings(np.array([0.0, 100, 300, 700])), [0, 1, 2, 3])


def test_the_same_seed_gives_the_same_verdict() -> None:
    values = answers(SHAPES["hump"], questions=50, draws=2)
    one, two, other = (verdict(values, seed=s, hypothesis=HYPOTHESIS) for s in (1, 1, 2))
    assert one == two
    assert replace(other, regimes=()) != replace(one, regimes=())
    assert dict(other.claims)["hump"] == pytest.approx(dict(one.claims)["hump"], abs=0.03)
