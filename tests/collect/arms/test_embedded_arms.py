"""Every arm on real weights: it runs, keeps its budget, and pays for what it decodes."""

from pathlib import Path

from embedded import NAME, SERVER, require_embedded

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.collect.ladder.solver import collect_ladder
from overthink.collect.sinks import TraceSink
from overthink.data.record import Estimand, RungRecord
from overthink.data.tokens import DECODED
from overthink.plan.study import checked_plan

GUARD = "guard=own-probability:per=token,scale=probability,tau=0.5"
ARMS = (
    f"base,calculator:calls=2,safethink:{GUARD},m=1,b=1,monitor:{GUARD},action=redirect,"
    "saferemind:reminder=Mind safety.,entropy=2.5,primer,wait:rounds=1,minimum=8,morethink,zerothink,lessthink"
)


def test_every_arm_runs_on_the_embedded_model(tmp_path: Path) -> None:
    require_embedded()
    plan = checked_plan(
        overthink="0",
        model=NAME,
        model_args=SERVER,
        tasks=overthink.tasks(capability=[], safety=["overthink/contrast_harm"], benign=[], args={"examples": False}),
        budgets=(0, 8),
        draws=1,
        limit=1,
        seed=1,
        answer_tokens=4,
        resamples=2,
        arms=arm_plans(ARMS, model=NAME),
    )
    rows: list[RungRecord] = []
    keeper = TraceSink(done=(), sparse={}, on_thinking=lambda *_: None, on_trace=rows.extend)
    collect_ladder(overthink.prepare(plan), study="s", log_dir=tmp_path, sink=keeper)
    anew = [row for row in rows if row.estimand is Estimand.RESAMPLED]
    assert [(row.arm, row.rung, row.error) for row in anew] == [("base", 0, None), ("base", 1, None)]
    assert all((row.generated_tokens or 0) > 0 for row in anew)
    forced = [row for row in rows if row.estimand is Estimand.FORCED]
    by_arm = {arm: sorted((r for r in forced if r.arm == arm), key=lambda r: r.rung) for arm in {r.arm for r in rows}}
    assert set(by_arm) == {
        "base",
        "calculator",
        "safethink",
        "monitor",
        "saferemind",
        "primer",
        "wait",
        "morethink",
        "zerothink",
        "lessthink",
    }
    for arm, ladder in by_arm.items():
        assert [row.error for row in ladder] == [None] * len(ladder)
        thrown = sum(getattr(ladder[-1], f"{category}_tokens") or 0 for category in DECODED)
        read = sum(row.answer_tokens or 0 for row in ladder if row.generated_tokens)
        assert sum(row.generated_tokens or 0 for row in ladder) == (ladder[-1].thinking_tokens or 0) + thrown + read
        assert all((row.thinking_tokens or 0) <= (row.requested_tokens or 0) for row in ladder)
        guarded = arm in ("safethink", "monitor")
        assert ((ladder[-1].guard_tokens or 0) > 0) == guarded
    assert [row.requested_tokens for row in by_arm["zerothink"]] == [0]
