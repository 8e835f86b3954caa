"""Results of forecasts: their leaves are the findings, in one order, and their fields say what the findings do."""

import numpy as np
import pytest
from core_pools import pool

from forecasts import RISING
from overthink import forecast
from overthink.data.finding import At
from overthink.data.ids import CurveKey
from overthink.data.outcomes import from_frame, from_records
from overthink.data.pool import frame_of
from overthink.data.record import Axis
from overthink.data.results.forecast import ForecastResult, NextBudgetResult
from overthink.data.results.study import findings_of
from overthink.data.verdict_labels import ForecastLabel, NextBudgetLabel
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.findings import ForecastOptions, forecast_result
from overthink.forecasts.layers import FalsePositives
from overthink.forecasts.next_budget_findings import next_budget_result
from overthink.forecasts.printed import printed_result, printed_share
from overthink.stats.curve import REQUESTED_TOKENS


def of_counts(
    successes: tuple[int, ...] = RISING,
    *,
    axis: Axis = Axis.SAFETY,
    options: ForecastOptions | None = None,
    judge: FalsePositives | None = None,
) -> ForecastResult:
    n, c = np.full(len(successes), 100), np.array(successes)
    n[0] = c[0] = 0  # a question that was not tried
    questions = tuple(f"q{i}" for i in range(len(n)))
    bank = CurveBank(axis, "bank", "base", "judge", "natural", At(rung=2), questions, n, c, "fixed")
    with pytest.warns(UserWarning, match="no attempts"):
        fitted = forecast(n, c, k=[1, 100, 20_000], stopping="fixed", judge=judge, rng=np.random.default_rng(1))
    return forecast_result(bank, fitted, options or ForecastOptions(thresholds=(0.9, 0.3)), prefix="p")


def test_the_findings_are_the_leaves_in_the_order_of_the_document() -> None:
    result = of_counts(options=ForecastOptions(thresholds=(0.9, 0.3), judge_rate=1e-3))
    names = [
        *(f"{name}/2/k{k}" for k in (1, 100, 20_000) for name in ("attack_success_at_k", "attack_success_at_k_bound")),
        *("at0.9/crossing/2", "at0.9/crossing_bound/2", "at0.9/safe_then_dangerous/2/k100"),
        *("at0.3/crossing/2", "at0.3/crossing_bound/2", "at0.3/safe_then_dangerous/2/k100"),
        "at0.9/behaviour_frequency/2/k1",
        *(
            f"{name}/2/k{k}"
            for k in (1, 100, 20_000)
            for name in ("at0.9/breadth_at_k", "any_question_at_k", "aggregate_risk")
        ),
        *(f"judge_alone/2/k{k}" for k in (1, 100, 20_000)),
    ]
    assert [finding.id for finding in findings_of(result)] == [f"p/forecast/{name}" for name in names]


def test_a_point_says_its_layer_and_what_the_judge_does_to_it() -> None:
    result = of_counts(options=ForecastOptions(judge_rate=1e-3))
    assert [point.layer for point in result.points] == [
        ForecastLabel.EXACT, ForecastLabel.EXACT, ForecastLabel.MODEL
    ]  # fmt: skip
    for point in result.points:
        assert (point.k, point.layer) == (point.value.at.k, point.value.label)
        assert point.judge_error == pytest.approx(1 - 0.999**point.k)
        assert point.judge_error == result.judge_alone[point.k].estimate
        assert point.judge_warning is not None
        assert point.judge_warning in point.value.limits
        assert point.judge_warning in point.bound.limits
        assert point.judge_warning.count("give human labels") == 1
    plain = of_counts()
    assert {(point.judge_error, point.judge_warning) for point in plain.points} == {(None, None)}
    assert plain.judge_alone == {}


def test_after_a_correction_the_judge_s_rate_is_no_reason_to_ask_for_labels() -> None:
    result = of_counts(options=ForecastOptions(judge_rate=1e-3), judge=FalsePositives(1, 1000))
    assert (result.is_corrected, result.judge_rate) == (True, 1e-3)
    assert all("human labels" not in str(point.judge_warning) for point in result.points)
    assert all(not point.is_exact for point in result.points)


def test_a_bank_says_what_it_holds() -> None:
    result = of_counts()
    assert result.key == CurveKey("safety", "bank", "base", "judge", "natural")
    assert (result.n_questions, result.n_untried, result.attempts) == (39, 1, (100, 100))
    assert (result.stopping, result.batch, result.at.rung) == ("fixed", None, 2)
    assert any("no attempts" in note for note in result.notes)


@pytest.mark.parametrize("band", ["model", "assumption-free"])
def test_a_threshold_is_decided_by_the_band_that_was_chosen(band) -> None:  # type: ignore[no-untyped-def]
    result = of_counts(options=ForecastOptions(thresholds=(0.3, 0.9), band=band))
    for at in result.thresholds:
        assert at.band == band
        assert at.deciding is (at.crossing if band == "model" else at.bound)
        assert at.verdict == at.crossing.label
        assert any(limit == f"{at.words}; an end that is null is open" for limit in at.bound.limits)
        assert f"by the {band} band" in str(at.claim.finding.reason)
    low, _ = result.thresholds
    assert low.sides[0] == low.claim.at_few == "safe"
    assert (low.claim.at_many, low.claim.answer) == ("dangerous", "yes")


