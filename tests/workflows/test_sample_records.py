"""Records of Every Eval Ever of a study: valid, and read back as the same rows and findings."""

import json
from pathlib import Path
from typing import Any

import pytest
import simulated_study
from jsonschema import Draft7Validator

import overthink
from overthink.errors import InputError
from overthink.governance.statement.exports import eee_schema
from overthink.storage.formats.own_records import rows_of

KEY = ["axis", "task", "arm", "estimand", "scorer", "question", "draw", "rung"]
SAME = [*KEY, "value", "verdict", "requested_tokens", "thinking_tokens", "answer_tokens", "model", "log", "epoch"]

REQUIRED = {"schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id", "interaction_type", "input",
            "answer_attribution", "evaluation"}  # fmt: skip
OPTIONAL = {"evaluation_result_id", "output", "token_usage", "error", "metadata"}
"""Fields of `instance_level_eval.schema.json` 0.3.0 that a line has; it allows no other than its own."""


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    simulated_study.run(folder / "study")
    return overthink.every_eval_ever(folder / "study", folder / "collection")


def lines(record: Path) -> list[dict[str, Any]]:
    path = record.with_name(f"{record.stem}_samples.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_aggregate_record_is_valid_and_names_its_samples(record: Path) -> None:
    document = json.loads(record.read_text())
    assert list(Draft7Validator(eee_schema()).iter_errors(document)) == []
    detail = document["detailed_evaluation_results"]
    assert record.parents[4] / detail["file_path"] == record.with_name(f"{record.stem}_samples.jsonl")
    assert detail["total_rows"] == len(lines(record))
    document["detailed_evaluation_results"]["file_path"] = "samples.jsonl"
    assert list(Draft7Validator(eee_schema()).iter_errors(document)) != []


def test_every_line_has_the_fields_of_the_schema_and_belongs_to_a_result(record: Path) -> None:
    document = json.loads(record.read_text())
    ids = {result["evaluation_result_id"] for result in document["evaluation_results"]}
    for line in lines(record):
        assert REQUIRED <= line.keys() <= REQUIRED | OPTIONAL
        assert line["evaluation_result_id"] in ids
        assert (line["evaluation_id"], line["model_id"]) == (document["evaluation_id"], document["model_info"]["id"])
        assert all(isinstance(text, str) for text in line["metadata"].values())
        assert isinstance(line["evaluation"]["is_correct"], bool)


def test_the_records_are_read_as_the_rows_they_were_made_of(record: Path) -> None:
    study = overthink.analyse(record.parents[5] / "study")
    again = overthink.analyse(record.parent)
    scored = study.pool.filter(study.pool.collect()["value"].is_not_null()).select(SAME).sort(KEY).collect()
    assert again.pool.select(SAME).sort(KEY).collect().equals(scored)
    assert again.curves["estimate"].to_list() == study.curves["estimate"].to_list()


def test_lines_of_others_among_them_are_no_rows(record: Path) -> None:
    own = lines(record)
    assert rows_of(own) is not None
    assert rows_of([*own, own[0] | {"metadata": {"note": "x"}}]) is None
    broken = own[0] | {"metadata": own[0]["metadata"] | {"overthink:draw": "-1"}}
    assert rows_of([broken]) is None


def test_the_answer_of_a_loop_is_read_from_its_attribution(record: Path) -> None:
    line = next(line for line in lines(record) if line["answer_attribution"])
    loop = {name: part for name, part in line.items() if name != "output"} | {"messages": []}
    rows = rows_of([loop])
    assert rows is not None
    assert rows["answer"].to_list() == line["output"]["raw"]


def test_a_forged_line_is_one_error(record: Path, tmp_path: Path) -> None:
    line = lines(record)[0]
    line["metadata"]["overthink:axis"] = "harm"
    (tmp_path / "x_samples.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match="axis = 'harm'"):
        overthink.analyse(tmp_path / "x_samples.jsonl")


def test_what_has_no_statement_has_no_record(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no"):
        overthink.every_eval_ever(tmp_path, tmp_path / "out")
    with pytest.raises(TypeError, match="out is 3"):
        overthink.every_eval_ever(tmp_path, 3)  # type: ignore[arg-type]
