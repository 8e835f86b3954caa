"""Records of Every Eval Ever, in the shape of its schemas."""

import json
from pathlib import Path
from typing import Any

import pytest

from overthink.data.pool import records_of
from overthink.data.record import RungRecord, Verdict, unread_notes
from overthink.errors import InputError
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage.formats.every_eval_ever import EveryEvalEverReader
from overthink.storage.tables.table import table_of_frame

EVALUATION = "demo/org_model/1750000000"


def instance(sample: int, score: float, text: str = "It is 4.", **more: Any) -> dict[str, Any]:
    """A line of the instance-level file of a single turn."""
    found = {
        "turn_idx": 0,
        "source": "output.raw",
        "extracted_value": text,
        "extraction_method": "m",
        "is_terminal": True,
    }
    return {
        "schema_version": "0.3.0", "evaluation_id": EVALUATION, "model_id": "org/model",
        "evaluation_name": "demo.bench",
        "evaluation_result_id": "demo.bench#accuracy", "sample_id": f"demo_{sample}", "interaction_type": "single_turn",
        "input": {"raw": "What is 2 + 2?", "reference": ["4"]}, "output": {"raw": [text]},
        "answer_attribution": [found],
        "evaluation": {"score": score, "is_correct": score > 0},
        "token_usage": {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17, "reasoning_tokens": 0},
        "performance": {"latency_ms": 1500.0}, **more,
    }  # fmt: skip


def aggregate(**metric: Any) -> dict[str, Any]:
    """The record beside it."""
    config = {"metric_id": "accuracy", "metric_name": "accuracy", "lower_is_better": False, "score_type": "continuous",
              "min_score": 0.0, "max_score": 1.0, **metric}  # fmt: skip
    arguments = {"temperature": 0.6, "max_tokens": 2048}
    return {
        "schema_version": "0.3.0", "evaluation_id": EVALUATION, "model_info": {"id": "org/model"},
        "eval_library": {"name": "inspect_ai", "version": "0.3.1"},
        "evaluation_results": [{
            "evaluation_result_id": "demo.bench#accuracy", "evaluation_name": "demo.bench", "metric_config": config,
            "score_details": {"score": 0.5},
            "generation_config": {"generation_args": arguments, "additional_details": {"reasoning_effort": "low"}},
        }],
    }  # fmt: skip


def write(folder: Path, lines: list[dict[str, Any]], record: dict[str, Any] | None = None) -> Path:
    path = folder / "data" / "demo" / "org" / "model" / "f3a1c0de_samples.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    if record is not None:
        (path.parent / "f3a1c0de.json").write_text(json.dumps(record))
    return path


def read(path: Path) -> tuple[list[RungRecord], tuple[str, ...]]:
    frame, notes, unread, *_ = EveryEvalEverReader().frame(path)
    reading = table_of_frame(frame, StatedMeaning(), name="t")
    return records_of(reading.pool), (*unread_notes(unread), *notes, *reading.notes)


def test_a_line_is_an_answer_with_its_metric_and_settings(tmp_path: Path) -> None:
    path = write(tmp_path, [instance(i, float(i < 1)) for i in range(3)], aggregate())
    assert EveryEvalEverReader().claims(path)
    assert EveryEvalEverReader().claims(tmp_path)
    rows, _ = read(tmp_path)
    assert [(row.question, row.draw, row.value) for row in rows] == [
        ("demo_0", 0, 1),
        ("demo_1", 0, 0),
        ("demo_2", 0, 0),
    ]
    assert {(row.task, row.arm, row.scorer, row.effort) for row in rows} == {
        ("demo.bench", "org/model", "accuracy", "low, at most 2048 tokens")
    }
    assert {(row.generated_tokens, row.prompt_tokens, row.seconds) for row in rows} == {(5, 12, 1.5)}
    assert json.loads(rows[0].conditions or "")["eval_library"] == "inspect_ai 0.3.1"


