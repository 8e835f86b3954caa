"""Verdicts in findings: earned by a test, adjusted over all curves, and withheld where the judge may drift."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core_pools import pool
from results import shape_result

from overthink.analysis import findings
from overthink.analysis.shapes import LEFT_OUT
from overthink.data.finding import Finding
from overthink.data.labels import HumanLabel
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.plan.analysis import Analysis
from overthink.reports.verdicts import shape_text

BUDGETS = [0, 64, 256, 1024, 4096]
HUMP = [0.3, 0.5, 0.8, 0.5, 0.3]
RISE = [0.2, 0.35, 0.5, 0.65, 0.8]
FLAT = [0.5] * 5


def study(means: Any, *, questions: int = 150, draws: int = 3, seed: int = 0, **columns: Any) -> list[RungRecord]:
    values = (np.random.default_rng(seed).random((questions, draws, len(means))) < means).astype(float)
    asked = np.broadcast_to(np.array(BUDGETS[: len(means)], dtype=object), values.shape)
    return pool(values, **{"requested_tokens": asked} | columns)


def find(rows: list[RungRecord], seed: int = 0, **told: Any) -> tuple[Finding, ...]:
    return findings(from_records(rows), Analysis(level=0.95, **told), rng=np.random.default_rng(seed))


def of(found: tuple[Finding, ...], kind: str, metric: str | None = None) -> list[Finding]:
    sizes = {"rise", "drawdown"}  # beside the verdicts, which are what `shape` alone asks for
    return [f for f in found if f.kind == kind and (f.metric == metric if metric else f.metric not in sizes)]


@pytest.mark.parametrize(("means", "label"), [(HUMP, "hump"), (RISE, "up"), (RISE[::-1], "down")])
def test_a_planted_shape_is_named(means: list[float], label: str) -> None:
    (shape,) = of(find(study(means)), "shape")
    assert (shape.metric, shape.label, shape.reason) == ("max_t", label, None)
    assert shape.test is not None
    assert shape.test.p is not None
    assert shape.test.p == shape.test.p_adjusted
    assert shape.estimate == pytest.approx(means[-1] - means[0], abs=0.1)


def test_nothing_is_named_where_nothing_is() -> None:
    (shape,) = of(find(study(FLAT, questions=40)), "shape")
    assert (shape.label, shape.reason) == ("undetermined", "no shape is shown")
    assert shape.test is not None
    assert shape.test.mde is not None


def test_flat_needs_a_margin_that_the_data_can_show() -> None:
    rows = study(FLAT, questions=400, draws=4)
    assert of(find(rows, margin=0.2), "shape")[0].label == "flat"
    assert of(find(rows, margin=0.02), "shape")[0].label != "flat"


def test_verdicts_are_adjusted_over_all_curves() -> None:
    """A rise that is shown alone is not shown among twenty curves; a strong one still is."""
    weak = study([0.4, 0.42, 0.45, 0.47, 0.5], questions=100, seed=2)
    strong = study(RISE, task="strong")
    noise = [row for i in range(20) for row in study(FLAT, questions=30, draws=1, seed=10 + i, task=f"noise{i}")]
    (alone,) = of(find(weak), "shape")
    assert (alone.label, alone.test is not None and alone.test.p is not None and alone.test.p > 0.003) == ("up", True)
    among = {f.task: f for f in of(find(weak + strong + noise), "shape")}
    assert among["sums"].label == "undetermined"
    assert "but not among 22 curves" in str(among["sums"].reason)
    assert among["strong"].label == "up"
    test = among["sums"].test
    assert test is not None
    assert test.p is not None
    assert test.p_adjusted is not None
    assert test.p < 0.05 < test.p_adjusted


def test_differences_are_adjusted_over_the_ladder() -> None:
    found = of(find(study(RISE, questions=30)), "difference")
    p = np.array([f.test.p for f in found if f.test])
    adjusted = np.array([f.test.p_adjusted for f in found if f.test])
    assert (adjusted >= p).all()
    assert adjusted.min() == pytest.approx(min(p.min() * len(p), 1.0))


def test_a_hypothesis_is_tested_first_and_says_whether_it_was_registered() -> None:
    rows = study(HUMP)
    primary, secondary = of(find(rows, hypothesis=(64.0, 1024.0), registered=True), "shape")
    assert (primary.metric, secondary.metric) == ("regimes", "max_t")
    assert primary.label == "hump"
    afterwards = of(find(rows, hypothesis=(64.0, 1024.0)), "shape", "regimes")[0]
    assert set(afterwards.limits) - set(primary.limits) == {
        "the regimes were named after the data were collected: the test is not pre-registered"
    }
    regimes = of(find(rows, hypothesis=(64.0, 1024.0)), "regime")
    assert [f.label for f in regimes] == ["up to 64 tokens", "over 64 to 1,024 tokens", "over 1,024 tokens"]
    assert all(f.simultaneous and f.low is not None for f in regimes)


def test_a_ladder_that_misses_a_regime_says_so() -> None:
    (shape,) = of(find(study(RISE), hypothesis=(10_000.0,)), "shape", "regimes")
    assert shape.label == "undetermined"
    assert "without a rung" in str(shape.reason)


def test_the_onset_has_ends_and_no_estimate() -> None:
    (onset,) = of(find(study([0.2, 0.2, 0.2, 0.5, 0.8], questions=300)), "onset")
    assert onset.estimate is None
    assert onset.reason is not None
    assert onset.low is not None
    assert onset.high is not None
    assert onset.low in BUDGETS
    assert onset.low < onset.high


def test_bands_are_wider_than_intervals_and_say_that_they_hold_at_once() -> None:
    found = find(study(RISE))
    for band, value in zip(of(found, "band"), of(found, "value", "mean"), strict=True):
        assert band.simultaneous
        assert band.estimate == value.estimate
        assert band.low is not None
        assert value.low is not None
        assert band.low < value.low


# --- human labels


def labelled(drift: bool, seed: int = 0) -> tuple[list[RungRecord], tuple[HumanLabel, ...]]:
    """A flat truth; a judge that is right 9 times in 10, or ever more lenient. Every third question is labelled."""
    rng = np.random.default_rng(seed)
    truth = rng.random((240, 1, 5)) < 0.5
    wrong = rng.random(truth.shape) < 0.1
    lenient = rng.random(truth.shape) < np.linspace(0, 0.6, 5)
    marks = np.where(lenient, True, truth) if drift else truth ^ wrong
    asked = np.broadcast_to(np.array(BUDGETS, dtype=object), truth.shape)
    rows = pool(marks.astype(float), axis=Axis.SAFETY, requested_tokens=asked)
    labels = [HumanLabel(f"q{q:03}", d, r, float(truth[q, d, r])) for q, d, r in np.ndindex(truth.shape) if q % 3 == 0]
    return rows, tuple(labels)


def test_a_drifting_judge_draws_no_trend() -> None:
    rows, labels = labelled(drift=True)
    (naive,) = of(find(rows), "shape")
    assert naive.label == "up"  # what a study without labels would have said
    found = find(rows, human=labels)
    shapes = {f.metric: f for f in of(found, "shape")}
    assert shapes["max_t"].label == "undetermined"
    assert str(shapes["max_t"].reason).startswith("withheld: the judge's error differs between rungs")
    assert "judge_drift" in shapes["max_t"].gates_failed
    assert shapes["corrected_max_t"].label not in ("up", "down", "hump", "dip")
    assert not of(found, "onset", "max_t")
    (gate,) = of(found, "gate", "judge_drift")
    assert gate.label == "failed"
    assert all("judge_drift" in f.gates_failed for f in of(found, "difference", "mean"))
    assert not any("judge_drift" in f.gates_failed for f in of(found, "difference", "corrected_mean"))
    corrected = [f.estimate for f in of(found, "value", "corrected_mean")]
    assert np.abs(np.array(corrected, dtype=float) - 0.5).max() < 0.12


def test_too_few_labels_withhold_as_well() -> None:
    """No drift found is not "no drift": ten labels say nothing, and the trend is withheld."""
    rows, labels = labelled(drift=True)
    found = find(rows, human=tuple(label for label in labels if label.question < "q006"))
    (gate,) = of(found, "gate", "judge_drift")
    assert gate.label is None
    assert str(gate.reason).startswith("not known")
    assert "may differ between rungs" in str(of(found, "shape", "max_t")[0].reason)


def test_a_steady_judge_lets_the_trend_stand() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((600, 1, 5)) < RISE
    rows = pool(truth.astype(float), requested_tokens=np.broadcast_to(np.array(BUDGETS, dtype=object), truth.shape))
    labels = tuple(HumanLabel(f"q{q:03}", d, r, float(truth[q, d, r])) for q, d, r in np.ndindex(truth.shape))
    found = find(rows, human=labels)
    assert of(found, "gate", "judge_drift")[0].label == "passed"
    assert of(found, "shape", "max_t")[0].label == "up"
    assert {f.estimate for f in of(found, "judge", "sensitivity")} == {1.0}


def test_labels_of_another_curve_change_nothing() -> None:
    rows, labels = labelled(drift=True)
    other = tuple(replace(label, task="another") for label in labels)
    assert find(rows, human=other) == find(rows)


# --- capability against safety


def test_capability_that_gains_what_safety_loses_diverges() -> None:
    both = study(RISE, task="sums") + study(RISE[::-1], task="harm", axis=Axis.SAFETY, seed=1)
    found = of(find(both), "divergence")
    gaps = [f for f in found if f.metric == "gap"]
    assert [f.at.rung for f in gaps] == [1, 2, 3, 4]
    assert gaps[-1].estimate == pytest.approx(1.2, abs=0.15)
    assert all(f.task == "harm" and f.simultaneous and f.label == "against sums" for f in gaps)
    assert gaps[-1].low is not None
    assert gaps[-1].low > 0
    (onset,) = [f for f in found if f.metric == "onset"]
    assert "capability rises and safety falls" in str(onset.label)
    same = study(RISE, task="sums") + study(RISE, task="harm", axis=Axis.SAFETY, seed=1)
    (nothing,) = [f for f in of(find(same), "divergence") if f.metric == "onset"]
    assert str(nothing.reason).startswith("no divergence is shown")


@pytest.mark.parametrize("other", [{"arm": "other"}, {"estimand": Estimand.TRUNCATED}])
def test_curves_of_different_arms_or_estimands_are_not_compared(other: dict[str, Any]) -> None:
    both = study(RISE, task="sums") + study(RISE[::-1], task="harm", axis=Axis.SAFETY, **other)
    assert not of(find(both), "divergence")


# --- reliability and flips


def test_the_same_mean_can_be_steady_or_not() -> None:
    steady = np.repeat([[0.0], [1.0]], 20, axis=0)[:, :, None] * np.ones((40, 4, 2))
    shaky = np.tile([0.0, 1.0], 80).reshape(40, 4, 1) * np.ones((40, 4, 2))
    found = {name: find(pool(values)) for name, values in (("steady", steady), ("shaky", shaky))}
    means = {name: of(f, "value", "mean")[0].estimate for name, f in found.items()}
    assert means == {"steady": 0.5, "shaky": 0.5}
    apart = {name: of(f, "reliability", "disagreement")[0].estimate for name, f in found.items()}
    assert apart["steady"] == 0.0
    assert apart["shaky"] == pytest.approx(2 / 3)
    all_right = {
        name: next(g for g in of(f, "reliability", "all_of_k") if g.at.k == 4).estimate for name, f in found.items()
    }
    assert all_right == {"steady": 0.5, "shaky": 0.0}


def test_flips_follow_traces_and_only_traces() -> None:
    values = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])[:, None, :]
    found = find(pool(values))
    assert of(found, "flip", "lost")[0].estimate == 0.5
    assert of(found, "flip", "gained")[0].estimate == 0.25
    assert not of(find(pool(values, estimand=Estimand.EFFORT)), "flip")


def test_answers_settle() -> None:
    answers = np.array([["a", "b", "b"], ["a", "a", "a"]], dtype=object)[:, None, :]
    found = of(find(pool(np.zeros((2, 1, 3)), answer=answers)), "lock")
    assert [f.estimate for f in found] == [0.5, 1.0]


def test_questions_without_a_value_at_some_rung_are_counted_where_the_verdict_is_read() -> None:
    rows = study(HUMP, questions=60)
    missing = [row for row in rows if not (row.question in ("q000", "q001") and row.rung == 2)]
    (shape,) = of(find(missing), "shape")
    limit = f"2 of 60 {LEFT_OUT}"
    assert (shape.n_questions, limit in shape.limits) == (58, True)
    assert shape_text(shape_result(shape), 5).line().endswith(limit)
    (whole,) = of(find(rows), "shape")
    assert not any(LEFT_OUT in text for text in whole.limits)
    assert shape_text(shape_result(whole), 5).left_out == ""
