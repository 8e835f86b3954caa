"""``--quiet``: neither progress nor notes; results, errors and endings as ever."""

from pathlib import Path
from typing import Any

import pytest

from overthink.cli import progress, start, terminal
from overthink.errors import ExitCode

RUN = (
    "run",
    "--model=overthink/simulated",
    "--safety=overthink/secret",
    "--budgets=0,8",
    "--draws=1",
    "--limit=2",
    "--seed=3",
)


@pytest.fixture(autouse=True)
def loud() -> Any:
    yield
    terminal.set_quiet(False)


def test_a_run_prints_its_result_alone(overthink: Any, tmp_path: Path) -> None:
    code, out, err = overthink(*RUN, "--out=first")
    assert (code, "report: first" in err) == (0, True)
    for line in ((*RUN, "--out=second", "--quiet"), ("--quiet", *RUN, "--out=third")):
        code, quiet_out, err = overthink(*line)
        assert (code, err) == (0, "")
        assert quiet_out == out
    assert overthink(*RUN, "--out=fourth")[2] != ""  # it does not stay quiet


@pytest.mark.parametrize(
    "line", [("report", "first"), ("label", "first"), ("statement", "first"), ("analyse", "first")]
)
def test_other_commands_too(overthink: Any, line: tuple[str, ...], tmp_path: Path) -> None:
    assert overthink(*RUN, "--out=first", "--quiet")[0] == 0
    code, out, err = overthink(*line, "--quiet")
    assert (code, err) == (0, "")
    assert bool(out) == (line[0] != "label")


def test_an_error_and_an_ending_are_printed(overthink: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = overthink("report", "nowhere", "--quiet")
    assert (code, out, err.startswith("error: ")) == (ExitCode.INPUT, "", True)
    terminal.set_quiet(True)

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert start.ended(interrupted) == ExitCode.INTERRUPT
    terminal.note("a note")
    assert capsys.readouterr().err.startswith("interrupted: ")


@pytest.mark.parametrize("is_there", [True, False])
def test_who_is_asked_for_money_learns_how_much(
    is_there: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: is_there})())
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    terminal.set_quiet(True)
    terminal.confirm_cost(True, "at most 3 USD")
    assert (capsys.readouterr().err, len(asked)) == (("at most 3 USD\n", 1) if is_there else ("", 0))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_silent(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal.messages, "_force_terminal", is_terminal)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.001)

    def work() -> str:
        with progress.doing("loading"), progress.Meter(total=2, done=0) as meter:
            meter.add("sums", 4)
        return capsys.readouterr().err

    assert work() != ""
    terminal.set_quiet(True)
    assert work() == ""
