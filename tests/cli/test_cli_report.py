"""`overthink report` told of the model: kept for later reports, taken back, refused where it cannot be."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from simulated_study import one_task, run

import overthink
from overthink.storage.json_documents import Assumptions, read_assumptions
from overthink.workflows import analyse
from overthink.workflows.request import AnalysisOptions, assume

SMALL = one_task(limit=2, budgets=(0, 8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "s"
    run(folder, SMALL)
    return folder


@pytest.fixture
def report(folder: Path, overthink, tmp_path: Path):  # type: ignore[no-untyped-def]
    """`overthink report` on a copy of the study: exit code, output, messages, and the page."""
    copy = tmp_path / "s"
    shutil.copytree(folder, copy)

    def call(*arguments: str) -> tuple[int, str, str, str]:
        code, out, err = overthink("report", str(copy), *arguments)
        return code, out, err, (copy / "report.html").read_text(encoding="utf-8")

    return call


def kept(folder: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((folder / "analysis.json").read_text())["assumed"]
    return told


def test_what_was_assumed_is_kept_and_taken_back(report, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _, page = report()
    assert code == 0
    assert "K*" not in out
    assert "Give it in FLOP: overthink report STUDY --training-flop" in page
    code, out, _, page = report("--training-flop", "3.8e24", "--as-of", "2026-11-21")
    assert code == 0
    assert "1e25 FLOP  K* (training trade) 2.63 to 6.93 (α 0.5 to 1)" in out
    assert "Analysis, not legal status" in out
    assert "Thresholds as of 2026-11-21" in page
    assert kept(tmp_path / "s") == {"inputs": {"training_flop": "3.8e24"}, "day": "2026-11-21"}
    code, out, _, page = report("--assume", "active-parameters=8e9")
    assert "K* (training trade) 2.63 to 6.93" in out
    assert "inference-flop" in page
    assert kept(tmp_path / "s")["inputs"] == {"training_flop": "3.8e24", "active_parameters": "8e9"}
    code, out, _, page = report("--assume", "training_flop=")
    assert "K*" not in out
    assert kept(tmp_path / "s")["inputs"] == {"active_parameters": "8e9"}


def test_what_is_assumed_changes_no_finding(report, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = json.loads(report("--json")[1])
    after = json.loads(report("--json", "--training-flop", "1e23..1e27", "--assume", "alpha=0.3")[1])
    assert after == before
    assert analyse.report(tmp_path / "s").assumptions.inputs == {"training_flop": "1e23..1e27", "alpha": "0.3"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--training-flop", "3.8e10"),
            "--training-flop is 3.8e+10 FLOP; needed: the operations of the whole training",
        ),
        (("--training-flop", "-1"), "--training-flop is -1 FLOP"),
        (("--training-flop", "nan"), "needed: a finite number such as 1e25"),
        (("--training-flop", "lots"), "'lots'"),
        (("--training-flop", ""), "--training-flop is empty"),
        (("--assume", "training_dys=3"), "nearest: training_flop, training_tokens, training_days"),
        (("--assume", "active_parameters"), "needed: --assume NAME=VALUE"),
        (("--assume", "k=3"), "a report takes it from the study's own curves"),
        (("--training-flop", "1e25", "--assume", "training-flop=1e24"), "assumed twice"),
        (("--training-flop", "1e25", "--assume", "alpha=2"), "the appendix's effective-compute: alpha is"),
        (("--as-of", "tomorrow"), "needed: a day as YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_assumed_is_one_message_and_changes_nothing(arguments, told, report, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = (tmp_path / "s" / "analysis.json").read_bytes(), (tmp_path / "s" / "report.html").stat().st_mtime_ns
    code, out, err, _ = report(*arguments)
    assert code == 2
    assert told in err
    assert "Traceback" not in err
    assert out == ""
    assert before == (
        (tmp_path / "s" / "analysis.json").read_bytes(),
        (tmp_path / "s" / "report.html").stat().st_mtime_ns,
    )


def test_a_table_without_tokens_has_no_k_axis_and_says_so(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rows = [f"q{q},{d},{b},{(q + d) % 2}" for q in range(4) for d in (0, 1) for b in ("low", "high")]
    (tmp_path / "t.csv").write_text("\n".join(["question,draw,effort,value", *rows]) + "\n")
    asked = ("analyse", "t.csv", "--out", "made", "--training-flop", "3.8e24", "--as-of", "2026-11-21")
    code, out, _ = overthink(*asked)
    assert code == 0
    assert "1e25 FLOP  K* (training trade) 2.63 to 6.93 (α 0.5 to 1)  on no axis of this study" in out
    assert "There is no K here" in (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    code, out, _ = overthink("report", "made")
    assert "K* (training trade) 2.63 to 6.93" in out


def test_an_extended_study_keeps_what_was_assumed(tmp_path: Path) -> None:
    run(tmp_path / "s", SMALL)
    how = AnalysisOptions(assumptions=assume({"training_flop": 3.8e24}, day=date(2026, 11, 21)))
    assert analyse.report(tmp_path / "s", options=how).about.thresholds is not None
    more = run(tmp_path / "s", one_task(limit=3, budgets=(0, 8)), resume=True)
    assert more.assumptions == how.assumptions == read_assumptions(tmp_path / "s" / "analysis.json")


def test_a_file_from_before_assumptions_or_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "analysis.json"
    assert read_assumptions(path) == Assumptions()
    path.write_text(json.dumps({"schema": "overthink.analysis/1", "seed": 0, "level": 0.95}))
    assert read_assumptions(path) == Assumptions()
    path.write_text(json.dumps({"schema": "overthink.analysis/1", "assumed": {"day": "never"}}))
    with pytest.raises(overthink.OverthinkError, match="holds no seed and assumptions this version can read"):
        read_assumptions(path)
