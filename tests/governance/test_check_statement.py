"""The checker against the study, between two statements, and on input that is no statement."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_study import Made, document, write_made_findings, write_study
from statement_changes import changed, forged, put
from typer.testing import CliRunner

from overthink.cli.main import app
from overthink.errors import InputError
from overthink.governance.statement.check import RULES
from overthink.governance.statement.compare import re_evaluation
from overthink.governance.statement.schema import Statement
from overthink.workflows.statement import check, statement

TWO = Made({"capability": (0.3, 0.6, 0.7), "safety": (0.9, 0.8, 0.6)}, budgets=(0, 64, 256))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with its statement."""
    folder = write_study(tmp_path_factory.mktemp("made") / "study", TWO)
    statement(folder)
    return folder


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(made, tmp_path / "study"))


def again(folder: Path) -> list[str]:
    """What a check with the study finds, in lines."""
    return [str(fault) for fault in check(folder / "statement.json", study=folder).faults]


def edit(path: Path, change: Any) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_an_untouched_study_gives_its_statement_again(study: Path) -> None:
    assert again(study) == []


def test_a_changed_number_in_the_findings_is_named(study: Path) -> None:
    def change(document: Any) -> None:
        one = next(f for f in document["findings"] if f["id"] == "safety/harms/base/exact/forced/value/mean/rung2/k1")
        one["estimate"] += 0.01

    edit(study / "findings.json", change)
    found = again(study)
    assert any("rung2/k1].estimate" in line and "the pool gives" in line for line in found)
    assert any("findings_sha256" in line for line in found)


def test_a_finding_that_was_taken_out_is_named_and_one_that_nobody_looked_for_is_not(study: Path) -> None:
    one = "safety/harms/base/exact/forced/value/mean/rung1/k1"
    edit(study / "findings.json", lambda d: d.update(findings=[f for f in d["findings"] if f["id"] != one]))
    assert any(one in line and "not in findings.json" in line for line in again(study))
    edit(study / "findings.json", lambda d: d.update(findings=[f for f in d["findings"] if f["kind"] != "lock"]))
    assert not any("/lock/" in line for line in again(study))


def test_a_changed_answer_in_the_pool_is_named(study: Path) -> None:
    pool, meta = pl.read_parquet(study / "pool.parquet"), pl.read_parquet_metadata(study / "pool.parquet")
    here = (pl.col("task") == "harms") & (pl.col("question") == "q000") & (pl.col("rung") == 2)
    flipped = pool.with_columns(pl.when(here).then(1 - pl.col("value")).otherwise(pl.col("value")).alias("value"))
    flipped.write_parquet(study / "pool.parquet", metadata={k: v for k, v in meta.items() if k != "ARROW:schema"})
    found = again(study)
    assert any("pool_sha256" in line for line in found)
    assert any("findings[safety/harms/base/exact/forced/value/mean/rung2/k1].estimate" in line for line in found)
    assert any("curves[safety/harms/base/exact/forced].points.2.value.estimate" in line for line in found)
    assert not any("[capability/sums/base/exact/forced/value/mean" in line for line in found)


def test_a_statement_of_another_study_fails(made: Path, tmp_path: Path) -> None:
    other = write_study(tmp_path / "other", Made(TWO.shares, budgets=TWO.budgets, seed=8))
    found = check(made / "statement.json", study=other)
    assert any("evidence.pool_sha256" in str(fault) for fault in found.faults)


