"""A plain table is read as it is meant, or refused with the rows named."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from overthink.data.pool import PoolReading, records_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.errors import InputError
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage import foreign_files
from overthink.storage.pool import read_pool, write_pool
from overthink.storage.tables.table import read_table

ROWS = {
    "problem": ["007", "007", "8", "8"],
    "epoch": [1, 2, 1, 2],
    "correct": [True, False, True, None],
    "tokens": [10, 20, 30, 40],
}


def store(path: Path, columns: dict[str, list[object]]) -> Path:
    table = pl.DataFrame(columns, strict=False)
    match path.suffix:
        case ".parquet":
            table.write_parquet(path)
        case ".csv":
            table.write_csv(path)
        case ".json":
            path.write_text(json.dumps(table.to_dicts()))
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_dicts()))
    return path


def values(reading: PoolReading) -> list[tuple[str, int, int, float | None]]:
    return sorted(((r.question, r.draw, r.rung, r.value) for r in records_of(reading.pool)), key=lambda x: x[:3])


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json", ".jsonl"])
def test_every_format_reads_alike(tmp_path: Path, suffix: str) -> None:
    reading = read_table(store(tmp_path / f"table{suffix}", ROWS))
    assert values(reading) == [("007", 0, 0, 1.0), ("007", 1, 0, 0.0), ("8", 0, 0, 1.0), ("8", 1, 0, None)]
    unknown = [r for r in records_of(reading.pool) if r.value is None]
    assert [(r.verdict, r.generated_tokens) for r in unknown] == [(Verdict.ERRORED, 40)]
    assert {r.estimand for r in records_of(reading.pool)} == {Estimand.NATURAL}
    assert any("1 of 4 rows" in note for note in reading.notes)
    assert any("--axis" in note for note in reading.notes)
    write_pool(tmp_path / "pool.parquet", reading.pool)
    assert len(records_of(read_pool(tmp_path / "pool.parquet"))) == 4


def test_budgets_are_rungs_and_draws_stay_paired(tmp_path: Path) -> None:
    columns = {
        "question": ["a"] * 5,
        "thinking_budget": [512, 0, 512, 0, 512],
        "draw": [3, 3, 7, 7, 9],  # the trace of draw 9 has no lowest rung
        "value": [1, 0, 0.5, 0, 1],
    }
    reading = read_table(store(tmp_path / "t.csv", columns))
    assert values(reading) == [("a", 0, 0, 0), ("a", 0, 1, 1), ("a", 1, 0, 0), ("a", 1, 1, 0.5), ("a", 2, 1, 1)]
    assert {(r.rung, r.requested_tokens) for r in records_of(reading.pool)} == {(0, 0), (1, 512)}
    assert {r.estimand for r in records_of(reading.pool)} == {Estimand.EFFORT}
    said = read_table(store(tmp_path / "t.csv", columns | {"estimand": ["Forced"] * 5}))
    assert {r.estimand for r in records_of(said.pool)} == {Estimand.FORCED}


def test_runs_of_one_setting_are_more_draws(tmp_path: Path) -> None:
    columns = {"id": ["a"] * 4, "epoch": [1, 2, 1, 2], "score": [1, 0, 1, 1], "run_id": ["x", "x", "y", "y"]}
    reading = read_table(store(tmp_path / "t.csv", columns))
    assert values(reading) == [("a", 0, 0, 1), ("a", 1, 0, 0), ("a", 2, 0, 1), ("a", 3, 0, 1)]
    del columns["run_id"]
    with pytest.raises(InputError, match=r"rows 1, 2, 3, 4.*run_id"):
        read_table(store(tmp_path / "t.csv", columns))


def test_safety_states_its_polarity(tmp_path: Path) -> None:
    path = store(tmp_path / "t.csv", {"id": ["a", "b"], "draw": [0, 0], "score": [1, 0], "answer": ["how to", "no"]})
    with pytest.raises(InputError, match="may mean safe or harm"):
        read_table(path, StatedMeaning("safety"))
    safe, harm = (records_of(read_table(path, StatedMeaning("safety", high)).pool) for high in ("safe", "harm"))
    assert [r.value for r in safe] == [1, 0]
    assert [r.value for r in harm] == [0, 1]
    assert [r.verdict for r in harm] == [Verdict.HARMFUL, Verdict.SAFE]
    assert {r.answer for r in (*safe, *harm)} == {None}  # text stays in the log
    both = store(tmp_path / "b.csv", {"id": ["a", "b"], "draw": [0, 0], "score": [1, 0], "axis": ["safety", "benign"]})
    assert [(r.axis, r.verdict) for r in records_of(read_table(both).pool)] == [
        (Axis.SAFETY, Verdict.SAFE),
        (Axis.BENIGN, Verdict.REFUSED),
    ]
    with pytest.raises(InputError, match="states its axis"):
        read_table(both, StatedMeaning("safety", "safe"))


def test_answers_errors_and_stops_are_read(tmp_path: Path) -> None:
    columns = {
        "question": ["a", "b", "c", "d"],
        "draw": [0, 0, 0, 0],
        "score": [1, 0, 1, 0],
        "answer": ["12", None, "12", "x"],
        "error": [False, False, True, "timeout"],
        "finish_reason": ["stop", "length", None, None],
        "prm_score": [0.5, None, -2, 3],
    }
    by = {
        r.question: r
        for r in records_of(
            read_table(store(tmp_path / "t.csv", {k: list(map(str, v)) for k, v in columns.items()})).pool
        )
    }
    assert [by[q].verdict for q in "abcd"] == [Verdict.CORRECT, Verdict.UNPARSED, Verdict.ERRORED, Verdict.ERRORED]
    assert [by[q].value for q in "abcd"] == [1, 0, None, None]
    assert by["d"].error == "timeout"
    assert [by[q].truncated for q in "abc"] == [False, True, None]
    assert [by[q].verifier_score for q in "abcd"] == [0.5, None, -2, 3]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"correct": [1, 2, 1, 1]}, r"'correct', rows 2 \('2'\): needed: a value from 0 to 1"),
        ({"correct": [1, -0.1, 1, 7]}, "rows 2 .*, 4"),
        ({"correct": ["1", "yes", "good", "1"]}, r"rows 3 \('good'\): needed: a value from 0 to 1"),
        ({"problem": ["a", None, "b", "b"]}, "'problem', rows 2"),
        ({"epoch": [1, None, 1, 2]}, "'epoch', rows 2"),
        ({"budget": [1.5, 0, 0, 0]}, "whole number"),
        ({"budget": [-1, 0, 0, 0]}, "whole number"),
        ({"config": ["{}", "[]", "{}", "{"]}, "rows 2 .*, 4 .*JSON object"),
        ({"axis": ["safety", "danger", "safety", "safety"]}, "rows 2 .*capability | safety"),
        ({"estimand": ["forced", "forced", "free", "forced"]}, "rows 3"),
        ({"prm_score": ["1", "inf", "1", "1"]}, "finite"),
    ],
)
def test_a_cell_without_meaning_names_its_row(tmp_path: Path, change: dict[str, list[object]], says: str) -> None:
    columns = {**ROWS, "correct": [1, 0, 1, 1]}
    read_table(store(tmp_path / "t.csv", columns))  # without the change it is read
    with pytest.raises(InputError, match=says):
        read_table(store(tmp_path / "t.csv", columns | change))


@pytest.mark.parametrize("rename", [str.upper, str.title, lambda name: name.replace("_", "-")])
def test_case_spaces_and_signs_of_a_name_do_not_matter(tmp_path: Path, rename: Callable[[str], str]) -> None:
    cells = {"question_id": ["1", "1", "2"], "thinking_budget": [8, 8, 16], "is_correct": [1, 0, 1], "draw": [0, 1, 0]}
    plain = values(read_table(store(tmp_path / "a.csv", cells)))
    for change in (rename, lambda name: f" {rename(name).replace('_', ' ')}?"):
        changed = {change(name): column for name, column in cells.items()}
        assert values(read_table(store(tmp_path / "b.csv", changed))) == plain


def test_what_was_seen_are_the_columns_of_the_file(tmp_path: Path) -> None:
    columns = {"task_id": ["a", "b"], "score_strict": [1, 0], "score_cont": [0.5, 0]}
    with pytest.raises(InputError, match=r"Seen: task_id, score_strict, score_cont\. Needed"):
        read_table(store(tmp_path / "runs.csv", columns))


@pytest.mark.parametrize("missing", ["problem", "correct", "epoch"])
def test_a_missing_column_says_what_was_seen_and_needed(tmp_path: Path, missing: str) -> None:
    columns = {name: cells for name, cells in ROWS.items() if name != missing}
    with pytest.raises(InputError, match=r"no column for (question|value|draw).*Seen: .*tokens.*Needed: "):
        read_table(store(tmp_path / "t.csv", columns))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.parquet", b"PAR1 and then nothing"),
        ("t.csv", b""),
        ("t.csv", b"question,value,draw\n"),
        ("t.json", b"{}"),
        ("t.json", b"[1]"),
        ("t.json", b"[" * 100_000),
        ("t.jsonl", b'{"question": 1}\nnot json\n'),
        ("t.xlsx", b"PK"),
    ],
)
def test_what_is_no_table_is_one_message(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_table(tmp_path / name)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json", ".jsonl"])
def test_a_table_beyond_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = store(tmp_path / f"t{suffix}", ROWS)
    with pytest.raises(InputError, match="4 rows; at most 3 are read.*--max-rows"):
        read_table(path, max_rows=3)
    monkeypatch.setattr(foreign_files, "available_memory", lambda: 100)
    with pytest.raises(InputError, match=r"take about .* of memory; 0\.0 MB are available: split it"):
        read_table(path)


def test_columns_that_mean_nothing_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(tmp_path / "t.parquet", ROWS | {f"column{i}": ["x"] * 4 for i in range(50)})
    monkeypatch.setattr(foreign_files, "available_memory", lambda: 4 * 3 * 100)
    assert len(records_of(read_table(path).pool)) == 4


def rungs(records: tuple[RungRecord, ...], task: str, arm: str) -> dict[int, list[RungRecord]]:
    found: dict[int, list[RungRecord]] = defaultdict(list)
    for record in records:
        if (record.task, record.arm) == (task, arm):
            found[record.rung].append(record)
    return dict(sorted(found.items()))


@pytest.fixture(scope="module")
def public(data: Path) -> tuple[PoolReading, pl.DataFrame]:
    path = data / "reasoning_budgets.parquet"
    return read_table(path), pl.read_parquet(path)


def test_the_effort_curves_of_public_logs_have_the_run_means_of_the_file(
    public: tuple[PoolReading, pl.DataFrame],
) -> None:
    reading, table = public
    records, aime = records_of(reading.pool), "OTIS Mock AIME 2024-2025"
    curve = rungs(records, aime, "openai/gpt-5.1")
    assert [rows[0].effort for rows in curve.values()] == ["low", "medium", "high"]
    for rows, mean, tokens in zip(curve.values(), (0.64, 0.86, 0.89), (4.3e3, 11.3e3, 21.8e3), strict=True):
        assert round(sum(r.value or 0 for r in rows) / len(rows), 2) == mean
        assert sum(r.generated_tokens or 0 for r in rows) / len(rows) == pytest.approx(tokens, abs=50)
    # Every curve of every model: one rung per setting, with exactly the scores of its runs.
    compared = 0
    for (task, model), runs in table.group_by("task", "model"):
        arms = {r.arm for r in records if r.task == task and r.arm.split(" (")[0] == model}
        ours = sorted(
            (len(rows), sum(r.value or 0 for r in rows), sum(r.value is None for r in rows))
            for arm in arms
            for rows in rungs(records, task, arm).values()
        )
        theirs = runs.group_by("config").agg(pl.len(), pl.col("score").sum(), pl.col("score").null_count().alias("n"))
        assert ours == sorted(theirs.select("len", "score", "n").iter_rows())
        compared += len(ours)
        if compared > 40:
            break
    assert compared > 40


def test_public_tables_keep_every_row_and_call_no_error_a_zero(public: tuple[PoolReading, pl.DataFrame]) -> None:
    reading, table = public
    rows = records_of(reading.pool)
    assert len(rows) == table.height
    assert [r.model for r in rows] == table["model"].to_list()
    assert [r.seconds for r in rows] == table["total_time"].to_list()
    assert all(r.attempt_seconds == (None if r.error else r.seconds) for r in rows)
    unknown = sum(r.value is None for r in rows)
    assert unknown == table["score"].null_count() == sum(r.verdict is Verdict.ERRORED for r in rows)
    assert any("4 token counts are negative" in note for note in reading.notes)
    apart = next(note for note in reading.notes if "counted beside" in note)
    assert "gemini" in apart
    assert "grok" in apart
    assert "openai" not in apart


def test_other_public_tables_are_read(data: Path) -> None:
    verified = records_of(read_table(data / "math500_prm.parquet").pool)
    assert len({(r.question, r.draw) for r in verified}) == 960  # three seeds are three runs
    assert all(r.verifier_score is not None for r in verified)
    votes = records_of(read_table(data / "gsm8k_votes.parquet").pool)
    assert {r.draw for r in votes} == set(range(16))
    assert all((r.verdict is Verdict.UNPARSED) == (r.answer is None) for r in votes if r.value == 0)
    with pytest.raises(InputError, match="attempts, successes"):
        read_table(data / "attempts.parquet")


def test_times_that_cannot_be_are_unknown_and_a_forced_rung_is_no_whole_attempt(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("question,value,draw,seconds\na,1,0,2.5\nb,0,0,-1\nc,1,0,\n")
    rows = {row.question: row for row in records_of(read_table(path).pool)}
    assert [rows[name].seconds for name in "abc"] == [2.5, None, None]
    assert rows["a"].attempt_seconds == 2.5
    path.write_text("question,value,draw,budget,estimand,seconds\na,1,0,64,forced,2.5\n")
    (row,) = records_of(read_table(path).pool)
    assert (row.seconds, row.attempt_seconds) == (2.5, None)


def test_a_column_of_lists_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    pl.DataFrame({"question": ["q"], "draw": [0], "value": [1.0], "answer": [[1, 2]]}).write_parquet(path)
    with pytest.raises(InputError, match=r"answer.*holds List\(Int64\); needed: numbers, texts or true and false"):
        read_table(path)


@pytest.mark.parametrize(
    ("name", "text", "refusal"),
    [
        ("t.csv", "problem,epoch,correct,correct\n1,1,1,0\n", "several columns correct; needed: one"),
        ("t.jsonl", '{"problem": 1, "correct": 1, "correct": 0}\n', "line 1, is not JSON: .*'correct' more than once"),
        ("t.json", '[{"problem": 1, "correct": 1, "correct": 0}]', "'correct' more than once"),
    ],
)
def test_a_name_that_stands_for_two_values_is_refused(tmp_path: Path, name: str, text: str, refusal: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=refusal):
        read_table(tmp_path / name)


def test_columns_that_are_not_read_may_be_there_twice(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("problem,epoch,correct,note,note\n1,1,1,a,b\n")
    assert values(read_table(tmp_path / "t.csv")) == [("1", 0, 0, 1.0)]


@pytest.mark.parametrize(
    ("name", "separator", "start"),
    [("t.csv", ";", ""), ("t.tsv", "\t", ""), ("t.csv", "\t", ""), ("t.csv", ",", "\ufeff")],
)
def test_a_separator_that_the_header_shows_is_read(tmp_path: Path, name: str, separator: str, start: str) -> None:
    header, *lines = (line.split(",") for line in ("question,draw,score,answer", "a,0,1,x", "a,1,0,y"))
    lines[0][3] = "x, y" if separator != "," else "x"
    text = start + "\n".join(separator.join(cells) for cells in (header, *lines))
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert values(read_table(tmp_path / name)) == [("a", 0, 0, 1.0), ("a", 1, 0, 0.0)]


@pytest.mark.parametrize(
    ("name", "encoding", "message"),
    [
        ("t.csv", "utf-16", r"t\.csv is text in UTF-16; needed: UTF-8.*iconv -f UTF-16 -t UTF-8 t\.csv"),
        ("t.csv", "utf-16-le", r"is text in UTF-16; needed: UTF-8"),
        ("t.csv", "latin-1", r"t\.csv, line 3, holds a byte that is no UTF-8 .* 'é,1,0'\).*iconv -f WINDOWS-1252"),
    ],
)
def test_another_encoding_is_named_with_the_way_to_utf_8(
    tmp_path: Path, name: str, encoding: str, message: str
) -> None:
    (tmp_path / name).write_bytes("question,draw,score\na,0,1\né,1,0\n".encode(encoding))
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / name)


@pytest.mark.parametrize(("suffix", "encoding"), [(".jsonl", "latin-1"), (".json", "latin-1"), (".jsonl", "utf-16")])
def test_another_encoding_of_json_is_named_too(tmp_path: Path, suffix: str, encoding: str) -> None:
    rows = '{"question": "é", "draw": 0, "score": 1}'
    (tmp_path / f"t{suffix}").write_bytes((f"[{rows}]" if suffix == ".json" else rows).encode(encoding))
    with pytest.raises(InputError, match=r"needed: UTF-8\. Save it .*iconv -f "):
        read_table(tmp_path / f"t{suffix}")


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("score", ["1", "0,5"], r"column 'score', rows 2 \('0,5'\): needed: a value from 0 to 1 .*decimal point"),
        ("score", ["1", "good"], r"rows 2 \('good'\): needed: a value from 0 to 1 \(1 = correct.*pass or fail"),
        ("score", ["100%", "150%"], r"rows 2 \('1\.5'\): needed: a value from 0 to 1"),
        ("tokens", ["1,024", "1k"], r"column 'tokens', rows 2 \('1k'\): needed: a number, in digits, as 1k may be"),
        ("budget", ["1,5", "64"], r"rows 1 \('1,5'\): needed: a number, with a decimal point"),
    ],
)
def test_a_number_that_is_not_certain_is_named_with_what_is_needed(
    tmp_path: Path, column: str, cells: list[str], message: str
) -> None:
    table = {"question": ["a", "b"], "draw": [0, 0], "score": ["1", "0"]} | {column: cells}
    with pytest.raises(InputError, match=message):
        read_table(store(tmp_path / "t.csv", table))


def test_words_and_percentages_of_a_score_and_commas_between_thousands_are_read(tmp_path: Path) -> None:
    table = {"question": list("abcd"), "draw": [0] * 4, "score": ["Pass", "FAIL", "50%", "correct"]}
    table |= {"tokens": ["1,024", "12", "1,234,567", "3"]}
    rows = records_of(read_table(store(tmp_path / "t.csv", table)).pool)
    assert [row.value for row in rows] == [1.0, 0.0, 0.5, 1.0]
    assert [row.generated_tokens for row in rows] == [1024, 12, 1234567, 3]


def test_a_pass_is_not_counted_as_harm(tmp_path: Path) -> None:
    path = store(tmp_path / "t.csv", {"id": ["a", "b", "a"], "draw": [0, 0, 1], "score": ["Pass", "fail", "pass"]})
    rows = values(read_table(path, meaning=StatedMeaning(axis="safety", high="safe")))
    assert [value for *_, value in rows] == [1.0, 1.0, 0.0]
    with pytest.raises(InputError, match="a pass would count as harm"):
        read_table(path, meaning=StatedMeaning(axis="safety", high="harm"))
