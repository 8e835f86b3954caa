"""--k-reference: from option or plan to report, statement and check of the study; refused where it cannot be."""

import json
from pathlib import Path

import pytest
from made_study import Made, write_study

from overthink.errors import InputError
from overthink.plan.study import checked_plan
from overthink.storage.json_documents import read_analysis
from overthink.workflows import analyse
from overthink.workflows.compare import compare
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.statement import check, statement

TWO = {"capability": (0.3, 0.5, 0.6, 0.75), "safety": (0.9, 0.88, 0.8, 0.6)}
CHEAP = {"questions": 6, "draws": 2}
PLAN = {"model": "m", "tasks": ({"task": "t", "axis": "capability", "high": "correct"},), "draws": 1, "seed": 0}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study", Made(TWO, **CHEAP))  # type: ignore[arg-type]


def k_of(folder: Path) -> dict[str, list[float]]:
    made = statement(folder, write=False).statement
    return {curve.axis: [point.cost.value for point in curve.points] for curve in made.curves}


def test_it_is_kept_for_report_statement_and_check(study: Path, tmp_path: Path) -> None:
    assert k_of(study) == {"capability": [0, 1, 4, 16], "safety": [0, 1, 4, 16]}
    first = analyse.report(study, options=AnalysisOptions(k_reference=256.0))
    assert first.about.k_scale.reference == {"base": 256.0}
    again = analyse.report(study)
    assert again.about.k_scale == first.about.k_scale
    assert "256 thinking tokens, stated with --k-reference" in again.html()
    assert "K (thinking) = 1 on every axis: 256 thinking tokens" in again.text()
    assert k_of(study) == {"capability": [0, 0.25, 1, 4], "safety": [0, 0.25, 1, 4]}
    lowest = analyse.report(study, options=AnalysisOptions(k_reference="lowest"))
    assert lowest.about.k_scale == analyse.report(study).about.k_scale  # the way back, which stays
    assert "64 thinking tokens, the lowest budget above 0" in lowest.text()
    analyse.report(study, options=AnalysisOptions(k_reference=256.0))
    written = statement(study)
    assert written.path is not None
    assert check(written.path, study=study).ok
    document = json.loads((study / "analysis.json").read_text())
    (study / "analysis.json").write_text(json.dumps(document | {"k_reference": 64.0}))
    faults = check(written.path, study=study).faults
    assert any("reference" in fault.where for fault in faults)  # another reference is no longer what the statement says


def test_another_k_of_one_axis_is_a_fault(study: Path, tmp_path: Path) -> None:
    made = json.loads(statement(study, write=False).json())
    made["curves"][1]["reference"] |= {"value": 32.0, "amount": 32.0}
    path = tmp_path / "statement.json"
    path.write_text(json.dumps(made))
    assert any("2 references of K; needed: one for all axes" in str(fault) for fault in check(path).faults)


def test_a_plan_states_it_and_its_hash_is_the_same_without() -> None:
    plain, stated = (checked_plan(**PLAN, budgets=(0, 64), **more) for more in ({}, {"k_reference": 32}))
    assert "k_reference" not in plain.to_json()
    assert json.loads(stated.to_json())["k_reference"] == 32
    assert plain.sha256() != stated.sha256()


@pytest.mark.parametrize(
    ("ladder", "reference", "said"),
    [
        ({"budgets": (0, 64)}, 0, "--k-reference 0 is a direct answer"),
        ({"budgets": (0, 64)}, -1, "--k-reference -1 is not a positive number"),
        ({"budgets": (0, 64)}, 65, "--k-reference 65 is beyond the ladder: the most is 64 thinking tokens"),
        ({"budgets": (0,)}, 64, "--k-reference 64 is beyond the ladder: no rung of it thinks"),
        ({"efforts": ("1024", "4096")}, 5000, "the most is 4,096 thinking tokens"),
        ({"loop_tokens": (500, 1000)}, 2000, "the most is 1,000 generated tokens of a loop"),
    ],
)
def test_a_plan_refuses_what_cannot_be_a_reference(ladder: dict[str, object], reference: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        checked_plan(**PLAN, **ladder, k_reference=reference)


@pytest.mark.parametrize(
    ("reference", "said"),
    [(0.0, "is a direct answer"), (-2.0, "is not a positive number"), (9000.0, "the most is 1,024 thinking tokens")],
)
def test_an_analysis_refuses_it_and_writes_nothing(study: Path, reference: float, said: str) -> None:
    before = {path.name: path.read_bytes() for path in study.iterdir() if path.is_file()}
    with pytest.raises(InputError, match=said):
        analyse.report(study, options=AnalysisOptions(k_reference=reference))
    assert {path.name: path.read_bytes() for path in study.iterdir() if path.is_file()} == before


def test_without_an_axis_it_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "plain.csv"
    table.write_text("question,draw,value\n" + "\n".join(f"q{q},0,{q % 2}" for q in range(6)) + "\n")
    with pytest.raises(InputError, match="has no axis to stand on: no curve has a thinking budget"):
        analyse.analyse(table, options=AnalysisOptions(k_reference=64.0))
    assert "There is no K (thinking) here: no curve has a thinking budget" in analyse.analyse(table).html()


def test_studies_that_agree_on_a_reference_are_compared_by_it(tmp_path: Path) -> None:
    folders = []
    for name in ("one", "two"):
        rows = [f"q{q},0,{b},{(q + b) % 2},sums,{name}" for q in range(8) for b in (0, 64, 256)]
        path = tmp_path / f"{name}.csv"
        path.write_text("question,draw,budget,value,task,arm\n" + "\n".join(rows) + "\n")
        folders.append(path)
    assert compare(folders).about.k_scale.reference == {"one": 64.0, "two": 64.0}
    stated = compare(folders, options=AnalysisOptions(k_reference=100.0), out=tmp_path / "made")
    assert stated.about.k_scale.reference == {"one": 100.0, "two": 100.0}
    kept = read_analysis(tmp_path / "made" / "analysis.json")
    assert kept is not None
    assert kept[0].k_reference == 100.0


def test_the_command_line_says_it_once_and_ends_with_2(study: Path, overthink) -> None:  # type: ignore[no-untyped-def]
    for text, said in (
        ("0", "is a direct answer"),
        ("-3", "is not a positive number"),
        ("9k", "is beyond the ladder"),
        ("many", "cannot be read; needed: thinking tokens, as 512 or 2k"),
        ("", "cannot be read"),
    ):
        code, _, err = overthink("report", str(study), "--k-reference", text)
        assert (code, err.count("error:")) == (2, 1)
        assert said in err
    code, out, _ = overthink("report", str(study), "--k-reference", "0.256k")
    assert code == 0
    assert "K (thinking) = 1 on every axis: 256 thinking tokens, stated with --k-reference." in out
