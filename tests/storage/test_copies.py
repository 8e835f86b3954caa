"""Copies are no draws: what repeats in a table is refused, or read as what it is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from overthink.data.pool import PoolReading, records_of
from overthink.errors import InputError
from overthink.storage.tables.table import read_table

Rows = list[dict[str, Any]]


def read(folder: Path, rows: Rows) -> PoolReading:
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_table(path)


def curves(reading: PoolReading) -> dict[tuple[str, str, str], tuple[int, int, float]]:
    """Questions, draws and mean by task, arm and scorer."""
    by: dict[tuple[str, str, str], list[Any]] = {}
    for row in records_of(reading.pool):
        by.setdefault((row.task, row.arm, row.scorer), []).append(row)
    return {
        key: (
            len({row.question for row in rows}),
            max(row.draw for row in rows) + 1,
            sum(row.value or 0 for row in rows) / len(rows),
        )
        for key, rows in by.items()
    }


def twofold(name: str, values: Sequence[object], **more: object) -> Rows:
    """Two rows per question and budget that differ in a column and their score."""
    return [
        {"question": f"q{i}", name: value, "score": score, "budget": budget, **more}
        for budget in (512, 2048)
        for score, value in enumerate(values)
        for i in range(5)
    ]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("model_name", ("weak", "strong"), {("t", "weak", "score"), ("t", "strong", "score")}),
        ("llm", ("weak", "strong"), {("t", "weak", "score"), ("t", "strong", "score")}),
        ("evaluator", ("gpt", "llama"), {("t", "base", "gpt"), ("t", "base", "llama")}),
        ("dataset", ("aime", "gsm8k"), {("aime", "base", "score"), ("gsm8k", "base", "score")}),
        ("benchmark", ("aime", "gsm8k"), {("aime", "base", "score"), ("gsm8k", "base", "score")}),
        ("judge", ("gpt", "llama"), {("t", "base", "gpt"), ("t", "base", "llama")}),
        ("temperature", (0, 1), {("t", "base [temperature=0]", "score"), ("t", "base [temperature=1]", "score")}),
        (
            "system_prompt",
            ("a", "b"),
            {("t", "base [system_prompt=a]", "score"), ("t", "base [system_prompt=b]", "score")},
        ),
    ],
)
def test_a_known_name_keeps_unlike_rows_apart(
    tmp_path: Path, name: str, values: tuple[object, ...], expected: set[tuple[str, str, str]]
) -> None:
    reading = read(tmp_path, twofold(name, values))
    by = curves(reading)
    assert by.keys() == expected
    assert sorted(by.values()) == [(5, 1, 0.0), (5, 1, 1.0)]
    assert any(f"{name} is " in note for note in reading.notes)


@pytest.mark.parametrize("name", ["llm_used", "rater", "variant", "host", "lang", "Checkpoint"])
@pytest.mark.parametrize("numbered", [False, True])
def test_a_column_that_is_not_read_and_tells_rows_apart_is_named(tmp_path: Path, name: str, numbered: bool) -> None:
    rows = twofold(name, ("a", "b"), **({"draw": 0} if numbered else {}))
    with pytest.raises(
        InputError, match=rf"20 rows repeat a question.* they differ in the column {name}, which is not.*arm or model"
    ):
        read(tmp_path, rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"question": i, "score": i % 2, "budget": b} for b in (1, 2) for i in range(6)] * 2, "same in every column"),
        ([{"question": i, "score": i % 2, "draw": d} for d in (1, 2) for i in range(6)] * 2, "same in every column"),
        ([{"question": i, "score": i % 2, "run_id": "x", "epoch": 1} for i in range(6)] * 3, "same in every column"),
        (
            [{"question": i, "score": i % 2, "run_id": r, "epoch": 1, "tokens": 7 * i} for r in "ab" for i in range(6)],
            "the runs a and b hold the same 6 answers",
        ),
        (
            [
                {"question": i, "score": i % 2, "run": r, "answer": f"{i}", "effort": "low"}
                for r in "abc"
                for i in range(6)
            ],
            "the runs a and b and c hold the same 6 answers",
        ),
        ([{"question": i, "score": s, "budget": 1} for s in (0, 1) for i in range(6)], "in nothing but the score"),
        (
            [{"question": i, "score": s, "budget": 1, "response": f"text {i}"} for s in (0, 1) for i in range(6)],
            "in nothing but the score",
        ),
        ([{"question": i, "score": 1, "budget": 1, "answer": "4"} for _ in range(3) for i in range(6)], "every column"),
    ],
)
def test_copies_are_refused(tmp_path: Path, rows: Rows, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, rows)


@pytest.mark.parametrize(
    "answer",
    [
        lambda i, k: {"answer": f"{i + k}"},
        lambda i, k: {"response": f"a text of question {i}, the {k}th"},
        lambda i, k: {"tokens": 100 * i + k},
        lambda i, k: {"seconds": i + k / 7},
        lambda i, k: {"job": f"job {i}/{k}"},
        lambda i, k: {"run_id": f"run {k}"},
    ],
    ids=["answer", "response", "tokens", "seconds", "an id of its own", "run"],
)
def test_different_answers_without_numbers_are_draws(tmp_path: Path, answer: Any) -> None:
    rows = [{"question": i, "score": int(k > 0), "budget": 8, **answer(i, k)} for i in range(6) for k in range(4)]
    reading = read(tmp_path, rows)
    assert list(curves(reading).values()) == [(6, 4, 0.75)]
    assert any("read as draws" in note for note in reading.notes) == ("run_id" not in rows[0])


ID = "3f2504e0-4f89-41d3-9a0c-0305e82c33{:02d}"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"question_id": "u{i}-{k}", "id": "{i}", "epoch": "{k}"}, (10, 8)),
        ({"sample_id": ID, "id": "{i}", "epoch": "{k}"}, (10, 8)),
        ({"sample_id": "row {n}", "problem": "p{i}", "draw": "{k}"}, (10, 8)),
        ({"sample_id": "p{i}", "id": "{n}", "draw": "{k}"}, (10, 8)),
        ({"sample_id": ID, "problem_id": "{i}", "budget": "{k}"}, (10, 1)),
        ({"question": ID, "id": "q{n}", "budget": "8"}, (80, 1)),
    ],
)
def test_the_question_is_the_column_that_repeats(
    tmp_path: Path, names: dict[str, str], expected: tuple[int, int]
) -> None:
    rows = [
        {name: text.format(8 * i + k, i=i, k=k, n=8 * i + k) for name, text in names.items()} | {"score": k % 2}
        for i in range(10)
        for k in range(8)
    ]
    reading = read(tmp_path, rows)
    ((n_questions, n_draws, _),) = curves(reading).values()
    assert (n_questions, n_draws) == expected
    assert any("Questions are those of column" in note for note in reading.notes) == (names.get("sample_id") != "p{i}")


@pytest.mark.parametrize(
    "names", [{"sample_id": "r{n}", "epoch": "{k}"}, {"id": ID, "draw": "{k}"}, {"question": ID, "budget": "{k}"}]
)
def test_an_id_of_answers_is_no_question(tmp_path: Path, names: dict[str, str]) -> None:
    rows = [
        {name: text.format(8 * i + k, k=k, n=8 * i + k) for name, text in names.items()} | {"score": 1}
        for i in range(10)
        for k in range(8)
    ]
    with pytest.raises(InputError, match=r"names answers, not questions.* Needed: the question of each answer"):
        read(tmp_path, rows)


def test_generated_ids_of_single_answers_are_said(tmp_path: Path) -> None:
    reading = read(tmp_path, [{"id": ID.format(i), "draw": 0, "score": 1} for i in range(4)])
    assert any("ids in column id are generated ones" in note for note in reading.notes)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            lambda i, k, b: {"llm_used": "a" if b < 9 else "b"},
            "one value at each budget and another at others: llm_used",
        ),
        (lambda i, k, b: {"variant": "xy"[k]}, "different in draws of one question at one setting: variant"),
        (lambda i, k, b: {"topic": f"topic {i % 2}"}, None),
        (lambda i, k, b: {"seed_used": 7}, None),
        (lambda i, k, b: {"explanation": f"{k}{b}", "note": f"{i}{k}{b}"}, None),
        (lambda i, k, b: {"model": "mn"[k], "llm_used": "mn"[k]}, None),
    ],
)
def test_columns_that_are_not_read_and_may_be_settings_are_said(tmp_path: Path, row: Any, said: str | None) -> None:
    rows = [
        {"question": i, "draw": k, "budget": b, "score": (i + k) % 2, **row(i, k, b)}
        for i in range(8)
        for k in range(2)
        for b in (8, 16)
    ]
    notes = [note for note in read(tmp_path, rows).notes if note.startswith("Not read")]
    assert [said in note for note in notes] == ([True] if said else [])


@pytest.mark.parametrize("name", ["run_id", "run"])
@pytest.mark.parametrize(("chance", "alike"), [(lambda i, r: (i * 7 + r) % 3 > 0, True), (lambda i, r: r == 1, False)])
def test_pooled_runs_are_said_and_compared(tmp_path: Path, name: str, chance: Any, alike: bool) -> None:
    rows = [
        {"question": i, name: f"r{r}", "effort": e, "epoch": 1, "score": int(chance(i, r)), "tokens": 100 * i + r}
        for e in ("low", "high")
        for r in (0, 1)
        for i in range(20)
    ]
    reading = read(tmp_path, rows)
    assert "2 rungs have draws of several runs, which are pooled." in reading.notes
    assert any("Runs are not alike" in note for note in reading.notes) == (not alike)
    conditions = {row.conditions for row in records_of(reading.pool)}
    assert conditions == ({None} if alike else {'{"?": "", "run": "r0"}', '{"?": "", "run": "r1"}'})
