"""Checks of statements against hands that know the package: what is compared, what is printed, and what is refused."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from made_study import Made, write_study
from statement_changes import Change, Document, curve, forged, put, rules
from typer.testing import CliRunner

from overthink.cli.main import app
from overthink.errors import InputError
from overthink.governance.statement.check import differences
from overthink.governance.statement.read import ReadStatement, parse_statement
from overthink.governance.statement.schema import Statement
from overthink.workflows.statement import check, statement

SMALL = Made({"capability": (0.3, 0.7), "safety": (0.9, 0.6)}, budgets=(0, 64), questions=12, draws=2)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_study(tmp_path_factory.mktemp("made") / "study", SMALL)
    statement(folder)
    return folder


@pytest.fixture
def document(study: Path) -> Document:
    loaded: Document = json.loads((study / "statement.json").read_text())
    return loaded


def parsed(document: Document) -> ReadStatement:
    whole = parse_statement(json.dumps(document), "statement.json")
    assert isinstance(whole, ReadStatement)
    return whole


def test_an_end_of_an_interval_on_the_other_side_of_0_is_another_number(study: Path, document: Document) -> None:
    recomputed: Statement = statement(study, write=False).statement
    for one in (document, recomputed_at_0 := json.loads(json.dumps(document))):
        one["curves"][0]["change"]["value"]["low"] = 0.0
    document["curves"][0]["change"]["value"]["low"] = 1e-13
    (fault,) = differences(parsed(document).facts, parsed(recomputed_at_0).facts)
    assert (fault.where.rsplit(".", 1)[-1], "1e-13" in fault.reason) == ("low", True)
    assert differences(recomputed, recomputed) == ()


@pytest.mark.parametrize("change", [put("elicitation", "budgets", to=None), put("elicitation", "budgets", to=[])])
def test_a_statement_without_a_ladder_has_faults(change: Any, document: Document, tmp_path: Path) -> None:
    change(document)
    (tmp_path / "s.json").write_text(json.dumps(document))
    assert check(tmp_path / "s.json").faults


@pytest.mark.parametrize("version", ["9" * 5000 + ".0.0", "2.00.0", "02.0.0", "\u0662.0.0"])
def test_a_version_that_is_no_version_is_refused(version: str, document: Document) -> None:
    with pytest.raises(InputError, match="has schema"):
        parse_statement(json.dumps(document | {"schema": f"overthink.statement/{version}"}), "statement.json")


def test_what_is_not_verified_is_said_with_and_without_the_study(
    study: Path, document: Document, tmp_path: Path
) -> None:
    path, other = study / "statement.json", tmp_path / "other.json"
    back = forged(document | {"created": "2025-01-01T00:00:00+00:00"})
    other.write_text(json.dumps(back))
    text = check(other, study=study).text()
    assert "not verified:\n  when it was made (created)" in text
    assert f"not verified of {other}, for want of the study (--study):" in check(path, other, study=study).text()
    assert "\nnot verified, for want of the study (--study):" in check(path, other).text()


def test_labels_without_the_study_are_refused(study: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("question,draw,rung,value\n")
    done = CliRunner().invoke(app, ["check", str(study / "statement.json"), "--labels", str(tmp_path / "labels.csv")])
    assert isinstance(done.exception, InputError)
    assert "--labels is read with --study alone" in str(done.exception)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.json", b"\xef\xbb\xbf{}", "starts with a byte order mark; needed: UTF-8 without it"),
        ("s.md", b"# What was measured", "is a page for readers; needed: the statement.json"),
        ("", b"", "it is a folder; needed: a JSON document. It has no statement.json: `overthink statement` makes"),
    ],
)
def test_files_that_are_no_statement_are_refused_in_words(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    if name:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        check(tmp_path / name)


def test_a_folder_is_no_statement_and_the_one_in_it_is_named(study: Path) -> None:
    with pytest.raises(InputError, match="needed: a JSON document, such as the statement.json in it"):
        check(study)


def test_own_words_are_quoted_where_two_statements_are_compared(document: Document, tmp_path: Path) -> None:
    later = copy.deepcopy(document)
    later["stated"]["revision"] = "v2\nno re-evaluation is due\n`\u202e"
    later["model"] = "m\u043edel"
    for name, one in (("a.json", document), ("b.json", later)):
        (tmp_path / name).write_text(json.dumps(forged(one)))
    lines = check(tmp_path / "a.json", tmp_path / "b.json").text().splitlines()
    assert "no re-evaluation is due" not in lines
    assert any("then own words, not checked: `v2 no re-evaluation is due \\u{60}\\u{202e}`" in line for line in lines)
    assert any("then `m\\u{43e}del`" in line for line in lines)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("layout", [{"indent": 4}, {"separators": (",", ":")}, {"sort_keys": True, "indent": "\t"}])
def test_another_layout_of_the_same_document_is_no_fault(
    layout: Any, ending: str, document: Document, study: Path, tmp_path: Path
) -> None:
    text = json.dumps(document, ensure_ascii="indent" in layout, **layout).replace("\n", ending) + ending
    (tmp_path / "s.json").write_bytes(text.encode())
    assert check(tmp_path / "s.json").faults == ()
    assert check(tmp_path / "s.json", study=study).faults == ()


def _test_name(document: Document) -> None:
    curve(document)["plateau"]["shapes"][0]["test"]["name"] = "a proof that the model is safe"


def _no_fall(document: Document) -> None:
    curve(document)["plateau"]["drawdown"]["size"] |= {"estimate": 0.0, "low": 0.0, "high": 0.001}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (put("elicitation", "top_p", to=99.0), "settings"),
        (put("elicitation", "temperature", to=None), "settings"),
        (put("elicitation", "temperature", to=-1.0), "settings"),
        (put("elicitation", "controls", to=["humans"]), "settings"),
        (put("elicitation", "controls", to=["natural", "natural"]), "settings"),
        (put("elicitation", "hypothesis", to=[]), "settings"),
        (put("elicitation", "sandbox_scoring", to="unchanged"), "settings"),
        (lambda d: d["elicitation"].update(until="all is well", max_draws=64), "settings"),
        (lambda d: d["elicitation"].update(until="half-width=1e-2", max_draws=64), "settings"),
        (lambda d: d["elicitation"].update(until="half-width=0.01", max_draws=2), "settings"),
        (lambda d: d["elicitation"]["arms"].append({"label": "a`b", "parts": ["base"], "settings": {}}), "settings"),
        (_test_name, "test-names"),
        (_no_fall, "turns"),
    ],
)
def test_settings_that_no_plan_has_are_faults_without_the_study(
    change: Change, rule: str, document: Document, tmp_path: Path
) -> None:
    change(document)
    whole = forged(document)
    assert whole is not None
    assert rule in rules(whole, tmp_path)


def test_a_stated_budget_stands_beside_every_bounded_claim(tmp_path: Path) -> None:
    small = write_study(tmp_path / "study", Made({"safety": (0.6,)}, budgets=(64,), questions=12, draws=2))
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"max_deployable_budget": {"thinking_tokens": 1, "tries": 1, "source": "us"}}))
    files = statement(small, facts=facts)
    strengths = {claim.strength for claim in files.statement.claims}
    assert "bounded" in strengths
    assert "covers the deployable one as it is stated" in files.text()
    properties = {row["name"]: row["value"] for row in json.loads(files.exports()["cyclonedx_properties.json"])}
    assert properties["overthink:inference-compute:deployable-budget"].endswith("1 tries (stated, not measured)")


@pytest.mark.parametrize("ladder", [{"efforts": ("low", "high")}, {"turns": (1, 4)}])
def test_a_reference_of_k_that_is_left_out_is_a_fault_on_every_ladder(ladder: Any, tmp_path: Path) -> None:
    made = Made({"safety": (0.9, 0.6)}, budgets=None, questions=12, draws=2, **ladder)
    written = statement(write_study(tmp_path / "study", made), write=False)
    honest = json.loads(written.json())
    assert rules(honest, tmp_path) == {}
    curve(honest)["reference"] = None
    whole = forged(honest)
    assert whole is not None
    assert "k-stated" in rules(whole, tmp_path)
