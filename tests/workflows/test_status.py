"""How far runs have come, read from their folders."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from simulated_study import one_task
from stopped_runs import stopping_after
from typer.testing import CliRunner

import overthink
from overthink.cli import status as command
from overthink.cli.main import app
from overthink.cost.estimate import Rates
from overthink.data.record import RungRecord
from overthink.errors import InputError, StoppedError
from overthink.reports.status_text import FolderStatus, StatusTable
from overthink.storage.json_documents import read_estimate, write_estimate
from overthink.storage.pool import scan_pool
from overthink.workflows.status import StatusReader


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A whole study of six traces, a shard that was stopped behind two, and all of another plan's shard."""
    top = tmp_path_factory.mktemp("folders")
    overthink.run(one_task(), top / "whole")
    with pytest.raises(StoppedError):
        overthink.run(
            overthink.prepare(one_task(concurrency=1), shard="1/1"), top / "stopped", on_trace=stopping_after(2)
        )
    overthink.run(overthink.prepare(one_task(), shard="1/1"), top / "shard")
    return {folder.name: folder for folder in top.iterdir()}


def test_counts_are_those_of_the_rows(folders: dict[str, Path]) -> None:
    table = overthink.status(folders["whole"], folders["stopped"], folders["shard"])
    whole, stopped, shard = table.folders
    assert [each.state for each in table.folders] == ["complete", "stopped", "complete"]
    assert [(each.done, each.planned, each.failed) for each in table.folders] == [(6, 6, 0), (2, 6, 0), (6, 6, 0)]
    rows = scan_pool(folders["whole"] / "pool.parquet").collect()
    assert whole.decoded_tokens == rows["generated_tokens"].sum()
    assert whole.prompt_tokens == shard.prompt_tokens == rows["prompt_tokens"].sum()
    assert stopped.decoded_tokens is not None
    assert whole.decoded_tokens > stopped.decoded_tokens > 0
    assert (table.total.done, table.total.planned, table.total.state) == (14, 18, "stopped")
    assert (whole.usd, whole.traces_per_second, whole.seconds_left) == (None, None, None)
    assert whole.last_trace_seconds is not None
    assert whole.last_trace_seconds >= 0


def test_a_run_that_goes_on_has_a_rate(tmp_path: Path) -> None:
    seen: list[StatusTable] = []
    reader: list[StatusReader] = []

    def look(_: Sequence[RungRecord]) -> None:
        if not reader:
            reader.append(StatusReader([tmp_path / "part"]))
        seen.append(reader[0].read())

    overthink.run(overthink.prepare(one_task(concurrency=1), shard="1/1"), tmp_path / "part", on_trace=look)
    assert [table.total.state for table in seen] == ["running"] * 5 + ["running"]
    assert [table.total.done for table in seen] == [1, 2, 3, 4, 5, 6]
    assert all(table.total.traces_per_second for table in seen)
    left = [table.total.seconds_left for table in seen]
    assert left[-1] == 0
    assert all(left[:-1])
    assert overthink.status(tmp_path / "part").total.traces_per_second is None


def test_prices_of_the_estimate_make_the_cost(folders: dict[str, Path], tmp_path: Path) -> None:
    copytree(folders["stopped"], tmp_path / "paid")
    estimate = read_estimate(tmp_path / "paid" / "estimate.json")
    assert estimate is not None
    rates = Rates(prompt=0.5, cached=0.5, decoded=2.0, source="a list")
    write_estimate(tmp_path / "paid" / "estimate.json", replace(estimate, free=False, rates=rates, price="listed"))
    (paid,) = overthink.status(tmp_path / "paid").folders
    assert paid.prompt_tokens is not None
    assert paid.decoded_tokens is not None
    cost = 0.5 * paid.prompt_tokens + 2 * paid.decoded_tokens
    assert paid.usd == pytest.approx((cost, cost))


def test_a_merged_study_stands_for_its_shards(folders: dict[str, Path], tmp_path: Path) -> None:
    overthink.merge(tmp_path / "out", folders["shard"])
    assert overthink.status(tmp_path / "out").folders[0].path == str(folders["shard"])
    moved = tmp_path / "out" / "merged.json"
    moved.write_text(moved.read_text().replace(str(folders["shard"]), "/nowhere"))
    (own,) = overthink.status(tmp_path / "out").folders
    assert (own.path, own.state, own.done) == (str(tmp_path / "out"), "complete", 6)


