"""A study asks the questions that it began with, in whatever order its dataset comes back."""

import json
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log
from sweeps import few

import overthink
from overthink.data.pool import records_of
from overthink.errors import InputError
from overthink.plan.study import Plan, checked_plan
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.resume import check_folder
from overthink.workflows.verify import prepare_verification

FILE = """
from pathlib import Path
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

OPENED = Path(__file__).with_name("opened")

def turned(samples):
    '''As an author's shuffling does, but surely: every opening begins elsewhere.'''
    times = int(OPENED.read_text()) if OPENED.exists() else 0
    OPENED.write_text(str(times + 1))
    start = 3 * times % len(samples)
    return samples[start:] + samples[:start]

def made(**ids):
    samples = [Sample(input=f"question {i}", target=str(i), **{k: f(i) for k, f in ids.items()}) for i in range(8)]
    return Task(dataset=turned(samples), solver=generate(), scorer=match())

@task
def named():
    return made(id=lambda i: f"q{i}")

@task
def unnamed():
    return made()

KEPT = [Sample(input=f"question {i}", target=str(i)) for i in range(8)]

@task
def kept():
    return Task(dataset=turned(KEPT), solver=generate(), scorer=match())

@task
def afresh():
    times = int(OPENED.read_text()) if OPENED.exists() else 0
    task = made()
    for sample in task.dataset:
        sample.input += f" asked {times} times"
    return task
"""


def plan(folder: Path, task: str = "named", **changes: Any) -> Plan:
    (folder / "theirs.py").write_text(FILE)
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "tasks": overthink.tasks(capability=[f"{folder}/theirs.py@{task}"], safety=[], benign=[], args={}),
        "budgets": (0, 8),
        "draws": 1,
        "limit": 3,
        "seed": 5,
    }
    return checked_plan(**(fields | changes))


def run(folder: Path, wanted: Plan, **options: Any) -> overthink.Study:
    return overthink.run(overthink.prepare(wanted), folder / "s", **options)


def asked(folder: Path) -> dict[str, set[str]]:
    """By id, everything that was asked under it, by the logs."""
    said: dict[str, set[str]] = {}
    for log in (folder / "s" / "logs").rglob("*.eval"):
        for sample in read_eval_log(str(log)).samples or []:
            said.setdefault(str(sample.id), set()).add(str(sample.input))
    return said


def grown(folder: Path, task: str, **changes: Any) -> dict[str, set[str]]:
    run(folder, plan(folder, task))
    run(folder, plan(folder, task, **changes), resume=True)
    return asked(folder)


@pytest.mark.parametrize("task", few(["named", "kept", "unnamed"], 2))
def test_what_goes_on_asks_the_same_questions(tmp_path: Path, task: str) -> None:
    said = grown(tmp_path, task, draws=2)
    assert len(said) == 3
    assert all(len(texts) == 1 for texts in said.values())
    study = run(tmp_path, plan(tmp_path, task, draws=2, limit=5), resume=True)
    more = asked(tmp_path)
    assert len(more) == 5
    assert all(len(texts) == 1 for texts in more.values())
    assert said.items() <= more.items()
    assert sorted((row.question, row.draw) for row in records_of(study.pool) if row.rung == 0) == sorted(
        (question, draw) for question in more for draw in (0, 1)
    )


@pytest.mark.parametrize(("task", "ids", "texts"), [("named", 6, 1), ("unnamed", 3, 2)])
def test_nothing_else_would_have_kept_them(tmp_path: Path, task: str, ids: int, texts: int) -> None:
    """The control: without what was stored, others are asked, or others under the same number."""
    run(tmp_path, plan(tmp_path, task))
    StudyFolder(tmp_path / "s").questions.unlink()
    run(tmp_path, plan(tmp_path, task, draws=2), resume=True)
    said = asked(tmp_path)
    assert (len(said), max(map(len, said.values()))) == (ids, texts)


def test_a_study_whose_task_file_changed_is_not_resumed(tmp_path: Path) -> None:
    """Its stored answers have the scores of the earlier scorer: no curve may mix the two."""
    wanted = plan(tmp_path, limit=1)
    run(tmp_path, wanted)
    more = wanted.model_copy(update={"draws": 2})
    check_folder(tmp_path / "s", overthink.prepare(more).plan, resume=True)
    file = tmp_path / "theirs.py"
    file.write_text(FILE.replace("scorer=match()", "scorer=match('begin')"))
    with pytest.raises(InputError, match="theirs.py has changed since the study began.*begin another study in --out"):
        check_folder(tmp_path / "s", overthink.prepare(more).plan, resume=True)


@pytest.mark.parametrize(
    ("task", "damage", "said"),
    [("named", {"id": "gone"}, "1 of the 3 .*not in its dataset any more .ids 'gone'"),
     ("unnamed", {"sha256": "0"}, "1 of the 3 .*nothing there says the same"),
     ("afresh", {}, "3 of the 3 .*makes its questions anew every time")],
)  # fmt: skip
def test_a_question_that_is_gone_is_refused(tmp_path: Path, task: str, damage: dict[str, str], said: str) -> None:
    run(tmp_path, plan(tmp_path, task))
    path = StudyFolder(tmp_path / "s").questions
    told = json.loads(path.read_text())
    (questions,) = told["tasks"].values()
    questions[0] |= damage
    path.write_text(json.dumps(told))
    with pytest.raises(InputError, match=said):
        run(tmp_path, plan(tmp_path, task, draws=2), resume=True)


@pytest.mark.parametrize("task", ["named", "unnamed"])
def test_every_level_asks_the_same_questions(tmp_path: Path, task: str) -> None:
    levels = {"budgets": None, "efforts": ("low", "high")}
    study = run(tmp_path, plan(tmp_path, task, **levels))
    by_level = [{row.question for row in records_of(study.pool) if row.rung == rung} for rung in (0, 1)]
    assert by_level[0] == by_level[1]
    assert all(len(texts) == 1 for texts in asked(tmp_path).values())
    run(tmp_path, plan(tmp_path, task, **levels, draws=2), resume=True)
    said = asked(tmp_path)
    assert (len(said), max(map(len, said.values()))) == (3, 1)


def test_a_verifier_is_shown_the_questions_that_were_asked(tmp_path: Path) -> None:
    run(tmp_path, plan(tmp_path, "unnamed"))
    wanted = prepare_verification(tmp_path / "s", verifier="simulated", by="answer")
    ((_, task),) = wanted.session.tasks.values()
    assert {str(sample.id): {sample.input} for sample in task.dataset} == asked(tmp_path)
