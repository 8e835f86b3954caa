"""Axes of single tasks through comparison, forecast and command line."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from stored_logs import stored_log

from overthink.cli.main import run_app
from overthink.errors import InputError
from overthink.workflows.compare import compare
from overthink.workflows.forecast import ForecastRequest, forecast_path
from overthink.workflows.sources import ReadOptions

STATED = {"capability": ["sums"], "safety": ["pack/probe:high=harm"]}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Logs of two tasks from each of two models."""
    root = tmp_path_factory.mktemp("folders")
    for name, right in (("a", 3), ("b", 9)):
        marks = [{"judge": float(number < right)} for number in range(12)]
        stored_log(root / name / "sums.json", "sums", marks, model=f"some/{name}")
        stored_log(root / name / "probe.json", "probe", marks, model=f"some/{name}", task_registry_name="pack/probe")
    return root / "a", root / "b"


def differences(**options: Any) -> dict[tuple[str, str], float | None]:
    made = compare(**options)
    found = made.find(kind="arm_difference", metric="mean")
    return {(str(one.axis), str(one.task)): one.estimate for one in found}


def test_two_folders_are_compared_on_two_axes_at_once(folders: tuple[Path, Path]) -> None:
    assert differences(paths=folders, read=ReadOptions(**STATED)) == {  # type: ignore[arg-type]
        ("capability", "sums"): pytest.approx(0.5),
        ("safety", "probe"): pytest.approx(-0.5),
    }


def test_a_task_of_one_source_alone_may_be_stated_and_of_none_may_not(folders: tuple[Path, Path]) -> None:
    one, other = folders
    paths = [one, other / "probe.json"]
    assert differences(paths=paths, read=ReadOptions(**STATED)) == {("safety", "probe"): pytest.approx(-0.5)}  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"--benign prose:high=refused names no task of a and b; needed: one of probe"):
        compare(folders, read=ReadOptions(benign=["prose:high=refused"]))


def test_log_and_table_of_one_task_are_compared_by_one_statement(folders: tuple[Path, Path], tmp_path: Path) -> None:
    cells = {"question": [f"q{n}" for n in range(12)], "draw": 0, "value": [1] * 9 + [0] * 3, "task": "probe"}
    pl.DataFrame(cells | {"scorer": "judge", "model": "some/c", "estimand": "natural"}).write_csv(tmp_path / "rows.csv")
    paths = [folders[0] / "probe.json", tmp_path / "rows.csv"]
    read = ReadOptions(safety=["pack/probe:high=harm"])
    assert differences(paths=paths, read=read) == {("safety", "probe"): pytest.approx(-0.5)}


def test_a_forecast_counts_the_bad_end_of_each_axis(folders: tuple[Path, Path]) -> None:
    made = forecast_path(folders[0], read=ReadOptions(**STATED), request=ForecastRequest(k=(1,)))  # type: ignore[arg-type]
    assert {(bank.axis, bank.task): int(bank.successes.sum()) for bank in made.banks} == {
        ("capability", "sums"): 3,
        ("safety", "probe"): 3,
    }


@pytest.mark.parametrize("command", ["analyse", "compare", "label", "forecast"])
def test_every_command_that_reads_logs_takes_the_options(
    command: str, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [str(folder) for folder in (folders if command == "compare" else folders[:1])]
    words = ["--capability", "sums", "--safety", "pack/probe:high=harm"]
    monkeypatch.setattr("sys.argv", ["overthink", command, *paths, *words])
    assert run_app() == 0
    monkeypatch.setattr("sys.argv", ["overthink", command, *paths, *words, "--axis", "safety"])
    with pytest.raises(InputError, match="one of the two ways"):
        run_app()
