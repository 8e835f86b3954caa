"""A hundred command lines that nobody should type; `benchmarks/fuzz.py` runs as many as one likes."""

import sys
from pathlib import Path
from typing import Any

import pytest
from fuzz_commands import VALUE, command_lines, fault_of, run_all
from sweeps import few

from overthink.cli import terminal
from overthink.errors import ExitCode


@pytest.mark.parametrize("seed", few([1, 3], 1))
def test_command_lines_end_with_a_message_and_a_code_of_the_table(seed: int, tmp_path: Path) -> None:
    assert run_all(seed, 100, tmp_path) == []


def test_the_lines_are_the_same_for_the_same_seed_and_reach_every_command() -> None:
    lines = command_lines(1, 200)
    assert lines == command_lines(1, 200) != command_lines(2, 200)
    assert {line[0] for line in lines} >= {
        "run",
        "analyse",
        "report",
        "compare",
        "verify",
        "forecast",
        "label",
        "check",
    }
    assert all(line[:2] != ["model", "install"] for line in lines)


@pytest.mark.parametrize(
    ("ending", "fault"),
    [
        (lambda: 1 / 0, "exit code <ExitCode.FAULT: 70>"),
        (lambda: ExitCode.NO, "exit code 1, which only check may give"),
        (lambda: ExitCode.INPUT, "no message"),
        (lambda: sys.stdout.write("mean nan") * 0, "no number was taken for one"),
        (
            lambda: sys.stdout.write("Traceback (most recent call last)") * 0,
            "a traceback or a control character is printed",
        ),
        (lambda: terminal.error("it is wrong") or 2, "the message names neither option nor value"),
    ],
)
def test_the_fuzz_sees_what_is_wrong(ending: Any, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overthink.cli import main

    monkeypatch.setattr(main, "run_app", ending)
    monkeypatch.setattr(sys, "argv", sys.argv)
    said = fault_of(["calc", "cost", "--k", "nan"], [f"--k{VALUE}nan"], tmp_path, tmp_path / "here")
    assert said is not None
    assert fault in said


def test_the_fuzz_reads_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overthink.cli import main

    for line, printed, fault in (
        (["calc", "cost"], "mean nan", "nan is printed"),
        (["calc", "cost", "--json"], '{"mean": Infinity}', "no JSON is printed"),
        (["calc", "cost", "--json"], '{"mean": 1}', None),
    ):
        monkeypatch.setattr(main, "run_app", lambda printed=printed: sys.stdout.write(printed) * 0)
        said = fault_of(line, ["--k"], tmp_path, tmp_path / "here")
        assert (fault is None and said is None) or (fault is not None and fault in str(said))
