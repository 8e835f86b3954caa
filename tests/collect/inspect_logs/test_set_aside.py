"""Errors, invalid samples, repeated ids and samples that are not there: each by a rule, and with its number."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalResults,
    ProvenanceData,
)
from inspect_ai.model import ModelOutput
from inspect_ai.util import EarlyStop, EarlyStoppingSummary
from tests.support.written_logs import output, sample, write_log

from overthink.collect.inspect_logs.read import read_logs
from overthink.collect.inspect_logs.set_aside import SampleRules
from overthink.data.record import Reading, Verdict
from overthink.errors import InputError
from overthink.workflows.analyse import analyse
from overthink.workflows.sources import ReadOptions

ERRORS = [
    sample(0, output(""), "I", error="server 500"),
    sample(1, output("no"), "I", error="the sandbox died"),
    sample(2, output(""), None, error="server 500"),
    sample(3),
]


def values(reading: Reading) -> list[float | None]:
    """Return the values by question."""
    return [row.value for row in sorted(reading.records, key=lambda row: row.question)]


@pytest.mark.parametrize(
    ("errored", "expected"),
    [("inspect", [0, 0, None, 1]), ("set-aside", [None, None, None, 1]), ("wrong", [0, 0, 0, 1])],
)
def test_errors_count_by_the_rule_and_with_their_numbers(tmp_path: Path, errored: Any, expected: list[Any]) -> None:
    write_log(tmp_path, ERRORS)
    reading = read_logs(tmp_path, rules=SampleRules(errored=errored))
    assert values(reading) == expected
    (note,) = (note for note in reading.notes if "ended with an error" in note)
    assert note.startswith("3 of 4 samples")
    assert "2 " in note
    assert ("--errored" in note) is True


def test_an_error_that_is_counted_as_wrong_is_no_harm(tmp_path: Path) -> None:
    write_log(tmp_path, [sample(0, output(""), None, error="server 500"), sample(1, value=0)])
    rows = read_logs(tmp_path, axis="safety", high="harm", rules=SampleRules(errored="wrong")).records
    assert [(row.value, row.verdict) for row in rows] == [(None, Verdict.ERRORED), (1, Verdict.SAFE)]


def test_silence_of_an_errored_sample_is_not_safe_though_it_was_scored(tmp_path: Path) -> None:
    silent = [sample(n, final, 0, error="server 500") for n, final in enumerate((output(""), ModelOutput()))]
    write_log(tmp_path, [*silent, sample(2, value=0)])
    rows = read_logs(tmp_path, axis="safety", high="harm").records
    assert [(row.value, row.verdict) for row in rows] == [(None, Verdict.UNPARSED)] * 2 + [(1, Verdict.SAFE)]


@pytest.mark.parametrize("name", ["log.eval", "log.json"])
def test_invalid_samples_are_left_out_or_counted_as_asked(tmp_path: Path, name: str) -> None:
    mark = ProvenanceData(author="me", reason="it read the key")
    write_log(
        tmp_path, [sample(0, invalidation=mark), sample(1, invalidation=mark), sample(2, value="I")], name=name,
        invalidated=True,
    )  # fmt: skip
    reading = read_logs(tmp_path)
    assert values(reading) == [0]
    assert any(note.startswith("2 of 3 samples are marked as invalid (q0, q1)") for note in reading.notes)
    assert values(read_logs(tmp_path, rules=SampleRules(invalid="count"))) == [1, 1, 0]


def test_a_log_of_which_nothing_else_is_left_is_named(tmp_path: Path) -> None:
    mark = ProvenanceData(author="me")
    write_log(tmp_path, [sample(0), sample(1, invalidation=mark)], name="low.eval", effort="low")
    write_log(tmp_path, [sample(0, invalidation=mark), sample(1, invalidation=mark)], name="high.eval", effort="high")
    (note,) = (note for note in read_logs(tmp_path).notes if "invalid" in note)
    assert note.endswith("Nothing else is in high.eval.")


def test_a_valid_repeat_replaces_an_invalid_sample(tmp_path: Path) -> None:
    write_log(tmp_path, [sample(0), sample(1)], name="first.eval")
    write_log(tmp_path, [sample(0, value="I", invalidation=ProvenanceData(author="me"))], name="second.eval")
    assert values(read_logs(tmp_path)) == [1, 1]


def test_the_rules_are_options_of_the_analysis(tmp_path: Path) -> None:
    write_log(tmp_path, ERRORS)
    study = analyse(tmp_path / "log.eval", read=ReadOptions(errored="set-aside"))
    assert any("--errored set-aside" in note for note in study.about.notes)
    with pytest.raises(InputError, match="unknown --errored 'skip'; needed: inspect | set-aside | wrong"):
        analyse(tmp_path / "log.eval", read=ReadOptions(errored="skip"))  # type: ignore[arg-type]
    (tmp_path / "t.csv").write_text("question,budget,value\nq,1,1\n")
    with pytest.raises(InputError, match="says nothing of"):
        analyse(tmp_path / "t.csv", read=ReadOptions(invalid="count"))


REPEATS = {
    "one id twice": [sample(1), sample(2), sample(1, value="I")],
    "a number and its text": [sample("1"), sample("2"), sample("1", value="I", id=1)],
    "in a later epoch": [sample(1), sample(1, epoch=2), sample(1, value="I", epoch=2)],
}


@pytest.mark.parametrize("name", REPEATS)
def test_repeated_ids_of_a_json_log_are_refused_by_name(tmp_path: Path, name: str) -> None:
    path = write_log(tmp_path, REPEATS[name], name="log.json")
    with pytest.raises(InputError, match=r"holds 2 samples that share an id and an epoch with another: q?1;"):
        read_logs(path)
    write_log(tmp_path, [sample(5)], name="other.eval")
    reading = read_logs(tmp_path)
    assert len(reading.records) == 1
    assert any("share an id" in fault for fault in reading.unread)


def of_dataset(count: int, epochs: int = 1) -> dict[str, Any]:
    """Return the header of a log of so many questions."""
    ids = [f"q{i}" for i in range(count)]
    return {
        "dataset": EvalDataset(name="questions", samples=100, sample_ids=ids),  # type: ignore[arg-type]
        "config": EvalConfig(limit=count, epochs=epochs),
        "results": EvalResults(total_samples=count * epochs, completed_samples=count * epochs),
    }


@pytest.mark.parametrize("name", REPEATS)
def test_samples_that_an_archive_lost_are_rows_with_an_error(tmp_path: Path, name: str) -> None:
    epochs = 2 if name == "in a later epoch" else 1
    header = of_dataset(3, epochs) | {"results": EvalResults(total_samples=3, completed_samples=3)}
    write_log(tmp_path, REPEATS[name], **header)
    reading = read_logs(tmp_path)
    errors = [row for row in reading.records if row.verdict is Verdict.ERRORED]
    assert (len(reading.records), len(errors)) == (3, 1)
    assert any("its header counts 1 more completed samples than it holds" in note for note in reading.notes)


def test_lost_samples_without_names_are_counted(tmp_path: Path) -> None:
    write_log(tmp_path, REPEATS["one id twice"], results=EvalResults(total_samples=3, completed_samples=3))
    assert sum(row.verdict is Verdict.ERRORED for row in read_logs(tmp_path).records) == 1


@pytest.mark.parametrize("status", ["cancelled", "error", "started"])
def test_questions_that_were_asked_for_and_not_run_are_named(tmp_path: Path, status: Any) -> None:
    header = of_dataset(12) | {"results": None}
    write_log(tmp_path, [sample(i) for i in range(7)], status=status, **header)
    reading = read_logs(tmp_path)
    assert len(reading.records) == 7
    expected = "5 of the 12 questions asked for (--limit 12) are not in it: q7, q8, q9, q10, q11."
    assert any(expected in note for note in reading.notes)


def test_a_retry_that_ran_the_rest_leaves_nothing_missing(tmp_path: Path) -> None:
    header = of_dataset(3) | {"results": None}
    write_log(tmp_path, [sample(0)], name="first.eval", status="error", **header)
    write_log(tmp_path, [sample(1), sample(2)], name="second.eval", **header)
    assert not [note for note in read_logs(tmp_path).notes if "not in it" in note]


def test_samples_that_were_stopped_early_are_said_and_not_missing(tmp_path: Path) -> None:
    stops = EarlyStoppingSummary(manager="m", early_stops=[EarlyStop(id="q1", epoch=1)], metadata={})
    results = EvalResults(total_samples=2, completed_samples=1, early_stopping=stops)
    write_log(tmp_path, [sample(0)], **(of_dataset(2) | {"results": results}))
    reading = read_logs(tmp_path)
    assert len(reading.records) == 1
    assert [note for note in reading.notes if "stopped early" in note]
    assert not [note for note in reading.notes if "not in it" in note]


def test_an_ordinary_log_has_no_note_on_its_samples(tmp_path: Path) -> None:
    write_log(tmp_path, [sample(i, epoch=e) for i in range(3) for e in (1, 2)], **of_dataset(3, epochs=2))
    assert [note for note in read_logs(tmp_path).notes if "read as capability" not in note] == []
