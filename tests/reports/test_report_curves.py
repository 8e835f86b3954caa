"""Every finding stands where it says it stands, and only there."""

from dataclasses import replace

import pytest
from kinds import everything
from results import results_of
from synthetic import ladder, study, sweep

from overthink.reports.report_curves import SHOWN_ARMS, default_arms, report_curves


def test_axes_stand_in_the_order_of_the_page_whatever_the_order_of_the_findings() -> None:
    found = [curve.axis for curve in report_curves(results_of(reversed(study())), {})]
    assert found == ["capability", "safety", "benign"]


def test_two_estimands_are_two_curves() -> None:
    found = report_curves(results_of(ladder() + ladder(estimand="natural")), {})
    assert [curve.estimand for curve in found] == ["forced", "natural"]
    for curve in found:
        assert {rung.mean.estimand for rung in curve.rungs if rung.mean} == {curve.estimand}


def test_two_judges_of_one_task_are_two_curves() -> None:
    one = [replace(f, id=f"1{f.id}", scorer="words") for f in ladder()]
    other = [replace(f, id=f"2{f.id}", scorer="model") for f in ladder(start=0.6)]
    found = report_curves(results_of([*one, *other]), {})
    assert [curve.name for curve in found] == ["sums, judged by words", "sums, judged by model"]
    starts = [curve.rungs[0].mean.estimate for curve in found if curve.rungs[0].mean]
    assert starts == pytest.approx([0.3, 0.6])


def test_the_change_is_that_between_the_ends() -> None:
    findings = ladder()
    end = next(f for f in findings if f.kind == "difference")
    inner = replace(end, id="inner", at=replace(end.at, rung=2, from_rung=1))
    (curve,) = results_of([inner, *findings]).curves
    assert curve.change is end
    (curve,) = results_of([inner, *(f for f in findings if f is not end)]).curves
    assert curve.change is None


def test_a_reference_holds_for_all_axes_of_an_arm() -> None:
    found = report_curves(results_of(study(arms=("base", "steered"))), {"base": 40.0})
    assert [curve.reference for curve in found] == [40.0, None] * 3


def test_gates_failed_are_told_by_either_side() -> None:
    findings = ladder(failed=(1,))
    (curve,) = report_curves(results_of(findings), {})
    assert [rung.result.failed_gates for rung in curve.rungs] == [(), ("truncation",), (), (), ()]
    (curve,) = report_curves(results_of([f for f in findings if f.kind != "gate"]), {})
    assert [rung.result.failed_gates for rung in curve.rungs] == [(), ("truncation",), (), (), ()]


def test_arms_with_most_rungs_come_first() -> None:
    arms = default_arms(report_curves(results_of(sweep(40)), {}))
    assert len(arms) == SHOWN_ARMS
    assert all(int(arm.removeprefix("model-")) % 2 == 1 for arm in arms)


def test_controls_stand_at_their_rungs_and_flips_in_their_order() -> None:
    (curve,) = report_curves(results_of(everything()), {})
    assert [list(rung.controls) for rung in curve.rungs] == [["good_bad"]] * 5
    assert all(finding.at.rung == rung.number for rung in curve.rungs for finding in rung.controls.values())
    assert [(f.metric, f.at.from_rung, f.at.rung) for f in curve.flips[:3]] == [
        ("gained", 0, 1),
        ("lost", 0, 1),
        ("gained", 1, 2),
    ]
    assert curve.flips[-1].metric == "lost_and_regained"


def test_gaps_to_two_capability_tasks_are_two() -> None:
    both = [*everything(against="sums"), *(f for f in everything(against="proofs") if f.kind == "divergence")]
    (curve,) = report_curves(results_of(both), {})
    assert [gap.capability.task for gap in curve.gaps] == ["sums", "proofs"]
