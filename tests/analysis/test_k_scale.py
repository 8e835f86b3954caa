"""One reference of K (thinking) for all axes: its default, what has no place on it, and why there may be none."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from results import results_of
from synthetic import ladder

from overthink.analysis.k_scale import LOOP, NO_COUNT, NO_SIZE, NO_THINKING, k_scale
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles, Unit
from overthink.data.finding import Finding
from overthink.plan.analysis import Analysis

PLAIN = Analysis(level=0.95)


def both(capability: Sequence[int], safety: Sequence[int]) -> list[Finding]:
    return [*ladder(budgets=capability), *ladder(axis="safety", task="harms", budgets=safety)]


@pytest.mark.parametrize(
    ("capability", "safety", "reference"),
    [((0, 64, 256), (0, 64, 256), 64), ((0, 64, 256), (0, 256), 256), ((32, 128), (64, 128), 128)],
)
def test_the_default_is_the_lowest_budget_above_0_that_all_curves_have(
    capability: Sequence[int], safety: Sequence[int], reference: float
) -> None:
    scale = k_scale(results_of(both(capability, safety)).curves, PLAIN)
    assert scale.reference == {"base": reference}
    assert scale.means == f"{reference} thinking tokens, the lowest budget above 0 that all curves have"


def test_a_stated_reference_holds_for_all_arms() -> None:
    findings = [*ladder(), *ladder(arm="wait", budgets=(0, 64))]
    scale = k_scale(results_of(findings).curves, Analysis(level=0.95, k_reference=1000.0))
    assert scale.reference == {"base": 1000.0, "wait": 1000.0}
    assert scale.means == "1,000 thinking tokens, stated with --k-reference"


def test_controls_and_direct_answers_do_not_decide() -> None:
    findings = [*ladder(), *ladder(estimand="resampled", budgets=(256, 1024)), *ladder(arm="zerothink", budgets=(0,))]
    assert k_scale(results_of(findings).curves, PLAIN).reference == {"base": 64.0}


@pytest.mark.parametrize(
    ("findings", "reason"),
    [
        (
            both((0, 100, 400), (0, 200, 800)),
            "no thinking budget in common (sums/base has 100, 400; harms/base has 200",
        ),
        (ladder(budgets=(0,)), NO_THINKING),
        (ladder(efforts=("low", "high"), counted=False), NO_COUNT),
        ([*ladder(), *ladder(task="loop", estimand="checkpoint")], "loops of tool calls and thinking budgets"),
    ],
    ids=["disjoint", "direct", "uncounted", "loops beside budgets"],
)
def test_without_a_reference_the_reason_is_said(findings: list[Finding], reason: str) -> None:
    scale = k_scale(results_of(findings).curves, PLAIN)
    assert reason in str(scale.reason)
    assert (scale.reference, scale.means) == ({}, None)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (0.0, "0 is a direct answer"),
        (-5.0, "-5 is not a positive number"),
        (5000.0, "the most is 4,096 thinking tokens"),
        (0.5, "0.5 is less than one token of thinking"),
    ],
)
def test_an_impossible_reference_is_said(stated: float, said: str) -> None:
    assert said in str(k_scale(results_of(ladder()).curves, Analysis(level=0.95, k_reference=stated)).reason)


def test_levels_have_the_most_of_any_curve_at_the_lowest_common_one() -> None:
    findings = [*ladder(efforts=("low", "high")), *ladder(axis="safety", task="harms", efforts=("low", "high"))]
    scaled = [
        f if f.axis == "safety" or f.estimate is None or f.metric != "thinking_tokens" else _doubled(f)
        for f in findings
    ]
    assert k_scale(results_of(scaled).curves, PLAIN).reference == {"base": 1000.0}  # 500 and 1,000 at low


@pytest.mark.parametrize("curve", range(2))
@pytest.mark.parametrize("n_unknown", [1, 2])
def test_k_is_unknown_where_thinking_is_known_only_above_the_lowest_common_level(curve: int, n_unknown: int) -> None:
    efforts = ("low", "medium", "high")
    both_axes = [ladder(efforts=efforts), ladder(axis="safety", task="harms", efforts=efforts)]
    both_axes[curve] = [
        replace(f, estimate=None) if f.metric == "thinking_tokens" and (f.at.rung or 0) < n_unknown else f
        for f in both_axes[curve]
    ]
    scale = k_scale(results_of([*both_axes[0], *both_axes[1]]).curves, PLAIN)
    assert (scale.reference, scale.means) == ({}, None)
    assert str(scale.reason) == (
        f"the thinking is not known at the lowest level that all curves have, which is low "
        f"({('sums', 'harms')[curve]}/base); --k-reference states a reference"
    )


def _doubled(finding: Finding) -> Finding:
    assert finding.estimate is not None
    return replace(finding, estimate=2 * finding.estimate)


def test_loops_are_counted_by_what_they_generate() -> None:
    scale = k_scale(results_of(ladder(estimand="checkpoint", budgets=(500, 1000))).curves, PLAIN)
    assert (scale.reference, scale.unit, scale.name) == ({"base": 500.0}, LOOP, "K (loop tokens)")


def test_flop_are_2_per_active_parameter_so_a_larger_model_thinks_fewer_tokens() -> None:
    findings = [*ladder(arm="small"), *ladder(arm="large")]
    shapes = {"small": ModelShape(parameters=1e9, active_parameters=1e9), "large": ModelShape(active_parameters=4e9)}
    parties = {arm: ModelRoles(ModelInfo(arm, shape)) for arm, shape in shapes.items()}
    stated = Analysis(level=0.95, unit=Unit.FLOP, parties=parties, k_reference=1e12)
    assert k_scale(results_of(findings).curves, stated).reference == {"small": 500.0, "large": 125.0}
    default = k_scale(results_of(findings).curves, Analysis(level=0.95, unit=Unit.FLOP, parties=parties))
    assert default.reference == {"small": 256.0, "large": 64.0}
    assert "5.12 × 10¹¹ FLOP, 2 per active parameter" in str(default.means)
    assert k_scale(results_of(findings).curves, Analysis(level=0.95, unit=Unit.FLOP)).reason == NO_SIZE
    beyond = Analysis(level=0.95, unit=Unit.FLOP, parties=parties, k_reference=1e15)
    assert "beyond the ladder" in str(k_scale(results_of(findings).curves, beyond).reason)
    below = Analysis(level=0.95, unit=Unit.FLOP, parties=parties, k_reference=1e9)
    assert str(k_scale(results_of(findings).curves, below).reason) == (
        "--k-reference 1e+09 is less than one token of thinking, 2e+09 FLOP of thinking tokens; give FLOP of thinking "
        "tokens from 2e+09 upwards, or lowest"
    )