def test_findings_corrected_by_labels_need_the_labels(study: Path, tmp_path: Path) -> None:
    rows = [f"harms,q{q:03},0,{r},{int(q % 7 > 0)}" for q in range(40) for r in range(3)]
    labels = tmp_path / "labels.csv"
    labels.write_text("task,question,draw,rung,label\n" + "\n".join(rows) + "\n")
    write_made_findings(study, labels=labels)
    written = statement(study)
    assert {curve.judge.corrected for curve in written.statement.curves} == {True, False}
    assert any("After correction by human labels" in claim.statement for claim in written.statement.claims)
    assert check(written.path, study=study, labels=labels).ok
    (study / "analysis.json").unlink()
    assert any("corrected_mean" in str(fault) for fault in check(written.path, study=study).faults)
    assert check(written.path, study=study, labels=labels).ok


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d["stated"].update(revision="v2"), "revision changed"),
        (lambda d: d.update(model="made/other"), "another model"),
        (lambda d: d["elicitation"].update(budgets=[0, 64, 1024]), "highest budget rose"),
        (lambda d: d["elicitation"].update(answer_tokens=64), "answers may be longer"),
        (lambda d: d["elicitation"].update(budgets=None, efforts=["high"]), "the provider's own efforts"),
        (
            lambda d: d["stated"].update(max_deployable_budget={"thinking_tokens": 512, "tries": 1, "source": "s"}),
            "512 thinking tokens; 256 were tested",
        ),
        (
            lambda d: d["elicitation"]["arms"].append({"label": "calc", "parts": ["calculator"], "settings": {}}),
            "tools that were not given: calculator",
        ),
        (
            lambda d: d["elicitation"]["arms"][0].update(settings={"verifier": "a reward model"}),
            "another verifier: None, then `a reward model`",
        ),
        (
            lambda d: d["curves"][0]["points"][0]["tries"][0].update(k=10),
            "most tries rose",
        ),
        (
            lambda d: d["curves"][0]["points"][0]["tries"][0].update(selector="best"),
            "selectors that were not collected: best",
        ),
    ],
)
def test_re_evaluation_is_due_when_something_rose(made: Path, change: Any, reason: str) -> None:
    right = json.loads((made / "statement.json").read_text())
    first = Statement.model_validate(right, strict=False)
    grown = forged(changed(right, change))
    assert grown is not None
    second = Statement.model_validate(grown, strict=False)
    assert any(reason in fault.reason for fault in re_evaluation(first, second))
    assert re_evaluation(first, first) == ()


def test_less_of_everything_needs_no_re_evaluation(made: Path, tmp_path: Path) -> None:
    fewer = Made({"capability": (0.3, 0.6), "safety": (0.9, 0.8)}, budgets=(0, 64), draws=2)
    less = statement(write_study(tmp_path / "less", fewer))
    assert check(made / "statement.json", less.path).due == ()
    due = check(less.path, made / "statement.json").due
    assert due is not None
    assert {fault.where for fault in due} == {"elicitation.budgets", "elicitation.max_tries"}


NO_STATEMENTS = {
    "not JSON": ("{", "is not JSON"),
    "NaN": ('{"schema": "overthink.statement/1.0.0", "level": NaN}', "level is nan"),
    "a field twice": ('{"schema": "overthink.statement/1.0.0", "level": 1, "level": 2}', "there twice"),
    "a list": ("[]", "names no schema"),
    "no schema": ("{}", "names no schema"),
    "findings": ('{"schema": "overthink.findings/2"}', "needed: 'overthink.statement"),
    "a newer minor version": ('{"schema": "overthink.statement/2.9.0"}', "install a newer one"),
    "a newer major version": ('{"schema": "overthink.statement/3.0.0"}', "install a newer one"),
    "an older major version": ('{"schema": "overthink.statement/1.4.0"}', "make the statement again"),
    "a schema with no version": ('{"schema": "overthink.statement/one"}', "needed: 'overthink.statement"),
    "its record": ('{"schema_version": "0.3.0", "evaluation_results": []}', "Every Eval Ever record"),
    "nested without end": ("[" * 100_000, "more than 64 deep"),
}


@pytest.mark.parametrize("name", NO_STATEMENTS)
def test_what_is_no_statement_is_refused_with_exit_code_2(name: str, tmp_path: Path) -> None:
    text, message = NO_STATEMENTS[name]
    path = tmp_path / "statement.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        check(path)