def test_a_study_that_workers_collect_stands_for_its_shards(folders: dict[str, Path], tmp_path: Path) -> None:
    """Also before it is merged, and while shards wait for a worker: an empty folder is a shard that has not begun."""
    top = tmp_path / "s.shards"
    top.mkdir()
    for number in (2, 10, 1):
        (top / f"{number}-of-10").mkdir()
    (before,) = {each.planned for each in overthink.status(tmp_path / "s").folders}
    assert before is None
    overthink.run(overthink.prepare(one_task(), shard="1/10"), top / "1-of-10")
    (top / "waves.jsonl").touch()
    table = overthink.status(tmp_path / "s")
    assert [Path(each.path).name for each in table.folders] == ["1-of-10", "2-of-10", "10-of-10"]
    assert [each.shard for each in table.folders] == ["1/10", "2/10", "10/10"]
    assert [each.state for each in table.folders] == ["complete", "not begun", "not begun"]
    assert [each.path for each in overthink.status(top).folders] == [each.path for each in table.folders]
    named = overthink.status(*(top / f"{number}-of-10" for number in (1, 2, 10)))
    assert [(each.path, each.state) for each in named.folders] == [(each.path, each.state) for each in table.folders]
    first, second, _ = table.folders
    assert (first.done, second.done) == (first.planned, 0)
    assert second.planned is not None
    assert not table.is_complete


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    for paths in ([tmp_path], []):
        with pytest.raises(InputError, match="needed: "):
            overthink.status(*paths)
    with pytest.raises(TypeError, match="path"):
        overthink.status(3)  # type: ignore[arg-type]


def test_the_command_prints_a_table_or_json(folders: dict[str, Path]) -> None:
    paths = [str(folders[name]) for name in ("shard", "stopped")]
    text = CliRunner().invoke(app, ["status", *paths])
    assert text.exit_code == 0
    head, first, second, total = text.stdout.splitlines()
    assert head.split()[:3] == ["folder", "state", "traces"]
    assert first.split()[1:6] == ["(1/1)", "complete", "6", "of", "6"]
    assert second.split()[1:6] == ["(1/1)", "stopped", "2", "of", "6"]
    assert total.startswith("2 folders")
    document = json.loads(CliRunner().invoke(app, ["status", *paths, "--json"]).stdout)
    assert (document["schema"], document["total"]["done"]) == ("overthink.status/1", 8)


def test_watching_ends_when_all_are_complete(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    done = overthink.status(folders["shard"])
    going = StatusTable(tuple(replace_state(each) for each in done.folders))
    tables, slept = [going, going, done], []
    monkeypatch.setattr(StatusReader, "read", lambda _: tables.pop(0))
    monkeypatch.setattr(command.time, "sleep", slept.append)
    watched = CliRunner().invoke(app, ["status", str(folders["shard"]), "--watch"])
    assert watched.exit_code == 0
    assert len(slept) == 2
    assert watched.stderr.splitlines() == [going.line()] * 2
    assert "complete" in watched.stdout


def replace_state(folder: FolderStatus) -> FolderStatus:
    return replace(folder, state="running", done=3, traces_per_second=0.5, seconds_left=6.0)


def test_ctrl_c_ends_watching(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", interrupt)
    assert CliRunner().invoke(app, ["status", str(folders["stopped"]), "--watch"]).exit_code == 130


def test_a_view_fits_the_screen_and_shows_what_runs_first() -> None:
    def folder(number: int) -> FolderStatus:
        state = "running" if number == 7 else "complete"
        return FolderStatus(
            path=f"a/long/way/to/shards/{number}-of-9", shard=f"{number}/9", state=state, done=3, planned=6, failed=0,
            prompt_tokens=1000, decoded_tokens=1000, unanswered_requests=0, usd=(1.0, 2.0), traces_per_second=0.5,
            seconds_left=6.0, last_trace_seconds=1.0,
        )  # fmt: skip

    table = StatusTable(tuple(folder(number) for number in range(1, 10)))
    wide = table.view(300, 20).splitlines()
    assert len(wide) == 11
    assert sorted(wide) == sorted(table.text().splitlines())
    lines = table.view(70, 6).splitlines()
    assert max(map(len, lines)) <= 70
    assert len(lines) == 6
    assert "7-of-9 (7/9)" in lines[1]
    assert lines[-2] == "and 6 more"
    assert lines[-1].startswith("9 folders")
    assert "traces/s" in lines[0]
    assert "decoded" not in lines[0]
