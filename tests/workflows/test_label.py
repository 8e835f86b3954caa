"""A sheet shows the text of every answer that a log holds, the right one, and counts the others with their reasons."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import overthink
from overthink.data.pool import records_of
from overthink.plan.study import Plan, checked_plan
from overthink.storage.pool import read_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.label import Sheet, label

FILE = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def echoes():
    samples = [Sample(input=f"question {i}", target=str(i), id=f"q{i}") for i in range(3)]
    return Task(dataset=samples, solver=generate(), scorer=match())
"""


def plan(folder: Path, **changes: Any) -> Plan:
    (folder / "theirs.py").write_text(FILE)
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "model_args": {"natural_length": 12, "capability": "rise"},
        "tasks": overthink.tasks(capability=[f"{folder}/theirs.py@echoes"], safety=[], benign=[], args={}),
        "budgets": (0, 8, 64),
        "draws": 2,
        "limit": 3,
        "seed": 5,
    }
    return checked_plan(**(fields | changes))


def run(folder: Path, wanted: Plan, **options: Any) -> overthink.Study:
    return overthink.run(overthink.prepare(wanted), folder, **options)


def sheet(path: Path, out: Path) -> tuple[Sheet, pl.DataFrame]:
    made = label(path, out, per_rung=100, show_text=True)
    return made, pl.read_csv(out, infer_schema=False).with_columns(pl.col("draw", "rung").cast(int))


def agrees(folder: Path, shown: pl.DataFrame, estimand: str) -> int:
    """How many shown answers hold the answer that the pool has for their row; all of them, or this fails."""
    rows = {
        (r.question, r.draw, r.rung): r
        for r in records_of(read_pool(StudyFolder(folder).pool))
        if r.estimand == estimand
    }
    seen = 0
    for one in shown.filter(pl.col("estimand") == estimand).iter_rows(named=True):
        row = rows[one["question"], one["draw"], one["rung"]]
        if row.answer is not None and one["answered"]:
            assert row.answer in " ".join(one["answered"].casefold().split()), (row, one)
            seen += 1
    return seen


def test_controls_have_their_own_texts_and_shares_have_none(tmp_path: Path) -> None:
    controls = plan(tmp_path, controls=("sham", "natural", "truncated"), resamples=2)
    run(tmp_path / "s", controls)
    made, shown = sheet(tmp_path / "s", tmp_path / "labels.csv")
    without = shown.filter(pl.col("answered").is_null() | (pl.col("answered") == ""))
    assert set(without["estimand"]) <= {"resampled", "truncated"}  # a response that was cut may hold nothing
    count = shown.filter(pl.col("estimand") == "resampled").height
    assert made.without_text == {"resampled (each is a share of several answers)": count}
    assert f"{count} of them without text" in (made.note() or "")
    assert all(agrees(tmp_path / "s", shown, estimand) for estimand in ("forced", "natural", "sham"))
    assert shown.filter(pl.col("estimand") == "natural")["asked"].str.len_chars().min() > 0


def test_a_ladder_that_gained_a_rung_shows_the_text_of_the_right_one(tmp_path: Path) -> None:
    run(tmp_path / "s", plan(tmp_path, budgets=(0, 64)))
    run(tmp_path / "s", plan(tmp_path), resume=True)  # what was rung 1 is rung 2 now
    made, shown = sheet(tmp_path / "s", tmp_path / "labels.csv")
    assert made == Sheet(len(shown))
    assert made.note() is None
    assert agrees(tmp_path / "s", shown, "forced") == len(shown)
    assert set(shown["rung"]) == {0, 1, 2}


@pytest.fixture
def levels(tmp_path: Path) -> tuple[Path, overthink.Study]:
    """A study of two levels; every answer tells its question, its level and its number."""
    from inspect_ai.model import GenerateConfig, ModelAPI, ModelOutput, modelapi

    counted = iter(range(10**6))

    @modelapi(name="telling")
    class Telling(ModelAPI):
        def __init__(self, model_name: str, base_url: Any = None, api_key: Any = None, config: Any = None) -> None:
            super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())

        async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:  # noqa: A002
            said = f"{input[-1].text} at {config.reasoning_effort}, answer {next(counted)}"
            return ModelOutput.from_content(self.model_name, said)

    wanted = plan(
        tmp_path,
        model="telling/m",
        model_args={},
        budgets=None,
        efforts=("low", "high"),
    )
    return tmp_path / "s", run(tmp_path / "s", wanted)


def test_levels_show_what_was_answered_at_them(levels: tuple[Path, overthink.Study], tmp_path: Path) -> None:
    folder, study = levels
    made, shown = sheet(folder, tmp_path / "labels.csv")
    assert made == Sheet(len(records_of(study.pool))) == Sheet(2 * 2 * 3)
    for one in shown.iter_rows(named=True):
        level = ("low", "high")[one["rung"]]
        assert one["answered"].startswith(f"question {one['question'][1:]} at {level}, answer")
        assert one["asked"] == f"question {one['question'][1:]}"
    assert shown["answered"].n_unique() == len(shown)
    again = run(folder, study_plan(study, draws=3), resume=True)  # what was shown stays with its draw
    assert len(records_of(again.pool)) == 3 * 2 * 3
    more = sheet(folder, tmp_path / "more.csv")[1]
    name = ["question", "draw", "rung", "answered"]
    assert shown.select(name).join(more.select(name), on=name, how="anti").is_empty()
    # The logs by themselves show the same texts.
    made, alone = sheet(folder / "logs", tmp_path / "alone.csv")
    assert (made.note(), set(alone["answered"])) == (None, set(more["answered"]))


def test_what_is_lost_is_counted_with_its_reason(levels: tuple[Path, overthink.Study], tmp_path: Path) -> None:
    folder, _ = levels
    for log in (folder / "logs").glob("00-01-high/*.eval"):
        log.unlink()
    made, shown = sheet(folder, tmp_path / "labels.csv")
    assert made.note() == "6 of them without text: 6 whose log is gone, damaged, or of another version"
    assert set(shown.filter(pl.col("rung") == 1)["answered"].fill_null("")) == {""}


def study_plan(study: overthink.Study, **changes: Any) -> Plan:
    assert study.folder is not None
    there = Plan.model_validate_json(study.folder.plan.read_text())
    return there.model_copy(update=changes)
