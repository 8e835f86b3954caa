"""Outputs of NeMo-Skills, in the shape of its generation, evaluation and metrics."""

import json
from pathlib import Path
from typing import Any

import pytest

from overthink.data.pool import records_of
from overthink.data.record import RungRecord, Verdict, unread_notes
from overthink.errors import InputError
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage.formats.nemo_skills import NemoSkillsReader
from overthink.storage.tables.table import table_of_frame


def output(problem: int, right: bool, **more: Any) -> dict[str, Any]:
    """A line of output-rsN.jsonl after the evaluation of a mathematical benchmark."""
    return {
        "num_generated_tokens": 100 + problem, "generation": "… \\boxed{7}", "reasoning_content": "Hm.",
        "finish_reason": "stop", "generation_start_time": 10.0, "generation_end_time": 12.5, "generation_time": 2.5,
        "problem": f"What is {problem}?", "expected_answer": "7", "predicted_answer": "7" if right else "8",
        "symbolic_correct": right, **more,
    }  # fmt: skip


def write(folder: Path, name: str, lines: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / name


def read(path: Path) -> tuple[list[RungRecord], tuple[str, ...]]:
    frame, notes, unread, *_ = NemoSkillsReader().frame(path)
    reading = table_of_frame(frame, StatedMeaning(), name="t")
    return records_of(reading.pool), (*unread_notes(unread), *notes, *reading.notes)


def test_seeds_are_draws_and_benchmarks_are_tasks(tmp_path: Path) -> None:
    for seed in (0, 1, 10):
        write(tmp_path / "eval-results" / "aime24", f"output-rs{seed}.jsonl", [output(i, i < seed) for i in range(3)])
    write(tmp_path / "eval-results" / "math", "output-rs0.jsonl", [output(i, True, id=f"m{i}") for i in range(2)])
    assert NemoSkillsReader().claims(tmp_path)
    rows, _ = read(tmp_path)
    aime = {(row.question, row.draw): row.value for row in rows if row.task == "aime24"}
    assert aime == {(str(i + 1), draw): float(i < seed) for draw, seed in enumerate((0, 1, 10)) for i in range(3)}
    assert {(row.question, row.draw) for row in rows if row.task == "math"} == {("m0", 0), ("m1", 0)}
    assert {row.arm for row in rows} == {"base"}
    first = next(row for row in rows if row.task == "aime24" and row.question == "1")
    assert (first.generated_tokens, first.seconds, first.truncated, first.answer) == (100, 2.5, False, "8")


def test_a_file_alone_and_settings_in_folders(tmp_path: Path) -> None:
    for effort in ("low", "high"):
        path = write(tmp_path / effort / "eval-results" / "aime24", "output-rs0.jsonl", [output(1, effort == "high")])
    assert NemoSkillsReader().claims(path)
    assert {(row.task, row.arm) for row in read(path)[0]} == {("aime24", "base")}
    assert {(row.arm, row.value) for row in read(tmp_path)[0]} == {("low", 0.0), ("high", 1.0)}
    for prompt in ("prompt1", "prompt2"):
        write(tmp_path / "robust" / "gpqa" / prompt, "output-rs0.jsonl", [output(1, True)])
    assert {(row.task, row.arm) for row in read(tmp_path / "robust")[0]} == {("gpqa", "prompt1"), ("gpqa", "prompt2")}


def test_judgements_are_scorers_and_no_judgement_is_unknown(tmp_path: Path) -> None:
    lines = [
        output(i, False, judgement=text) for i, text in enumerate(("Fine.\nJudgement: Yes", "Judgement: No", "Well"))
    ]
    rows, notes = read(write(tmp_path / "math", "output-rs0.jsonl", lines))
    judged = {row.question: row.value for row in rows if row.scorer == "judge_correct"}
    assert judged == {"1": 1.0, "2": 0.0, "3": None}
    assert {row.value for row in rows if row.scorer == "symbolic_correct"} == {0.0}
    assert any("1 of 6 rows have an error or no score" in note for note in notes)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"generation": "", "num_generated_tokens": 0, "error": "_ran_out_of_context_"}, (Verdict.UNPARSED, 0.0, True)),
        (
            {"generation": "", "error": "See detailed_error", "detailed_error": "maximum context length is 32768"},
            (Verdict.UNPARSED, 0.0, True),
        ),
        ({"finish_reason": "length"}, (Verdict.TRUNCATED, 0.0, True)),
        ({"generation": "", "error": "server is gone"}, (Verdict.ERRORED, None, False)),
    ],
)
def test_an_answer_cut_by_the_context_is_no_error(
    tmp_path: Path, more: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    cut = output(1, False, **more)
    cut["predicted_answer"] = "8" if more.get("finish_reason") else None
    rows, _ = read(write(tmp_path / "math", "output-rs0.jsonl", [output(0, True), cut]))
    assert (rows[1].verdict, rows[1].value, rows[1].truncated) == expected


@pytest.mark.parametrize("tokens", [-1, None, True])
def test_what_counts_no_tokens_is_unknown(tmp_path: Path, tokens: Any) -> None:
    lines = [output(0, True), output(1, True, num_generated_tokens=tokens, num_reasoning_tokens=0)]
    rows, notes = read(write(tmp_path / "math", "output-rs0.jsonl", lines))
    assert [row.generated_tokens for row in rows] == [100, None]
    assert rows[1].thinking_tokens is None  # 0 beside reasoning
    assert any("1 of 2 rows count 0 tokens" in note for note in notes)


def test_a_greedy_output_beside_seeds_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "math", "output.jsonl", [output(0, True)])
    write(tmp_path / "math", "output-rs0.jsonl", [output(0, False)])
    rows, notes = read(tmp_path / "math")
    assert [row.value for row in rows] == [0.0]
    assert any("output.jsonl was left out" in note for note in notes)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ([output(0, True), output(2, True)], "row 2, has another problem than row 2 of"),
        ([output(0, True)], "has 1 lines and .* 2"),
    ],
)
def test_unlike_files_are_refused(tmp_path: Path, second: list[dict[str, Any]], message: str) -> None:
    write(tmp_path / "math", "output-rs0.jsonl", [output(0, True), output(1, True)])
    write(tmp_path / "math", "output-rs1.jsonl", second)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "math")


