"""Placebo arms: they act as their arms act, and pay for every look, but read nothing."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ModelAPI, ModelOutput, ModelUsage, modelapi
from simulated_study import plan, run

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.collect.ladder.solver import collect_ladder
from overthink.collect.sinks import TraceSink
from overthink.data.decisions import TraceDecisions
from overthink.data.pool import records_of
from overthink.data.record import RungRecord
from overthink.errors import InputError
from overthink.plan.arms import BASE, ArmPlan
from overthink.plan.study import Plan
from overthink.storage.journal import read_decisions
from overthink.storage.pool import read_pool
from overthink.storage.study_folder import StudyFolder

MODEL = {"safety": "flat(high=0.4)", "steer_effect": 0.6, "natural_length": 60}
ARMS = "base,placebo:of=safethink,safethink,monitor,placebo:of=monitor,saferemind,placebo:of=saferemind"
SEARCHES = (
    "base,prm-beam,placebo:of=prm-beam,revise,placebo:of=revise,dvts,placebo:of=dvts,lookahead,placebo:of=lookahead"
)


def arms(text: str) -> tuple[ArmPlan, ...]:
    return arm_plans(text, model="overthink/simulated")


def study(text: str, **changes: Any) -> Plan:
    return plan(
        **(
            {"arms": arms(text), "model_args": MODEL, "budgets": (0, 12, 48), "limit": 4, "draws": 1, "seed": 1}
            | changes
        )
    )


def acts(trace: TraceDecisions) -> set[tuple[str, int, int]]:
    """Every act: component, step, and number of the look."""
    return {(name, step, i) for name, step, _, looks in trace.decisions for i, act in enumerate(looks) if act}


def spent(rows: Sequence[RungRecord]) -> dict[str, dict[str, int]]:
    """Cumulative columns of each arm, at the top rungs."""
    total: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    top = max(row.rung for row in rows)
    for row in rows:
        total[row.arm]["decoded"] += row.generated_tokens or 0
        if row.rung == top:
            for column in ("guard_tokens", "rejected_tokens", "probe_tokens", "step_verifier_tokens", "pruned_tokens"):
                total[row.arm][column] += getattr(row, column) or 0
    return total


def collected(folder: Path, wanted: Plan) -> tuple[list[RungRecord], TraceSink]:
    """The rows of a plan and its decisions, without the report on them."""
    rows: list[RungRecord] = []
    keeper = TraceSink(done=(), sparse={}, on_thinking=lambda *_: None, on_trace=rows.extend)
    collect_ladder(overthink.prepare(wanted), study="s", log_dir=folder, sink=keeper)
    return rows, keeper


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    path = tmp_path_factory.mktemp("placebos") / "study"
    run(path, study(ARMS))
    return StudyFolder(path)


def test_a_placebo_acts_where_a_trace_of_its_arm_on_another_question_did(folder: StudyFolder) -> None:
    stored = read_decisions(folder.decisions)
    placebos = [trace for trace in stored.values() if trace.donor is not None]
    assert len(placebos) == 3 * 2 * 4  # arms, tasks, questions
    tasks, n_acts = set(), 0
    for trace in placebos:
        assert trace.donor is not None
        assert trace.donor[:2] != (trace.task, trace.question)
        tasks.add((trace.task, trace.donor[0]))
        donor = stored[trace.donor[0], trace.arm.removeprefix("placebo:of="), *trace.donor[1:]]
        place = {(name, step): looks for name, step, _, looks in trace.decisions}
        if "saferemind" not in trace.arm:  # acts at the same looks, as far as both go
            reached = {(name, step, i) for name, step, i in acts(donor) if len(place.get((name, step), ())) > i}
            assert acts(trace) == reached
        assert len(acts(trace)) <= len(acts(donor))
        n_acts += len(acts(trace))
    assert len(tasks) == 4  # every axis has donors of every axis
    assert n_acts > 10


def test_a_placebo_makes_and_pays_every_call_of_its_arm(folder: StudyFolder) -> None:
    total = spent(records_of(read_pool(folder.pool)))
    assert total["placebo:of=safethink"]["guard_tokens"] > 0.5 * total["safethink"]["guard_tokens"]
    assert total["placebo:of=safethink"]["rejected_tokens"] > 0
    assert total["placebo:of=monitor"]["guard_tokens"] > 0
    assert total["placebo:of=saferemind"]["probe_tokens"] > 0
    assert total["base"]["guard_tokens"] == total["base"]["probe_tokens"] == 0


@pytest.mark.long
def test_among_candidates_a_placebo_draws(tmp_path: Path) -> None:
    rows, _ = collected(tmp_path, study(SEARCHES, model_args={"step_gain": 2.0}))
    scores: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.rung == 2 and row.verifier_score is not None:
            scores[row.arm].append(row.verifier_score)
    for arm in ("prm-beam", "dvts", "lookahead"):
        own, drawn = (sum(scores[name]) / len(scores[name]) for name in (arm, f"placebo:of={arm}"))
        assert own > drawn + 0.1
    total = spent(rows)
    for arm in ("prm-beam", "dvts", "lookahead"):
        assert total[f"placebo:of={arm}"]["pruned_tokens"] > 0.8 * total[arm]["pruned_tokens"] > 0
        assert total[f"placebo:of={arm}"]["step_verifier_tokens"] > 0.8 * total[arm]["step_verifier_tokens"]


@pytest.mark.long
def test_the_order_of_arms_changes_nothing(folder: StudyFolder, tmp_path: Path) -> None:
    order = "placebo:of=safethink,monitor,safethink,saferemind,placebo:of=saferemind,base,placebo:of=monitor"
    _, keeper = collected(tmp_path, study(order))
    assert keeper.decisions == read_decisions(folder.decisions)


@pytest.mark.long
def test_a_placebo_can_be_added_to_a_study(folder: StudyFolder, tmp_path: Path) -> None:
    run(tmp_path / "s", study("base,safethink,monitor,saferemind"))
    run(tmp_path / "s", study(ARMS), resume=True)
    assert read_decisions(tmp_path / "s" / "decisions.jsonl") == read_decisions(folder.decisions)

    def outcomes(path: Path) -> list[tuple[object, ...]]:
        return sorted(
            (r.task, r.arm, r.question, r.draw, r.rung, r.value, r.generated_tokens)
            for r in records_of(read_pool(path))
        )

    assert outcomes(tmp_path / "s" / "pool.parquet") == outcomes(folder.pool)


@pytest.mark.long
def test_a_study_that_was_cut_off_goes_on_with_the_same_donors(folder: StudyFolder, tmp_path: Path) -> None:
    shutil.copytree(folder.path, tmp_path / "s")
    cut = StudyFolder(tmp_path / "s")
    lines = cut.journal.read_bytes().splitlines(keepends=True)
    cut.journal.write_bytes(b"".join(lines[:20]))  # amid the arms: most of them and every placebo are lost
    decisions = cut.decisions.read_bytes().splitlines(keepends=True)
    cut.decisions.write_bytes(b"".join(decisions[:22])[:-9])  # a line ahead of the journal, and the next torn
    cut.findings.unlink()
    run(cut.path, study(ARMS), resume=True)
    assert read_decisions(cut.decisions) == read_decisions(folder.decisions)


def test_without_stored_decisions_a_placebo_cannot_be_added(tmp_path: Path) -> None:
    small = {"limit": 2, "draws": 1}
    run(tmp_path / "s", study("base,safethink", **small))
    (tmp_path / "s" / "decisions.jsonl").unlink()
    with pytest.raises(InputError, match="decisions of its finished traces are not stored"):
        run(tmp_path / "s", study("base,safethink,placebo:of=safethink", **small), resume=True)


@modelapi(name="failingguard")
def failingguard() -> type[ModelAPI]:
    """A guard that finds nothing unsafe, and has no word for every fourth request."""

    class Failing(ModelAPI):
        count = 0

        async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:  # noqa: A002
            Failing.count += 1
            output = ModelOutput.from_content(self.model_name, "hm" if Failing.count % 4 == 0 else "unsafe")
            output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
            return output

    return Failing


def test_a_trace_that_failed_is_no_donor(tmp_path: Path) -> None:
    text = "monitor:guard=failingguard/g,scale=word,action=redirect,as=m,base,placebo:of=m"
    run(tmp_path / "s", study(text, budgets=(0, 12), concurrency=1))
    failed = {
        (r.task, r.question, r.draw)
        for r in records_of(read_pool(tmp_path / "s" / "pool.parquet"))
        if r.arm == "m" and r.error
    }
    stored = read_decisions(tmp_path / "s" / "decisions.jsonl")
    donors = {trace.donor for trace in stored.values() if trace.donor is not None}
    assert failed
    assert donors
    assert not donors & failed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base,placebo:of=safethink", r"placebo:of=safethink: there is no such arm; needed: of=ARM .* base"),
        ("base,primer,placebo:of=primer", "primer decides nothing by what it reads .primer., so it has no placebo"),
        ("base,wait,placebo:of=wait", "wait decides nothing"),
        ("base,placebo:of=base", "base decides nothing"),
        ("base,calculator,placebo:of=calculator", "calculator decides nothing"),
        ("safethink,placebo:of=safethink,placebo:of=placebo:of=safethink", "that is a placebo itself"),
        ("safethink,placebo", "needed for a placebo: placebo:of=ARM"),
        ("safethink,placebo:of=safethink,as=mine", "needed for a placebo"),
        ("safethink,placebo:of=safethink,m=3", "needed for a placebo"),
        ("safethink,placebo+wait:of=safethink", "needed for a placebo"),
        ("base,wait:as=placebo:of=base", "needed for a placebo"),
        ("safethink,placebo:of=safethink,placebo:of=safethink", "two arms are called placebo:of=safethink"),
    ],
)
def test_bad_placebos(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(arms=arms(text))


def test_a_plan_is_checked_as_well() -> None:
    primer = ArmPlan(label="primer", parts=("primer",), settings={"text": "Careful."})
    placebo = ArmPlan(label="placebo:of=primer", parts=("placebo",), settings={"of": "primer"})
    with pytest.raises(InputError, match="there is no such arm"):
        plan(arms=(BASE, placebo))
    with pytest.raises(InputError, match="primer decides nothing"):
        overthink.prepare(plan(arms=(BASE, primer, placebo)))


def test_a_placebo_needs_another_question() -> None:
    secret = overthink.tasks(capability=[], safety=["overthink/secret"], benign=[], args={})
    with pytest.raises(InputError, match="the study has 1 in all; needed: 2 or more"):
        overthink.prepare(study("base,safethink,placebo:of=safethink", tasks=secret, limit=1))


def test_the_label_of_another_arm_may_be_a_number() -> None:
    assert arms("safethink:as=3,placebo:of=3")[1].placebo_of == "3"
