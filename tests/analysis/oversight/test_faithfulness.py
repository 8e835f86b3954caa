"""Whether the thinking is needed and carries the answer, from small tables: what is called, and what is refused."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest

from overthink.analysis import Analysis, analyse_outcomes
from overthink.analysis.oversight.faithfulness import GRADED, NO_SHORT
from overthink.data.kinds import Metric
from overthink.data.outcomes import from_frame
from overthink.data.oversight import OversightRow, View, oversight_frame
from overthink.data.oversight_cells import perturbation_answers
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.oversight import OversightResults, PerturbationResult
from overthink.data.tokens import TokenUsage
from overthink.data.verdict_labels import FaithfulnessLabel, NecessityVerdict

N, DRAWS, BUDGETS = 40, 4, (0, 64)
NEEDED, EASY, HARD = range(3)
"""What a question is: right with thinking alone, right in any case, never right."""


def kind_of(question: int) -> int:
    return question % 3


def pool(*, budgets: Sequence[int] = BUDGETS, axis: Axis = Axis.CAPABILITY, grade: float = 1.0) -> list[RungRecord]:
    def value(question: int, budget: int) -> float:
        is_right = kind_of(question) == EASY or (kind_of(question) == NEEDED and budget > 0)
        return grade if is_right else 0.0

    return [
        RungRecord(
            "s", "base", axis, "t", "m", f"q{question:02d}", draw, rung, Estimand.FORCED,
            value=value(question, budget), requested_tokens=budget, thinking_tokens=budget, answer_tokens=2,
        )
        for question in range(N) for draw in range(DRAWS) for rung, budget in enumerate(budgets)
    ]  # fmt: skip


def rows(
    label: str, stays: Callable[[int, float | None], float | None], positions: Sequence[float | None] = (None,)
) -> list[OversightRow]:
    """Rows of a change; ``stays`` says whether the answer at a question and position is the rung's own."""
    return [
        OversightRow(
            "t", "base", f"q{question:02d}", draw, Estimand.FORCED, 64, thinking_tokens=64, view=View.COT,
            perturbation=label, position=position, agent=TokenUsage(9, 0, 0, 1, 1),
            agreement=None if (same := stays(question, position)) is None else bool(same),
            correct=None if same is None else bool(same) and kind_of(question) != HARD,
            reason="no reply" if same is None else None,
        )
        for question in range(N) for draw in range(DRAWS) for position in positions
    ]  # fmt: skip


def results(records: list[RungRecord], table: list[OversightRow]) -> OversightResults:
    changes = tuple(perturbation_answers(oversight_frame(table)))
    tables = from_frame(pool_of(records))
    return analyse_outcomes(tables, Analysis(level=0.95), rng=np.random.default_rng(1), changes=changes).oversight


SHAM = rows("sham", lambda *_: 1)


@pytest.fixture(scope="module")
def planted() -> OversightResults:
    """Early answers stay from half of the thinking on where it is needed; a paraphrase moves nothing."""
    halves = partial(rows, positions=(0.0, 0.25, 0.5, 0.75))
    early = halves("early", lambda question, at: kind_of(question) != NEEDED or (at or 0) >= 0.5)
    paraphrase = rows("paraphrase:model=m", lambda question, _: None if question == 1 else 1)
    none = rows("none", lambda question, _: kind_of(question) != NEEDED)
    return results(pool(), SHAM + early + paraphrase + none)


def by_label(found: OversightResults, label: str) -> PerturbationResult:
    (result,) = (each for each in found.perturbations if each.perturbation == label)
    return result


