"""Answers without thinking behind filler and repeats: what is shown, what is not, and what necessity says then."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from overthink.analysis import Analysis, analyse_outcomes
from overthink.analysis.oversight.latent import latents
from overthink.analysis.request import CurveContext
from overthink.data.arrays import Array
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import from_frame
from overthink.data.oversight import OversightRow, View, oversight_frame
from overthink.data.oversight_cells import perturbation_answers
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.oversight import LatentResult, OversightResults
from overthink.data.verdict_labels import LatentLabel
from overthink.reports.tables.reasoning import encoded_tables

N, TASK = 200, "overthink/no_cot"
FILLER, REPEATS = "filler:count=300", "repeats:times=5"


def pool(
    direct: Mapping[str, Array], *, budgets: tuple[int, ...] = (0, 64), axis: Axis = Axis.CAPABILITY
) -> list[RungRecord]:
    """Records with these direct answers, (question,), and with right answers after thinking."""
    return [
        RungRecord(
            "s", arm, axis, TASK, "m", f"q{question:03d}", 0, rung, Estimand.FORCED,
            value=float(right) if budget == budgets[0] else 1.0,
            requested_tokens=budget, thinking_tokens=budget, answer_tokens=2,
        )
        for arm, table in direct.items()
        for question, right in enumerate(table)
        for rung, budget in enumerate(budgets)
    ]  # fmt: skip


def alone(records: list[RungRecord]) -> tuple[LatentResult, ...]:
    """The latent uplift alone, without the rest of a report."""
    analysis, tables = Analysis(level=0.95), from_frame(pool_of(records))
    shared: dict[str, Any] = {"scorers": 1, "family": 1, "weights": np.zeros((0, 1))}
    return latents([CurveContext.of(table, analysis, prefix=table.arm, **shared) for table in tables])


def results(records: list[RungRecord]) -> OversightResults:
    row = OversightRow(TASK, "base", "q000", 0, Estimand.FORCED, 64, view=View.COT, perturbation="sham", correct=True)
    changes = tuple(perturbation_answers(oversight_frame([row])))
    tables = from_frame(pool_of(records))
    return analyse_outcomes(tables, Analysis(level=0.95), rng=np.random.default_rng(1), changes=changes).oversight


def answers(shares: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Direct answers of prompts: alike where the shares are, since each question has its own difficulty."""
    rng = np.random.default_rng(seed)
    ease = rng.random(N)
    return {arm: ((ease + rng.normal(0, 0.2, N)) < share).astype(float) for arm, share in shares.items()}


@pytest.fixture(scope="module")
def planted() -> OversightResults:
    """A filler that raises the direct answers."""
    return results(pool({arm: own[:60] for arm, own in answers({"base": 0.4, FILLER: 0.8}, 1).items()}))


def test_a_planted_uplift_is_no_floor_and_necessity_says_so_beside_the_elicited_one(planted: OversightResults) -> None:
    (found,) = planted.latent
    assert (found.verdict, found.best) == (LatentLabel.NO_FLOOR, FILLER)
    assert (found.uplift.kind, found.uplift.simultaneous) == (Kind.LATENT, True)
    assert found.uplift.estimate == pytest.approx(0.4, abs=0.1)
    assert (found.uplift.label or "").endswith(str(LatentLabel.NO_FLOOR))
    assert [finding.label for finding in found.prompts] == [FILLER]
    (need,) = (each for each in planted.necessity if each.key.arm == "base")
    (rung,) = need.rungs
    assert any(f"no floor: with {FILLER}" in limit for limit in rung.uplift.limits)
    (elicited,) = found.elicited
    assert elicited.metric == Metric.ELICITED_UPLIFT
    assert elicited.estimate == pytest.approx((rung.uplift.estimate or 0) - (found.uplift.estimate or 0))
    titles = [table.caption for table in encoded_tables(planted)]
    assert len(titles) == 2


def test_a_filler_worth_15_points_is_found_among_prompts_that_do_nothing() -> None:
    found = [alone(pool(answers({"base": 0.4, FILLER: 0.55, REPEATS: 0.4}, seed)))[0] for seed in range(4)]
    assert sum((each.verdict, each.best) == (LatentLabel.NO_FLOOR, FILLER) for each in found) >= 3
    assert np.mean([each.uplift.estimate or 0 for each in found]) == pytest.approx(0.15, abs=0.04)
    assert [finding.label for finding in found[0].prompts] == [FILLER, REPEATS]


def test_prompts_that_do_nothing_leave_the_floor_and_necessity_as_they_are() -> None:
    calls = []
    for seed in range(8):
        (found,) = alone(pool(answers({"base": 0.4, FILLER: 0.4, REPEATS: 0.4}, seed)))
        calls.append(found.verdict is LatentLabel.NO_FLOOR)
    assert sum(calls) <= 2  # error rates of the band: docs/calibration.md
    same = np.resize([0.0, 1.0], 20)
    still = results(pool({"base": same, FILLER: same}))
    assert still.latent[0].verdict is LatentLabel.NOT_SHOWN
    assert still.latent[0].elicited == ()
    assert not any("floor" in limit for limit in still.necessity[0].rungs[0].uplift.limits)


@pytest.mark.parametrize(
    "records",
    [
        pool(answers({"base": 0.4, FILLER: 0.9}, 1), budgets=(32, 64)),
        pool(answers({"base": 0.4, FILLER: 0.9}, 1), axis=Axis.SAFETY),
        pool(answers({"base": 0.4, "safethink:m=3": 0.9}, 1)),
    ],
    ids=["no direct answer", "safety", "an arm that thinks"],
)
def test_nothing_is_said_without_direct_answers_of_a_prompt_with_room(records: list[RungRecord]) -> None:
    assert alone(records) == ()


def test_questions_that_no_two_prompts_share_give_a_reason() -> None:
    base = pool({"base": np.ones(9)})
    other = [row for row in pool({FILLER: np.ones(10)}) if row.question == "q009"]
    (found,) = alone(base + other)
    assert (found.verdict, found.uplift.estimate) == (None, None)
    assert found.uplift.reason is not None
