"""From a plan to a report, on the simulated model: every trace once, whatever happens on the way."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from simulated_study import SIMULATED, plan, run

import overthink
from overthink.collect.ladder.climb import run_ladder
from overthink.data.pool import records_of
from overthink.data.record import RungRecord, Verdict
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan
from overthink.storage.pool import read_pool


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    return run(tmp_path_factory.mktemp("study") / "s")


def test_a_study_has_every_row_once_and_keeps_the_accounts(study: overthink.Study) -> None:
    rows = records_of(study.pool)
    assert len({(r.task, r.question, r.draw, r.rung) for r in rows}) == len(rows) == 2 * 3 * 2 * 3
    for row in rows:
        assert row.thinking_tokens is not None
        assert row.requested_tokens is not None
        assert row.thinking_tokens <= row.requested_tokens
        assert row.verdict is not Verdict.ERRORED
        assert row.answer is None or row.axis == "capability"
    for trace in _traces(rows).values():
        decoded = sum(row.generated_tokens or 0 for row in trace)
        answers = sum(row.answer_tokens or 0 for row in trace if row.generated_tokens)
        assert decoded == (trace[-1].thinking_tokens or 0) + answers
        for below, row in pairwise(trace):
            if below.natural_end:
                assert (row.natural_end, row.generated_tokens, row.value) == (True, 0, below.value)


def test_what_was_stored_is_what_was_found(study: overthink.Study) -> None:
    assert study.folder is not None
    key = lambda r: (r.task, r.question, r.draw, r.rung)  # noqa: E731
    assert sorted(records_of(read_pool(study.folder.pool)), key=key) == sorted(records_of(study.pool), key=key)
    again = overthink.analyse(study.folder.path)
    assert again.findings == study.findings
    document = json.loads(study.folder.findings.read_text())
    assert document["schema"] == "overthink.findings/3"
    assert document["plan_sha256"] == plan().sha256()
    assert "<!doctype html>" in study.folder.report.read_text()[:200].lower()


def test_our_own_logs_give_back_the_pool(study: overthink.Study) -> None:
    assert study.folder is not None
    own, read = records_of(study.pool), records_of(overthink.analyse(study.folder.logs).pool)
    named = lambda row: replace(row, log=row.log and Path(row.log).name)  # noqa: E731
    key = lambda r: (r.task, r.question, r.draw, r.rung)  # noqa: E731
    assert sorted(map(named, read), key=key) == sorted(map(named, own), key=key)
    assert {row.log for row in own} == {f"logs/{log.name}" for log in study.folder.logs.glob("*.eval")}
    assert {row.epoch for row in own} == {row.draw + 1 for row in own}


def test_a_copy_of_an_analysis_names_the_logs_from_where_it_was_made(study: overthink.Study, tmp_path: Path) -> None:
    assert study.folder is not None
    copied = overthink.analyse(study.folder.path, out=tmp_path / "copy")
    here = {f"{study.folder.path}/logs/{log.name}" for log in study.folder.logs.glob("*.eval")}
    assert {row.log for row in records_of(copied.pool)} == here
    assert f"inspect view --log-dir {study.folder.path}/logs" in (tmp_path / "copy" / "report.html").read_text()
    again = overthink.report(tmp_path / "copy")
    assert {row.log for row in records_of(again.pool)} == here


def test_the_seed_decides_and_the_order_does_not(study: overthink.Study, tmp_path: Path) -> None:
    same = run(tmp_path / "same", plan(concurrency=1))
    assert same.findings == study.findings
    other = run(tmp_path / "other", plan(seed=6))
    assert other.findings != study.findings
    turned = plan(tasks=tuple(reversed(plan().tasks)))
    assert set(run(tmp_path / "turned", turned).findings) == set(study.findings)


def test_an_interrupted_study_resumes_without_paying_twice(
    study: overthink.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Sequence[RungRecord]] = []

    def stop_after_five(trace: Sequence[RungRecord]) -> None:
        told.append(trace)
        if len(told) == 5:
            raise StoppedError("the power went")

    with pytest.raises(StoppedError, match="the power went"):
        run(tmp_path / "s", on_trace=stop_after_five)
    first = {_name(trace) for trace in told}
    with pytest.raises(InputError, match="holds this study already; go on with --resume"):
        run(tmp_path / "s")
    with pytest.raises(InputError, match="another plan.*seed: 5 there, 6 now"):
        run(tmp_path / "s", plan(seed=6), resume=True)
    with (tmp_path / "s" / "journal.jsonl").open("ab") as journal:
        journal.write(b'[{"torn')  # killed while writing
    second: list[Sequence[RungRecord]] = []
    resumed = run(tmp_path / "s", resume=True, on_trace=second.append)
    assert resumed.findings == study.findings
    again = {_name(trace) for trace in second}
    assert not first & again
    assert len(first) + len(again) == 2 * 3 * 2


def test_a_failed_trace_is_a_row_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overthink.collect.ladder import trace

    calls = 0

    async def failing(*args: object) -> object:
        nonlocal calls
        calls += 1
        async for step in run_ladder(*args):  # type: ignore[arg-type]
            if calls == 2 and step.rung == 1:
                raise ConnectionError("reset by peer")
            yield step  # type: ignore[misc]

    monkeypatch.setattr(trace, "run_ladder", failing)
    wanted = plan(concurrency=1)
    broken = run(tmp_path / "s", wanted)
    failed = [row for row in records_of(broken.pool) if row.error]
    assert [row.rung for row in failed] == [1, 2]
    for row in failed:
        assert (row.verdict, row.value, row.thinking_tokens) == (Verdict.ERRORED, None, None)
        assert row.error == "ConnectionError: reset by peer"
    mended = run(tmp_path / "s", wanted, resume=True)
    assert not [row for row in records_of(mended.pool) if row.error]


def test_a_dead_server_stops_the_run_and_keeps_what_was_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overthink.collect.ladder import trace

    calls = 0

    async def dying(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise ConnectionError("connection refused")
        async for step in run_ladder(*args):  # type: ignore[arg-type]
            yield step  # type: ignore[misc]

    monkeypatch.setattr(trace, "run_ladder", dying)
    with pytest.raises(StoppedError, match="failed one after the other.*connection refused.*--resume"):
        run(tmp_path / "s", plan(concurrency=1))
    monkeypatch.undo()
    told: list[Sequence[RungRecord]] = []
    run(tmp_path / "s", plan(concurrency=1), resume=True, on_trace=told.append)
    assert len(told) == 2 * 3 * 2 - 4


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": "overthink/unknown"}, "unknown model overthink/unknown"),
        ({"model": "no_such_provider/m", "model_args": {}}, "cannot be used"),
        ({"model": "mockllm/model", "model_args": {}}, "cannot continue a prefix.*--efforts"),
        ({"budgets": (0, 1 << 20)}, "does not fit the context window"),
        ({"think_format": "loud"}, "--think knows no 'loud'; known: plain"),
        ({"tasks": [{"task": "overthink/none", "axis": "capability", "high": "correct"}]}, "unknown task"),
        (
            {"tasks": [{"task": "nowhere.py", "axis": "capability", "high": "correct"}]},
            "nowhere.py is not there; needed: a Python file with a task",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    changes: dict[str, object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        run(tmp_path / "s", plan(**changes))
    assert not (tmp_path / "s").exists()


TASKS = """
from inspect_ai import Task, task
from inspect_ai.agent import react
from inspect_ai.dataset import Sample
from inspect_ai.scorer import choice, includes, match
from inspect_ai.solver import generate, multiple_choice

