from pathlib import Path

import pytest

from overthink.errors import InputError
from overthink.workflows import analyse
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import ReadOptions


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = ["question,draw,budget,value,task"]
    rows += [
        f"q{q},{d},{b},{(q + d + b // 64) % 2},{t}" for t in "ab" for q in range(8) for d in (0, 1) for b in (0, 64)
    ]
    path = tmp_path / "pool.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def labels(folder: Path, *rows: str, head: str = "task,question,draw,rung,label") -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_labels_bring_the_corrected_curve(table: Path, tmp_path: Path) -> None:
    rows = [f"a,q{q},0,{r},{(q + r) % 2}" for q in range(8) for r in (0, 1)]
    found = analyse.analyse(table, options=AnalysisOptions(labels=labels(tmp_path, *rows)))
    corrected = found.find(metric="corrected_mean")
    assert {f.task for f in corrected} == {"a"}
    assert found.find(kind="gate", metric="judge_drift")
    assert not analyse.analyse(table).find(kind="gate", metric="judge_drift")


def test_a_label_of_no_answer_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such answer"):
        analyse.analyse(table, options=AnalysisOptions(labels=labels(tmp_path, "a,q99,0,0,1")))


def test_a_label_that_may_be_of_two_tasks_is_refused(table: Path, tmp_path: Path) -> None:
    path = labels(tmp_path, "q1,0,0,1", head="question,draw,rung,label")
    with pytest.raises(InputError, match="add the column task"):
        analyse.analyse(table, options=AnalysisOptions(labels=path))


def test_a_hypothesis_must_increase(table: Path) -> None:
    with pytest.raises(InputError, match="does not increase"):
        analyse.analyse(table, options=AnalysisOptions(hypothesis=(8000, 2000)))


def test_a_hypothesis_must_fit_a_ladder(table: Path) -> None:
    with pytest.raises(InputError, match="fewer than two rungs"):
        analyse.analyse(table, options=AnalysisOptions(hypothesis="up@1,down"))


def test_what_is_told_beats_the_default(table: Path) -> None:
    narrow, wide = (
        analyse.analyse(table, options=AnalysisOptions(level=level)).find(metric="mean")[0] for level in (0.8, 0.99)
    )
    assert narrow.low is not None
    assert wide.low is not None
    assert wide.low < narrow.low
    (shape, *_) = analyse.analyse(table, options=AnalysisOptions(margin=0.1, hypothesis=(32,))).find(kind="shape")
    assert "margin 10 points" in shape.limits[0]
    assert shape.metric == "regimes"


@pytest.mark.long
def test_a_report_made_again_keeps_what_was_decided(table: Path, tmp_path: Path) -> None:
    """Labels, level and hypothesis would be lost if only the pool were kept."""
    path = labels(tmp_path, *[f"a,q{q},0,{r},{(q + r) % 2}" for q in range(8) for r in (0, 1)])
    how = AnalysisOptions(labels=path, level=0.9, hypothesis=(32,), seed=5, stopping="fixed")
    first = analyse.analyse(table, out=tmp_path / "made", options=how)
    path.unlink()
    again = analyse.report(tmp_path / "made")
    assert again.findings == first.findings
    assert again.find(metric="corrected_mean")
    assert analyse.analyse(tmp_path / "made", options=AnalysisOptions(level=0.8)).find(metric="mean")[0].level == 0.8


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("a table", {"ladder": "x"}, "--ladder x says nothing of"),
        ("a table", {"checkpoints": "cost"}, "--checkpoints cost says nothing of"),
        ("a study", {"axis": "safety", "high": "harm"}, "--axis safety says nothing of"),
        ("a pool", {"high": "harm"}, "--high harm says nothing of"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    table: Path, tmp_path: Path, kind: str, options: dict[str, str], said: str
) -> None:
    path = {"a table": table, "a study": tmp_path / "made", "a pool": tmp_path / "made" / "pool.parquet"}[kind]
    if kind != "a table":
        analyse.analyse(table, out=tmp_path / "made")
    with pytest.raises(InputError, match=f"{said} .*, which is {kind}; leave it out"):
        analyse.analyse(path, read=ReadOptions(**options))  # type: ignore[arg-type]
