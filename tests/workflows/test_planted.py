"""The planted truth stands beside the measurement of a simulated study, and of no other; it is no finding."""

from dataclasses import replace
from pathlib import Path

import pytest

import overthink
from overthink.data.ids import CurveKey
from overthink.data.results.beside import PlantedCurve
from overthink.reports.report_curves import planted_lines, planted_sentences, planted_summary, report_curves
from overthink.workflows.results import planted_curves


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    plan = overthink.Plan(
        overthink="0",
        model="overthink/simulated",
        model_args={"capability": "0:0.1,16:0.9", "natural_length": 50},
        tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        budgets=(0, 16),
        draws=2,
        limit=6,
        seed=3,
        arms=overthink.arms("base,primer:text=safety", model="overthink/simulated"),
    )
    out: Path = tmp_path_factory.mktemp("planted") / "study"
    return overthink.run(overthink.prepare(plan), out)


def test_the_page_draws_the_planted_truth_of_the_plain_ladder(study: overthink.Study) -> None:
    base, primer = study.about.planted
    assert (base.key.arm, base.obstacle, sorted(base.values)) == ("base", "", [0, 1])
    assert base.values[0] < 0.35 < 0.6 < base.values[1]
    assert primer.obstacle
    assert not primer.values
    lines = planted_lines(study.about.planted, report_curves(study.results, {}))
    assert dict(base.values) in lines
    html = study.html()
    assert base.half_width is not None
    assert f"(up to ±{100 * base.half_width:.1f} points) at" in html
    assert study.planted["planted"].to_list()[:2] == [base.values[0], base.values[1]]
    assert study.planted["arm"].to_list() == ["base", "base", primer.key.arm]
    assert "planted truth: inside the band (up to ±" in repr(study)
    assert not any("planted" in finding.id or "planted" in str(finding.label) for finding in study.findings)


def test_another_truth_is_outside_the_band_and_no_real_model_has_one(study: overthink.Study) -> None:
    assert study.about.plan is not None
    plan = overthink.Plan.model_validate(study.about.plan)
    wrong = plan.model_copy(update={"model_args": {"capability": "0:0.99,16:0.01"}})
    base, _ = planted_curves(wrong, study.pool, study.results.curves)
    assert base.outside == (0, 1)
    assert base.half_width is not None
    assert (
        f"outside the band (up to ±{100 * base.half_width:.1f} points) at 2 of 2 rungs" in planted_sentences([base])[0]
    )
    real = plan.model_copy(update={"model": "overthink/smollm2", "model_args": {}})
    assert planted_curves(real, study.pool, study.results.curves) == ()
    assert planted_curves(None, study.pool, study.results.curves) == ()


def test_a_curve_without_a_band_is_neither(study: overthink.Study) -> None:
    bare: PlantedCurve = replace(study.about.planted[0], outside=None, half_width=None)
    assert "there is no band" in planted_sentences([bare])[0]


def test_a_band_with_room_for_any_line_says_so() -> None:
    key = CurveKey("capability", "sums", "base", "match", "forced")
    wide = PlantedCurve(key, {0: 0.5, 1: 0.5}, outside=(), half_width=0.7, holds_flat=True)
    said = "planted truth: inside the band (up to ±70.0 points) in 1 of 1 curve; a flat line would be in 1 of 1 curve"
    assert planted_summary([wide]) == said
    assert planted_sentences([wide])[0].endswith("at every rung that has one; a flat line would be inside it, too.")
    narrow = replace(wide, half_width=0.1, holds_flat=False)
    assert planted_summary([narrow, replace(narrow, outside=(1,))]) == (
        "planted truth: inside the band (up to ±10.0 points) in 1 of 2 curves"
    )
