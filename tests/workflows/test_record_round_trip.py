"""A study written as records of Every Eval Ever and read again: equal rows, gates, verdicts and all other findings."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import simulated_study
from jsonschema import Draft7Validator

import overthink
from overthink.data.kinds import Metric
from overthink.data.pool import COLUMNS, ROW_KEY
from overthink.errors import InputError
from overthink.governance.statement.exports import eee_schema
from overthink.paths import file_sha256
from overthink.plan.analysis import Analysis
from overthink.plan.schedule import Until
from overthink.plan.selectors import SelectorPlan
from overthink.storage.json_documents import analysis_in, analysis_text
from overthink.workflows.sources import ReadOptions, read_source

CUT = {"capability": "rise", "safety": "decline", "natural_length": 40, "truncated": 0.2}

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two arms with controls, failed gates and samples without a value."""
    folder = tmp_path_factory.mktemp("round-trip")
    arms = overthink.arms("base,zerothink", model="overthink/simulated")
    plan = simulated_study.plan(
        model_args=CUT, arms=arms, controls=("sham",), limit=4, budgets=(0, 32), hypothesis=(16,)
    )
    simulated_study.run(folder / "study", plan)
    return folder


@pytest.fixture(scope="module")
def study(folder: Path) -> overthink.Study:
    return overthink.analyse(folder / "study")


@pytest.fixture(scope="module")
def record(folder: Path) -> Path:
    return overthink.every_eval_ever(folder / "study", folder / "collection")


def changed(
    record: Path,
    to: Path,
    lines: Callable[[Lines], Lines] = lambda old: old,
    document: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Path:
    """Return a copy of the records with other lines and another aggregate record, which names their checksum."""
    shutil.copytree(record.parent, to)
    samples = next(to.glob("*_samples.jsonl"))
    old = [json.loads(line) for line in samples.read_text().splitlines()]
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines(old)))
    aggregate = json.loads(record.read_text())
    aggregate["detailed_evaluation_results"]["checksum"] = file_sha256(samples)
    document(aggregate)
    (to / record.name).write_text(json.dumps(aggregate))
    return to


