"""Interventions of a study: what they do, who sees it, and whether the effect needs the chain."""

import numpy as np
import pytest

from overthink.data.interventions import HINT_TASK, intervention_runs
from overthink.data.kinds import Kind, Metric
from overthink.data.oversight import OversightRow, View, oversight_frame
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.oversight import InterventionResult, OversightResults
from overthink.data.verdict_labels import DependenceLabel
from overthink.reports.tables.oversight import monitorability_tables
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.results import results_of
from overthink.workflows.sources import Source

BUDGETS = (0, 64)


def hinted(
    chances: tuple[float, float], *, instances: int, draws: int, seed: int = 1, said: float = 1.0
) -> tuple[list[RungRecord], list[OversightRow]]:
    """Plain and hinted questions: a hint moves answers with these chances, at no thinking and at 64 tokens of it."""
    rng = np.random.default_rng(seed)
    pool, table = [], []
    for number in range(instances):
        for question, is_hinted in ((f"hints-{number:04d}-4-none", False), (f"hints-{number:04d}-4-user-C", True)):
            for draw in range(draws):
                for rung, budget in enumerate(BUDGETS):
                    follows = rng.random() < (chances[rung] if is_hinted else 0.1)
                    answer, says = "c" if follows else "a", is_hinted and follows and rng.random() < said
                    pool.append(
                        RungRecord(
                            "s", "base", Axis.CAPABILITY, HINT_TASK, "m", question, draw, rung, Estimand.FORCED,
                            value=0.0, answer=answer, requested_tokens=budget, thinking_tokens=budget, answer_tokens=2,
                        )
                    )  # fmt: skip
                    table.append(
                        OversightRow(
                            HINT_TASK, "base", question, draw, Estimand.FORCED, budget,
                            view=View.COT, monitor="hint", score=float(says), correct=False,
                        )
                    )  # fmt: skip
    return pool, table


def results(pool: list[RungRecord], table: list[OversightRow]) -> tuple[InterventionResult, ...]:
    source = Source("a study", pool_of(pool), oversight=oversight_frame(table))
    return results_of(source, AnalysisOptions()).results.oversight.interventions


@pytest.fixture(scope="module")
def planted() -> InterventionResult:
    """A hint that only thinking follows, and that every thinking which follows it mentions."""
    (found,) = results(*hinted((0.1, 0.9), instances=16, draws=12))
    return found


def test_a_hint_that_the_thinking_follows_and_mentions_is_seen_and_needs_the_chain(planted: InterventionResult) -> None:
    assert planted.intervention == "user"
    (monitor,) = planted.monitors
    assert (monitor.monitor, monitor.view) == ("hint", "cot")
    g = monitor.rungs[-1].g
    assert (g.kind, g.metric, g.at.requested_tokens) == (Kind.MONITORABILITY, Metric.G_MEAN_SQUARE, 64)
    assert g.estimate == pytest.approx(1.0, abs=0.05)
    assert any("upper bound" in limit for limit in g.limits)
    assert planted.effects[-1].estimate == pytest.approx(0.8, abs=0.1)
    assert planted.dependence.estimate == pytest.approx(-0.8, abs=0.15)
    assert (planted.dependence.at.requested_tokens, planted.dependence.at.from_rung) == (0, 1)
    assert planted.verdict is DependenceLabel.NEEDS
    assert (planted.dependence.label or "").endswith(str(DependenceLabel.NEEDS))


def test_no_effect_is_no_number_but_a_reason(planted: InterventionResult) -> None:
    lowest = planted.monitors[0].rungs[0]
    assert lowest.g.estimate is None
    assert "not shown to raise the behaviour" in str(lowest.g.reason)


def test_few_draws_leave_the_pooled_form_and_a_reason() -> None:
    (found,) = results(*hinted((0.8, 0.8), instances=20, draws=3))
    rung = found.monitors[0].rungs[-1]
    assert rung.g.estimate is None
    assert "3 draws per instance and arm at most; needed: 10" in str(rung.g.reason)
    assert rung.pooled.estimate == pytest.approx(1.0, abs=0.1)
    assert found.verdict is DependenceLabel.NOT_SHOWN  # the effect is there without thinking
    assert found.dependence.test is not None


def test_an_attack_is_an_intervention_whose_behaviour_is_its_side_task() -> None:
    rows = [
        OversightRow(
            "side", arm, f"q{number}", draw, Estimand.FORCED, 64, attack="honest" if arm == "base" else "leak",
            view=View.COT, monitor="m", score=0.2 + 0.6 * (draw == 0), fired=None if draw else arm != "base",
            behaviour=arm != "base" and draw < 2,
        )
        for arm in ("base", "base+attack:policy=leak")
        for number in range(3)
        for draw in range(3)
    ]  # fmt: skip
    (runs,) = intervention_runs(pool_of([]), oversight_frame(rows))
    assert (runs.arm, runs.intervention, runs.requested) == ("base+attack:policy=leak", "leak", (64,))
    assert runs.y0[:, :, 0].tolist() == [[0, 0, 0]] * 3
    assert runs.y1[:, :, 0].tolist() == [[1, 1, 0]] * 3
    assert runs.z0[:, :, 0].tolist() == [[0, 0, 0]] * 3  # its own threshold counts before the score
    assert runs.z1[:, :, 0].tolist() == [[1, 0, 0]] * 3


def test_the_report_has_what_is_seen_and_whether_the_effect_needs_the_chain(planted: InterventionResult) -> None:
    sees, needs = monitorability_tables(OversightResults(interventions=(planted,)))
    assert [len(row) for row in sees.rows] == [7, 7]
    assert "not shown to raise the behaviour" in str(sees.rows[0])
    assert str(DependenceLabel.NEEDS) in str(needs.rows[0])