SAMPLE = Sample(input="Which?", choices=["one", "two"], target="B")

@task
def choices(): return Task(dataset=[SAMPLE], solver=multiple_choice(max_tokens=16), scorer=choice())

@task
def unscored(): return Task(dataset=[Sample(input="x")], solver=generate())

@task
def doubled(): return Task(dataset=[Sample(input="x", id=1), Sample(input="y", id=1)], scorer=match())

@task
def agent(): return Task(dataset=[SAMPLE], solver=react(), scorer=includes())

@task
def several(): return Task(dataset=[SAMPLE], solver=generate(), scorer=[includes(), match()])

@task
def sandboxed(): return Task(dataset=[SAMPLE], solver=generate(), scorer=match(), sandbox="local")
"""

EMPTY = """
@task
def empty(): return Task(dataset=[], solver=generate(), scorer=match())
"""


def theirs(tmp_path: Path, name: str, **changes: object) -> Plan:
    file = tmp_path / "theirs.py"
    file.write_text(TASKS + (EMPTY if name == "empty" else ""))
    given = [f"{file}@{name}" if name else str(file)]
    return plan(tasks=overthink.tasks(capability=given, safety=[], benign=[], args={}), **changes)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("empty", "dataset is empty"),
        ("unscored", "has no scorer"),
        ("doubled", "same id to several questions"),
        ("agent", "agent: its solver does not call generate"),
        ("several", "2 scorers \\(includes, match\\)"),
        ("sandboxed", "runs in a sandbox"),
        ("", "holds 6 tasks"),
    ],
)
def test_a_task_that_does_not_fit_is_named(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        run(tmp_path / "s", theirs(tmp_path, name))


def test_a_task_of_somebody_else_runs_as_it_is(tmp_path: Path) -> None:
    certain = SIMULATED | {"capability": "0:0.01,4:0.999", "question_sd": 0, "natural_length": 1000}
    study = run(tmp_path / "s", theirs(tmp_path, "choices", model_args=certain, draws=8, budgets=(0, 32)))
    right = {row.rung: [] for row in records_of(study.pool)}  # type: ignore[var-annotated]
    for row in records_of(study.pool):
        assert (row.task, row.scorer) == ("choices", "choice")
        right[row.rung].append(row.value)
    assert sum(right[1]) == 8  # 32 tokens of thinking in spite of the task's cap of 16, and its own parsing
    assert sum(right[0]) <= 2


def _name(trace: Sequence[RungRecord]) -> tuple[str, str, int]:
    return (trace[0].task, trace[0].question, trace[0].draw)


def _traces(rows: Sequence[RungRecord]) -> dict[tuple[str, str, int], list[RungRecord]]:
    traces: dict[tuple[str, str, int], list[RungRecord]] = {}
    for row in sorted(rows, key=lambda r: r.rung):
        traces.setdefault((row.task, row.question, row.draw), []).append(row)
    return traces


def test_a_run_shows_what_the_simulated_model_decided(study: overthink.Study) -> None:
    from overthink.collect.providers.simulated.model import SimulatedModel

    model = SimulatedModel(**SIMULATED)  # type: ignore[arg-type]
    for row in records_of(study.pool):
        assert row.thinking_tokens is not None
        decided = model.outcome(row.axis.value, row.question, row.draw, plan().seed, row.thinking_tokens)
        assert row.value == float(decided), row
