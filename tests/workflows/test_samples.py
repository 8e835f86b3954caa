"""Every sample of a study as CSV: the rows asked for, in whole lines, with cells that no spreadsheet runs."""

import csv
import io
from pathlib import Path

import pytest

from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.errors import InputError
from overthink.storage.pool import write_pool
from overthink.workflows import samples as module
from overthink.workflows.samples import samples_csv

IDS = ("plain", "=1+1", 'a "quoted", id', "two\nlines", "-5", "@x")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        RungRecord(
            "s", "m", Axis.CAPABILITY, "t", "k", question, 0, rung, Estimand.EFFORT, value=float(rung),
            verdict=(Verdict.WRONG, Verdict.CORRECT)[rung], effort=("low", "high")[rung],
            log="logs/a.eval" if rung else None, epoch=1 if rung else None,
        )
        for question in IDS
        for rung in (0, 1)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("study") / "pool.parquet"
    write_pool(path, pool_of(rows))
    return path


def table(path: Path, **only: str | int) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("\n".join(samples_csv(path, only)))))


def test_all_rows_come_with_their_transcripts(pool: Path) -> None:
    rows = table(pool)
    assert len(rows) == 12
    by_rung = {(row["question"], row["rung"]): row for row in rows}
    plain = by_rung["plain", "1"]
    assert plain["address"] == "http://127.0.0.1:7575/#/logs/a.eval/samples/sample/plain/1/"
    assert plain["command"] == "inspect view --log-dir logs"
    assert by_rung["plain", "0"]["reason"] == "the source names no log"
    assert by_rung["two\nlines", "1"]["reason"] == "inspect view opens no id with a line break"
    assert {row["question"] for row in rows} == {"plain", "'=1+1", 'a "quoted", id', "two\nlines", "'-5", "'@x"}


def test_rows_can_be_chosen_and_come_in_pieces(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = table(pool, verdict="correct", rung=1)
    assert [row["verdict"] for row in whole] == ["correct"] * 6
    monkeypatch.setattr(module, "_PIECE", 4)
    assert table(pool, verdict="correct", rung=1) == whole
    assert [row["rung"] for row in table(pool, question="=1+1")] == ["0", "1"]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ({"verdict": "nice"}, "there is no verdict 'nice'; needed: one of correct, wrong"),
        ({"task": "x"}, "has no sample with task x; its tasks are: t"),
        ({"task": "t", "arm": "other"}, "its arms are: m"),
        ({"rung": 1, "verdict": "wrong"}, "each occurs, but not together"),
        ({"rung": 9}, "has no sample with rung 9"),
    ],
)
def test_what_is_not_there_is_refused(pool: Path, only: dict[str, str | int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(samples_csv(pool, only))
