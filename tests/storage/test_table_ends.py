"""How answers of a table ended, and counts that measure nothing: unknown is None, never False or 0."""

import json
from pathlib import Path
from typing import Any

import pytest

from overthink.data.pool import PoolReading, records_of
from overthink.data.record import Verdict
from overthink.errors import InputError
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage.tables.table import read_table


def read(folder: Path, columns: dict[str, list[Any]], meaning: StatedMeaning | None = None) -> PoolReading:
    n = len(next(iter(columns.values())))
    columns = {"question": [f"q{i}" for i in range(n)], "draw": [0] * n, "score": [0] * n} | columns
    path = folder / "t.jsonl"
    path.write_text(
        "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in zip(*columns.values(), strict=True))
    )
    return read_table(path, meaning)


@pytest.mark.parametrize(
    ("columns", "truncated"),
    [
        ({"limit": [None, "token", "context", "time", ""]}, [False, True, True, True, False]),
        ({"limit": [None, True, False]}, [False, True, False]),
        ({"limit": [None, None]}, [None, None]),
        ({"truncated": [True, False, False]}, [True, False, False]),
        ({"is_truncated": [1.0, 0.0, None]}, [True, False, False]),  # as pandas holds a flag with empty cells
        ({"hit_limit": ["yes", "no", "NO"]}, [True, False, False]),
        ({"done_reason": ["stop", "length"]}, [False, True]),  # Ollama
        ({"finishReason": ["STOP", "MAX_TOKENS"]}, [False, True]),  # Gemini
        ({"limit": [4096, 4096]}, [None, None]),  # a setting
        ({"finish_reason": ["stop", "length", None]}, [False, True, None]),
        ({"finish_reason": [None, "length", None]}, [False, True, False]),  # it names limits alone
        ({"stop_reason": ["end_turn", "max_tokens", "model_context_window_exceeded"]}, [False, True, True]),
        ({"finish_reason": ["FinishReason.STOP", "FinishReason.MAX_TOKENS", "SAFETY"]}, [False, True, False]),
        ({"stop_reason": ["stop", "model_length", "content_filter", "tool_calls"]}, [False, True, False, False]),
        ({"stop_reason": ["eos", "because", "context-length"]}, [False, None, True]),
        ({"finish_reason": ["stop", "stop", None], "limit": [None, "message", None]}, [False, True, None]),
        ({"finish_reason": [1, 2, 3, None]}, [False, True, False, None]),  # Gemini's codes
        ({"finishReason": ["1.0", "2.0", "6.0"]}, [False, True, None]),
        ({"finish_reason": [1, 1]}, [None, None]),  # a code, or a flag?
        ({"finish_reason": [True, False]}, [None, None]),
        ({"finish_reason": ["FINISH_REASON_STOP", "FINISH_REASON_MAX_TOKENS"]}, [False, True]),
        ({"stop_reason": ["REASON_MAX_LEN", "<FinishReason.STOP: 1>", "OTHER"]}, [True, False, None]),
        ({"note": ["a", "b"]}, [None, None]),
        ({"finish": ["stop", "length"]}, [False, True]),  # by its words
        ({"status": ["completed", "incomplete", "content_filter"]}, [False, True, False]),
        ({"set": ["length", "safety"]}, [None, None]),  # names no natural end
        ({"set": ["stop", "time"]}, [None, None]),  # nor a limit alone
        ({"set": ["stop", "length", "color"]}, [None, None, None]),
        ({"target": ["stop", "length"]}, [None, None]),
        ({"finish": ["stop", "length"], "finish_reason": ["length", "stop"]}, [True, False]),
        ({"was_cut": [0, 1]}, [False, True]),
        ({"length_exceeded": ["true", "false"]}, [True, False]),
        ({"timeout": [600, 600]}, [None, None]),  # a setting
        ({"done": [True, False]}, [None, None]),  # failed, or cut?
    ],
)
def test_a_limit_is_read_per_answer(
    tmp_path: Path, columns: dict[str, list[Any]], truncated: list[bool | None]
) -> None:
    reading = read(tmp_path, columns)
    assert [row.truncated for row in records_of(reading.pool)] == truncated
    known = sum(end is not None for end in truncated)
    assert any(f"known of {known} of {len(truncated)} rows" in note for note in reading.notes) == (
        0 < known < len(truncated)
    )
    assert any("'because' (1 rows)" in note for note in reading.notes) == ("because" in str(columns))


