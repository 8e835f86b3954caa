"""Every search on the embedded model, once: real tokens, real forks, and a verifier that needs no other model."""

from pathlib import Path
from typing import Any

import pytest
from embedded import NAME, SERVER, require_embedded
from scripted import Reader, opens

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.collect.arms.strategies import tree
from overthink.collect.providers.embedded.provider import LocalModel
from overthink.data.pool import records_of
from overthink.plan.study import checked_plan

ARMS = (
    "prm-beam:width=2,children=2,aggregate=last,verifier=rollouts:n=2;tokens=0;against=consensus,"
    "dvts:width=4,children=2,aggregate=min,verifier=short,tot:keep=1,proposals=2,verifier=short,"
    "lookahead:width=2,children=2,ahead=1,verifier=short,revise:rounds=1,share=0.3,verifier=majority"
)


def test_every_search_runs_on_the_embedded_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_embedded()
    counted: list[int] = []
    plain = LocalModel.generate

    async def generate(self: LocalModel, *args: Any, **more: Any) -> Any:
        output = await plain(self, *args, **more)
        counted.append(output.usage.total_tokens)
        return output

    monkeypatch.setattr(LocalModel, "generate", generate)
    read = tree.read_verifier
    short = opens(Reader(lambda step: 1 / (1 + len(step))))  # short steps are better; rollouts for all would take long

    def read_here(named: str, *, model: str) -> Any:
        return short if named == "short" else read(named, model=model)

    monkeypatch.setattr(tree, "read_verifier", read_here)
    plan = checked_plan(
        overthink="0",
        model=NAME,
        model_args=SERVER,
        tasks=overthink.tasks(capability=[], safety=["overthink/contrast_harm"], benign=[], args={"examples": False}),
        budgets=(0, 12),
        answer_tokens=4,
        draws=1,
        limit=1,
        seed=5,
        concurrency=2,
        arms=arm_plans(ARMS, model=NAME),
    )
    study = overthink.run(overthink.prepare(plan), tmp_path / "s")
    rows = {(row.arm, row.rung): row for row in records_of(study.pool)}
    assert len(rows) == 2 * len(plan.arms)
    known = 0
    for (arm, rung), row in rows.items():
        assert row.error is None
        assert (row.thinking_tokens or 0) <= (row.requested_tokens or 0)
        known += (row.prompt_tokens or 0) + (row.generated_tokens or 0)
        if rung:
            known += (row.step_verifier_tokens or 0) if arm == "prm-beam" else 0  # rollouts are the model's own
            assert (row.verifier_score is None) == (arm == "revise")
            spent = (row.pruned_tokens or 0) + (row.probe_tokens or 0)
            assert row.generated_tokens == (row.thinking_tokens or 0) + (row.answer_tokens or 0) + spent
    assert known == sum(counted)