@pytest.fixture(scope="module")
def again(record: Path, tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    """The study from a copy of its records, so that copying changes nothing."""
    return overthink.analyse(changed(record, tmp_path_factory.mktemp("again") / "copy"))


def test_rows_and_findings_are_those_of_the_study(study: overthink.Study, again: overthink.Study) -> None:
    rows, own = (pool.select(COLUMNS).sort(ROW_KEY).collect() for pool in (again.pool, study.pool))
    assert [name for name in COLUMNS if not rows[name].equals(own[name])] == []
    assert own["value"].null_count() > 0
    assert own.filter(own["truncated"]).height > 0
    assert again.findings == study.findings


def test_failed_gates_and_their_warnings_are_those_of_the_study(study: overthink.Study, again: overthink.Study) -> None:
    failed = {gate.id for gate in study.findings if gate.label == "failed"}
    assert any("truncation" in name for name in failed)
    assert any("unparsed" in name for name in failed)
    assert failed == {gate.id for gate in again.findings if gate.label == "failed"}
    assert again.verdicts.equals(study.verdicts)
    warnings = [line for line in study.text().splitlines() if "a gate failed" in line]
    assert warnings
    assert [line for line in again.text().splitlines() if "a gate failed" in line] == warnings


@pytest.mark.parametrize("name", ["truncated", "natural_end", "generated_tokens", "verdict"])
def test_without_a_field_the_findings_are_others(
    name: str, study: overthink.Study, record: Path, tmp_path: Path
) -> None:
    def without(lines: Lines) -> Lines:
        return [
            line | {"metadata": {key: text for key, text in line["metadata"].items() if key != f"overthink:{name}"}}
            for line in lines
        ]

    assert overthink.analyse(changed(record, tmp_path / "copy", without)).findings != study.findings


def test_without_the_samples_that_have_no_value_the_findings_are_others(
    study: overthink.Study, record: Path, tmp_path: Path
) -> None:
    def scored(lines: Lines) -> Lines:
        return [line for line in lines if line["evaluation"]["score"] != -1]

    assert overthink.analyse(changed(record, tmp_path / "scored", scored)).findings != study.findings


def test_a_score_of_minus_one_is_declared_as_unknown(record: Path) -> None:
    aggregate = json.loads(record.read_text())
    samples = record.with_name(f"{record.stem}_samples.jsonl").read_text().splitlines()
    unknown = {line["evaluation_name"] for line in map(json.loads, samples) if line["evaluation"]["score"] == -1}
    declared = {
        result["evaluation_name"]
        for result in aggregate["evaluation_results"]
        if result["metric_config"].get("has_unknown_level")
    }
    assert declared == unknown != set()
    assert list(Draft7Validator(eee_schema()).iter_errors(aggregate)) == []


def test_only_a_record_of_these_lines_says_that_one_plan_made_them(
    again: overthink.Study, record: Path, tmp_path: Path
) -> None:
    def no_plan(aggregate: dict[str, Any]) -> None:
        aggregate["source_metadata"]["additional_details"]["overthink:plan_sha256"] = "no plan"

    def other_lines(aggregate: dict[str, Any]) -> None:
        aggregate["detailed_evaluation_results"]["checksum"] = "0" * 64

    def comparability(path: Path) -> set[str | None]:
        findings = overthink.analyse(path).findings
        return {gate.label for gate in findings if gate.metric == Metric.COMPARABILITY}

    assert read_source(record.parent, ReadOptions()).planned_arms == {"base", "zerothink"}
    assert not any(gate.metric == Metric.COMPARABILITY for gate in again.findings)
    assert comparability(changed(record, tmp_path / "no-plan", document=no_plan)) == {None}
    apart = changed(record, tmp_path / "others", document=other_lines)
    assert comparability(apart) == {None}
    assert any("aggregate record that names their checksum" in note for note in read_source(apart, ReadOptions()).notes)


@pytest.mark.long
def test_adaptive_draws_are_read_with_their_waves(tmp_path: Path) -> None:
    model_args = {"safety": "flat", "question_sd": 0.8}
    until = Until(half_width=0.155)
    plan = simulated_study.one_task(
        model_args=model_args, budgets=(0, 8), limit=14, seed=7, draws=3, max_draws=5, until=until
    )
    study = simulated_study.run(tmp_path / "study", plan)
    record = overthink.every_eval_ever(tmp_path / "study", tmp_path / "collection")
    (waves,) = read_source(record.parent, ReadOptions()).waves.values()
    assert len(waves.counts) > 1
    assert overthink.analyse(record.parent).findings == study.findings

    def without_waves(aggregate: dict[str, Any]) -> None:
        del aggregate["detailed_evaluation_results"]["additional_details"]["overthink:waves"]

    def damaged(aggregate: dict[str, Any]) -> None:
        aggregate["detailed_evaluation_results"]["additional_details"]["overthink:waves"] = '{"task": {"q": [0]}}'

    assert overthink.analyse(changed(record, tmp_path / "plain", document=without_waves)).findings != study.findings
    with pytest.raises(InputError, match="waves of draws in the aggregate record cannot be read: a question has no"):
        overthink.analyse(changed(record, tmp_path / "damaged", document=damaged))
    shutil.copytree(tmp_path / "plain", tmp_path / "collection" / "more")
    other = next((tmp_path / "collection" / "more").glob("*.jsonl"))
    other.write_text(other.read_text().replace('"evaluation_id": "', '"evaluation_id": "other/'))
    with pytest.raises(InputError, match="2 evaluations, and the draws of one were adaptive"):
        overthink.analyse(tmp_path / "collection")


def test_an_analysis_from_outside_names_no_code_and_may_be_damaged(record: Path, tmp_path: Path) -> None:
    own = Analysis(0.9, selectors=(SelectorPlan("rule.py@rule", None),))
    text = analysis_text(own, 3)
    assert "rule.py" not in text
    forged = json.dumps(json.loads(text) | {"selectors": [{"text": "rule.py@rule", "file_sha256": None}]})
    assert analysis_in(forged) == (Analysis(0.9), 3)

    def damaged(aggregate: dict[str, Any]) -> None:
        aggregate["detailed_evaluation_results"]["additional_details"]["overthink:analysis"] = '{"level": 2}'

    with pytest.raises(InputError, match="analysis in the record"):
        overthink.analyse(changed(record, tmp_path / "copy", document=damaged))