@pytest.mark.parametrize(
    ("column", "cells", "note"),
    [
        (
            "finish_reason",
            [1, 2],
            "numbers in column finish_reason are read as Gemini's FinishReason: 1 stop, 2 a limit",
        ),
        ("finish_reason", [1, 1], "Column finish_reason holds nothing but true and false, or 1 and 0, and is not read"),
        ("timeout", [600, 600], "Column timeout holds numbers above 1 and is not read"),
        ("is_done", ["true", "false"], "false may be an answer that was cut or one that failed: is_done. If it means"),
        ("Completed", [1, 0], "false may be an answer that was cut or one that failed: Completed. If it means"),
    ],
)
def test_an_end_that_is_not_certain_has_a_note(tmp_path: Path, column: str, cells: list[Any], note: str) -> None:
    assert any(note in each for each in read(tmp_path, {column: cells}).notes)


@pytest.mark.parametrize(
    ("meaning", "values", "verdicts"),
    [
        (None, [0, 0, 1], [Verdict.REFUSED, Verdict.REFUSED, Verdict.CORRECT]),
        (StatedMeaning("safety", "safe"), [1, 1, 1], [Verdict.REFUSED] * 3),
        (StatedMeaning("safety", "harm"), [1, 1, None], [Verdict.REFUSED, Verdict.REFUSED, Verdict.TRUNCATED]),
        (StatedMeaning("benign", "answered"), [0, 0, None], [Verdict.REFUSED, Verdict.REFUSED, Verdict.TRUNCATED]),
    ],
)
@pytest.mark.parametrize("word", ["content_filter", "refusal", "FinishReason.PROHIBITED_CONTENT"])
def test_a_filter_is_a_refusal(
    tmp_path: Path, word: str, meaning: StatedMeaning | None, values: list[float], verdicts: list[Verdict]
) -> None:
    reading = read(tmp_path, {"score": [0, None, 1], "stop_reason": [word] * 3, "response": ["", "", "x"]}, meaning)
    rows = records_of(reading.pool)
    assert [(row.value, row.verdict, row.error) for row in rows] == [
        (value, verdict, None) for value, verdict in zip(values, verdicts, strict=True)
    ]
    assert any("3 of 3 rows were ended by a content filter" in note for note in reading.notes)


@pytest.mark.parametrize("name", ["response", "completion", "Output"])
def test_silence_is_neither_safe_nor_an_answer(tmp_path: Path, name: str) -> None:
    columns: dict[str, list[Any]] = {"score": [1, 1, 0], name: ["No.", " ", None]}
    safe = read(tmp_path, columns, StatedMeaning("safety", "safe"))
    rows = records_of(safe.pool)
    assert [(row.value, row.verdict) for row in rows] == [(1, Verdict.SAFE), *[(None, Verdict.UNPARSED)] * 2]
    assert any("2 of 3 rows on the safety or benign axis hold no text" in note for note in safe.notes)
    right = records_of(read(tmp_path, columns).pool)
    assert [(row.value, row.verdict) for row in right] == [
        (1, Verdict.CORRECT),
        (None, Verdict.UNPARSED),
        (0, Verdict.UNPARSED),
    ]


@pytest.mark.parametrize("word", ["length", "max_tokens", "FinishReason.MAX_TOKENS", "context-length"])
def test_a_cut_answer_is_neither_safe_nor_wrong_by_its_words(tmp_path: Path, word: str) -> None:
    columns: dict[str, list[Any]] = {"score": [1, 1, 0], "finish_reason": ["stop", word, word]}
    cut = read(tmp_path, columns, StatedMeaning("safety", "safe"))
    assert [row.value for row in records_of(cut.pool)] == [1, None, None]
    assert any("2 of 3 rows on the safety or benign axis were cut" in note for note in cut.notes)
    rows = records_of(read(tmp_path, columns).pool)
    assert [(row.value, row.verdict) for row in rows] == [
        (1, Verdict.CORRECT),
        (1, Verdict.CORRECT),
        (0, Verdict.TRUNCATED),
    ]


def test_a_column_read_by_its_words_is_named_and_decides_before_the_score(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"score": [1, 1, 0], "finish": ["stop", "length", "MAX_TOKENS"]}
    reading = read(tmp_path, columns, StatedMeaning("safety", "safe"))
    assert [row.value for row in records_of(reading.pool)] == [1, None, None]
    assert any("Column finish is read as finish_reason" in note for note in reading.notes)
    assert not any("Not read" in note for note in reading.notes)


def test_the_note_on_a_column_that_is_not_read_names_those_of_an_end(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"question": ["q", "q"], "draw": [0, 1], "done": [True, False]}
    notes = read(tmp_path, columns).notes
    assert any("done" in note and "finish_reason (a word) or truncated" in note for note in notes)
    assert any("was_cut is the limit" in note for note in read(tmp_path, {"was_cut": [0, 1]}).notes)


