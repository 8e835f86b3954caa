"""--primary: from the option or the plan to the family of every verdict, and through a report made again."""

from pathlib import Path

import numpy as np
import pytest

from overthink.errors import InputError
from overthink.workflows import analyse
from overthink.workflows.compare import compare
from overthink.workflows.request import AnalysisOptions

ALL, DECLARED = "all curves of the report", "the curves declared as primary, after the data were collected"


@pytest.fixture
def several(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = ["question,draw,budget,value,task,arm"]
    rows += [
        f"q{q},{d},{b},{int(rng.random() < 0.3 + 0.1 * i)},{task},{arm}"
        for task in ("sums", "words", "maps")
        for arm in ("base", "wait")
        for q in range(20)
        for d in (0, 1)
        for i, b in enumerate((0, 64, 256))
    ]
    path = tmp_path / "several.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def named(study: analyse.Study) -> dict[tuple[str, str], tuple[str, int]]:
    """The family of each curve, in words, and its size."""
    result = {}
    for finding in study.find(kind="shape", metric="max_t"):
        (limit,) = [text for text in finding.limits if text.startswith("adjusted over the verdicts")]
        result[finding.task, finding.arm] = (limit.partition(": ")[2], int(limit.split()[5]))
    return result


def test_without_a_declaration_all_curves_are_one_family(several: Path) -> None:
    assert set(named(analyse.analyse(several)).values()) == {(ALL, 6)}


def test_a_declaration_splits_the_family_and_is_kept(several: Path, tmp_path: Path) -> None:
    how = AnalysisOptions(primary=("sums/base", "words"))
    first = analyse.analyse(several, out=tmp_path / "made", options=how)
    families = named(first)
    assert {curve for curve, (name, _) in families.items() if name == DECLARED} == {
        ("sums", "base"),
        ("words", "base"),
        ("words", "wait"),
    }
    assert {size for _, size in families.values()} == {3}
    assert analyse.report(tmp_path / "made").findings == first.findings
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert DECLARED in page
    all_again = analyse.report(tmp_path / "made", options=AnalysisOptions(primary=("*",)))
    assert {size for _, size in named(all_again).values()} == {6}


def test_arms_are_compared_with_the_declared_family(several: Path) -> None:
    study = compare([several], options=AnalysisOptions(primary=("wait",)))
    assert {arm for (_, arm), (name, _) in named(study).items() if name == DECLARED} == {"wait"}


def test_a_declaration_that_matches_nothing_is_refused(several: Path) -> None:
    with pytest.raises(InputError, match="--primary subtraction matches no curve"):
        analyse.analyse(several, options=AnalysisOptions(primary=("subtraction",)))
