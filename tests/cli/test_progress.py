"""Progress says what is done, also while nothing comes, and in characters that the stream has."""

import io
import threading
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from overthink.cli import progress, terminal
from overthink.cli.progress import Meter, doing
from overthink.workflows.progress import ENDING, STARTING
from overthink.workflows.waves import Wave


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plain lines of a stream that is no terminal, every few milliseconds."""
    noted: list[str] = []
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.02)
    monkeypatch.setattr(terminal, "messages", Console(file=io.StringIO(), force_terminal=False))
    monkeypatch.setattr(terminal, "note", lambda *texts: noted.extend(texts))
    return noted


def wait_for(is_there: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not is_there():
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_work_that_takes_long_is_named_until_it_ends(lines: list[str]) -> None:
    with doing("loading the model"):
        wait_for(lambda: len(lines) >= 2)
    count = len(lines)
    assert lines[0] == "loading the model: 0:00"
    time.sleep(0.1)
    assert len(lines) == count


def test_quick_work_is_not_mentioned(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 5.0)
    with doing("loading the model"):
        pass
    assert lines == []


def test_every_phase_of_a_run_has_its_word(lines: list[str]) -> None:
    with Meter(total=2, done=0) as meter:
        wait_for(lambda: any(line.startswith(f"{STARTING}: 0 of 2 traces") for line in lines))
        meter.add("sums, wait", 40)
        wait_for(lambda: any(line.startswith("sums, wait: 1 of 2 traces, ") for line in lines))
        meter.add("sums, wait", 40)
        wait_for(lambda: any(line.startswith(f"{ENDING}: 2 of 2 traces, ") for line in lines))
    assert threading.active_count() == len([thread for thread in threading.enumerate() if thread.name != "progress"])


def test_a_new_wave_begins_anew(lines: list[str]) -> None:
    with Meter(total=1, done=0) as meter:
        meter.add("sums", 1)
        meter.add_wave(Wave("wave 2", 3))
        assert meter.line().startswith(f"{STARTING}: 1 of 3 traces")
    assert "wave 2" in lines


def test_a_run_that_lacks_nothing_is_analysed_at_once() -> None:
    assert Meter(total=3, done=3).line().startswith(ENDING)
