"""A statement of a study that was really run: valid against both schemas, and computed again from its pool."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from simulated_study import plan, run

from overthink.errors import InputError
from overthink.governance.statement.exports import eee_schema
from overthink.governance.statement.schema import statement_json_schema
from overthink.workflows.statement import check, statement


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "study"
    run(folder, plan(limit=3, controls=("sham", "truncated", "natural"), judge_traces=True))
    return folder


def test_a_run_gives_a_statement_that_both_schemas_take_and_the_pool_gives_again(study: Path, tmp_path: Path) -> None:
    written = statement(study, out=tmp_path)
    document = json.loads((tmp_path / "statement.json").read_text())
    assert list(Draft202012Validator(statement_json_schema()).iter_errors(document)) == []
    record = json.loads((tmp_path / "every_eval_ever.json").read_text())
    assert record == document["every_eval_ever"]
    assert list(Draft7Validator(eee_schema()).iter_errors(record)) == []
    found = check(tmp_path / "statement.json", study=study)
    assert found.ok, found.text()
    assert written.text() == (tmp_path / "statement.md").read_text()


@pytest.mark.long
def test_a_study_with_resampled_traces_has_a_statement_too(tmp_path: Path) -> None:
    run(tmp_path / "study", plan(limit=2, resamples=2))
    written = statement(tmp_path / "study")
    assert {curve.estimand for curve in written.statement.curves} == {"forced", "resampled"}
    found = check(written.path, study=tmp_path / "study")
    assert found.ok, found.text()


def test_the_schemas_can_refuse(study: Path) -> None:
    document = json.loads(statement(study, write=False).json())
    record = document["every_eval_ever"]
    record["evaluation_results"][0]["score_details"]["score"] = "0.5"
    del document["claims"][0]["k"]
    assert list(Draft7Validator(eee_schema()).iter_errors(record))
    assert list(Draft202012Validator(statement_json_schema()).iter_errors(document))


def test_the_statement_goes_into_the_studys_own_folder_unless_told(study: Path, tmp_path: Path) -> None:
    assert statement(study).path == study / "statement.json"
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        statement(study, out=tmp_path / "file")


def test_two_statements_differ_in_their_date_alone(study: Path) -> None:
    first, second = (json.loads(statement(study, write=False).json()) for _ in range(2))
    for one in (first, second):
        del one["created"]
        del one["every_eval_ever"]["retrieved_timestamp"]
        assert one["id"] in json.dumps(one["every_eval_ever"])
    texts = [json.dumps(one).replace(one["id"], "ID") for one in (first, second)]  # a hash of its date, too
    assert texts[0] == texts[1]