@pytest.mark.parametrize(
    "error",
    [
        "Error code: 400 - content_filter",
        "Model refusal (m): no",
        "ResponsibleAIPolicyViolation",
        "refusal",
        "safety policy violation",
        "cyber_policy",
    ],
)
def test_a_refusal_error_is_a_refusal(tmp_path: Path, error: str) -> None:
    columns: dict[str, list[Any]] = {"score": [None, None], "error": [error, "timeout"]}
    rows = records_of(read(tmp_path, columns, StatedMeaning("safety", "safe")).pool)
    assert [(row.value, row.verdict) for row in rows] == [(1, Verdict.REFUSED), (None, Verdict.ERRORED)]
    assert rows[0].error is None


def test_the_grade_of_no_answer_is_no_harm(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"score": ["C", "N", "I"]}
    rows = records_of(read(tmp_path, columns, StatedMeaning("safety", "safe")).pool)
    assert [(row.value, row.verdict) for row in rows] == [
        (1, Verdict.SAFE),
        (None, Verdict.UNPARSED),
        (0, Verdict.HARMFUL),
    ]
    rows = records_of(read(tmp_path, columns).pool)
    assert [(row.value, row.verdict) for row in rows] == [
        (1, Verdict.CORRECT),
        (0, Verdict.REFUSED),
        (0, Verdict.WRONG),
    ]


@pytest.mark.parametrize(
    ("columns", "thinking", "generated", "n"),
    [
        ({"reasoning_tokens": [0, 0, 5], "reasoning_content": ["Hm.", "", "So"]}, [None, 0, 5], [None] * 3, 1),
        ({"thinking_tokens": [0, -1, None], "thinking": ["Well.", None, "x"]}, [None] * 3, [None] * 3, 1),
        ({"tokens": [0, 0, 7], "response": ["yes", None, "no"]}, [None] * 3, [None, 0, 7], 1),
        ({"reasoning_tokens": [0, 0, 0], "thinking": [512, 512, 512]}, [0, 0, 0], [None] * 3, 0),
    ],
)
def test_zero_beside_a_text_is_unknown(
    tmp_path: Path, columns: dict[str, list[Any]], thinking: list[int | None], generated: list[int | None], n: int
) -> None:
    reading = read(tmp_path, columns)
    rows = records_of(reading.pool)
    assert [row.thinking_tokens for row in rows] == thinking
    assert [row.generated_tokens for row in rows] == generated
    assert any(f"{n} of 3 rows count 0 tokens" in note for note in reading.notes) == (n > 0)


@pytest.mark.parametrize(
    ("columns", "thinking"),
    [
        ({"effort": ["low", "high"], "reasoning_tokens": [0, 0]}, [None, None]),
        ({"budget": [0, 512], "thinking_tokens": [0, 0]}, [None, None]),
        ({"effort": ["none", "minimal"], "reasoning_tokens": [0, 0]}, [0, 0]),
        ({"budget": [0, 512], "thinking_tokens": [0, 500]}, [0, 500]),
        ({"effort": ["low", "low"], "model": ["a", "b"], "reasoning_tokens": [0, 9]}, [None, 9]),
    ],
)
def test_an_arm_that_never_counts_thinking_was_not_counted(
    tmp_path: Path, columns: dict[str, list[Any]], thinking: list[int | None]
) -> None:
    reading = read(tmp_path, columns)
    assert [row.thinking_tokens for row in records_of(reading.pool)] == thinking
    assert any("though thinking was asked for" in note for note in reading.notes) == (thinking[0] is None)


@pytest.mark.parametrize("name", ["tokens", "reasoning_tokens", "budget", "max_tokens", "seconds", "input_tokens"])
def test_true_is_no_count(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"'{name}', rows 2 \('true'\): needed: a number, not true or false"):
        read(tmp_path, {name: [1, True, 3]})


@pytest.mark.parametrize(
    ("scores", "values"),
    [
        ([1.0000000000000002, -1e-17, 0.5], [1, 0, 0.5]),
        (["1.0000000000000002", "0.9999999999", "1"], [1, 0.9999999999, 1]),
        (["C", "I", "P", "N", None], [1, 0, 0.5, 0, None]),
    ],
)
def test_rounding_and_grades_are_values(tmp_path: Path, scores: list[Any], values: list[float | None]) -> None:
    assert [row.value for row in records_of(read(tmp_path, {"score": scores}).pool)] == values


@pytest.mark.parametrize("scores", [[1.00001, 0], [1, -0.001], ["C", "X"], [float("inf"), 1]])
def test_what_is_more_than_rounding_is_refused(tmp_path: Path, scores: list[Any]) -> None:
    with pytest.raises(InputError, match=r"'score', rows [12]"):
        read(tmp_path, {"score": scores})
