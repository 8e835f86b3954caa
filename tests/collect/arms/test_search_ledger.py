"""A study with every search: what its rows say adds up to what the provider and the verifier counted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.collect.arms.verifiers.simulated import SimulatedVerifier
from overthink.cost.ledger import ledger
from overthink.data.outcomes import from_records
from overthink.data.pool import records_of
from overthink.data.record import Category, RungRecord
from overthink.plan.study import checked_plan

ROLLOUTS = "verifier=rollouts:n=2;tokens=6;against=consensus"
ARMS = (
    f"base,prm-beam,prm-beam:as=rolled,width=2,children=2,aggregate=min,{ROLLOUTS},dvts,tot,lookahead,revise,"
    f"revise:as=revise by rollouts,rounds=1,{ROLLOUTS},"
    "placebo:of=prm-beam,placebo:of=dvts,placebo:of=tot,placebo:of=lookahead,placebo:of=revise,"
    "placebo:of=revise by rollouts"
)


@pytest.fixture
def counted(counted: list[int], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Prompt and decoded tokens of every request to the model, and of everything that the simulated verifier read."""
    for asked in ("steps", "answer"):
        own = getattr(SimulatedVerifier, asked)

        async def read(self: SimulatedVerifier, *args: Any, own: Any = own, **more: Any) -> Any:
            said = await own(self, *args, **more)
            counted.append(said.tokens)
            return said

        monkeypatch.setattr(SimulatedVerifier, asked, read)
    return counted


def total(rows: Sequence[RungRecord]) -> int:
    """Every token of the rows: of requests, and what verifiers took on the way to the top of each trace."""
    requests = sum((row.prompt_tokens or 0) + (row.generated_tokens or 0) for row in rows)
    return requests + sum(row.step_verifier_tokens or 0 for row in tops(rows))


def tops(rows: Sequence[RungRecord]) -> list[RungRecord]:
    top = max(row.rung for row in rows)
    return [row for row in rows if row.rung == top]


def test_every_search_is_charged_for_all_that_it_spends(counted: list[int], tmp_path: Path) -> None:
    plan = checked_plan(
        overthink="0",
        model="overthink/simulated",
        model_args={"natural_length": 40},  # some paths end, others are cut
        tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        budgets=(0, 16, 30),
        draws=1,
        limit=2,
        seed=5,
        concurrency=3,
        arms=arm_plans(ARMS, model="overthink/simulated"),
    )
    study = overthink.run(overthink.prepare(plan), tmp_path / "s")
    rows = records_of(study.pool)
    assert not [row.error for row in rows if row.error]
    assert {row.arm for row in rows} == {arm.label for arm in plan.arms}
    assert total(rows) == sum(counted)
    for row in rows:
        assert (row.thinking_tokens or 0) <= (row.requested_tokens or 0)
    spent = {arm.label: [row for row in tops(rows) if row.arm == arm.label] for arm in plan.arms}
    for label, mine in spent.items():
        arm = label.removeprefix("placebo:of=")  # a placebo pays for every call of its arm
        if not arm.startswith("revise"):  # a chain may answer from its last draft
            assert (sum(row.pruned_tokens or 0 for row in mine) > 0) == (arm != "base")
        assert (sum(row.probe_tokens or 0 for row in mine) > 0) == arm.startswith(("lookahead", "revise"))
        assert (sum(row.step_verifier_tokens or 0 for row in mine) > 0) == (arm not in ("base", "revise"))
        scored = [row.verifier_score for row in mine if row.verifier_score is not None]
        assert bool(scored) == (arm not in ("base", "revise"))
    for line in ledger(from_records(rows)):  # both books: what was generated, and the distinct tokens of the tree
        assert line.decoded_tokens.tokens == line.unique_tokens.tokens
        assert line.usage[Category.THINKING].n_unknown == 0
    forgetful = [replace(row, step_verifier_tokens=0) for row in rows]
    assert total(forgetful) != sum(counted)  # the control: verifier tokens that nobody counts
