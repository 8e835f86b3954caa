"""Compared logs in which one id stands for different questions: the gate comparability fails, a note counts them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from inspect_ai.log import EvalSample, read_eval_log, write_eval_log
from plain_logs import plain_log
from sweeps import few

import overthink
from overthink.workflows.analyse import analyse
from overthink.workflows.compare import compare

ANSWERS = {f"q{i:02d}": [i < 6] for i in range(20)}
Change = Callable[[list[EvalSample]], None]


def texts(samples: list[EvalSample]) -> None:
    for sample in samples:
        sample.input = f"another {sample.input}"


def targets(samples: list[EvalSample]) -> None:
    for sample in samples:
        sample.target = "no"


def order(samples: list[EvalSample]) -> None:
    inputs = [sample.input for sample in samples]
    for sample, text in zip(samples, [*inputs[1:], inputs[0]], strict=True):
        sample.input = text


def one_question(samples: list[EvalSample]) -> None:
    samples[3].input = "another question"


def nothing(samples: list[EvalSample]) -> None:
    samples.reverse()


def changed_log(path: Path, change: Change) -> Path:
    log = read_eval_log(str(plain_log(path, {name: [True] for name in ANSWERS}, model="openai/gpt-y")))
    change(log.samples or [])
    write_eval_log(log, str(path))
    return path


def failed(study: overthink.Study) -> set[str]:
    return {
        gate
        for finding in study.findings
        if finding.kind == "arm_difference" and finding.metric == "mean"
        for gate in finding.gates_failed
    }


def noted(study: overthink.Study) -> list[str]:
    return [note for note in study.about.notes if "the text behind one question id" in note]


@pytest.mark.parametrize(
    ("change", "questions"), [(texts, 20), (targets, 20), (order, 20), (one_question, 1), (nothing, 0)]
)
def test_ids_of_other_questions_fail_the_gate(tmp_path: Path, change: Change, questions: int) -> None:
    a = plain_log(tmp_path / "a" / "one.json", ANSWERS)
    b = changed_log(tmp_path / "b" / "two.json", change)
    study = compare([a, b] if questions == 20 else [a.parent, b.parent])
    assert failed(study) == ({"comparability"} if questions else set())
    assert [f"{questions} question" in note for note in noted(study)] == [True] * bool(questions)


def test_an_analysed_folder_says_so_while_its_log_is_there(tmp_path: Path) -> None:
    a = plain_log(tmp_path / "a.json", ANSWERS)
    b = changed_log(tmp_path / "b.json", texts)
    analyse(a, out=tmp_path / "made")
    assert failed(compare([tmp_path / "made", b])) == {"comparability"}
    a.unlink()
    study = compare([tmp_path / "made", b])
    assert (failed(study), noted(study)) == (set(), [])


@pytest.mark.parametrize(
    ("name", "suffix"),
    few([("prompt", ".csv"), ("problem", ".jsonl"), ("input", ".parquet"), ("target", ".csv")], 2),
)
def test_ids_of_other_questions_in_two_tables(tmp_path: Path, name: str, suffix: str) -> None:
    def table(stem: str, texts: list[str], **more: Any) -> Path:
        path = tmp_path / f"{stem}{suffix}"
        rows = [
            {"question": i, "draw": draw, "score": i % 3 == 0, name: text, **more}
            for i, text in enumerate(texts)
            for draw in range(2)
        ]
        write = {".csv": "write_csv", ".jsonl": "write_ndjson", ".parquet": "write_parquet"}[suffix]
        getattr(pl.DataFrame(rows), write)(path)
        return path

    a = table("a", [f"text {i}" for i in range(12)])
    same = table("b", [f"text {i}" for i in range(12)], note="x")
    other = table("c", [f"text {i + 1}" for i in range(12)])
    some = table("d", [f"text {i}" if i else "another" for i in range(6)])
    assert (failed(compare([a, same])), noted(compare([a, same]))) == (set(), [])
    assert failed(compare([a, other])) == {"comparability"}
    assert ["1 question" in note for note in noted(compare([a, some]))] == [True]
