"""Logs made by others become curves, value for value what Inspect itself reads from them."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.scorer import Score, match
from inspect_logs import (
    TOKENS,
    fails_on,
    progress,
    question_task,
    run,
    samples,
    says_yes,
    several,
    works_in_turns,
)

from overthink.collect.inspect_logs.read import read_logs
from overthink.data.pool import pool_of, records_of
from overthink.data.record import TRACE_COLUMNS, Axis, Estimand, Reading, RungRecord, Verdict
from overthink.errors import InputError
from overthink.storage.pool import read_pool, write_pool


@pytest.fixture(scope="module")
def efforts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One task at three levels of effort, two epochs each, run in no particular order."""
    folder = tmp_path_factory.mktemp("efforts")
    for effort in ("high", "low", "medium"):
        run(folder / "deep" / effort, question_task(), epochs=2, reasoning_effort=effort)
    return folder


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scorers, one with several values, and a question that fails."""
    folder = tmp_path_factory.mktemp("mixed")
    task = question_task(scorer=[says_yes(), several()], solver=fails_on("question 3"))
    run(folder, task, fail_on_error=False)
    return folder


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Agents that take 1, 3, 4 and 6 turns, and are scored after turns 2, 4 and 6, and at their end."""
    folder = tmp_path_factory.mktemp("agents")
    asks = [Sample(id=f"t{turns}", input=f"{turns} turns") for turns in (1, 3, 4, 6)]
    run(folder, Task(name="agent", dataset=asks, solver=works_in_turns(), scorer=progress()))
    return folder


def only(folder: Path) -> Path:
    (log,) = folder.rglob("*.eval")
    return log


def by_cell(reading: Reading) -> dict[tuple[str, int, int, str], RungRecord]:
    cells = {(r.question, r.draw, r.rung, r.scorer): r for r in reading.records}
    assert len(cells) == len(reading.records)
    return cells


def test_logs_that_differ_in_effort_are_one_curve_with_epochs_as_draws(efforts: Path) -> None:
    reading = read_logs(efforts)
    assert {(r.rung, r.effort) for r in reading.records} == {(0, "low"), (1, "medium"), (2, "high")}
    assert {(r.arm, r.task, r.estimand) for r in reading.records} == {("mockllm/model", "asks", Estimand.EFFORT)}
    assert {(r.question, r.draw) for r in reading.records} == {(f"q{i}", d) for i in range(6) for d in (0, 1)}
    assert {r.model for r in reading.records} == {"mockllm/model"}
    for record in reading.records:
        assert record.generated_tokens == TOKENS[record.effort] + 1
        assert record.thinking_tokens == TOKENS[record.effort]
        assert (record.answer_tokens, record.prompt_tokens, record.cached_tokens) == (1, 15, 5)
        assert record.judge_tokens == 0
    assert any("capability" in note and "--axis" in note for note in reading.notes)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas, used by Inspect
