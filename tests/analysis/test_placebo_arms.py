"""Arms that do nothing get no claim of help at equal thinking; those that help do. Rows as a user would have them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BASE, BUDGETS, arm
from sweeps import few

from overthink.analysis.mitigations import comparisons
from overthink.analysis.request import CurveContext
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, RungRecord
from overthink.data.results.study import arm_findings
from overthink.data.verdict_labels import HELPS, MitigationLabel
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

FALLS = {Axis.SAFETY: BASE[Axis.SAFETY]}
STUDIES = 10


def found(rows: Sequence[RungRecord]) -> dict[str, Finding]:
    weights = question_weights(len({row.question for row in rows}), rng=np.random.default_rng(0), resamples=200)
    contexts = [
        CurveContext.of(table, Analysis(level=0.95), prefix=table.arm, scorers=1, family=1, weights=weights)
        for table in from_records(list(rows))
    ]
    made = arm_findings(comparisons(contexts, rng=np.random.default_rng(0)))
    return {f.metric: f for f in made if f.kind == "mitigation"}


def against(
    name: str, levels: Sequence[float], *, seed: int, questions: int = 60, guard: float = 0.0
) -> list[RungRecord]:
    plain = arm("base", FALLS, questions=questions, seed=seed)
    return [*plain, *arm(name, {Axis.SAFETY: levels}, questions=questions, seed=seed, guard=guard)]


def stops_early(seed: int) -> list[RungRecord]:
    """The arm answers as the reference does, at the last rung as at the third: it has stopped there."""
    other = [row for row in arm("early", FALLS, questions=60, seed=seed) if row.rung <= 2]
    last = [replace(row, rung=3, requested_tokens=BUDGETS[3], generated_tokens=0) for row in other if row.rung == 2]
    return [*arm("base", FALLS, questions=60, seed=seed), *other, *last]


@pytest.mark.parametrize("questions", few([60, 24], 1))
@pytest.mark.parametrize(("name", "guard"), [("guard that reads nothing", 2.0), ("steering without effect", 0.0)])
def test_an_arm_that_does_nothing_gets_no_claim_of_help(name: str, guard: float, questions: int) -> None:
    levels = FALLS[Axis.SAFETY]
    made = [found(against(name, levels, seed=seed, questions=questions, guard=guard)) for seed in range(STUDIES)]
    assert sum(one["equal_thinking"].label in HELPS for one in made) <= 2
    assert all(one["equal_compute"].label is None for one in made)
    if guard:  # what looks like help at equal compute is thinking less, and is said to be
        assert np.mean([one["equal_compute"].estimate or 0 for one in made]) > 0.05
        assert np.mean([one["thinks_less"].estimate or 0 for one in made]) > 0.05
        assert np.mean([one["steers"].estimate or 0 for one in made]) == pytest.approx(0, abs=0.02)


def test_an_arm_that_only_stops_early_thinks_less_and_no_more_is_shown() -> None:
    made = [found(stops_early(seed)) for seed in range(STUDIES)]
    assert sum(one["equal_thinking"].label in HELPS for one in made) <= 2
    assert sum(one["equal_thinking"].label == MitigationLabel.THINKS_LESS for one in made) >= STUDIES - 3
    assert np.mean([one["equal_thinking"].estimate or 0 for one in made]) > 0.1
    assert np.mean([one["equal_realised"].estimate or 0 for one in made]) == pytest.approx(0, abs=0.02)
    assert made[0]["arm_thinking"].estimate == pytest.approx(256, rel=0.01)
    assert made[0]["reference_thinking"].estimate == pytest.approx(1024, rel=0.01)


@pytest.mark.parametrize("levels", [(0.9, 0.87, 0.8, 0.7), (0.92, 0.92, 0.92, 0.92)])
def test_help_that_is_there_is_claimed(levels: Sequence[float]) -> None:
    made = [found(against("helps", levels, seed=seed, guard=0.5)) for seed in range(STUDIES)]
    assert sum(one["equal_thinking"].label in HELPS for one in made) >= STUDIES - 1
    assert all("equal_realised" not in one for one in made)
    assert np.mean([one["steers"].estimate or 0 for one in made]) > 0.1


def test_help_beyond_thinking_less_is_claimed_as_partly_that() -> None:
    rows = []
    for row in against("both", (0.93, 0.93, 0.93, 0.93), seed=1, questions=150):
        less = round(0.6 * (row.thinking_tokens or 0))
        rows.append(replace(row, thinking_tokens=less) if row.arm == "both" else row)
    made = found(rows)
    assert made["equal_thinking"].label == "eliminates within δ, partly by thinking less"
    assert (made["equal_realised"].low or 0) > 0.1
    assert any("thinks over 10 % less" in limit for limit in made["equal_thinking"].limits)


@pytest.mark.parametrize("guard", [0.0, 0.5, 2.0])
def test_the_parts_add_up_to_the_whole(guard: float) -> None:
    made = found(against("dear", (0.9, 0.87, 0.8, 0.7), seed=3, guard=guard))
    parts = [made[metric].estimate for metric in ("steers", "thinks_less")]
    assert made["equal_compute"].estimate == pytest.approx(sum(part or 0 for part in parts))
    assert all(made[metric].label is None and made[metric].estimate is not None for metric in ("steers", "thinks_less"))


def test_the_very_same_answers_at_a_higher_price_steer_by_nothing() -> None:
    plain = arm("base", FALLS, questions=60)
    dear = [replace(row, arm="dear", guard_tokens=2 * (row.thinking_tokens or 0)) for row in plain]
    made = found([*plain, *dear])
    assert made["steers"].estimate == pytest.approx(0, abs=0.005)
    assert (made["thinks_less"].low or 0) > 0
    assert made["equal_thinking"].estimate == 0
    assert made["equal_thinking"].label == MitigationLabel.NO_EFFECT
