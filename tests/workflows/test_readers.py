"""A path is read by the reader that claims it: one of a tool's files before the general ones, and never two."""

import json
from pathlib import Path

import pytest
from foreign import package_of
from sweeps import few

import overthink
from overthink.errors import InputError
from overthink.workflows.readers import READERS, read_claimed, reader_of
from overthink.workflows.sources import ReadOptions, refuse_unused

LM_EVAL = {"doc_id": 0, "resps": [["4"]], "filtered_resps": ["4"], "filter": "none", "metrics": ["acc"], "acc": 1.0}
NEMO = {"generation": "4", "predicted_answer": "4", "expected_answer": "4", "symbolic_correct": True}
EVERY = {"schema_version": "0.3.0", "evaluation_id": "e", "sample_id": "s", "evaluation": {"score": 1.0}}
FRAME = {"sample_id": "x", "eval_id": "e", "id": "q", "epoch": 1, "score_match": "C"}
PLAIN = {"question": "q", "draw": 0, "score": 1}

FILES = {
    "samples_sums.jsonl": (LM_EVAL, "lm-eval"),
    "output-rs0.jsonl": (NEMO, "nemo-skills"),
    "records_samples.jsonl": (EVERY, "every-eval-ever"),
    "frame.jsonl": (FRAME, "samples-df"),
    "plain.jsonl": (PLAIN, "table"),
    "samples_of_mine.jsonl": (PLAIN, "table"),
    "output.jsonl": (PLAIN, "table"),
}


def write(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(FILES[name][0]) + "\n")
    return path


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_by_what_it_holds(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    reader = reader_of(path)
    assert reader is not None
    assert reader.key == FILES[name][1]
    study = overthink.analyse(path)
    assert study.find(metric="mean")[0].estimate == 1.0
    assert any(note.startswith("Read as") for note in study.about.notes) == (not reader.general)
    if not reader.general:
        assert overthink.analyse(path, read=ReadOptions(reader=reader.key)).find(metric="mean")


@pytest.mark.parametrize("name", ["samples_sums.jsonl", "output-rs0.jsonl", "records_samples.jsonl"])
def test_a_folder_is_read_by_the_files_it_holds(tmp_path: Path, name: str) -> None:
    write(tmp_path / "below", name)
    reader = reader_of(tmp_path)
    assert reader is not None
    assert reader.key == FILES[name][1]
    assert overthink.analyse(tmp_path).find(metric="mean")


def test_general_readers_come_last() -> None:
    of_tools = ["lm-eval", "nemo-skills", "every-eval-ever", "control-arena", "samples-df", "scout"]
    assert list(READERS) == [*of_tools, "logs", "table"]
    assert [part.general for part in READERS.values()] == [False] * 6 + [True] * 2


def test_two_kinds_in_a_folder_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, "samples_sums.jsonl")
    write(tmp_path, "output-rs0.jsonl")
    with pytest.raises(InputError, match=r"is claimed by lm-eval \(.*\) and nemo-skills \(.*--reader lm-eval"):
        reader_of(tmp_path)
    assert overthink.analyse(tmp_path, read=ReadOptions(reader="nemo-skills")).find(metric="mean")
    (tmp_path / "output-rs0.jsonl").unlink()
    (tmp_path / "a.eval").touch()
    with pytest.raises(InputError, match="files of two kinds: logs of Inspect such as a.eval, and samples of lm-eval"):
        reader_of(tmp_path)


def test_an_installed_reader_is_asked_and_two_claims_name_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
import polars as pl
from overthink.extend import Reader, component

@component("mine")
class Mine(Reader):
    "Files of mine."

    def claims(self, path):
        return path.suffix in (".mine", ".jsonl")

    def frame(self, path):
        return pl.DataFrame({"question": ["a", "b"], "draw": 0, "score": [1, 0]})
"""
    package_of(tmp_path / "package", monkeypatch, source, name="package_of_mine", mine="Mine")
    path = tmp_path / "x.mine"
    path.touch()
    study = overthink.analyse(path)
    assert study.find(metric="mean")[0].estimate == 0.5
    assert "Read as files of mine." in study.about.notes
    assert overthink.analyse(write(tmp_path, "plain.jsonl")).find(metric="mean")[0].estimate == 0.5  # before `table`
    with pytest.raises(InputError, match=r"is claimed by lm-eval \(.*\) and mine \(files of mine\)"):
        reader_of(write(tmp_path, "samples_sums.jsonl"))


@pytest.mark.parametrize("name", ["x.txt", "x.xlsx", "x"])
def test_what_nothing_claims_says_what_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(
        InputError, match="not something that can be analysed; needed: .*lm-eval, nemo-skills, every-eval"
    ):
        overthink.analyse(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_options_that_say_nothing_are_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    refuse_unused([path], ReadOptions(axis="safety", high="safe", scorer="x", max_rows=5))
    with pytest.raises(InputError, match="--checkpoints turns says nothing of"):
        refuse_unused([path], ReadOptions(checkpoints="turns"))


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "a", "completion": "b", "accuracy": 1.0},
        {"instruction": "a", "output": "b", "generator": "m"},
        {"custom_id": "1", "response": {"body": {}}},
    ],
)
def test_a_table_of_another_tool_names_what_it_holds_and_what_is_needed(tmp_path: Path, row: dict[str, object]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=rf"Seen: {', '.join(row)}\. Needed: question: .*value: .*--reader"):
        overthink.analyse(path, out=tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("names", [["a.csv"], ["a.csv", "b.jsonl"], ["below/c.parquet"]])
def test_a_folder_of_tables_names_them(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("question,draw,score\na,0,1\n")
    with pytest.raises(
        InputError, match=rf"holds tables \({names[0].rpartition('/')[2]}.*and no log .*name one of the tables"
    ):
        overthink.analyse(tmp_path)


@pytest.mark.parametrize("name", ["samples_sums.jsonl", "output-rs0.jsonl", "records_samples.jsonl", "frame.jsonl"])
@pytest.mark.parametrize("junk", few([[{}], 7, {"a": []}, True], 1), ids=str)
def test_a_field_of_another_type_is_refused_or_unknown_and_no_fault(tmp_path: Path, name: str, junk: object) -> None:
    whole = FILES[name][0]
    more = {"arguments": {}, "token_usage": {}, "model_usage": {}, "output": {}, "judgement": "", "metadata": {}}
    refusals = []
    for field in (*whole, *more):
        path = tmp_path / name
        path.write_text(json.dumps(whole | {field: junk}) + "\n")
        try:
            read_claimed(path, ReadOptions()).pool.collect()
        except InputError as refusal:
            refusals.append(str(refusal))
    assert [refusal for refusal in refusals if "Error: " in refusal] == []  # the name of an exception of Python
