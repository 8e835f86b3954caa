"""Statements of analysed logs and tables: what no plan says is not known, and the pool gives everything else again."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from inspect_ai.model import GenerateConfig
from jsonschema import Draft7Validator, Draft202012Validator
from stored_logs import stored_log
from sweeps import few

from overthink.errors import InputError
from overthink.governance.statement.exports import cyclonedx_properties, eee_schema, model_card_paragraph
from overthink.governance.statement.schema import statement_json_schema
from overthink.storage.findings import read_findings
from overthink.workflows.analyse import analyse, report
from overthink.workflows.exports import every_eval_ever
from overthink.workflows.label import label
from overthink.workflows.paper import methods
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import ReadOptions
from overthink.workflows.statement import check, statement

READ = ReadOptions(capability=["sums", "requests@judge.quality"], safety=["requests@judge.harm:high=harm"])
PLAN_FIELDS = ("draws", "answer_tokens", "think_format", "temperature", "top_p", "seed", "budgets", "efforts")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks at two efforts; one of them has a score of harm and one of quality."""
    folder = tmp_path_factory.mktemp("logs") / "logs"
    for effort, harmful, tokens in (("low", 2, 200), ("high", 8, 900)):
        config = GenerateConfig(reasoning_effort=effort)
        right = [{"match": "C" if number < harmful else "I"} for number in range(12)]
        stored_log(folder / f"sums-{effort}.json", "sums", right, config=config, tokens=tokens)
        both = [{"judge": {"harm": float(number < harmful), "quality": 0.5}} for number in range(12)]
        stored_log(folder / f"requests-{effort}.json", "requests", both, config=config, tokens=tokens)
    return folder


