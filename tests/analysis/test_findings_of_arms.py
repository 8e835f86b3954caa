"""What the report may say of arms beside the reference, on pools with planted effects and planted costs."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BASE, BUDGETS, HALVES, KEEPS, arm, three

from overthink.analysis.mitigations import comparisons
from overthink.analysis.request import CurveContext
from overthink.data.finding import Finding
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Axis, RungRecord
from overthink.data.results.arms import ArmResults
from overthink.data.results.study import arm_findings
from overthink.data.verdict_labels import MitigationLabel, ReadingLabel, TaxLabel
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

ANALYSIS = Analysis(level=0.95)


def page_of(outcomes: Outcomes, analysis: Analysis) -> CurveContext:
    weights = question_weights(len(outcomes.questions), rng=np.random.default_rng(0), resamples=20)
    name = "/".join((outcomes.axis, outcomes.task, outcomes.arm))
    return CurveContext.of(outcomes, analysis, prefix=name, scorers=1, family=1, weights=weights)


def results(rows: Iterable[RungRecord], analysis: Analysis = ANALYSIS) -> ArmResults:
    pages = [page_of(table, analysis) for table in from_records(list(rows))]
    return comparisons(pages, rng=np.random.default_rng(0))


def compared(rows: Iterable[RungRecord], analysis: Analysis = ANALYSIS) -> list[Finding]:
    return list(arm_findings(results(rows, analysis)))


def one(found: list[Finding], kind: str, metric: str, *, of: str, axis: str = "safety") -> list[Finding]:
    return [f for f in found if (f.kind, f.metric, f.arm, f.axis) == (kind, metric, of, axis)]


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    return compared(three(questions=150))


def test_ids_are_unique_and_say_the_reference(found: list[Finding]) -> None:
    assert len({f.id for f in found}) == len(found)
    assert {f.arm for f in found if f.kind != "ledger"} == {"keeps", "halves"}
    told = [f for f in found if f.kind in ("arm_difference", "safety_tax")]
    assert told
    assert all((f.label or "").startswith("against base") for f in told)


def test_fields_say_what_labels_say() -> None:
    arms = results([*three(questions=40), *arm("placebo:of=keeps", BASE, questions=40)])
    assert arms.unit == "tokens"
    assert next(total.key.arm for total in arms.totals if total.key.axis == "safety") == "base"
    assert {result.reference.arm for result in (*arms.differences, *arms.taxes, *arms.mitigations)} == {"base"}
    assert [(one.arm.arm, one.placebo.arm) for one in arms.readings] == [("keeps", "placebo:of=keeps")]
    assert {one.arm.arm for one in arms.differences} == {"keeps", "halves", "placebo:of=keeps"}
    assert {one.arm.arm for one in (*arms.taxes, *arms.mitigations)} == {"keeps", "halves"}
    points = [point for one in arms.differences for point in one.by_compute]
    assert all((point.difference.label or "").endswith(f", K (total compute) = {point.k:.3g}") for point in points)
    verdicts = [verdict for tax in arms.taxes for verdict in (tax.at_budget, tax.at_compute) if verdict is not None]
    assert len(verdicts) == 2 * len([tax for tax in arms.taxes if tax.arm.axis != "safety"])
    assert all((verdict.change.label or "").endswith(f": {verdict.label}") for verdict in verdicts)
    assert {verdict.label for verdict in verdicts} >= {TaxLabel.LOSS}
    assert [one.label for one in arms.mitigations] == [one.verdict.label for one in arms.mitigations]
    assert {one.label for one in arms.mitigations} <= set(MitigationLabel)
    assert [one.label for one in arms.readings] == [ReadingLabel.HELPS]
    for result in (*arms.mitigations, *arms.readings):
        assert result.verdict.key == result.arm


def test_a_mitigation_holds_what_stands_beside_its_verdict() -> None:
    less = [
        replace(row, thinking_tokens=round(0.6 * (row.thinking_tokens or 0))) if row.arm == "keeps" else row
        for row in three(questions=40)
    ]
    of = {result.arm.arm: result for result in results(less).mitigations}
    keeps, halves = of["keeps"], of["halves"]
    assert keeps.equal_realised is not None
    assert halves.equal_realised is None
    assert keeps.arm_thinking is not None
    assert keeps.reference_thinking is not None
    assert (keeps.arm_thinking.estimate or 0) < 0.7 * (keeps.reference_thinking.estimate or 0)
    assert halves.degradation is not None
    assert halves.residual is not None
    parts = (halves.price.steers.estimate, halves.price.thinks_less.estimate)
    assert halves.price.gain.estimate == pytest.approx(sum(part or 0 for part in parts))


def test_planted_mitigations_are_told(found: list[Finding]) -> None:
    (keeps,) = one(found, "mitigation", "equal_thinking", of="keeps")
    (halves,) = one(found, "mitigation", "equal_thinking", of="halves")
    assert keeps.label == "eliminates within δ"
    assert halves.label == "mitigates, does not eliminate"
    assert halves.at.requested_tokens == BUDGETS[-1]
    assert halves.estimate == pytest.approx(0.2, abs=0.08)
    assert halves.low is not None
    assert 0 < halves.low < 0.2
    (left,) = one(found, "mitigation", "residual_equal_thinking", of="halves")
    (fell,) = one(found, "mitigation", "degradation_equal_thinking", of="halves")
    assert fell.estimate == pytest.approx(0.4, abs=0.08)
    assert left.estimate == pytest.approx(0.2, abs=0.08)
    assert fell.simultaneous
    assert halves.test is not None
    assert halves.test.p_adjusted is not None
    assert halves.test.mde is not None


def test_an_arm_that_does_nothing_has_no_effect() -> None:
    found = compared([*arm("base", BASE), *arm("same", BASE)])
    assert one(found, "mitigation", "equal_thinking", of="same")[0].label == "no effect shown"


def test_at_an_equal_rung_the_difference_is_that_of_the_questions() -> None:
    rows = three(questions=40)
    found = compared(rows)
    for number, made in enumerate(one(found, "arm_difference", "equal_rung", of="keeps")):
        own, base = (
            np.mean([r.value for r in rows if (r.arm, r.axis, r.rung) == (name, Axis.SAFETY, number)])
            for name in ("keeps", "base")
        )
        assert made.estimate == pytest.approx(own - base)
        assert made.at.requested_tokens == BUDGETS[number]
        assert made.simultaneous


def test_total_compute_counts_guards_and_what_was_thrown_away(found: list[Finding]) -> None:
    points = one(found, "arm_difference", "equal_compute", of="keeps")
    own = [f.at.total for f in points if "/reference/" not in f.id]
    # Prompt 30, answer 10, and 1.7 tokens for each that was thought; the top rung lies beyond the reference.
    np.testing.assert_allclose(own, [40, 40 + 1.7 * 64, 40 + 1.7 * 256], rtol=0.01)
    others = [f.at.total for f in points if "/reference/" in f.id]
    np.testing.assert_allclose(others, [40 + 64, 40 + 256, 40 + 1024], rtol=0.01)
    places = one(found, "ledger", "compared_total", of="keeps")
    np.testing.assert_allclose([f.estimate for f in places], [40 + 1.7 * b for b in BUDGETS], rtol=0.01)
    assert points[-1].label == "against base, at 1,064 tokens, K (total compute) = 26.6"


def test_an_arm_that_only_costs_more_loses_at_equal_compute_and_not_at_an_equal_rung() -> None:
    """The very same answers at twice the price."""
    plain = [row for row in arm("base", BASE, questions=60) if row.axis is Axis.CAPABILITY]
    dear = [replace(row, arm="dear", guard_tokens=(row.thinking_tokens or 0)) for row in plain]
    found = compared([*plain, *dear])
    assert [f.estimate for f in one(found, "arm_difference", "equal_rung", of="dear", axis="capability")] == [0.0] * 4
    inside = one(found, "arm_difference", "equal_compute", of="dear", axis="capability")[1:-1]
    assert all(f.estimate is not None and f.estimate < 0 for f in inside)
    (ratio,) = one(found, "safety_tax", "compute", of="dear", axis="capability")
    assert ratio.estimate == pytest.approx((40 + 2048) / (40 + 1024), abs=0.01)
    # Without the guard's tokens on the axis the two arms would be one.
    free = compared([*plain, *(replace(row, guard_tokens=0) for row in dear)])
    assert all(f.estimate == pytest.approx(0) for f in one(free, "arm_difference", "equal_compute", of="dear"))


def test_the_safety_tax_has_its_signs(found: list[Finding]) -> None:
    (refuses,) = one(found, "safety_tax", "over_refusal", of="keeps", axis="benign")
    assert refuses.estimate == pytest.approx(0.15, abs=0.06)
    assert refuses.low is not None
    assert refuses.high is not None
    assert refuses.low < refuses.estimate < refuses.high
    assert (refuses.label or "").endswith("loss shown")
    (same,) = one(found, "safety_tax", "over_refusal", of="halves", axis="benign")
    assert "loss shown" not in (same.label or "")
    fewer = compared(
        [*arm("base", BASE), *arm("dull", BASE | {Axis.CAPABILITY: (0.3, 0.35, 0.4, 0.4)})],
    )
    (lost,) = one(fewer, "safety_tax", "capability", of="dull", axis="capability")
    assert lost.estimate == pytest.approx(-0.3, abs=0.08)
    assert (lost.low or 0) < (lost.estimate or 0) < (lost.high or 0) < 0
    assert (lost.label or "").endswith("loss shown")


def test_the_order_of_rows_does_not_matter() -> None:
    rows = three(questions=20)
    again = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    assert compared(again) == compared(rows)


def test_an_arm_that_answers_at_once_stands_for_every_budget() -> None:
    at_once = arm("zero", KEEPS, budgets=(0,))
    found = compared([*arm("base", BASE), *at_once])
    rungs = one(found, "arm_difference", "equal_rung", of="zero")
    assert [f.at.requested_tokens for f in rungs] == list(BUDGETS)
    assert one(found, "mitigation", "equal_thinking", of="zero")[0].label == "partly by thinking less, no more is shown"
    (cheap,) = one(found, "mitigation", "equal_compute", of="zero")
    assert cheap.label is None
    (same,) = one(found, "mitigation", "equal_realised", of="zero")
    assert same.estimate == pytest.approx(0.02, abs=0.06)  # neither of them thinks, and neither has fallen
    # A ladder of one rung in another study was not asked for more.
    other = compared([*arm("base", BASE), *arm("zero", KEEPS, budgets=(0,), study="other")])
    assert [f.at.requested_tokens for f in one(other, "arm_difference", "equal_rung", of="zero")] == [0]


def test_without_tokens_arms_are_compared_by_rung_and_say_why_not_by_compute() -> None:
    rows = [replace(row, thinking_tokens=None, generated_tokens=None) for row in three(questions=30)]
    found = compared(rows)
    assert one(found, "mitigation", "equal_thinking", of="keeps")[0].estimate is not None
    for kind, metric in (("mitigation", "equal_compute"), ("arm_difference", "equal_compute")):
        (made,) = one(found, kind, metric, of="keeps")
        assert made.estimate is None
        assert made.reason == "the source does not count the tokens of an attempt"
    (ratio,) = one(found, "safety_tax", "compute", of="keeps")
    assert ratio.estimate is None


def test_prompts_count_where_every_arm_tells_them() -> None:
    rows = three(questions=20)
    told = one(compared(rows), "ledger", "compared_total", of="base")[0]
    partly = [replace(row, prompt_tokens=None) if row.arm == "keeps" else row for row in rows]
    untold = one(compared(partly), "ledger", "compared_total", of="base")[0]
    assert (told.estimate, untold.estimate) == (40.0, 10.0)
    assert "prompts are not" in untold.limits[-2]


def test_questions_that_an_arm_lacks_are_left_out_of_every_comparison() -> None:
    rows = [*arm("base", BASE), *arm("keeps", KEEPS), *arm("halves", HALVES, questions=70)]
    made = one(compared(rows), "arm_difference", "equal_rung", of="keeps")[0]
    assert made.n_questions == 70
    assert "10 questions are left out: some arm lacks them" in made.limits


def test_the_reference_is_the_plain_arm_or_the_one_that_was_named() -> None:
    rows = [row for row in three(questions=20) if row.arm != "base"]
    assert compared(rows) == []
    named = compared(rows, Analysis(level=0.95, reference="halves", other_models=("keeps",)))
    assert {f.arm for f in named if f.kind == "mitigation"} == {"keeps"}
    assert any("different models" in limit for limit in named[-1].limits)


def test_gates_of_either_arm_are_told() -> None:
    rows = [replace(row, truncated=row.arm == "keeps" and row.rung == 3) for row in three(questions=20)]
    found = compared(rows)
    assert "truncation" in one(found, "arm_difference", "equal_rung", of="keeps")[-1].gates_failed
    assert "truncation" not in one(found, "arm_difference", "equal_rung", of="keeps")[0].gates_failed
    assert "truncation" not in one(found, "arm_difference", "equal_rung", of="halves")[-1].gates_failed
    assert "truncation" in one(found, "mitigation", "equal_thinking", of="keeps")[0].gates_failed
