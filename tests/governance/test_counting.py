"""One run under the rules of each instrument; modification and distillation."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.errors import InputError
from overthink.governance.calculators.modification import distillation_stages, modification
from overthink.governance.inputs import Range
from overthink.governance.thresholds.counting import count, side_by_side
from overthink.governance.thresholds.registry import STAGES, instrument

DAY = date(2026, 11, 21)
EU, CRITERION, CALIFORNIA = instrument("eu-aia-51-2"), instrument("eu-gpai-guidelines"), instrument("us-ca-sb53")
FLOP = st.floats(1, 1e30)
RUNS = st.dictionaries(st.sampled_from(STAGES), FLOP, min_size=1)


def test_discarded_samples_count_in_the_eu_and_are_silent_in_california() -> None:
    run = {"synthetic_kept": 10.0, "synthetic_discarded": 90.0}
    assert count(run, EU, status="in_force", margin=0).flop.low == 100
    california = count(run, CALIFORNIA, status="in_force", margin=0)
    assert (california.flop.low, california.flop.high) == (0, 100)
    assert california.silent_stages == ("synthetic_kept", "synthetic_discarded")


def test_answering_users_reaches_no_threshold_whatever_its_size() -> None:
    counts = side_by_side({"deployment_inference": 1e30}, day=DAY)
    assert len(counts) >= 6
    assert all(counted.position == "not_reached" and counted.flop.high == 0 for counted in counts)
    assert all(counted.position == "reached" for counted in side_by_side({"pre_training": 1e30}, day=DAY))


def test_the_margin_decides_between_reached_and_undecided() -> None:
    assert count({"pre_training": 1.0e25}, EU, status="in_force").position == "undecided"
    assert count({"pre_training": 1.5e25}, EU, status="in_force").position == "reached"
    assert count({"pre_training": 7.6e24}, EU, status="in_force").position == "not_reached"


def test_the_operator_decides_at_the_number() -> None:
    run = {"pre_training": 1e26}
    assert count(run, instrument("kr-basic-act"), status="in_force", margin=0).position == "reached"
    assert count(run, CALIFORNIA, status="in_force", margin=0).position == "not_reached"


def test_rollouts_count_towards_systemic_risk_but_the_criterion_is_silent() -> None:
    run = {"rl_updates": 1e23, "rl_rollouts": 9e23}
    assert count(run, EU, status="in_force", margin=0).flop.low == 1e24
    assert count(run, CRITERION, status="voluntary", margin=0).flop.low == 1e23


def test_a_range_widens_the_count() -> None:
    found = count({"pre_training": Range(1e25, 2e25)}, EU, status="in_force")
    assert found.flop.low == pytest.approx(0.7e25)
    assert found.flop.high == pytest.approx(2.6e25)


@given(RUNS, st.floats(0, 0.9))
def test_intervals_are_ordered_and_every_stage_is_somewhere(run: dict[str, float], margin: float) -> None:
    for counted in side_by_side(run, day=DAY, margin=margin):
        assert 0 <= counted.flop.low <= counted.flop.high <= 2 * sum(run.values())
        assert {*counted.counted_stages, *counted.silent_stages, *counted.excluded_stages} == set(run)


@given(RUNS, st.sampled_from(STAGES), FLOP)
def test_more_compute_never_counts_less(run: dict[str, float], stage: str, more: float) -> None:
    larger = run | {stage: run.get(stage, 0) + more}
    for before, after in zip(side_by_side(run, day=DAY), side_by_side(larger, day=DAY), strict=True):
        assert after.flop.low >= before.flop.low
        assert after.flop.high >= before.flop.high


@given(RUNS, st.floats(1e-3, 1e3))
def test_counts_scale_with_the_run(run: dict[str, float], factor: float) -> None:
    scaled = {stage: flop * factor for stage, flop in run.items()}
    for one, other in zip(side_by_side(run, day=DAY), side_by_side(scaled, day=DAY), strict=True):
        assert other.flop.high == pytest.approx(one.flop.high * factor)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({"pre_training": 0.0}, "no compute"),
        ({}, "no compute"),
        ({"pre_training": -1.0}, "0 or more"),
        ({"pretraining": 1.0}, "pre_training"),
    ],
)
def test_bad_runs_are_refused(run: dict[str, float], told: str) -> None:
    with pytest.raises(InputError, match=told):
        side_by_side(run, day=DAY)


def test_the_one_third_rule() -> None:
    assert modification(0.5e24, original_flop=1e24, systemic=False).position == "reached"
    assert modification(0.34e24, original_flop=1e24, systemic=False).position == "undecided"
    assert modification(0.2e24, original_flop=1e24, systemic=False).position == "not_reached"
    assert modification(1e24 / 3, original_flop=1e24, systemic=False, margin=0).position == "not_reached"
    assert modification(1e24, original_flop=None, systemic=True).position == "not_reached"
    assert modification(1e24, original_flop=None, systemic=False).position == "reached"


def test_a_teachers_training_does_not_count_and_its_samples_do_unless_public() -> None:
    kept = distillation_stages(
        student_flop=1e24, teacher_generation_flop=2e24, teacher_discarded_flop=3e24, teacher_training_flop=1e27
    )
    assert count(kept, EU, status="in_force", margin=0).flop.high == pytest.approx(6e24)
    public = distillation_stages(
        student_flop=1e24, teacher_generation_flop=2e24, teacher_discarded_flop=3e24, public=True
    )
    assert count(public, EU, status="in_force", margin=0).flop.high == pytest.approx(1e24)