def test_every_value_is_what_samples_df_reads(efforts: Path, mixed: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    from inspect_ai.analysis import samples_df

    compared = 0
    for folder in (efforts, mixed):
        frame = samples_df(str(folder), quiet=True)
        theirs = {}
        for row in frame.to_dict("records"):
            effort = {"low": 0, "medium": 1, "high": 2}.get(Path(row["log"]).parent.name, 0)
            value = {"C": 1.0, "I": 0.0}.get(row["score_says_yes"])
            theirs[row["id"], row["epoch"] - 1, effort, "says_yes"] = value
        ours = {cell: record.value for cell, record in by_cell(read_logs(folder, scorer="says_yes")).items()}
        assert ours == theirs
        compared += len(theirs)
    assert compared == 36 + 6
    assert len(set(theirs.values())) == 3  # right, wrong and unknown were all met


def test_several_values_are_curves_of_their_own_and_what_is_no_share_is_left_out(mixed: Path) -> None:
    reading = read_logs(mixed)
    cells = by_cell(reading)
    assert {scorer for _, _, _, scorer in cells} == {"says_yes", "several.half", "several.flag"}
    assert cells["q0", 0, 0, "several.half"].value == 0.5
    assert cells["q0", 0, 0, "several.flag"].value == 1.0
    assert any("several.stars" in note and "outside [0, 1]" in note for note in reading.notes)
    with pytest.raises(InputError, match="several scores"):
        read_logs(mixed, axis="safety", high="safe")
    with pytest.raises(InputError, match=r"no scorer 'several.stars'"):
        read_logs(mixed, scorer="several.stars")


def test_a_failed_sample_has_no_value_and_is_not_wrong(mixed: Path) -> None:
    reading = read_logs(mixed, scorer="says_yes")
    failed = by_cell(reading)["q3", 0, 0, "says_yes"]
    assert (failed.value, failed.verdict) == (None, Verdict.ERRORED)
    assert "no question 3" in (failed.error or "")
    assert any("1 of 6 rows" in note for note in reading.notes)
    assert all(r.value is not None for r in reading.records if r.question != "q3")


def test_polarity_is_stated_and_turns_the_value_round(mixed: Path) -> None:
    high_is_safe = by_cell(read_logs(mixed, axis="safety", high="safe", scorer="several.half"))
    assert {r.axis for r in high_is_safe.values()} == {Axis.SAFETY}
    safe = by_cell(read_logs(mixed, axis="safety", high="safe", scorer="says_yes"))
    harm = by_cell(read_logs(mixed, axis="safety", high="harm", scorer="says_yes"))
    for cell, record in safe.items():
        assert record.answer is None  # text stays in the log
        if record.value is not None:
            assert harm[cell].value == 1 - record.value
            assert harm[cell].verdict == (Verdict.HARMFUL if record.value else Verdict.SAFE)
    for axis, high in (("safety", None), ("benign", "safe"), ("beauty", "high")):
        with pytest.raises(InputError):
            read_logs(mixed, axis=axis, high=high, scorer="says_yes")


def test_agents_scored_on_their_way_become_checkpoints(agents: Path) -> None:
    reading = read_logs(agents, checkpoints="turns")
    ends = [r for r in reading.records if r.estimand is Estimand.NATURAL]
    assert {r.question: r.value for r in ends} == {"t1": 0.1, "t3": 0.3, "t4": 0.4, "t6": 0.6}
    assert {r.model for r in reading.records} == {"mockllm/model"}
    way = {(r.question, r.effort): r for r in reading.records if r.estimand is Estimand.CHECKPOINT}
    assert {effort for _, effort in way} == {f"{n} turns" for n in (1, 2, 3, 4, 6)}
    expected = {
        "t1": [0.1] * 5,
        "t3": [None, 0.2, 0.3, 0.3, 0.3],
        "t4": [None, 0.2, 0.2, 0.4, 0.4],
        "t6": [None, 0.2, 0.2, 0.4, 0.6],
    }
    turns = (1, 2, 3, 4, 6)
    for question, values in expected.items():
        rows = [way[question, f"{n} turns"] for n in turns]
        assert [r.value for r in rows] == values
        assert [r.verdict is None for r in rows] == [value is None for value in values]
        assert [r.natural_end for r in rows] == [n >= int(question[1:]) for n in turns]
        # Every token is counted once, and none after the end.
        (end,) = (r for r in ends if r.question == question)
        assert sum(r.generated_tokens or 0 for r in rows) == end.generated_tokens
        assert rows[-1].thinking_tokens == end.thinking_tokens


def test_checkpoints_against_tokens_agree_with_those_against_turns(agents: Path) -> None:
    """Every turn of the mock costs about the same, so the order of budgets is the same."""
    reading = read_logs(agents)
    last = {r.question: r for r in reading.records if r.estimand is Estimand.CHECKPOINT}
    assert {question: r.value for question, r in last.items()} == {"t1": 0.1, "t3": 0.3, "t4": 0.4, "t6": 0.6}
    with pytest.raises(InputError, match="cost at its checkpoints is unknown"):
        read_logs(agents, checkpoints="cost")


def test_a_plain_log_has_no_checkpoints(mixed: Path) -> None:
    assert {r.estimand for r in read_logs(mixed).records} == {Estimand.NATURAL}


def test_logs_that_differ_in_something_else_are_arms(tmp_path: Path) -> None:
    for temperature in (0.0, 1.0):
        run(tmp_path, question_task(2), temperature=temperature)
    arms = {r.arm for r in read_logs(tmp_path).records}
    assert arms == {"mockllm/model [temperature=0.0]", "mockllm/model [temperature=1.0]"}


def test_a_run_of_the_same_setting_is_more_draws_and_a_copy_is_not(tmp_path: Path) -> None:
    run(tmp_path, question_task(2), epochs=2)
    once = read_logs(tmp_path)
    shutil.copy(only(tmp_path), tmp_path / "copy.eval")
    twice = read_logs(tmp_path)
    assert _without_logs(twice) == _without_logs(once)
    assert any("more than one log" in note for note in twice.notes)
    run(tmp_path, question_task(2), epochs=1)
    more = read_logs(tmp_path)
    assert {(r.question, r.draw) for r in more.records} == {(f"q{i}", d) for i in range(2) for d in range(3)}


def test_a_retry_takes_the_place_of_the_error(tmp_path: Path) -> None:
    run(tmp_path, question_task(2, solver=fails_on("question 1")), fail_on_error=False)
    log = read_eval_log(str(only(tmp_path)))
    retried = log.model_copy(deep=True)
    assert retried.samples is not None
    assert retried.samples[1].error is not None
    retried.samples[1].error = None
    retried.samples[1].scores = {"says_yes": Score(value="C")}
    for name in ("a_retry.eval", "z_retry.eval"):
        write_eval_log(retried, str(tmp_path / name))
        values = {r.question: r.value for r in read_logs(tmp_path).records}
        assert values["q1"] == 1.0
        (tmp_path / name).unlink()
    assert {r.question: r.value for r in read_logs(tmp_path).records}["q1"] is None


def _without_logs(reading: Reading) -> list[RungRecord]:
    return [dataclasses.replace(row, study="", log=None) for row in reading.records]


def test_json_logs_read_like_eval_logs(efforts: Path, agents: Path, tmp_path: Path) -> None:
    for number, folder in enumerate((efforts, agents)):
        for position, log in enumerate(sorted(folder.rglob("*.eval"))):
            write_eval_log(read_eval_log(str(log)), str(tmp_path / str(number) / f"{position}.json"))
        assert set(_without_logs(read_logs(tmp_path / str(number)))) == set(_without_logs(read_logs(folder)))


def test_what_a_log_cannot_say_is_unknown(tmp_path: Path) -> None:
    """A word that is no number is not 0, although Inspect reads it so; neither is a score that is missing."""
    run(tmp_path, question_task(4))
    log = read_eval_log(str(only(tmp_path)))
    assert log.samples is not None
    log.samples[0].scores = {"says_yes": Score(value=float("nan"))}
    log.samples[1].scores = {}
    log.samples[2].scores = {"says_yes": Score(value="N", answer="no comment")}
    log.samples[2].model_usage = {}
    write_eval_log(log, str(tmp_path / "changed" / "log.eval"))
    rows = {r.question: r for r in read_logs(tmp_path / "changed").records}
    assert [rows[f"q{i}"].value for i in range(3)] == [None, None, 0.0]
    assert (rows["q0"].verdict, rows["q1"].verdict) == (Verdict.UNPARSED, Verdict.ERRORED)
    assert rows["q2"].verdict == Verdict.REFUSED
    assert rows["q2"].generated_tokens is None
    log.samples[3].scores = {"says_yes": Score(value="lovely")}
    write_eval_log(log, str(tmp_path / "words" / "log.eval"))
    with pytest.raises(InputError, match="'lovely', which is no number"):
        read_logs(tmp_path / "words")


def test_judges_tokens_are_told_apart(tmp_path: Path) -> None:
    run(tmp_path, question_task(1))
    log = read_eval_log(str(only(tmp_path)))
    assert log.samples is not None
    usage = log.samples[0].model_usage["mockllm/model"]
    other = usage.model_copy(update={"total_tokens": 70, "output_tokens": 30, "input_tokens": 40})
    log.samples[0].model_usage["other/judge"] = other
    write_eval_log(log, str(tmp_path / "a" / "log.eval"))
    (row,) = read_logs(tmp_path / "a").records
    assert (row.judge_tokens, row.generated_tokens) == (70, usage.output_tokens)
    log.samples[0].model_usage = {"mockllm/model": usage + other}
    log.samples[0].role_usage = {"grader": other}
    write_eval_log(log, str(tmp_path / "b" / "log.eval"))
    (row,) = read_logs(tmp_path / "b").records
    assert (row.judge_tokens, row.generated_tokens) == (70, usage.output_tokens)


def test_a_limit_marks_the_row_as_cut_and_a_cap_that_was_not_met_does_not(tmp_path: Path) -> None:
    run(tmp_path / "cap", question_task(1), max_tokens=TOKENS[None])  # as long as that, and it says that it stopped
    run(tmp_path / "free", question_task(1))
    run(tmp_path / "limit", question_task(1), token_limit=20)
    cut = {name: read_logs(tmp_path / name).records[0].truncated for name in ("cap", "free", "limit")}
    assert cut == {"cap": False, "free": False, "limit": True}


def test_answers_vote_in_one_spelling(tmp_path: Path) -> None:
    run(tmp_path, question_task(1, scorer=match()))
    (row,) = read_logs(tmp_path).records
    assert row.answer in ("yes", "no")


def test_one_id_for_two_questions_is_told(tmp_path: Path) -> None:
    run(tmp_path, question_task(2), reasoning_effort="low")
    moved = [Sample(id=sample.id, input=f"another {sample.input}") for sample in samples(2)]
    run(tmp_path, question_task(dataset=moved), reasoning_effort="high")
    assert any("2 question ids stand for different texts" in note for note in read_logs(tmp_path).notes)


def ladder_rows(question: str, draw: int) -> list[RungRecord]:
    base = RungRecord("s", "base", Axis.SAFETY, "t", "judge", question, draw, 0, Estimand.FORCED, Verdict.SAFE, 0.5)
    return [dataclasses.replace(base, rung=n, requested_tokens=64 * n, natural_end=n > 1) for n in range(3)]


def own_log(folder: Path, change: Any = lambda rows: rows) -> list[RungRecord]:
    """A log that holds rows as our ladder leaves them."""
    run(folder, question_task(3), epochs=2)
    path = only(folder)
    log = read_eval_log(str(path))
    kept = []
    for sample in log.samples or []:
        rows = ladder_rows(str(sample.id), sample.epoch - 1)
        kept += rows
        sample.store["Ladder:records"] = change(
            json.loads(json.dumps([{name: getattr(r, name) for name in TRACE_COLUMNS} for r in rows]))
        )
    path.unlink()
    write_eval_log(log, str(path))
    return kept


def test_our_own_logs_give_back_the_pool(tmp_path: Path) -> None:
    rows = own_log(tmp_path / "logs")
    write_pool(tmp_path / "pool.parquet", pool_of(rows))
    reading = read_logs(tmp_path / "logs")
    of_logs = [dataclasses.replace(row, log=None, epoch=None) for row in reading.records]
    assert sorted(of_logs, key=repr) == sorted(records_of(read_pool(tmp_path / "pool.parquet")), key=repr)
    assert {row.log for row in reading.records} == {str(only(tmp_path / "logs"))}
    assert all(row.epoch == row.draw + 1 for row in reading.records)
    assert reading.notes == ()  # nothing had to be assumed


def test_rows_of_another_version_are_refused(tmp_path: Path) -> None:
    own_log(tmp_path / "a", lambda rows: [{**row, "mood": 1} for row in rows])
    with pytest.raises(InputError, match="another version of Overthink: columns mood"):
        read_logs(tmp_path / "a")
    own_log(tmp_path / "b", lambda rows: [{**row, "verdict": "splendid"} for row in rows])
    with pytest.raises(InputError, match="damaged rows"):
        read_logs(tmp_path / "b")