def test_several_answers_to_a_sample_are_draws_and_copies_are_refused(tmp_path: Path) -> None:
    rows, notes = read(write(tmp_path, [instance(i, 1.0, f"Try {k}") for i in range(2) for k in range(3)]))
    assert sorted((row.question, row.draw) for row in rows) == [(f"demo_{i}", k) for i in range(2) for k in range(3)]
    assert any("numbers no draws" in note for note in notes)
    with pytest.raises(InputError, match="same in every column"):
        read(write(tmp_path, [instance(i, 1.0) for i in range(2)] * 2))


def test_two_metrics_of_a_sample_are_two_curves(tmp_path: Path) -> None:
    lines = [
        instance(i, v, evaluation_result_id=f"demo.bench#{name}")
        for i in range(2)
        for name, v in (("em", 0.0), ("f1", 0.5))
    ]
    rows, _ = read(write(tmp_path, lines))
    assert {(row.scorer, row.value, row.draw) for row in rows} == {("demo.bench#em", 0.0, 0), ("demo.bench#f1", 0.5, 0)}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"error": "refusal"}, (Verdict.REFUSED, 0.0)),
        ({"error": "API error 500"}, (Verdict.ERRORED, None)),
        ({"output": {"raw": [""]}, "answer_attribution": []}, (Verdict.UNPARSED, 0.0)),
    ],
)
def test_how_an_answer_ended(tmp_path: Path, more: dict[str, Any], expected: tuple[Verdict, float | None]) -> None:
    rows, _ = read(write(tmp_path, [instance(0, 1.0), instance(1, 0.0, **more)]))
    assert (rows[1].verdict, rows[1].value) == expected


@pytest.mark.parametrize("trace", [["I think."], "I think.", ["", "So."]])
def test_no_thinking_tokens_beside_a_trace_are_unknown(tmp_path: Path, trace: Any) -> None:
    rows, notes = read(
        write(tmp_path, [instance(0, 1.0, output={"raw": ["4"], "reasoning_trace": trace}), instance(1, 1.0)])
    )
    assert [row.thinking_tokens for row in rows] == [None, 0]
    assert any("1 of 2 rows count 0 tokens" in note for note in notes)


@pytest.mark.parametrize(
    ("score", "metric", "message"),
    [
        (0.5, {"lower_is_better": True}, "accuracy of demo.bench was left out: lower is better there"),
        (73.4, {"max_score": 100.0}, r"it holds 73.4, which is outside \[0, 1\]"),
        (-1.0, {}, "it holds -1"),
    ],
)
def test_what_is_no_share_is_refused(tmp_path: Path, score: float, metric: dict[str, Any], message: str) -> None:
    path = write(tmp_path, [instance(0, score)], aggregate(**metric))
    with pytest.raises(InputError, match=message):
        read(path)


def test_the_level_of_unknown_is_no_score_and_an_aggregate_is_no_answer(tmp_path: Path) -> None:
    path = write(tmp_path, [instance(0, -1.0), instance(1, 1.0)], aggregate(has_unknown_level=True))
    assert [row.value for row in read(path)[0]] == [None, 1.0]
    record = path.parent / "f3a1c0de.json"
    assert EveryEvalEverReader().claims(record)
    with pytest.raises(InputError, match="aggregate scores only.*needed: the instance-level file"):
        read(record)


@pytest.mark.parametrize("line", ['{"sample_id": "x"}', "[1]", "{"])
def test_a_broken_file_among_others_is_left_out_and_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, [instance(0, 1.0)])
    broken = path.with_name("z_samples.jsonl")
    broken.write_text(line + "\n")
    rows, notes = read(tmp_path)
    assert [row.value for row in rows] == [1.0]
    assert any(note.startswith(f"Left out: {broken}") for note in notes)
    with pytest.raises(InputError, match=r"(row|line) 1"):
        read(broken)