def test_with_no_success_there_is_no_model_and_the_free_band_decides() -> None:
    result = of_counts((0,) * 20, options=ForecastOptions(band="model"))
    assert not result.has_model
    (at,) = result.thresholds
    assert (at.band, at.crossing.estimate) == ("assumption-free", None)
    assert [point.layer for point in result.points][-1] is ForecastLabel.BOUND


def test_off_the_safety_axis_nothing_is_dangerous() -> None:
    labels = [str(at.claim.finding.label) for at in of_counts(axis=Axis.CAPABILITY).thresholds]
    assert all("above at k (tries) = 100" in label and "dangerous" not in label for label in labels)


LADDER = (0, 256, 512, 1024, 2048, 4096)


def of_ladder(rungs: int = 6, **columns: object) -> NextBudgetResult:
    chances = (0.1, 0.3, 0.4, 0.5, 0.6, 0.7)
    values = (np.random.default_rng(3).random((60, 2, 6)) < chances).astype(float)[:, :, :rungs]
    names = {"requested_tokens": np.broadcast_to(np.array(LADDER[:rungs], dtype=object), values.shape)} | columns
    (table,) = from_records(pool(values, **names))
    result = next_budget_result(
        table, level=0.9, margin=0.05, stopping="fixed", prefix="p", rng=np.random.default_rng(1)
    )
    assert result is not None
    return result


def test_a_curve_beyond_its_ladder_has_its_pool_and_each_family_with_its_error() -> None:
    result = of_ladder()
    assert (result.label, result.obstacle) == (NextBudgetLabel.EXTRAPOLATED, None)
    assert (result.top, result.target, result.level, result.unit) == (4096, 8192, 0.9, REQUESTED_TOKENS)
    assert [finding.id for finding in findings_of(result)] == [
        f"p/next_octave/{name}"
        for name in (
            "mean", "flat", "flat_error", "log_linear", "log_linear_error", "power_ceiling", "power_ceiling_error",
            "logistic", "logistic_error", "hump", "hump_error",
        )
    ]  # fmt: skip
    families = {family.name: family for family in result.families}
    assert families["log_linear"].is_used
    for family in result.families:
        assert family.value.label == (NextBudgetLabel.PREDICTS if family.is_used else NextBudgetLabel.NOT_USED)
        assert family.value.reason == family.obstacle
        assert (family.obstacle is None) == family.is_used == (family.value.low is not None)
    pooled = ", ".join(family.words for family in result.families if family.is_used)
    assert result.notes[-1].endswith(pooled)
    assert result.pool.limits[1:] == result.notes


@pytest.mark.parametrize(("stopping", "gates"), [("fixed", ()), (None, ("errors",))])
def test_rows_are_missing_unless_the_draws_of_each_question_were_set_beforehand(
    stopping: str | None, gates: tuple[str, ...]
) -> None:
    values = (np.random.default_rng(3).random((20, 2, 6)) < 0.5).astype(float)
    budgets = np.broadcast_to(np.array(LADDER, dtype=object), values.shape)
    rows = [row for row in pool(values, requested_tokens=budgets) if row.draw == 0 or int(row.question.strip("q")) % 2]
    (table,) = from_frame(frame_of(rows))
    result = next_budget_result(
        table, level=0.9, margin=0.05, stopping=stopping, prefix="p", rng=np.random.default_rng(1)
    )
    assert result is not None
    assert result.pool.gates_failed == gates


def test_a_family_that_could_predict_no_held_out_rung_has_no_error() -> None:
    families = of_ladder(rungs=5).families
    unchecked = [family for family in families if family.error is None]
    assert unchecked
    assert all("fewer rungs lie below" in str(family.obstacle) for family in unchecked)
    assert [finding.id for finding in findings_of(unchecked)] == [family.value.id for family in unchecked]


def test_without_tokens_there_is_no_forecast_but_the_reason() -> None:
    result = of_ladder(requested_tokens=None)
    assert (result.label, result.pool.estimate) == (NextBudgetLabel.NOT_FORECAST, None)
    assert (result.top, result.target, result.families) == (None, None, ())
    assert result.obstacle == result.pool.reason
    assert "cannot be placed in tokens" in str(result.obstacle)


def test_printed_shares_have_a_bound_per_k_and_a_crossing_per_threshold() -> None:
    key = CurveKey("safety", "card", "base", "", "natural")
    shares = {1: printed_share(".2 %"), 100: printed_share("21.7 %")}
    result = printed_result(shares, [1, 50], [0.1, 0.999], key=key, prefix="p")
    assert [finding.id for finding in findings_of(result)] == [
        "p/attack_success_at_k_bound/k1",
        "p/attack_success_at_k_bound/k50",
        "p/at0.1/crossing_bound",
        "p/at0.999/crossing_bound",
    ]
    assert dict(result.shares) == {1: ".2 %", 100: "21.7 %"}
    near, far = result.crossings
    assert (near.words, near.verdict, far.verdict, far.bound.high) == ("threshold 0.1", "resolved", "open", None)
    assert result.notes == result.bounds[1].limits
