"""A folder with files that cannot be read among many: each is named, the others are read, the exit code says so."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from plain_logs import plain_log
from sweeps import few

from overthink.errors import ExitCode
from overthink.workflows.analyse import analyse
from overthink.workflows.compare import compare

Overthink = Callable[..., tuple[int, str, str]]

ANSWERS = {f"q{i}": [i % 2 == 0, i % 3 == 0] for i in range(6)}


def cut_archive(path: Path) -> None:
    path.with_suffix(".eval").write_bytes(b"PK\x03\x04 and no more")


def empty(path: Path) -> None:
    path.with_suffix(".eval").touch()


def not_a_log(path: Path) -> None:
    path.write_text('{"accuracy": 0.5}')


def cut_json(path: Path) -> None:
    path.write_text(plain_log(path, ANSWERS).read_text()[:400])


def link_to_nowhere(path: Path) -> None:
    path.symlink_to("gone.json")


def link_in_a_circle(path: Path) -> None:
    path.symlink_to(path.name)


def fifo(path: Path) -> None:
    os.mkfifo(path)


BREAK = [cut_archive, empty, not_a_log, cut_json, link_to_nowhere, link_in_a_circle, fifo]


@pytest.mark.parametrize("damage", BREAK, ids=lambda damage: damage.__name__)
def test_one_unreadable_log_among_others_is_named_and_the_others_are_read(
    overthink: Overthink, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    plain_log(tmp_path / "logs" / "good.json", ANSWERS)
    damage(tmp_path / "logs" / "bad.json")
    code, out, err = overthink("analyse", "logs", "--out", "made", "--json")
    assert code == ExitCode.PARTIAL == 4
    assert "done, but without 1 file of the input that could not be read" in err
    assert "logs/bad." in err
    findings = json.loads(out)["findings"]
    assert {f["n_questions"] for f in findings if f["kind"] == "value" and f["metric"] == "mean"} == {6}
    assert "logs/bad." in (tmp_path / "made" / "report.html").read_text()
    assert json.loads((tmp_path / "made" / "findings.json").read_text())["findings"] == findings


def lm_eval(folder: Path) -> Path:
    shared = {"resps": [["yes"]], "filtered_resps": ["yes"], "filter": "none", "metrics": ["exact_match"]}
    for task in ("sums", "words"):
        lines = [{"doc_id": i, "doc": {}, "exact_match": float(i % 2), **shared} for i in range(4)]
        (folder / f"samples_{task}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder / "samples_words.jsonl"


def nemo_skills(folder: Path) -> Path:
    for seed in range(2):
        lines = [
            {"problem": f"p{i}", "generation": "x", "predicted_answer": "1", "symbolic_correct": i % 2 == 0}
            for i in range(4)
        ]
        (folder / f"output-rs{seed}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder / "output-rs1.jsonl"


@pytest.mark.parametrize("files", [lm_eval, nemo_skills])
@pytest.mark.parametrize("content", few([b"\xff\xfe\x00", b'{"doc_id": 1', b"[1]\n"], 1))
def test_one_unreadable_file_of_another_tool_is_named_too(
    overthink: Overthink, tmp_path: Path, files: Callable[[Path], Path], content: bytes
) -> None:
    (tmp_path / "run").mkdir()
    bad = files(tmp_path / "run")
    assert overthink("analyse", "run", "--out", "whole")[0] == 0
    bad.write_bytes(content)
    code, _, err = overthink("analyse", "run", "--out", "made")
    assert (code, bad.name in err) == (ExitCode.PARTIAL, True)
    assert bad.name in (tmp_path / "made" / "report.html").read_text()


def test_every_command_that_reads_a_folder_ends_so(overthink: Overthink, tmp_path: Path) -> None:
    for name in ("a", "b"):
        plain_log(tmp_path / name / "good.json", ANSWERS)
    not_a_log(tmp_path / "b" / "stray.json")
    assert overthink("compare", "a", "b", "--out", "compared")[0] == ExitCode.PARTIAL
    assert (tmp_path / "compared" / "findings.json").exists()
    assert overthink("forecast", "b")[0] == ExitCode.PARTIAL
    assert overthink("label", "b", "--show-text")[0] == ExitCode.PARTIAL
    assert (tmp_path / "labels.csv").exists()
    assert overthink("analyse", "a", "--out", "made")[0] == ExitCode.DONE
    assert [Path(fault.split()[0]).name for fault in analyse("b").unread] == ["stray.json"]
    assert len(compare(["a", "b"]).unread) == 1
    assert analyse("a").unread == ()


def test_nothing_is_written_where_no_file_can_be_read(overthink: Overthink, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for damage, name in ((cut_archive, "a"), (not_a_log, "b"), (fifo, "c")):
        damage(tmp_path / "logs" / f"{name}.json")
    code, _, err = overthink("analyse", "logs", "--out", "made")
    assert (code, "(3 files were tried)" in err) == (ExitCode.INPUT, True)
    assert not (tmp_path / "made").exists()