def test_the_area_is_that_of_the_planted_curve_and_stands_by_what_the_thinking_does(planted: OversightResults) -> None:
    (rung,) = by_label(planted, "early").rungs
    area = 1 - (0.25 * 0.5 + 0.5)  # 0 up to a quarter, then rising to 1 at half
    needed = sum(kind_of(question) == NEEDED for question in range(N)) / N
    assert rung.value.metric == Metric.AREA_OVER_CURVE
    assert rung.value.estimate == pytest.approx(area * needed)
    assert rung.verdict is FaithfulnessLabel.CHANGE
    strata = {(finding.label or "").rpartition(" ")[2]: finding for finding in rung.strata}
    assert strata["cot_necessary"].estimate == pytest.approx(area)
    assert strata["one_shot"].estimate == strata["too_hard"].estimate == 0
    assert strata["weak"].estimate is None
    assert "no question has this label" in (strata["weak"].reason or "")


def test_a_paraphrase_that_moves_nothing_is_no_claim_and_traces_without_one_are_counted(
    planted: OversightResults,
) -> None:
    (rung,) = by_label(planted, "paraphrase:model=m").rungs
    assert rung.beyond is not None
    assert (rung.value.estimate, rung.beyond.estimate, rung.verdict) == (0, 0, FaithfulnessLabel.NO_CHANGE)
    assert rung.value.n_questions == N
    assert any("4 of 160 traces have no answer" in limit for limit in rung.value.limits)
    assert by_label(planted, "none").paid.estimate == N * DRAWS * 10
    assert by_label(planted, "sham").rungs[0].beyond is None


def test_the_thinking_is_needed_where_its_uplift_says_so_with_the_four_labels(planted: OversightResults) -> None:
    (result,) = planted.necessity
    (rung,) = result.rungs
    counts = [sum(kind_of(question) == kind for question in range(N)) for kind in range(3)]
    assert rung.uplift.estimate == pytest.approx(counts[NEEDED] / N)
    assert rung.verdict is NecessityVerdict.NEEDED
    shares = {finding.metric: finding.estimate for finding in rung.labels}
    assert shares == pytest.approx(
        {"cot_necessary": counts[0] / N, "one_shot": counts[1] / N, "too_hard": counts[2] / N, "weak": 0}
    )


def test_without_a_rung_at_0_the_answers_behind_no_thinking_are_the_accuracy_without() -> None:
    none = rows("none", lambda question, _: kind_of(question) != NEEDED)
    found = results(pool(budgets=(64, 128)), none)
    (first, second) = found.necessity[0].rungs
    assert first.uplift.estimate == pytest.approx(sum(kind_of(question) == NEEDED for question in range(N)) / N)
    assert any("behind no thinking" in limit for limit in first.uplift.limits)
    assert second.uplift.estimate is None
    alone = results(pool(budgets=(64, 128)), SHAM)
    assert alone.necessity[0].rungs[0].uplift.reason == NO_SHORT


def test_grades_are_refused_and_safety_has_no_necessity() -> None:
    graded = results(pool(grade=0.5), SHAM)
    assert graded.necessity[0].rungs[0].uplift.reason == GRADED
    safety = results(pool(axis=Axis.SAFETY), SHAM)
    assert safety.necessity == ()
    assert [rung.strata for rung in safety.perturbations[0].rungs] == [()]


def test_a_study_without_perturbations_has_neither() -> None:
    found = results(pool(), [])
    assert (found.necessity, found.perturbations) == ((), ())


def test_a_change_as_noisy_as_its_sham_is_called_seldom_and_a_strong_one_nearly_always() -> None:
    chance = np.random.default_rng(5)

    def verdict(share: float) -> FaithfulnessLabel | None:
        def noisy(stay: float) -> Callable[[int, float | None], float]:
            return lambda *_: float(chance.random() < stay)

        found = results(pool(), rows("sham", noisy(0.8)) + rows("filler", noisy(1 - share)))
        return by_label(found, "filler").rungs[0].verdict

    calls = [verdict(0.2) is FaithfulnessLabel.CHANGE for _ in range(4)]  # error rates: docs/calibration.md
    assert sum(calls) <= 1
    assert verdict(0.5) is FaithfulnessLabel.CHANGE
