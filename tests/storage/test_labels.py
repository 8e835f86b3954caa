import unicodedata
from pathlib import Path

import polars as pl
import pytest

from overthink.data.labels import HumanLabel
from overthink.errors import InputError
from overthink.storage.tables.labels import read_labels, write_label_sheet

HEAD = "question,draw,rung,label"


def written(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_numbers_and_words_are_labels(tmp_path: Path) -> None:
    found = read_labels(written(tmp_path, "q1,0,2,1", "q1,1,2,0.25", "007,0,0,Harm", "q2,0,0,answered"))
    assert [one.label for one in found] == [1.0, 0.25, 0.0, 1.0]
    assert found[2].question == "007"
    assert found[0] == HumanLabel("q1", 0, 2, 1.0)


def test_an_empty_label_is_an_answer_that_nobody_read(tmp_path: Path) -> None:
    assert len(read_labels(written(tmp_path, "q1,0,2,", "q1,1,2,1"))) == 1
    with pytest.raises(InputError, match="holds no label"):
        read_labels(written(tmp_path, "q1,0,2,"))


def test_task_and_arm_are_read_where_they_are(tmp_path: Path) -> None:
    (one,) = read_labels(written(tmp_path, "t,base,q1,0,2,safe,remark", head="task,arm," + HEAD + ",note"))
    assert (one.task, one.arm, one.estimand) == ("t", "base", None)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("q1,0,2,maybe", "row 1: the label is 'maybe'"),
        ("q1,0,2,7", "row 1: the label is '7'"),
        ("q1,0,2,nan", "row 1: the label is 'nan'"),
        ("q1,-1,2,1", "draw is '-1'"),
        ("q1,0,,1", "rung is None"),
        (",0,1,1", "the question is empty"),
    ],
)
def test_what_means_nothing_is_refused(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("'", ".")):
        read_labels(written(tmp_path, row))


def test_two_labels_of_one_answer_must_agree(tmp_path: Path) -> None:
    assert len(read_labels(written(tmp_path, "q1,0,2,1", "q1,0,2,1"))) == 2
    with pytest.raises(InputError, match="two different labels"):
        read_labels(written(tmp_path, "q1,0,2,1", "q1,0,2,0"))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column draw, label"):
        read_labels(written(tmp_path, "q1,2", head="question,rung"))


def test_a_sheet_is_read_back_when_it_is_filled_in(tmp_path: Path) -> None:
    places = [HumanLabel(f"q{i}", i, 0, float("nan"), "t", "base", "forced") for i in range(3)]
    path = tmp_path / "sheet" / "labels.csv"
    write_label_sheet(path, places, {("t", "base", "forced", "q0", 0, 0): ("asked,\nin two lines", "=1+1")})
    text = path.read_text(encoding="utf-8")
    assert "'=1+1" in text  # a spreadsheet would run it
    table = pl.read_csv(path, infer_schema=False)
    read = pl.when(pl.col("question") == "q2").then(pl.lit("safe")).otherwise(pl.col("label"))
    table.with_columns(label=read).write_csv(path)
    assert read_labels(path) == (HumanLabel("q2", 2, 0, 1.0, "t", "base", "forced"),)


FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@x",
    "\t=1",
    "\r=1",
    " =1",
    "\u00a0@x",
    "\ufeff=1",
    "＝1",
    "＋x",
    "－x",
    "＠x",
    "-5x",
)
HOSTILE = (
    *FORMULAS,
    *("'=1", "''@x", "-5", "+0.5", "'tis", "q 1 ", " q1", '"=1"', "a\n=1", "\n", "-", "'", "'-5"),
)


def test_a_sheet_runs_no_formula_and_gives_every_question_back(tmp_path: Path) -> None:
    places = [HumanLabel(name, 0, 1, float("nan"), f"t{name}", name, "forced") for name in HOSTILE]
    path = tmp_path / "labels.csv"
    write_label_sheet(path, places, {places[0].position: ("＝HYPERLINK(1)", " @x")})
    table = pl.read_csv(path, infer_schema=False)
    cells = {cell for name in table.columns for cell in table[name] if cell} - {"-5", "+0.5"}
    starts = {unicodedata.normalize("NFKC", cell).lstrip(" \ufeff")[:1] for cell in cells}
    assert starts.isdisjoint("=+-@\t\r\n")
    assert "'" in starts
    assert table["question"].to_list()[HOSTILE.index("-5")] == "-5"
    table.with_columns(label=pl.lit("safe")).write_csv(path)
    assert [label.question for label in read_labels(path)] == list(HOSTILE)
    assert [(label.task, label.arm) for label in read_labels(path)] == [(f"t{name}", name) for name in HOSTILE]


def test_a_table_of_another_format_keeps_its_apostrophes(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"question": "\'=1", "draw": 0, "rung": 0, "label": "safe"}\n')
    assert read_labels(path)[0].question == "'=1"


def test_a_sheet_never_overwrites_labels(tmp_path: Path) -> None:
    path = written(tmp_path, "q1,0,2,1")
    before = path.read_bytes()
    with pytest.raises(InputError, match="may hold labels"):
        write_label_sheet(path, [], None)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match=r"\.csv"):
        write_label_sheet(tmp_path / "labels.xlsx", [], None)
