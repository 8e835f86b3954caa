"""Every finding stands where it says it stands, and only there."""

import random
from dataclasses import replace

import pytest
from kinds import everything
from overthink.reports.curve_tree import SHOWN_ARMS, default_arms, report_curves
from synthetic import ladder, study, sweep


def test_axes_stand_in_the_order_of_the_page_whatever_the_order_of_the_findings() -> None:
    found = [curve.axis for curve in report_curves(reversed(study()), {})]
    assert found == ["capability", "safety", "benign"]


def test_the_order_of_findings_moves_nothing_on_a_curve() -> None:
    findings = study(arms=("base", "steered"))
    shuffled = random.Random(5).sample(findings, len(findings))

    def placed(given: list) -> dict:  # type: ignore[type-arg]
        return {
            (curve.axis, curve.arm): (
                [(r.rung, r.mean, r.tokens, r.gates, r.tries) for r in curve.rungs],
                curve.change,
            )
            for curve in report_curves(given, {})
        }

    assert placed(shuffled) == placed(findings)


def test_two_estimands_are_two_curves() -> None:
    found = report_curves(ladder() + ladder(estimand="natural"), {})
    assert [curve.estimand for curve in found] == ["forced", "natural"]
    for curve in found:
        assert {rung.mean.estimand for rung in curve.rungs if rung.mean} == {curve.estimand}


def test_two_judges_of_one_task_are_two_curves() -> None:
    one = [replace(f, id=f"1{f.id}", scorer="words") for f in ladder()]
    other = [replace(f, id=f"2{f.id}", scorer="model") for f in ladder(start=0.6)]
    found = report_curves([*one, *other], {})
    assert [curve.name for curve in found] == ["sums, judged by words", "sums, judged by model"]
    starts = [curve.rungs[0].mean.estimate for curve in found if curve.rungs[0].mean]
    assert starts == pytest.approx([0.3, 0.6])


def test_the_change_is_that_between_the_ends() -> None:
    findings = ladder()
    end = next(f for f in findings if f.kind == "difference")
    inner = replace(end, id="inner", at=replace(end.at, rung=2, from_rung=1))
    (curve,) = report_curves([inner, *findings], {})
    assert curve.change is end
    (curve,) = report_curves([inner, *(f for f in findings if f is not end)], {})
    assert curve.change is None


def test_a_reference_holds_for_all_axes_of_an_arm() -> None:
    found = report_curves(study(arms=("base", "steered")), {"base": 40.0})
    assert [curve.reference for curve in found] == [40.0, None] * 3


def test_gates_failed_are_told_by_either_side() -> None:
    findings = ladder(failed=(1,))
    (curve,) = report_curves(findings, {})
    assert [rung.gates_failed() for rung in curve.rungs] == [[], ["truncation"], [], [], []]
    (curve,) = report_curves([f for f in findings if f.kind != "gate"], {})
    assert [rung.gates_failed() for rung in curve.rungs] == [[], ["truncation"], [], [], []]


def test_arms_with_most_rungs_come_first() -> None:
    arms = default_arms(report_curves(sweep(40), {}))
    assert len(arms) == SHOWN_ARMS
    assert all(int(arm.removeprefix("model-")) % 2 == 1 for arm in arms)


def test_every_kind_finds_its_place() -> None:
    findings = everything()
    (curve,) = report_curves(random.Random(3).sample(findings, len(findings)), {})
    for rung in curve.rungs:
        assert {f.kind: (f.metric, f.at.rung) for f in (rung.band, rung.mean) if f} == {
            "band": ("mean", rung.rung),
            "value": ("mean", rung.rung),
        }
        assert rung.corrected_mean is not None
        assert (rung.corrected_mean.metric, rung.corrected_mean.at.rung) == ("corrected_mean", rung.rung)
        assert rung.judge
        assert all(f.at.rung == rung.rung for f in rung.judge.values())
        assert ("settled" in rung.steady) == (rung.rung < 4)
        assert list(rung.controls) == ["good_bad"]
    assert [(f.metric, f.at.from_rung, f.at.rung) for f in curve.flips[:3]] == [
        ("gained", 0, 1),
        ("lost", 0, 1),
        ("gained", 1, 2),
    ]
    assert curve.flips[-1].metric == "lost_and_regained"
    assert curve.drift is not None


def test_gaps_to_two_capability_tasks_are_two() -> None:
    both = [*everything(against="sums"), *(f for f in everything(against="proofs") if f.kind == "divergence")]
    (curve,) = report_curves(reversed(both), {})
    assert sorted(gap.against for gap in curve.gaps) == ["against proofs", "against sums"]
    for gap in curve.gaps:
        assert [f.at.rung for f in gap.steps] == [1, 2, 3, 4]
        assert {f.label for f in gap.steps} == {gap.against}
        assert gap.onset is not None
        assert len(gap.slopes["slope_safety"]) == 4
