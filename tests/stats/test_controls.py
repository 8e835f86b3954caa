"""Forced against own answers, and thinking against answers: exact cases, laws, and errors that are planted."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overthink.analysis.controls import controls, thought_judge_limit
from overthink.analysis.request import CurveContext
from overthink.data.finding import Finding
from overthink.data.ids import curve_ids
from overthink.data.outcomes import from_records
from overthink.data.record import ON_TRACE, Axis, Estimand, RungRecord, Verdict
from overthink.data.results.beside import TwoByTwoResult
from overthink.data.results.study import Results, flatten
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights
from overthink.stats.controls import CELLS, disagreement, two_by_two
from overthink.stats.gates import gates

QUESTIONS, DRAWS, RUNGS = 40, 4, 3


def weights(n: int = QUESTIONS) -> NDArray[np.float64]:
    return question_weights(n, rng=np.random.default_rng(0))


def values(p: float, seed: int, *, rungs: int = RUNGS) -> NDArray[np.float64]:
    return (np.random.default_rng(seed).random((QUESTIONS, DRAWS, rungs)) < p).astype(float)


def test_answers_that_are_the_same_never_disagree_and_a_planted_effect_is_found() -> None:
    own = values(0.5, 1)[:, :, 0]
    same = disagreement(np.repeat(own[:, :, None], RUNGS, axis=2), own, weights(), level=0.95)
    assert same.share.estimate.tolist() == same.difference.intervals.estimate.tolist() == [0.0] * RUNGS
    assert same.difference.p.tolist() == [1.0] * RUNGS
    forced = np.repeat(own[:, :, None], RUNGS, axis=2)
    flipped = np.random.default_rng(2).random(own.shape) < 0.3
    forced[:, :, 1] = np.where(flipped, 0.0, own)  # forcing makes right answers wrong, at one rung
    found = disagreement(forced, own, weights(), level=0.95)
    lost = float((flipped & (own == 1)).mean())
    assert found.share.estimate[1] == pytest.approx(lost)
    assert found.difference.intervals.estimate[1] == pytest.approx(-lost)
    assert found.difference.intervals.high[1] < 0
    assert found.difference.p[1] < 0.001
    assert found.share.estimate[[0, 2]].tolist() == [0.0, 0.0]


def test_effects_that_cancel_differ_in_share_and_not_in_the_mean() -> None:
    own = np.tile([0.0, 1.0], (QUESTIONS, DRAWS // 2))
    found = disagreement(1.0 - own[:, :, None], own, weights(), level=0.95)
    assert found.share.estimate.tolist() == [1.0]
    assert found.difference.intervals.estimate.tolist() == [0.0]


@given(seed=st.integers(0, 10_000), missing=st.floats(0, 0.9))
def test_only_traces_with_both_answers_count(seed: int, missing: float) -> None:
    forced, own = values(0.5, seed), values(0.4, seed + 1)[:, :, 0]
    gone = np.random.default_rng(seed).random(own.shape) < missing
    holed = disagreement(forced, np.where(gone, np.nan, own), weights(), level=0.95)
    spoilt = disagreement(np.where(gone[:, :, None], np.nan, forced), own, weights(), level=0.95)
    assert holed.traces.tolist() == spoilt.traces.tolist() == [int((~gone).sum())] * RUNGS
    np.testing.assert_allclose(holed.share.estimate, spoilt.share.estimate)
    np.testing.assert_allclose(holed.difference.intervals.low, spoilt.difference.intervals.low)


@given(seed=st.integers(0, 10_000), trace=st.floats(0, 1), answer=st.floats(0, 1))
def test_the_four_cells_add_up_to_one_and_to_both_margins(seed: int, trace: float, answer: float) -> None:
    thinking, answers = values(trace, seed), values(answer, seed + 1)
    cells = {name: found.estimate for name, found in two_by_two(thinking, answers, weights(), level=0.9).items()}
    assert tuple(cells) == CELLS
    np.testing.assert_allclose(sum(cells.values()), 1.0)
    np.testing.assert_allclose(cells["good_good"] + cells["good_bad"], thinking.mean(axis=(0, 1)))
    np.testing.assert_allclose(cells["good_good"] + cells["bad_good"], answers.mean(axis=(0, 1)))


def test_swapping_thinking_and_answer_swaps_the_mixed_cells() -> None:
    thinking, answers = values(0.8, 1), values(0.4, 2)
    one, other = (two_by_two(*both, weights(), level=0.95) for both in ((thinking, answers), (answers, thinking)))
    np.testing.assert_array_equal(one["good_bad"].estimate, other["bad_good"].estimate)
    assert not np.allclose(one["good_bad"].estimate, other["good_bad"].estimate)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="needed: the same"):
        two_by_two(values(0.5, 1), values(0.5, 1, rungs=2), weights(), level=0.95)
    with pytest.raises(ValueError, match="needed: \\(question, draw, rung\\)"):
        disagreement(values(0.5, 1), values(0.5, 1)[:, :2, 0], weights(), level=0.95)


def row(question: int, draw: int, rung: int, **fields: object) -> RungRecord:
    made = RungRecord(
        study="s", arm="base", axis=Axis.SAFETY, task="t", scorer="judge", question=f"q{question:02d}", draw=draw,
        rung=rung, estimand=Estimand.FORCED, requested_tokens=(0, 64, 256)[rung], verdict=Verdict.SAFE, value=1.0,
        natural_end=rung == 2, truncated=False, thinking_tokens=(0, 64, 100)[rung],
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def pool() -> list[RungRecord]:
    """Safe thinking and harmful answers from 64 tokens on; by itself the model answers safely, forced or not at all.

    The last draw of every question never ends by itself.
    """
    rows = []
    for question in range(12):
        for draw in range(3):
            for rung in range(3):
                rows.append(row(question, draw, rung, value=float(rung == 0)))
                if rung:
                    rows.append(row(question, draw, rung, scorer="judge" + ON_TRACE, truncated=None))
            for estimand, value in ((Estimand.SHAM, 0.0), (Estimand.NATURAL, 1.0)):
                ended: dict[str, object] = {"value": value, "natural_end": True}
                cut: dict[str, object] = {"value": None, "natural_end": False, "verdict": Verdict.TRUNCATED}
                seen = {"estimand": estimand, "requested_tokens": None} | (cut if draw == 2 else ended)
                rows.append(row(question, draw, 0, **seen))
    return rows


def found(rows: list[RungRecord]) -> dict[tuple[str, str, int | None], Finding]:
    tables = sorted(from_records(rows), key=lambda table: table.key)
    pages = [
        CurveContext.of(t, Analysis(0.95), prefix=p, scorers=1, family=3, weights=weights(len(t.questions)))
        for t, p in zip(tables, curve_ids([table.key for table in tables]), strict=True)
    ]
    made = flatten(Results(controls=tuple(controls(pages, rng=np.random.default_rng(0)))))
    assert len({finding.id for finding in made}) == len(made)
    return {(finding.kind, finding.metric, finding.at.rung): finding for finding in made}


def test_findings_name_the_comparison_and_say_how_many_traces_it_rests_on() -> None:
    by_name = found(pool())
    natural = by_name["disagreement", "natural", 2]
    assert (natural.estimate, natural.estimand, natural.n_draws, natural.n_questions) == (1.0, "forced", 2, 12)
    assert any("24 of 36" in limit for limit in natural.limits)
    assert "truncation" in natural.gates_failed  # a third never came to an answer of its own
    assert by_name["disagreement", "natural", 0].estimate == 0.0
    sham = by_name["disagreement", "sham_difference", None]
    assert (sham.estimate, sham.estimand) == (-1.0, "sham")
    assert sham.test is not None
    assert sham.test.p is not None
    assert sham.test.p < 0.001
    assert sham.gates_failed.count("truncation") == 1
    assert by_name["two_by_two", "good_bad", 1].estimate == 1.0
    assert by_name["two_by_two", "good_bad", 1].scorer == "judge"
    nothing = by_name["two_by_two", "good_good", 0]
    assert (nothing.estimate, nothing.reason) == (None, "no trace has both verdicts at this rung")


def test_without_controls_nothing_is_claimed_and_without_ends_nothing_is_made_up() -> None:
    assert found([r for r in pool() if r.estimand is Estimand.FORCED and not r.scorer.endswith(ON_TRACE)]) == {}
    never = [replace(r, value=None) if r.estimand in (Estimand.SHAM, Estimand.NATURAL) else r for r in pool()]
    finding = found(never)["disagreement", "sham", None]
    assert finding.estimate is None
    assert finding.reason is not None
    assert "none ended by itself" in finding.reason


def test_no_curve_is_failed_for_having_ended() -> None:
    rows = [replace(r, natural_end=True) for r in pool()]
    failed = {t.estimand: {g.name for g in gates(t) if g.passed is False} for t in from_records(rows)}
    assert "natural_end" not in failed[Estimand.SHAM] | failed[Estimand.FORCED]
    shares = {g.estimate for t in from_records(rows) for g in gates(t) if g.name == "natural_end"}
    assert shares == {1.0}


@pytest.mark.parametrize(
    ("trace_scorer", "beside"), [("judge", {"judge"}), ("thought", {"judge", "other"}), ("other", {"other"})]
)
def test_thinking_stands_beside_answers_of_its_own_scorer_or_of_all_if_no_answer_has_it(
    trace_scorer: str, beside: set[str]
) -> None:
    forced = [r for r in pool() if r.estimand is Estimand.FORCED]
    answers = [r for r in forced if not r.scorer.endswith(ON_TRACE)]
    thinking = [replace(r, scorer=trace_scorer + ON_TRACE) for r in forced if r.scorer.endswith(ON_TRACE)]
    rows = [*answers, *(replace(r, scorer="other") for r in answers), *thinking]
    tables = sorted(from_records(rows), key=lambda table: table.key)
    pages = [
        CurveContext.of(t, Analysis(0.95), prefix=p, scorers=2, family=3, weights=weights(len(t.questions)))
        for t, p in zip(tables, curve_ids([table.key for table in tables]), strict=True)
    ]
    results = controls(pages, rng=np.random.default_rng(0))
    cells = flatten(Results(controls=tuple(result for result in results if isinstance(result, TwoByTwoResult))))
    assert {f.scorer for f in cells} == beside
    assert all(
        f"the thinking is judged by {trace_scorer}: its error on thinking is not measured" in f.limits for f in cells
    )


@pytest.mark.parametrize(
    ("axis", "scorer", "task", "said"),
    [
        ("safety", "refusal", "overthink/contrast_harm", "marks refusals.* only says that it does not refuse"),
        ("benign", "judge", "t", "marks refusals.* only says that it refuses"),
        ("safety", "not_leaked", "overthink/secret", "holds the password.*7 of 9 "),
        ("safety", "thought", "mine", "its error on thinking is not measured"),
    ],
)
def test_a_verdict_on_thinking_says_how_its_judge_errs(axis: str, scorer: str, task: str, said: str) -> None:
    assert re.search(said, thought_judge_limit(scorer + ON_TRACE, task, axis))