def test_outputs_without_a_judgement_are_named(tmp_path: Path) -> None:
    write(tmp_path / "math", "output-rs0.jsonl", [output(0, True)])
    bare = write(tmp_path / "math", "output-rs1.jsonl", [{"generation": "x", "num_generated_tokens": 1}])
    rows, notes = read(tmp_path / "math")
    assert [row.draw for row in rows] == [0]
    assert any(note.startswith(f"Left out: {bare} holds an output with the fields generation") for note in notes)
    with pytest.raises(InputError, match="needed: one that was judged, with symbolic_correct"):
        read(bare)


@pytest.mark.parametrize(
    "change",
    [{}, {"generation_time": 9.5, "generation_start_time": 1.0, "generation_end_time": 10.5}, {"_async_position": 3}],
    ids=["copied", "run again without sampling", "in another order of ends"],
)
def test_outputs_of_a_seed_that_are_those_of_another_are_no_draws(tmp_path: Path, change: dict[str, Any]) -> None:
    first = [output(i, i % 2 == 0, id=i) for i in range(6)]
    write(tmp_path / "math", "output-rs0.jsonl", first)
    write(tmp_path / "math", "output-rs1.jsonl", [output(i, i % 3 == 0, id=i, generation=f"{i}") for i in range(6)])
    copy = write(tmp_path / "math", "output-rs2.jsonl", [line | change for line in first])
    rows, notes = read(tmp_path / "math")
    assert {row.draw for row in rows} == {0, 1}
    assert [note for note in notes if note.startswith(f"{copy} was left out: its outputs are those of output-rs0")]
    write(tmp_path / "math", "output-rs2.jsonl", [line | {"generation": "other"} for line in first])
    assert {row.draw for row in read(tmp_path / "math")[0]} == {0, 1, 2}
