"""Every command on names that are patterns, options or addresses elsewhere; `benchmarks/fuzz.py` runs all with all."""

from pathlib import Path

import pytest
from hostile_names import COMMANDS, HostileFolder, names
from sweeps import few


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> HostileFolder:
    return HostileFolder(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("command", few(COMMANDS, 8))
def test_a_pattern_is_a_name_and_its_neighbours_stay(hostile: HostileFolder, command: str) -> None:
    assert list(hostile.faults("study[1]", [command])) == []


def test_every_name_is_a_name(hostile: HostileFolder) -> None:
    turns = [list(COMMANDS)[number % len(COMMANDS)] for number in range(12)]
    faults = [
        fault for name, command in zip(names(0), turns, strict=False) for fault in hostile.faults(name, [command])
    ]
    assert faults == []


def test_a_neighbour_that_is_read_or_changed_would_be_noticed(
    hostile: HostileFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def globbed(path: Path) -> Path:
        return path.with_name(path.name.replace("[1]", "1"))

    monkeypatch.setattr("overthink.workflows.analyse.Path", lambda path: globbed(Path(path)))
    read = list(hostile.faults("study[1]", ["analyse a table"]))
    assert "another result than under a plain name" in read[0]
    changed = list(hostile.faults("study[1]", ["report"]))
    assert any("'study1/report.html' was changed" in fault for fault in changed)
