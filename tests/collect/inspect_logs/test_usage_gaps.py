"""A zero is no measurement: counts that a log reports beside text that contradicts them are unknown."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai.event import ModelEvent
from inspect_ai.model import GenerateConfig, ModelOutput, ModelUsage
from tests.support.written_logs import MODEL, log_of, output, sample, usage, write_log

from overthink.collect.inspect_logs.read import read_logs
from overthink.data.record import RungRecord

THOUGHT = "hmm " * 50
INLINE = f"<think>{THOUGHT}</think>yes"


def counts(row: RungRecord) -> tuple[int | None, ...]:
    """Return the prompt, thinking, answer and generated tokens of a row."""
    return row.prompt_tokens, row.thinking_tokens, row.answer_tokens, row.generated_tokens


@pytest.mark.parametrize(
    ("final", "reported", "expected"),
    [
        (output(reasoning=THOUGHT), usage(300, 0), (20, None, None, 300)),
        (output(INLINE), usage(300, 0), (20, None, None, 300)),
        (output(reasoning=THOUGHT), usage(300, 250), (20, 250, 50, 300)),
        (output(), usage(300, 0), (20, 0, 300, 300)),
        (output(), usage(300, None), (20, None, None, 300)),
        (output(reasoning=THOUGHT), usage(0, 0, prompt=0), (None, None, None, None)),
        (output(), usage(0, 0), (20, None, None, None)),
        (output("", acted=True, stop="tool_calls"), usage(0, 0), (20, None, None, None)),
        (output("", stop="max_tokens"), usage(0, 0), (20, 0, 0, 0)),
    ],
)
def test_a_zero_beside_text_is_unknown(tmp_path: Path, final: ModelOutput, reported: ModelUsage, expected: Any) -> None:
    write_log(tmp_path, [sample(0, final, "C", counts=reported)])
    (row,) = read_logs(tmp_path).records
    assert counts(row) == expected


def test_output_that_is_counted_beside_the_thinking_is_no_zero(tmp_path: Path) -> None:
    write_log(tmp_path, [sample(0, output("", stop="max_tokens", reasoning=THOUGHT), "I", counts=usage(0, 4090))])
    (row,) = read_logs(tmp_path).records
    assert counts(row) == (20, 4090, 0, 4090)


def test_usage_that_is_absent_is_unknown_and_the_share_that_is_known_is_said(tmp_path: Path) -> None:
    absent = [sample(i, output(reasoning=THOUGHT), model_usage={}) for i in range(3)]
    write_log(tmp_path, [*absent, sample(3, output(reasoning=THOUGHT), counts=usage(300, 0))])
    reading = read_logs(tmp_path)
    assert [row.generated_tokens for row in reading.records] == [None, None, None, 300]
    (note,) = (note for note in reading.notes if "unknown, and not 0" in note)
    assert "3 report no usage, 1 report 0 reasoning tokens beside reasoning" in note
    assert "Thinking tokens are known for 0% of the samples, generated tokens for 25%." in note


def call(final: ModelOutput, cache: Any, **fields: Any) -> ModelEvent:
    """Return the event of a call of the evaluated model."""
    defaults: dict[str, Any] = {"model": MODEL, "input": [], "tools": [], "tool_choice": "auto", "output": final}
    return ModelEvent(**(defaults | fields), config=GenerateConfig(), cache=cache)


@pytest.mark.parametrize("name", ["log.eval", "log.json"])
def test_stored_counts_of_cached_calls_are_added(tmp_path: Path, name: str) -> None:
    final, counted = output("b"), usage(100, 80)
    events = [call(output("a", usage=usage(100, 80)), "read"), call(output("a", usage=usage(40, 30)), "read")]
    write_log(tmp_path, [sample(0, final, counts=counted, events=[*events, call(final, None)])], name=name)
    reading = read_logs(tmp_path)
    (row,) = reading.records
    assert counts(row) == (60, 190, 50, 240)
    assert row.seconds is None
    assert any("1 of 1 samples had calls answered from a cache" in note for note in reading.notes)


def test_a_cached_call_without_a_stored_count_leaves_the_usage_unknown(tmp_path: Path) -> None:
    write_log(tmp_path, [sample(0, counts=usage(100, 80), events=[call(output("a"), "read")])])
    reading = read_logs(tmp_path)
    assert counts(reading.records[0]) == (None, None, None, None)
    assert any("1 had calls answered from a cache without a stored count" in note for note in reading.notes)


def test_a_word_in_a_text_is_no_cached_call(tmp_path: Path) -> None:
    write_log(tmp_path, [sample(0, output('{"cache":"read"}'), counts=usage(100, 80))])
    assert counts(read_logs(tmp_path).records[0]) == (20, 80, 20, 100)


def test_a_cached_grader_leaves_only_its_own_tokens_unknown(tmp_path: Path) -> None:
    graded = call(output("C", usage=usage(5)), "read", model="mockllm/judge", role="grader")
    write_log(tmp_path, [sample(0, counts=usage(100, 80), events=[graded])])
    (row,) = read_logs(tmp_path).records
    assert (row.generated_tokens, row.judge_tokens) == (100, None)


def cached(number: int, final: ModelOutput, **fields: Any) -> Any:
    """Return a sample whose only call came from a cache."""
    return sample(number, final, events=[call(final, "read")], model_usage={}, **fields)


def test_answers_from_a_cache_are_no_draws(tmp_path: Path) -> None:
    first = output("yes", usage=usage(100, 80))
    other = output("no", usage=usage(100, 80))
    copies = [cached(0, first, epoch=2), cached(0, first, epoch=3), cached(1, other), cached(1, other, epoch=2)]
    write_log(tmp_path, [sample(0, first, counts=usage(100, 80)), *copies])
    reading = read_logs(tmp_path)
    assert [(row.question, row.epoch, row.generated_tokens) for row in reading.records] == [
        ("q0", 1, 100),
        ("q1", 1, 100),
    ]
    assert any(note.startswith("3 samples have an answer from a cache") for note in reading.notes)


def test_a_cached_answer_in_another_cell_of_the_ladder_counts(tmp_path: Path) -> None:
    final = output("yes", usage=usage(100, 80))
    write_log(tmp_path, [sample(0, final)], name="low.eval", effort="low")
    write_log(tmp_path, [cached(0, final)], name="high.eval", effort="high")
    assert len(read_logs(tmp_path).records) == 2
    assert log_of([]).eval.model == MODEL


def test_levels_whose_thinking_is_counted_as_zero_are_told_apart_by_what_they_generated(tmp_path: Path) -> None:
    for effort, tokens in (("low", 300), ("medium", 900), ("high", 3000)):
        thinking = tokens if effort == "high" else 0
        samples = [sample(i, output(reasoning=THOUGHT), counts=usage(tokens + 5, thinking)) for i in range(3)]
        write_log(tmp_path, samples, name=f"{effort}.eval", effort=effort)
    rows = sorted(read_logs(tmp_path).records, key=lambda row: row.rung)
    assert [row.effort for row in rows[::3]] == ["low", "medium", "high"]
    assert [row.thinking_tokens for row in rows[::3]] == [None, None, 3000]