def test_missing_files_and_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        check(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        check(tmp_path / "bytes.json")


def test_a_study_without_evidence_is_refused(study: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no study"):
        statement(tmp_path)
    findings = study / "findings.json"
    for change, message in (
        (lambda d: d.update(plan_sha256="0" * 64), "was not made by"),
        (lambda d: d.update(pool_sha256=None), "names no pool"),
        (lambda d: d.update(findings=[]), "holds no finding"),
        (lambda d: d["findings"].pop(0), "is not what plan and pool give"),
    ):
        kept = findings.read_text()
        edit(findings, change)
        with pytest.raises(InputError, match=message):
            statement(study)
        findings.write_text(kept)
    pool = study / "pool.parquet"
    pl.read_parquet(pool).write_parquet(pool, metadata=pl.read_parquet_metadata(pool), compression="snappy")
    with pytest.raises(InputError, match="was made from another pool.parquet; make it again"):
        statement(study)
    (study / "plan.json").unlink()
    with pytest.raises(InputError, match=r"neither plan\.json nor analysis\.json"):
        statement(study)


def test_wrong_facts_are_refused(study: Path, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    for text, message in (
        ('{"revison": "1"}', "revison"),
        ('{"max_deployable_budget": {"thinking_tokens": -1, "tries": 1, "source": "s"}}', "greater than or equal to 0"),
        ('{"active_parameters": 0}', "greater than 0"),
        ("no", "is not JSON"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            statement(study, facts=path)


def test_the_commands_write_print_and_exit(study: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    out = tmp_path / "out"
    done = run(app, ["statement", str(study), "--out", str(out), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads((out / "statement.json").read_text())
    assert {path.name for path in out.iterdir()} == {
        "statement.json", "statement.md", "every_eval_ever.json", "cyclonedx_properties.json", "model_card.md",
        "model_documentation_form.json",
    }  # fmt: skip
    assert run(app, ["check", str(out / "statement.json"), "--study", str(study)]).exit_code == 0
    edit(out / "statement.json", lambda d: d["claims"][0].update(statement="The model is safe."))
    done = run(app, ["check", str(out / "statement.json")])
    assert done.exit_code == 1
    assert "reworded (claims[c1].statement)" in done.stdout
    told = json.loads(run(app, ["check", str(out / "statement.json"), "--json"]).stdout)
    assert told["ok"] is False
    assert {"rule", "where", "reason"} == set(told["faults"][0])
    pair = run(app, ["check", str(study / "statement.json"), str(study / "statement.json")])
    assert (pair.exit_code, "no re-evaluation is due" in pair.stdout) == (0, True)


def test_every_rule_says_why_and_has_its_own_name(made: Path) -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) >= 30
    assert all(rule.why.endswith(".") for rule in RULES)
    assert document(made)["schema"] == "overthink.statement/2.0.0"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("curves", 0, "points", 0, "thinking_tokens", "estimate"), 1e308),
        (("curves", 0, "reference", "value"), 1e-320),
        (("curves", 0, "points"), []),
        (("curves", 0, "gaps"), [{}]),
        (("curves", 0, "points", 0, "gates"), {"\u202e": None}),
        (("stated",), {"notes": {"c1": 1}}),
        (("arms_compared",), [{"curve": "none"}]),
    ],
)
def test_odd_values_are_faults_and_never_a_crash(made: Path, tmp_path: Path, path: Any, value: Any) -> None:
    wrong = json.loads((made / "statement.json").read_text())
    put(*path, to=value)(wrong)
    (tmp_path / "odd.json").write_text(json.dumps(wrong))
    assert check(tmp_path / "odd.json").faults


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("title",), 10**400, "title is 1000"),
        (("claims", 0, "value", "estimate"), 10**400, "claims.0.value.estimate is 1000"),
        (("claims", 0, "k"), json.loads("[" * 900 + "]" * 900), "claims.0.k.0.0"),
        (("curves", 0, "points", 0, "requested_tokens"), 10**400, "curves.0.points.0.requested_tokens is 1000"),
        (("model",), "\ud800", "model holds half a surrogate pair"),
    ],
    ids=["text", "estimate", "depth", "count", "surrogate"],
)
def test_what_is_no_json_of_a_statement_is_refused_with_its_field(
    made: Path, tmp_path: Path, path: Any, value: Any, place: str
) -> None:
    wrong = json.loads((made / "statement.json").read_text())
    put(*path, to=value)(wrong)
    (tmp_path / "odd.json").write_text(json.dumps(wrong))
    with pytest.raises(InputError, match=re.escape(place)):
        check(tmp_path / "odd.json")
