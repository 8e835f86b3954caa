"""What findings say of two arms on the same questions: verdicts, named questions, samples counted, adjusted p."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from overthink.analysis.mitigations import comparisons
from overthink.analysis.request import CurveContext
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.results.arms import PairedResult
from overthink.data.results.study import arm_findings
from overthink.data.verdict_labels import PairedLabel
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

A, B = "old", "new"


def rows(
    arm: str,
    values: Mapping[str, Sequence[float | None]],
    *,
    estimand: Estimand = Estimand.NATURAL,
    effort: str | None = None,
    rung: int = 0,
    task: str = "sums",
    scorer: str = "match",
) -> list[RungRecord]:
    """Rows of one arm; None is an errored draw."""
    return [
        RungRecord(
            "s",
            arm,
            Axis.CAPABILITY,
            task,
            scorer,
            question,
            draw,
            rung,
            estimand,
            value=value,
            effort=effort,
            verdict=Verdict.ERRORED if value is None else Verdict.CORRECT if value >= 0.5 else Verdict.WRONG,
        )
        for question, own in values.items()
        for draw, value in enumerate(own)
    ]


def paired(records: Iterable[RungRecord], **decisions: object) -> tuple[PairedResult, ...]:
    analysis = Analysis(level=0.95, reference=A, **decisions)  # type: ignore[arg-type]
    contexts = [
        CurveContext.of(
            table,
            analysis,
            prefix="/".join(table.key),
            scorers=1,
            family=1,
            weights=question_weights(len(table.questions), rng=np.random.default_rng(0), resamples=20),
        )
        for table in from_records(list(records))
    ]
    results = comparisons(contexts, rng=np.random.default_rng(0))
    found = list(arm_findings(results))
    assert len({finding.id for finding in found}) == len(found)
    return results.paired


def each(value: float, n: int, *, start: int = 0, draws: int = 1) -> dict[str, list[float | None]]:
    return {f"q{i:03d}": [value] * draws for i in range(start, start + n)}


def test_two_natural_runs_are_compared_question_by_question() -> None:
    old = each(1, 60) | each(0, 40, start=60)
    new = each(1, 55) | each(0, 5, start=55) | each(1, 20, start=60) | each(0, 20, start=80)
    (result,) = paired([*rows(A, old), *rows(B, new)])
    (rung,) = result.rungs
    assert (result.reference.arm, result.arm.arm, result.n_shared, result.left_out) == (A, B, 100, (0, 0))
    assert rung.mean.estimate == pytest.approx(0.15)
    assert (rung.reference.mean, rung.arm.mean) == (0.6, 0.75)
    assert rung.gained.questions == tuple(f"q{i:03d}" for i in range(60, 80))
    assert rung.lost.questions == tuple(f"q{i:03d}" for i in range(55, 60))
    assert rung.mcnemar.label == "against old: 20 gained, 5 lost"
    assert rung.mcnemar.test is not None
    assert rung.mcnemar.test.p == pytest.approx(0.004077, abs=1e-6)
    assert rung.label is PairedLabel.DIFFERENT
    assert rung.mean.gates_failed == ()
    assert (rung.reference_design, rung.arm_design) == (None, None)


def test_500_questions_of_4_draws_have_the_paired_t_interval() -> None:
    rng = np.random.default_rng(5)
    chance = rng.beta(2, 2, (500, 1))
    values = {arm: (rng.random((500, 4)) < chance + 0.03 * i).astype(float) for i, arm in enumerate((A, B))}
    records = [
        row for arm, own in values.items() for row in rows(arm, {f"q{i:03d}": v.tolist() for i, v in enumerate(own)})
    ]
    (result,) = paired(records)
    test = stats.ttest_rel(values[B].mean(axis=1), values[A].mean(axis=1))
    ends = test.confidence_interval(0.95)
    found = result.rungs[0].mean
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), abs=1e-9)
    assert found.test is not None
    assert found.test.p == pytest.approx(test.pvalue, abs=1e-9)


def test_several_draws_are_averaged_and_have_no_mcnemar() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(50)
    sides = ({f"q{i}": (rng.random(4) < p).astype(float).tolist() for i, p in enumerate(chance)} for _ in range(2))
    (result,) = paired([row for arm, own in zip((A, B), sides, strict=True) for row in rows(arm, own)])
    (rung,) = result.rungs
    assert rung.mean.n_questions == 50
    assert rung.mean.n_draws == 4
    assert rung.mcnemar.estimate is None
    assert "several" in str(rung.mcnemar.reason)
    assert rung.arm_design is not None
    assert (rung.arm_design.estimate or 0) > 1.2


def test_shared_questions_alone_are_compared() -> None:
    (result,) = paired([*rows(A, each(1, 30)), *rows(B, each(1, 40, start=10))])
    assert (result.n_shared, result.left_out) == (20, (10, 20))
    (rung,) = result.rungs
    assert rung.reference.samples == rung.arm.samples == 20
    assert any("30 questions are left out" in limit for limit in rung.mean.limits)


@pytest.mark.parametrize("shared", [0, 1])
def test_too_few_shared_questions_are_no_comparison(shared: int) -> None:
    assert paired([*rows(A, each(1, 5)), *rows(B, each(1, 5, start=5 - shared))]) == ()


def test_equal_answers_to_many_questions_are_equivalent_and_to_few_are_not() -> None:
    for n, label in ((20, PairedLabel.UNDETERMINED), (200, PairedLabel.EQUIVALENT)):
        (result,) = paired([*rows(A, each(1, n)), *rows(B, each(1, n))])
        (rung,) = result.rungs
        assert rung.label is label
        assert (rung.mean.low or 0) < 0 < (rung.mean.high or 0)


def test_a_shown_difference_below_the_margin_is_said_to_be_small() -> None:
    old = each(0, 400)
    new = each(1, 12) | each(0, 388, start=12)
    (result,) = paired([*rows(A, old), *rows(B, new)], margin=0.1)
    (rung,) = result.rungs
    assert rung.label is PairedLabel.DIFFERENT
    assert rung.is_small
    assert any("less than the margin" in limit for limit in rung.equivalence.limits)


def test_samples_without_a_value_that_are_unlike_fail_a_gate() -> None:
    lost = each(1, 90) | {f"q{i:03d}": [None] for i in range(90, 100)}
    (result,) = paired([*rows(A, each(1, 80) | each(0, 20, start=80)), *rows(B, lost)])
    (rung,) = result.rungs
    assert (rung.arm.samples, rung.arm.counted, rung.arm.errored) == (100, 90, 10)
    assert "missingness" in rung.mean.gates_failed
    assert "missingness" in rung.equivalence.gates_failed
    assert rung.unlike is not None
    alike = {f"q{i:03d}": [None] for i in range(90, 100)}
    (result,) = paired([*rows(A, each(1, 90) | alike), *rows(B, each(1, 90) | alike)])
    assert result.rungs[0].unlike is None


def test_unparsed_and_cut_samples_are_counted_on_their_side() -> None:
    cut = [
        replace(row, truncated=i < 8, verdict=Verdict.UNPARSED if 8 <= i < 12 else row.verdict)
        for i, row in enumerate(rows(B, each(1, 50)))
    ]
    (result,) = paired([*rows(A, each(1, 50)), *cut])
    (rung,) = result.rungs
    assert (rung.arm.cut, rung.arm.unparsed, rung.arm.unclear, rung.arm.counted) == (8, 4, 12, 50)
    assert (rung.reference.cut, rung.reference.unclear) == (None, 0)
    assert "missingness" in rung.mean.gates_failed


def test_ladders_are_compared_level_by_level_and_adjusted_over_all() -> None:
    rng = np.random.default_rng(0)
    records = []
    for arm, levels in ((A, ("low", "high")), (B, ("low", "medium", "high"))):
        for i, effort in enumerate(levels):
            own = {f"q{n}": [float(rng.random() < (0.8 if (arm, effort) == (B, "high") else 0.4))] for n in range(80)}
            records += rows(arm, own, estimand=Estimand.EFFORT, effort=effort, rung=i)
    (result,) = paired(records)
    assert [rung.mean.at.effort for rung in result.rungs] == ["low", "high"]
    tests = [rung.mean.test for rung in result.rungs]
    assert [test.p_adjusted >= test.p for test in tests if test is not None and test.p and test.p_adjusted] == [
        True
    ] * 2
    assert result.rungs[1].label is PairedLabel.DIFFERENT
    assert all(any("adjusted over 2" in limit for limit in rung.mean.limits) for rung in result.rungs)


def test_one_level_each_is_compared_as_a_difference_of_settings() -> None:
    sides = ((A, "low", each(0, 40)), (B, "high", each(1, 40)))
    (result,) = paired(
        [row for arm, effort, own in sides for row in rows(arm, own, estimand=Estimand.EFFORT, effort=effort)]
    )
    assert any("settings differ" in limit for limit in result.rungs[0].mean.limits)


def test_a_natural_run_beside_a_curve_is_a_control() -> None:
    forced = [
        replace(row, requested_tokens=100) for arm in (A, B) for row in rows(arm, each(1, 20), estimand=Estimand.FORCED)
    ]
    natural = [row for arm in (A, B) for row in rows(arm, each(0, 20))]
    assert [result.arm.estimand for result in paired([*forced, *natural])] == ["forced"]


def test_graded_values_have_a_mean_and_no_mcnemar() -> None:
    rng = np.random.default_rng(0)
    sides = {arm: {f"q{i}": [float(rng.random())] for i in range(40)} for arm in (A, B)}
    (result,) = paired([row for arm, own in sides.items() for row in rows(arm, own)])
    (rung,) = result.rungs
    assert rung.mean.low is not None
    assert "0 and 1" in str(rung.mcnemar.reason)
