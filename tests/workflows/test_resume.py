"""A study goes on, or grows, and pays only for what is new."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from simulated_study import one_task as plan
from simulated_study import run as run_plan
from stopped_runs import stopping_after
from sweeps import few

import overthink
from overthink.collect.providers.simulated.provider import SimulatedProvider
from overthink.data.pool import records_of, words_of
from overthink.data.record import RungRecord
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan
from overthink.storage.journal import read_journal
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import LOCK_FILE, study_lock
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.resume import check_folder, is_outdated

Call = tuple[str, str, int, str, int]


@pytest.fixture
def calls(on_call: Any) -> Counter[Call]:
    """What the simulated model was asked: axis, question, draw, phase and thinking tokens."""
    served: Counter[Call] = Counter()

    def count(asked: Any, usage: Any) -> None:
        truth = asked[-1].metadata["truth"]
        served[truth["axis"], truth["question"], truth["draw"], truth["phase"], truth["thinking_tokens"]] += 1

    on_call(count)
    return served


def run(folder: Path, wanted: Plan | None = None, **options: Any) -> overthink.Study:
    return run_plan(folder, wanted or plan(), **options)


def key(row: RungRecord) -> tuple[str, str, int, int]:
    return (row.task, row.question, row.draw, row.rung)


def rows(study: overthink.Study) -> dict[tuple[str, str, int, int], RungRecord]:
    found = {key(row): row for row in records_of(study.pool)}
    assert len(found) == len(records_of(study.pool))
    return found


def test_a_finished_study_is_resumed_for_nothing(tmp_path: Path, calls: Counter[Call]) -> None:
    first = run(tmp_path / "s")
    assert check_folder(tmp_path / "s", plan(), resume=True) == 3 * 2
    (tmp_path / "s" / "findings.json").unlink()
    calls.clear()
    again = run(tmp_path / "s", resume=True)
    assert not calls
    assert again.findings == first.findings
    assert again.folder is not None
    assert again.folder.findings.exists()


def trace_of(study: overthink.Study) -> dict[tuple[str, int, int], bytes]:
    table = study.pool.select("question", "draw", "rung", "trace").collect()
    return {tuple(place): trace for *place, trace in table.iter_rows()}


def test_the_ids_of_traces_are_those_of_the_plan_and_stay(tmp_path: Path) -> None:
    study = run(tmp_path / "s")
    first = trace_of(study)
    (task,) = words_of(study.pool, "task")[0]
    texts = {(q, d): "\0".join((plan().sha256(), "base", task, q, str(d))) for q, d, _ in first}
    hashes = {place: hashlib.sha256(text.encode()).digest()[:16] for place, text in texts.items()}
    assert first == {(q, d, r): hashes[q, d] for q, d, r in first}
    assert trace_of(overthink.report(tmp_path / "s")) == first
    assert trace_of(run(tmp_path / "s", resume=True)) == first
    grown = trace_of(run(tmp_path / "s", plan(draws=3, budgets=(0, 8, 16, 32)), resume=True))
    assert len({*grown.values()}) == 9
    assert {trace for (_, draw, _), trace in grown.items() if draw < 2} == {*first.values()}
    (tmp_path / "s" / "pool.parquet").write_bytes(b"PAR1 damaged PAR1")
    damaged = trace_of(run(tmp_path / "s", plan(draws=3, budgets=(0, 8, 16, 32)), resume=True))
    assert len({*damaged.values()} - {*grown.values()}) == 6  # the ids of the plan in the folder


@pytest.mark.parametrize("grown", few([{"draws": 3, "limit": 4}, {"draws": 4}], 1), ids=str)
def test_more_draws_and_questions_pay_for_themselves_alone(
    grown: dict[str, int], tmp_path: Path, calls: Counter[Call]
) -> None:
    run(tmp_path / "s")
    paid = set(calls)
    calls.clear()
    with pytest.raises(InputError, match="holds this study with less.*extend it with --resume"):
        run(tmp_path / "s", plan(**grown))
    extended = run(tmp_path / "s", plan(**grown), resume=True)
    assert calls
    assert not paid & set(calls)
    assert extended.findings == run(tmp_path / "afresh", plan(**grown)).findings
    assert json.loads((tmp_path / "s" / "plan.json").read_text())["draws"] == plan(**grown).draws


def test_added_rungs_pay_for_their_answers_alone(tmp_path: Path, calls: Counter[Call]) -> None:
    old, new = plan(budgets=(8, 32)), plan(budgets=(0, 3, 8, 16, 20, 32))
    before = rows(run(tmp_path / "s", old))
    calls.clear()
    extended = rows(run(tmp_path / "s", new, resume=True))
    assert {phase for _, _, _, phase, _ in calls} == {"answer"}
    assert {tokens for *_, tokens in calls} <= {0, 3, 16, 20}
    afresh = rows(run(tmp_path / "afresh", new))
    assert extended.keys() == afresh.keys()
    moved = {0: 2, 1: 5}
    for (task, question, draw, rung), row in before.items():
        stands = extended[task, question, draw, moved[rung]]
        assert (stands.value, stands.verdict, stands.requested_tokens) == (row.value, row.verdict, row.requested_tokens)
    _keeps_the_accounts(list(extended.values()), decoded=_decoded(before.values()) + sum(_answers(extended, before)))


def _answers(extended: dict[Any, RungRecord], before: dict[Any, RungRecord]) -> list[int]:
    """Answer tokens of the forks that were added: rows that decoded something, at budgets that were not there."""
    known = {row.requested_tokens for row in before.values()}
    moved = {(row.task, row.question, row.draw): row for row in before.values() if row.natural_end}
    return [
        row.answer_tokens or 0
        for row in extended.values()
        if row.requested_tokens not in known
        and row.generated_tokens
        and not (row.natural_end and (row.task, row.question, row.draw) in moved)
    ]


def _decoded(found: Any) -> int:
    return sum(row.generated_tokens for row in found)


def _keeps_the_accounts(found: Sequence[RungRecord], *, decoded: int) -> None:
    assert _decoded(found) == decoded
    for row in found:
        assert row.thinking_tokens is not None
        assert row.requested_tokens is not None
        assert row.thinking_tokens <= row.requested_tokens
        assert row.error is None


def test_a_trace_that_never_ends_comes_out_as_if_the_rungs_had_been_there(tmp_path: Path) -> None:
    endless = {"model_args": {"capability": "rise", "safety": "decline", "question_sd": 1.0}}
    run(tmp_path / "s", plan(budgets=(0, 32), **endless))
    extended = run(tmp_path / "s", plan(budgets=(0, 8, 16, 32), **endless), resume=True)
    afresh = run(tmp_path / "afresh", plan(budgets=(0, 8, 16, 32), **endless))
    forgetting = lambda row: dataclasses.replace(row, study="", prompt_tokens=None, log=None, epoch=None)  # noqa: E731
    assert {forgetting(row) for row in records_of(extended.pool)} == {
        forgetting(row) for row in records_of(afresh.pool)
    }
    spent = lambda study: [f for f in study.findings if not f.metric.endswith(("_prompt", "paid_in_all"))]  # noqa: E731
    assert spent(extended) == spent(afresh)  # a fork reads its prompt once where the way up read it twice
    logs = overthink.analyse(tmp_path / "s" / "logs")  # the logs tell the same as the pool
    assert {by_name(row) for row in records_of(logs.pool)} == {by_name(row) for row in records_of(extended.pool)}
    assert {row.log for row in records_of(extended.pool) if row.requested_tokens in (0, 32)}.isdisjoint(
        {row.log for row in records_of(extended.pool) if row.requested_tokens in (8, 16)}
    )  # an added rung is in the log of the run that added it


def by_name(row: RungRecord) -> RungRecord:
    """Return a row whose log is named without its folder."""
    assert row.log is not None
    assert row.epoch is not None
    return dataclasses.replace(row, log=Path(row.log).name)


def test_rungs_draws_and_questions_may_be_added_at_once_and_after_a_stop(tmp_path: Path) -> None:
    stopped = stopping_after(5)
    with pytest.raises(StoppedError):
        run(tmp_path / "s", on_trace=stopped)
    grown = plan(budgets=(0, 2, 8, 16, 32), draws=3, limit=4)
    with pytest.raises(StoppedError):
        run(tmp_path / "s", grown, resume=True, on_trace=stopping_after(4))
    with pytest.raises(InputError, match="has not finished"):
        overthink.analyse(tmp_path / "s")
    extended = run(tmp_path / "s", grown, resume=True)
    assert len(rows(extended)) == 4 * 3 * 5
    calls_left: list[Sequence[RungRecord]] = []
    assert run(tmp_path / "s", grown, resume=True, on_trace=calls_left.append).findings == extended.findings
    assert not calls_left


@pytest.mark.parametrize(
    "other",
    [
        {"draws": 1}, {"limit": 2}, {"budgets": (0, 32)}, {"budgets": (0, 8, 32, 64)}, {"budgets": (0, 8, 16)},
        {"seed": 6}, {"temperature": 0.5}, {"answer_tokens": 64, "draws": 4}, {"efforts": ("low",), "budgets": None},
    ],
    ids=str,
)  # fmt: skip
def test_any_other_difference_is_shown_and_refused(other: dict[str, object], tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").create()
    (tmp_path / "s" / "plan.json").write_text(plan().to_json())
    with pytest.raises(InputError, match="another plan") as refused:
        check_folder(tmp_path / "s", plan(**other), resume=True)
    for name in other:
        assert f"{name}: " in str(refused.value)
    assert (tmp_path / "s" / "plan.json").read_text() == plan().to_json()


def test_without_token_ids_rungs_are_refused_and_the_plan_stays(tmp_path: Path) -> None:
    run(tmp_path / "s")
    (tmp_path / "s" / "logs" / "thoughts.jsonl").unlink()
    with pytest.raises(InputError, match=r"cannot be added to 6 of 6 .*not stored as token ids.*--out"):
        run(tmp_path / "s", plan(budgets=(0, 8, 16, 32)), resume=True)
    assert (tmp_path / "s" / "plan.json").read_text() == plan().to_json()
    assert len(records_of(run(tmp_path / "s", plan(draws=3), resume=True).pool)) == 3 * 3 * 3


@pytest.mark.long
def test_rungs_are_not_added_where_the_text_itself_is_scored(tmp_path: Path) -> None:
    for beside in ({"controls": ("truncated",)}, {"judge_traces": True}):
        folder = StudyFolder(tmp_path / next(iter(beside)))
        folder.create()
        folder.plan.write_text(plan(**beside).to_json())
        with pytest.raises(InputError, match="another plan .*budgets"):
            check_folder(folder.path, plan(budgets=(0, 8, 16, 32), **beside), resume=True)
        assert check_folder(folder.path, plan(draws=3, **beside), resume=True) == 0
    run(tmp_path / "s", plan(controls=("sham", "natural")))
    extended = run(tmp_path / "s", plan(budgets=(0, 8, 16, 32), controls=("sham", "natural")), resume=True)
    assert Counter(str(row.estimand) for row in records_of(extended.pool)) == {"forced": 24, "sham": 6, "natural": 6}


def test_a_fork_that_fails_leaves_the_rows_that_were_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(run(tmp_path / "s", plan(concurrency=1)))
    new = plan(budgets=(0, 8, 12, 16, 32), concurrency=1)
    generate, asked = SimulatedProvider.generate, Counter[int]()

    async def failing(self: SimulatedProvider, *rest: Any, **more: Any) -> Any:
        asked["n"] += 1  # type: ignore[index]
        if asked["n"] == 2:  # type: ignore[index]
            raise ConnectionError("reset by peer")
        return await generate(self, *rest, **more)

    monkeypatch.setattr(SimulatedProvider, "generate", failing)
    broken = run(tmp_path / "s", new, resume=True)
    failed = [row for row in records_of(broken.pool) if row.error]
    assert len(failed) == 1
    assert len(rows(broken)) == 3 * 2 * 5
    assert {row.requested_tokens for row in failed} <= {12, 16}
    for row in before.values():
        assert any(
            row.value == now.value and row.requested_tokens == now.requested_tokens for now in records_of(broken.pool)
        )
    mended = run(tmp_path / "s", new, resume=True)
    assert not [row for row in records_of(mended.pool) if row.error]
    assert asked["n"] < 40  # type: ignore[index]


def test_a_second_process_is_refused_by_name_and_a_dead_one_is_not_in_the_way(tmp_path: Path) -> None:
    run(tmp_path / "s")
    hold = (
        "import sys, time; from pathlib import Path; from overthink.storage.study_lock import study_lock\n"
        "with study_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "s")], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        before = {path: path.read_bytes() for path in (tmp_path / "s").iterdir() if path.is_file()}
        for attempt in (check_folder, run):
            with pytest.raises(InputError, match=rf"in use: process {other.pid} on {os.uname().nodename}"):
                attempt(tmp_path / "s", plan(draws=3), resume=True)
        assert {path: path.read_bytes() for path in before} == before
        other.kill()
    assert (tmp_path / "s" / LOCK_FILE).exists()
    assert run(tmp_path / "s", resume=True).findings
    with study_lock(tmp_path / "s"), pytest.raises(InputError, match="in use"), study_lock(tmp_path / "s"):
        pass


def test_an_extension_that_did_not_finish_is_not_reported_as_finished(tmp_path: Path) -> None:
    study = run(tmp_path / "s")
    assert study.folder is not None
    assert not is_outdated(study.folder, plan())
    with pytest.raises(StoppedError):
        run(tmp_path / "s", plan(draws=4), resume=True, on_trace=stopping_after(1))
    assert is_outdated(study.folder, plan(draws=4))
    for again in (overthink.analyse, overthink.workflows.analyse.report):
        with pytest.raises(InputError, match="has not finished.*--resume"):
            again(tmp_path / "s")
    assert len(records_of(run(tmp_path / "s", plan(draws=4), resume=True).pool)) == 3 * 4 * 3


def test_a_log_or_a_journal_cut_in_the_middle_costs_one_trace_at_most(tmp_path: Path, calls: Counter[Call]) -> None:
    whole = run(tmp_path / "s")
    for name in ("journal.jsonl", "logs/thoughts.jsonl"):
        file = tmp_path / "s" / name
        file.write_bytes(file.read_bytes()[:-9])
    (log, *_) = sorted((tmp_path / "s" / "logs").glob("*.eval"))
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    calls.clear()
    resumed = run(tmp_path / "s", resume=True)
    assert resumed.findings == whole.findings
    assert len({call[:3] for call in calls}) == 1
    with pytest.raises(InputError, match="cannot be read as an Inspect log"):
        overthink.analyse(log)
    assert not [note for note in resumed.about.notes if "Left out" in note]


def test_a_journal_of_another_study_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "s")
    journal = tmp_path / "s" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], lines[1][:40] + b"\n", *lines[2:]]))
    with pytest.raises(InputError, match="line 2 is not JSON"):
        run(tmp_path / "s", resume=True)
    shutil.rmtree(tmp_path / "s" / "logs")
    journal.write_bytes(b"".join(lines))
    assert len(read_journal(journal)) == len(lines) - 1
    assert run(tmp_path / "s", resume=True).findings  # a study without its logs is still a study


@pytest.mark.long
def test_human_labels_outlive_an_extension_unless_their_rungs_move(tmp_path: Path) -> None:
    study = run(tmp_path / "s")
    sheet = tmp_path / "labels.csv"
    marks = [f"{row.question},{row.draw},{row.rung},{int((row.value or 0) > 0.5)}" for row in records_of(study.pool)]
    sheet.write_text("\n".join(["question,draw,rung,label", *marks]))
    overthink.analyse(tmp_path / "s", out=tmp_path / "s", options=AnalysisOptions(labels=sheet))
    longer = run(tmp_path / "s", plan(draws=4), resume=True)
    assert longer.find(kind="judge", metric="sensitivity")
    budgets = plan().budgets or ()
    finer = run(tmp_path / "s", plan(draws=4, budgets=(*budgets[:-1], budgets[-1] - 1, budgets[-1])), resume=True)
    assert not finer.find(kind="judge", metric="sensitivity")
    assert any("Human labels" in note for note in finer.about.notes)
