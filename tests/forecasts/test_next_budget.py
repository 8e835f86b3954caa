"""What a forecast beyond the ladder promises: theorems, simulated truths, and versions that must fail."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from overthink.forecasts.curve_families import CURVE_FAMILIES, FLAT_FAMILY, HUMP, LOG_LINEAR, has_turn, predict
from overthink.forecasts.next_budget import CurveForecast, extrapolate_cells, extrapolate_curve, held_out_splits
from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.curve import question_means

sys.path.insert(0, str(Path(__file__).parents[2]))
from calibration.population import logit_normal

Array = NDArray[np.float64]
LADDER = 512 * 2.0 ** np.arange(6)
RISING = 0.3 + 0.45 * np.arange(7) / 6
LEVELLING = 0.4 + 0.35 * np.minimum(np.arange(7) / 2, 1)
POWER, LOGISTIC = CURVE_FAMILIES[2], CURVE_FAMILIES[3]


def study(curve: Array, *, seed: int, questions: int = 60, draws: int = 8) -> Array:
    """(question, draw, rung) of all but the last point of a curve."""
    population = logit_normal(curve, rng=np.random.default_rng(0))
    rng = np.random.default_rng([seed, 7])
    return population.study(questions=questions, draws=draws, rng=rng)[:, :, :-1]


def ahead(values: Array, budgets: object = LADDER, **told: object) -> CurveForecast:
    wanted = {"level": 0.9, "margin": 0.05, "rng": np.random.default_rng(1)}
    return extrapolate_curve(values, budgets, **{**wanted, **told})  # type: ignore[arg-type]


def used(made: CurveForecast) -> list[str]:
    return [one.family.name for one in made.families if one.predicts]


def numbers(made: CurveForecast) -> list[float]:
    return [made.estimate, made.low, made.high]


# Families


def test_a_family_continues_its_own_curve() -> None:
    x = np.arange(6.0)
    falling = 0.1 + 0.4 * np.array([0, 0.5, 1, 0.75, 0.5, 0.25])
    own = {
        FLAT_FAMILY: (np.full(6, 0.4), 0.4),
        LOG_LINEAR: (0.2 + 0.1 * x, 0.8),
        POWER: (0.9 - 0.6 * 2.0 ** (-3 * x), 0.9 - 0.6 * 2.0**-18),
        LOGISTIC: (0.1 + 0.7 / (1 + np.exp(-(x - x[0]) / 0.8)), 0.1 + 0.7 / (1 + np.exp(-6 / 0.8))),
        HUMP: (falling, 0.1),
    }
    for family, (curve, truth) in own.items():
        assert predict(family, curve[None], x, 6.0)[0] == pytest.approx(truth, abs=1e-6), family.name
    raised = own[FLAT_FAMILY][0][None] + [[0, 0, 0, 0, 0, 0.05]]
    assert predict(LOG_LINEAR, raised, x, 6.0)[0] != pytest.approx(0.4, abs=0.02)


def test_predictions_never_leave_the_unit_interval() -> None:
    rng = np.random.default_rng(4)
    curves = rng.random((500, 5))
    for family in CURVE_FAMILIES:
        told = predict(family, curves, np.array([9.0, 10, 11, 12, 13]), 15.0)
        assert ((told >= 0) & (told <= 1)).all()
    steep = predict(LOG_LINEAR, np.array([[0.5, 0.6, 0.9]]), np.array([1.0, 2, 3]), 4.0)
    assert steep[0] == 1  # the straight line says 1.2


def test_a_curve_that_levels_off_is_not_called_falling() -> None:
    """The trap of the quadratic: it turns down above a ladder that has levelled off."""
    values = study(LEVELLING, seed=1, questions=400)
    made = ahead(values)
    quadratic = np.polyval(np.polyfit(np.arange(6), values.mean(axis=(0, 1)), 2), 6)
    assert quadratic < 0.75 - 0.1
    assert made.low < 0.75 < made.high
    assert abs(made.estimate - 0.75) < 0.04
    assert "hump" not in used(made)


def test_a_turn_must_show_at_both_ends() -> None:
    tent = np.array([0.3, 0.5, 0.7, 0.5, 0.3])
    noise = 0.02 * np.random.default_rng(0).standard_normal((400, 5))
    assert has_turn(tent, tent + noise, errors=1.645)
    assert has_turn(1 - tent, 1 - tent + noise, errors=1.645)
    rising = np.array([0.3, 0.5, 0.7, 0.7, 0.69])
    assert not has_turn(rising, rising + noise, errors=1.645)
    assert not has_turn(tent, tent + 20 * noise, errors=1.645)


# Theorems


def test_the_unit_of_a_budget_does_not_matter() -> None:
    values = study(RISING, seed=2)
    np.testing.assert_allclose(numbers(ahead(values)), numbers(ahead(values, LADDER / 1000)), atol=1e-9)


def test_polarity_does_not_matter() -> None:
    values = study(RISING, seed=3)
    made, turned = ahead(values), ahead(1 - values)
    assert used(made) == used(turned)
    np.testing.assert_allclose([turned.estimate, turned.high, turned.low], 1 - np.array(numbers(made)), atol=1e-9)


def test_the_rung_at_zero_and_unknown_questions_are_left_out() -> None:
    values = study(RISING, seed=4)
    with_zero = np.concatenate([np.zeros((60, 8, 1)), values], axis=2)
    unknown = np.full((3, 8, 6), np.nan)
    unknown[0, :, :5] = 1.0
    assert numbers(ahead(with_zero, [0, *LADDER])) == numbers(ahead(values))
    padded = ahead(np.concatenate([values, unknown]))
    assert numbers(padded) == numbers(ahead(values))
    assert padded.n_questions == 60
    assert numbers(ahead(np.concatenate([values, np.zeros((3, 8, 6))]))) != numbers(ahead(values))


def test_same_state_same_forecast() -> None:
    values = study(RISING, seed=5)
    assert ahead(values) == ahead(values)
    assert numbers(ahead(values)) != numbers(ahead(values, rng=np.random.default_rng(2)))


@pytest.mark.parametrize("seed", range(25))
def test_fuzzed_tables_never_break_a_promise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rungs = int(rng.integers(2, 9))
    values = rng.random((int(rng.integers(1, 30)), int(rng.integers(1, 4)), rungs))
    values = values if seed % 3 else (values < rng.random(rungs)).astype(float)
    values[rng.random(values.shape) < 0.1] = np.nan
    budgets = np.sort(rng.choice(np.arange(5000), rungs, replace=False))
    made = ahead(values, budgets)
    if made.reason is not None:
        assert np.isnan(numbers(made)).all()
        return
    assert 0 <= made.low <= made.estimate <= made.high <= 1
    cells = question_means(values[:, :, budgets > 0])
    cells = cells[~np.isnan(cells).any(axis=1)]
    top = mean_intervals(cells[:, -1], question_weights(len(cells), rng=rng), level=0.9)
    another_bootstrap = 0.03
    assert made.low <= max(made.estimate - float(top.estimate - top.low), 0) + another_bootstrap
    assert made.high >= min(made.estimate + float(top.high - top.estimate), 1) - another_bootstrap


def test_where_all_agree_the_forecast_is_no_surer_than_the_top_rung() -> None:
    made = ahead(np.ones((20, 2, 6)))
    assert (made.estimate, made.high) == (1, 1)
    assert made.low == pytest.approx(0.05 ** (1 / 20))  # Clopper and Pearson's exact bound


# Held-out rungs


def test_rungs_held_out_are_as_far_away_as_the_forecast() -> None:
    assert held_out_splits(np.arange(6.0), 1.0) == [(5, 5), (4, 4)]
    assert held_out_splits(np.arange(6.0), 2.0) == [(4, 5), (3, 4)]
    dense = np.log2([64, 128, 192, 256, 320, 384, 448, 512])
    assert held_out_splits(dense, 1.0) == [(4, 7), (3, 6)]
    assert held_out_splits(np.log2([100, 110, 120, 130]), 1.0) == []


def test_a_family_that_missed_is_not_used() -> None:
    made = ahead(study(RISING, seed=6, questions=300))
    flat = made.families[0]
    assert not flat.predicts
    assert flat.held_out[0].measurement - flat.held_out[0].prediction > 0.05
    assert "was measured" in str(flat.reason)
    assert np.isnan(flat.low)
    level = ahead(study(np.full(7, 0.5), seed=6, questions=300))
    assert level.families[0].predicts


def test_what_a_family_missed_by_is_in_its_interval() -> None:
    bent = np.array([0.3, 0.32, 0.4, 0.42, 0.5, 0.52, 0.6])
    made = ahead(study(bent, seed=8, questions=2000))
    line = made.families[1]
    missed = np.sqrt(np.mean([(one.prediction - one.measurement) ** 2 for one in line.held_out]))
    assert line.predicts
    assert missed > 0.03  # far more than the questions leave open
    assert line.high - line.low > 2 * 1.6 * missed


def test_no_family_predicts_is_an_answer() -> None:
    zigzag = np.array([0.2, 0.8, 0.2, 0.8, 0.8, 0.2, 0.5])
    made = ahead(study(zigzag, seed=1, questions=300))
    assert used(made) == []
    assert np.isnan(numbers(made)).all()
    assert "no family predicted the held-out rungs" in str(made.reason)
    assert "log-linear predicted" in str(made.reason)
    assert ahead(study(zigzag, seed=1, questions=300), margin=0.99).reason is None  # the check is what refuses


@pytest.mark.parametrize(
    ("budgets", "questions", "reason"),
    [
        ([0, 512, 1024, 2048], 20, "3 rungs with a budget above 0; needed: 4"),
        ([500, 510, 520, 530], 20, "no rung lies 1 octaves above 2 others"),
        ([512, 1024, 2048, 4096], 1, "1 questions with a value at every rung"),
    ],
)
def test_too_little_is_told(budgets: list[float], questions: int, reason: str) -> None:
    made = ahead(np.full((questions, 2, 4), 0.5), budgets)
    assert made.reason is not None
    assert made.reason.startswith(reason)
    assert made.families == ()
    assert ahead(np.full((20, 2, 4), 0.5), [512, 1024, 2048, 4096]).reason is None


def test_a_target_further_away_needs_rungs_further_below() -> None:
    values = study(RISING, seed=7)
    near, far = ahead(values), ahead(values, target=8 * LADDER[-1])
    assert near.target == 2 * LADDER[-1]
    assert far.families[0].held_out[0].prediction < near.families[0].held_out[0].prediction
    assert far.high - far.low > near.high - near.low
    assert "no rung lies 6 octaves" in str(ahead(values, target=64 * LADDER[-1]).reason)


BAD: dict[str, tuple[dict[str, object], str]] = {
    "level": ({"level": 1.0}, "level"),
    "margin": ({"margin": 0.0}, "margin"),
    "target": ({"target": 100.0}, "above the highest of the ladder, 16384"),
    "budgets": ({"budgets": LADDER[::-1]}, "increasing"),
    "value": ({"values": np.full((2, 2, 6), 1.5)}, "rescale"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    told, message = BAD[name]
    wanted = {"values": np.full((4, 2, 6), 0.5), "budgets": LADDER, **told}
    with pytest.raises(ValueError, match=message):
        ahead(wanted.pop("values"), wanted.pop("budgets"), **wanted)  # type: ignore[arg-type]


# Simulated truths


@cache
def coverage(truth: tuple[float, ...], runs: int = 24) -> tuple[float, float, float]:
    """Of the forecast (or it was refused) and of the last value carried on; and the forecast's mean width."""
    curve, inside, carried, widths = np.array(truth), 0, 0, []
    for seed in range(runs):
        cells = study(curve, seed=seed).mean(axis=1)
        made = extrapolate_cells(cells, LADDER, level=0.9, margin=0.05, rng=np.random.default_rng(seed))
        last = mean_intervals(cells[:, -1], question_weights(60, rng=np.random.default_rng(seed)), level=0.9)
        inside += made.reason is not None or made.low <= curve[-1] <= made.high
        carried += bool(last.low <= curve[-1] <= last.high)
        widths.append(made.high - made.low)
    return inside / runs, carried / runs, float(np.nanmean(widths))


@pytest.mark.parametrize(
    "curve",
    [
        pytest.param(RISING, id="up"),
        pytest.param(LEVELLING, id="level", marks=pytest.mark.simulation),
        pytest.param(np.full(7, 0.6), id="flat", marks=pytest.mark.simulation),
        pytest.param(RISING[::-1], id="down", marks=pytest.mark.simulation),
    ],
)
def test_the_interval_holds_where_the_curve_goes_on_as_it_did(curve: Array) -> None:
    held, _, width = coverage(tuple(curve))
    assert held >= 0.85
    assert width < 0.4


def test_the_last_value_does_not_hold_where_the_curve_rises() -> None:
    assert coverage(tuple(RISING))[1] < 0.6


def test_a_fall_beyond_the_ladder_is_not_foreseen() -> None:
    falls = np.append(RISING[:-1], RISING[-2] - 0.2)
    assert coverage(tuple(falls), runs=20)[0] < 0.2
