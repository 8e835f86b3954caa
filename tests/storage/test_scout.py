"""Results of Inspect Scout as verdicts: the ladder of the logs, values that are no share, logs that are gone."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scout_scans import result, write_logs, write_scan

import overthink
from overthink.errors import InputError
from overthink.storage.formats.scout import ScoutReader
from overthink.workflows.readers import reader_of

QUESTIONS, EPOCHS = 4, 2


def results(logs: dict[str, Path], scanner: str = "refused", **more: Any) -> list[dict[str, Any]]:
    """Refusals at high effort alone, of half of the questions."""
    return [
        result(scanner, effort == "high" and i % 2 == 0, question=f"q{i}", epoch=epoch + 1, log=str(log), **more)
        for effort, log in logs.items() for i in range(QUESTIONS) for epoch in range(EPOCHS)
    ]  # fmt: skip


def test_a_scanner_is_a_scorer_on_the_ladder_of_its_logs(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scans" / "scan_id=a", results(write_logs(tmp_path / "logs")))
    study = overthink.analyse(scan, safety="sums@refused:high=harm")
    values = {finding.at.effort: finding.estimate for finding in study.find(kind="value", metric="mean")}
    assert values == {"low": 1.0, "high": 0.5}
    rows = study.frame()
    assert rows.height == 2 * QUESTIONS * EPOCHS
    assert dict(rows.group_by("effort").agg(pl.col("thinking_tokens").first()).iter_rows()) == {"low": 4, "high": 14}
    assert set(rows["log"]) == {path.name for path in (tmp_path / "logs").iterdir()}
    reverse = overthink.analyse(scan, safety="sums@refused:high=safe")
    assert {f.estimate for f in reverse.find(kind="value", metric="mean")} == {0.0, 0.5}


def test_moved_logs_are_sought_beside_the_scans_and_missing_ones_noted(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "logs")
    elsewhere = {effort: Path("/nowhere/logs") / path.name for effort, path in logs.items()}
    scan = write_scan(tmp_path / "scans" / "scan_id=a", results(elsewhere))
    assert ScoutReader().frame(scan).notes == ()
    for path in logs.values():
        path.unlink()
    frame, notes, *_ = ScoutReader().frame(scan)
    assert frame.height == 16
    assert notes[0].startswith("2 of the scanned logs could not be read (2026-01-01T00-00-00-00-00_sums_low.eval, ")
    assert "config" not in frame.columns or set(frame["config"]) == {"{}"}


def test_values_that_are_no_share_are_left_out_with_a_note(tmp_path: Path) -> None:
    logs = {"low": Path("/nowhere/a.eval")}
    several = [result("list", [{"value": True}], question="q0"), result("grade", "B", question="q0"),
               result("count", 7, question="q0"), result("none", None, question="q0")]  # fmt: skip
    scan = write_scan(tmp_path / "scan", [*results(logs), *several], complete=False)
    frame, notes, *_ = ScoutReader().frame(scan)
    assert set(frame["scorer"]) == {"refused", "none"}
    assert frame.filter(scorer="none")["value"].to_list() == [None]
    assert any(note.startswith("Metric grade of sums was left out: it holds 'B' (string)") for note in notes)
    assert any("count of sums" in note and "'7'" in note for note in notes)
    assert notes[-1] == "scan is not complete: transcripts are missing."


def test_what_is_no_scan_is_not_claimed_and_one_error(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scans" / "scan_id=a", [])
    assert isinstance(reader_of(tmp_path / "scans"), ScoutReader)
    with pytest.raises(InputError, match="holds no results"):
        overthink.analyse(scan)
    (tmp_path / "other").mkdir()
    assert not ScoutReader().claims(tmp_path / "other")
    with pytest.raises(InputError, match=r"holds no _scan\.json"):
        overthink.analyse(tmp_path / "other", reader="scout")
    pl.DataFrame({"a": [1]}).write_parquet(scan / "x.parquet")
    with pytest.raises(InputError, match="has no column transcript_id, scanner_key"):
        overthink.analyse(scan)


def test_a_scanner_without_results_says_nothing(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan", [result("refused", True, question="q0")])
    pl.read_parquet(scan / "refused.parquet").head(0).write_parquet(scan / "silent.parquet")
    frame, _, unread, *_ = ScoutReader().frame(scan)
    assert (set(frame["scorer"]), unread) == ({"refused"}, ())


def test_a_failed_scan_and_an_errored_transcript_have_no_value(tmp_path: Path) -> None:
    rows = [
        result("refused", True, question="q0"),
        result("refused", None, question="q1", scan_error="refusal"),
        result("refused", True, question="q2", transcript_error="timeout"),
    ]
    study = overthink.analyse(write_scan(tmp_path / "scan", rows), safety="sums@refused:high=harm")
    assert study.frame().select("question", "value").sort("question").rows() == [
        ("q0", 0.0),
        ("q1", None),
        ("q2", None),
    ]