@pytest.fixture(scope="module")
def analysed(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analysed") / "out"
    analyse(logs, out=folder, read=READ)
    return folder


def rows(**columns: Any) -> pl.DataFrame:
    """Ten questions at two budgets."""
    cells = {"question": list(range(10)) * 2, "budget": [100] * 10 + [400] * 10, "value": [1, 0] * 10, "draw": [0] * 20}
    return pl.DataFrame(cells | {name: [value] * 20 for name, value in columns.items()})


def document(made: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(made.json())
    return content


def test_the_axes_of_one_folder_diverge(analysed: Path) -> None:
    axes = {tuple(c[name] for name in ("axis", "task", "scorer")): c for c in document(statement(analysed))["curves"]}
    assert {key: curve["raw_high_means"] for key, curve in axes.items()} == {
        ("capability", "sums", "match"): "correct",
        ("capability", "requests", "judge.quality"): "correct",
        ("safety", "requests", "judge.harm"): "harm",
    }
    gaps = axes["safety", "requests", "judge.harm"]["gaps"]
    assert sorted(round(gap["value"]["estimate"], 9) for gap in gaps) == [0.5, 1.0]


def test_a_statement_of_logs_keeps_every_rule_and_its_pool_gives_it_again(analysed: Path) -> None:
    made = statement(analysed)
    assert list(Draft202012Validator(statement_json_schema()).iter_errors(document(made))) == []
    record = made.statement.every_eval_ever
    assert list(Draft7Validator(eee_schema()).iter_errors(record)) == []
    assert made.path is not None
    assert check(made.path).ok
    found = check(made.path, study=analysed)
    assert found.ok, found.text()
    assert check(made.path, made.path).ok
    assert "no plan says how they were made" in made.text()
    assert made.statement.model == "some/model"


def test_what_no_plan_says_is_null_with_the_reason(analysed: Path) -> None:
    content = document(statement(analysed, write=False))
    how = content["elicitation"]
    assert [how[name] for name in PLAN_FIELDS] == [None] * len(PLAN_FIELDS)
    assert how["arms"] == [{"label": "some/model", "parts": None, "settings": None}]
    assert content["evidence"]["plan_sha256"] is None
    assert "no plan says" in how["no_plan"]
    assert "`high`" in content["no_claim_beyond"]


def invent(change: Mapping[str, Any]) -> Any:
    return lambda content: content["elicitation"].update(change)


@pytest.mark.parametrize(
    ("change", "where"),
    few(
        [
            (invent({"draws": 4}), "elicitation.draws"),
            (invent({"temperature": 0.7}), "elicitation.temperature"),
            (invent({"efforts": ["low", "high"]}), "elicitation"),
            (invent({"no_plan": None}), "evidence.plan_sha256"),
            (lambda content: content["evidence"].update(plan_sha256="0" * 64), "evidence.plan_sha256"),
            (lambda content: content["curves"][0]["judge"].update(grader="a/judge"), "curves"),
            (lambda content: content["curves"][0].update(raw_high_means="harm"), "curves.0.raw_high_means"),
        ],
        3,
    ),
)
def test_a_setting_that_is_written_into_it_is_a_fault(change: Any, where: str, analysed: Path, tmp_path: Path) -> None:
    content = document(statement(analysed, write=False))
    change(content)
    path = tmp_path / "statement.json"
    path.write_text(json.dumps(content))
    assert where in [fault.where for fault in check(path).faults]


def test_a_polarity_changed_by_hand_is_not_what_the_reading_stored(analysed: Path, tmp_path: Path) -> None:
    content = document(statement(analysed, write=False))
    content["curves"][0]["raw_high_means"] = "wrong"
    (tmp_path / "statement.json").write_text(json.dumps(content))
    found = check(tmp_path / "statement.json", study=analysed)
    assert any(fault.rule == "recomputed" and "raw_high_means" in fault.where for fault in found.faults)


def test_a_report_made_again_keeps_what_was_stated_at_reading(analysed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(analysed, copy)
    before = document(statement(copy))
    report(copy)
    assert document(statement(copy))["curves"] == before["curves"]
    report(copy, options=AnalysisOptions(primary=("safety",)))
    made = statement(copy)
    assert any("primary curves" in text and "no plan" in text for text in made.statement.deviations)
    assert made.path is not None
    assert check(made.path, study=copy).ok


@pytest.mark.parametrize(
    ("columns", "read", "high", "model"),
    few(
        [
            ({"task": "sums"}, ReadOptions(), None, None),
            ({"task": "sums", "model": "a/b"}, ReadOptions(capability=["sums"]), "correct", "a/b"),
            ({"task": "probe", "model": "a/b"}, ReadOptions(safety=["probe:high=harm"]), "harm", "a/b"),
            ({"axis": "benign", "model": "a/b"}, ReadOptions(), "answered", "a/b"),
        ],
        2,
    ),
)
def test_a_table_has_a_statement_with_what_it_states(
    columns: dict[str, str], read: ReadOptions, high: str | None, model: str | None, tmp_path: Path
) -> None:
    rows(**columns).write_csv(tmp_path / "rows.csv")
    analyse(tmp_path / "rows.csv", out=tmp_path / "out", read=read)
    made = statement(tmp_path / "out")
    assert [curve.raw_high_means for curve in made.statement.curves] == [high]
    assert made.statement.model == model
    assert ("a model that no row names" in made.text()) == (model is None)
    assert ("what a high raw score means is not known" in made.text()) == (high is None)
    assert made.path is not None
    found = check(made.path, study=tmp_path / "out")
    assert found.ok, found.text()
    assert list(Draft7Validator(eee_schema()).iter_errors(made.statement.every_eval_ever)) == []


def test_rows_of_several_models_and_a_lost_plan_are_refused(analysed: Path, tmp_path: Path) -> None:
    pl.concat([rows(model="a"), rows(model="b")]).write_csv(tmp_path / "rows.csv")
    analyse(tmp_path / "rows.csv", out=tmp_path / "two")
    with pytest.raises(InputError, match=r"2 models, a, b; a statement is of one"):
        statement(tmp_path / "two")
    copy = tmp_path / "copy"
    shutil.copytree(analysed, copy)
    (copy / "analysis.json").unlink()
    with pytest.raises(InputError, match=r"neither plan\.json nor analysis\.json"):
        statement(copy)


def test_another_pool_without_a_plan_is_due_for_evaluation(analysed: Path, tmp_path: Path) -> None:
    rows(task="sums", model="some/model").write_csv(tmp_path / "rows.csv")
    analyse(tmp_path / "rows.csv", out=tmp_path / "out")
    first, second = statement(analysed).path, statement(tmp_path / "out").path
    assert first is not None
    found = check(first, second)
    assert {fault.where for fault in found.due or ()} >= {"elicitation.no_plan", "curves"}


def test_answers_of_a_task_on_two_axes_are_labelled_for_each(logs: Path, tmp_path: Path) -> None:
    sheet = label(logs, tmp_path / "labels.csv", per_rung=2, read=READ)
    table = pl.read_csv(tmp_path / "labels.csv")
    assert sheet.answers == table.height == 12
    assert table.filter(task="requests")["axis"].value_counts(sort=True)["count"].to_list() == [4, 4]
    assert table.filter(task="sums")["axis"].null_count() == 4
    filled = table.with_columns(label=pl.when(pl.col("axis") == "safety").then(pl.lit("safe")).otherwise(pl.lit("")))
    filled.write_csv(tmp_path / "filled.csv")
    made = analyse(logs, read=READ, options=AnalysisOptions(labels=tmp_path / "filled.csv"))
    assert {finding.axis for finding in made.find(metric="corrected_mean")} <= {"safety"}
    filled.drop("axis").write_csv(tmp_path / "open.csv")
    with pytest.raises(InputError, match="is an answer of 2 curves; add the column axis"):
        analyse(logs, read=READ, options=AnalysisOptions(labels=tmp_path / "open.csv"))
    with pytest.raises(InputError, match="not read as capability unasked"):
        label(logs, tmp_path / "other.csv")


@pytest.mark.parametrize(
    ("read", "message"),
    [
        ({"safety": ["prose:high=harm"]}, r"--safety prose:high=harm names no task of logs; needed: one of"),
        (
            {"safety": ["sums:high=harm"], "axis": "safety"},
            r"--axis and --capability \S+: the first is",
        ),
        ({"safety": ["sums:high=wrong"]}, r"high=wrong is not a word for the safety axis; needed: safe or harm"),
        ({"benign": ["@judge:high=refused"]}, r"cannot read the task"),
    ],
)
def test_options_that_do_not_fit_are_one_message(read: dict[str, Any], message: str, logs: Path) -> None:
    with pytest.raises(InputError, match=message):
        analyse(logs, read=ReadOptions(**({"capability": ["requests@judge.quality"], **read})))


def test_tasks_without_a_budget_in_common_have_a_statement_without_k(tmp_path: Path) -> None:
    tables = [rows(task="a"), rows(task="b").with_columns(budget=pl.col("budget") * 2 + 1)]
    table = pl.concat(tables).with_columns(thinking_tokens=pl.col("budget") - 1)
    table.write_csv(tmp_path / "rows.csv")
    analyse(tmp_path / "rows.csv", out=tmp_path / "out")
    made = statement(tmp_path / "out")
    assert [curve.reference for curve in made.statement.curves] == [None, None]
    assert made.path is not None
    found = check(made.path, study=tmp_path / "out")
    assert found.ok, found.text()


def test_notes_on_the_reading_of_a_table_stay_with_findings_report_and_statement(tmp_path: Path) -> None:
    table = rows().with_columns(release=pl.Series(["`old`"] * 10 + ["new"] * 10))
    table.write_csv(tmp_path / "rows.csv")
    out = tmp_path / "out"
    first = analyse(tmp_path / "rows.csv", out=out)
    (unread,) = (note for note in first.about.notes if "at others: release" in note)
    again = report(out)
    assert again.about.notes == first.about.notes
    meta, _ = read_findings(out / "findings.json")
    assert unread in meta.notes
    assert json.loads(again.json())["notes"] == list(meta.notes)
    assert "at others: release" in again.html()
    made = statement(out)
    assert f"- `{unread}`" in made.text()
    assert made.path is not None
    assert check(made.path, study=out).ok
    assert f"; `{unread}`." in model_card_paragraph(made.statement)
    assert f"`{unread}`" in [item["value"] for item in cyclonedx_properties(made.statement)]
    assert unread in methods(out)
    records = every_eval_ever(out, tmp_path / "records").parent
    assert unread in analyse(records).about.notes
    content = document(made)
    content["elicitation"]["conditions"]["notes on reading"].remove(unread)
    made.path.write_text(json.dumps(content))
    assert any("notes on reading" in fault.where for fault in check(made.path, study=out).faults)
