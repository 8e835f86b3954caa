"""Every ending of the command line: one message, the exit code of the table, never a traceback."""

import asyncio
import errno
import io
import logging
import os
import signal
import stat
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from overthink.cli import main, start, terminal
from overthink.collect.session import interrupts
from overthink.collect.session.interrupts import Interrupts, run_interruptible
from overthink.errors import ExitCode, InputError, StoppedError

Ended = Callable[[Callable[[], Any]], tuple[int, str]]


@pytest.fixture
def ended(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ended:
    """Exit code and standard error of a command; a file on a fault goes into the test's own folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["overthink", "run", "-M", "api_key=sk-12345", "--out", "a b"])

    def run(command: Callable[[], Any]) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            start.start(command)
        assert isinstance(stopped.value.code, int)
        return int(stopped.value.code), capsys.readouterr().err

    return run


def raising(failure: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise failure

    return command


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (InputError("seen, needed"), ExitCode.INPUT, "error: seen, needed"),
        (StoppedError("the server died"), ExitCode.STOPPED, "error: the server died"),
        (ExceptionGroup("tasks", [ExceptionGroup("one", [InputError("in a task")])]), ExitCode.INPUT, "in a task"),
        (PermissionError(errno.EACCES, "Permission denied", "a/plan.json"), ExitCode.INPUT, "a/plan.json: Permission"),
        (OSError(errno.EROFS, "Read-only file system", "a/pool"), ExitCode.INPUT, "a/pool: Read-only file system"),
        (OSError(errno.ENOSPC, "No space left on device", "a/pool"), ExitCode.STOPPED, "Free some space"),
        (KeyboardInterrupt(), ExitCode.INTERRUPT, "interrupted: "),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ExitCode.FAULT, "BrokenPipeError (Broken pipe)"),  # a socket's
        (KeyError("a question"), ExitCode.FAULT, "KeyError in "),
        (MemoryError(), ExitCode.FAULT, "MemoryError"),
        (SystemExit(0), ExitCode.FAULT, "SystemExit"),  # foreign code that ends the process
        (asyncio.CancelledError(), ExitCode.FAULT, "CancelledError"),
        (BaseExceptionGroup("tasks", [ValueError("an answer")]), ExitCode.FAULT, "ExceptionGroup"),
        (InputError("red \x1b[31m[bold]\u202e"), ExitCode.INPUT, r"red \u001b[31m[bold]\u202e"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exception_is_one_message_and_its_code(ended: Ended, failure: BaseException, code: int, said: str) -> None:
    got, err = ended(raising(failure))
    assert (got, said in err) == (code, True), err
    assert err.count("\n") == 1
    assert not any(word in err for word in ("Traceback", "a question", "an answer", "\x1b"))
    assert ("this is a fault of Overthink" in err) == (code == ExitCode.FAULT)


def test_a_recursion_is_a_fault_with_a_short_file(ended: Ended, tmp_path: Path) -> None:
    def command(depth: int = 0) -> int:
        return command(depth + 1)

    assert ended(command)[0] == ExitCode.FAULT
    (file,) = tmp_path.glob("overthink-fault-*.txt")
    assert len(file.read_text().splitlines()) < 80


def test_the_file_on_a_fault_holds_places_and_no_texts(ended: Ended, tmp_path: Path) -> None:
    def command() -> int:
        secret, answer = "sk-12345", "the model's answer"
        try:
            raise ValueError(f"{secret} {answer}")
        except ValueError as cause:
            raise RuntimeError(answer) from cause

    code, err = ended(command)
    (file,) = tmp_path.glob("overthink-fault-*.txt")
    text = file.read_text()
    assert (code, str(file) in err) == (ExitCode.FAULT, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(
        word in text for word in ("overthink ", "python ", "polars ", "RuntimeError", "ValueError", "in command")
    )
    assert "overthink run -M api_key=<secret> --out 'a b'" in text
    assert "sk-12345" not in text
    assert "answer" not in text


def test_a_fault_that_cannot_be_stored_is_reported(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    code, err = ended(raising(KeyError("x")))
    assert (code, "this is a fault of Overthink" in err, "Please report it with" in err) == (70, True, False)


class Device(io.StringIO):
    """Standard output on a device that fails."""

    def __init__(self, number: int, *, late: bool) -> None:
        super().__init__()
        self.failure, self.late = OSError(number, os.strerror(number)), late

    def write(self, text: str) -> int:
        if not self.late:
            raise self.failure
        return len(text)

    def flush(self) -> None:
        raise self.failure


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(errno.ENOSPC, 74, "No space left"), (errno.EIO, 74, "Input/output error"), (errno.EPIPE, 141, "")],
)
@pytest.mark.parametrize("options", [("thresholds",), ("--help",), ("--version",), ("calc", "cost", "--help")])
def test_an_output_that_fails_has_its_own_code(
    overthink: Any, options: tuple[str, ...], number: int, code: int, said: str, late: bool, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sys, "stdout", Device(number, late=late))
    got, _, err = overthink(*options)
    assert (got, said in err, bool(err)) == (code, True, bool(said))


def test_a_closed_output_is_no_success(overthink: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    got, _, err = overthink("thresholds")
    assert (got, "standard output is closed" in err) == (74, True)


def test_notes_that_nobody_reads_end_nothing(overthink: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (Device(errno.EPIPE, late=False), None):
        monkeypatch.setattr(sys, "stderr", stream)
        assert overthink("run", "--capability", "overthink/nothing")[0] == 2


def test_a_no_to_the_question_is_not_a_failed_claim(overthink: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overthink.workflows.statement.check", lambda *_, **__: typer.confirm("Go on?", abort=True))
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    got, _, err = overthink("check", "statement.json")
    assert (got, "nothing was paid" in err) == (ExitCode.INTERRUPT, True)


def test_libraries_print_no_traceback(ended: Ended, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        logger, handler = logging.Logger("a library"), logging.StreamHandler(sys.stderr)
        logger.addHandler(handler)
        try:
            raise ValueError("an answer")
        except ValueError:
            logger.exception("it went %s", "wrong")
        logger.error("%d", "no number")
        sys.stderr.write(warnings.formatwarning("odd\x07", UserWarning, "file.py", 1))
        return 0

    code, err = ended(command)
    assert code == 0
    assert "it went wrong (ValueError)\n" in err
    assert r"warning: odd\u0007" in err
    assert "Traceback" not in err
    assert "an answer" not in err


def test_a_thread_that_fails_is_a_line(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)

    class Falling:
        def __del__(self) -> None:
            raise ValueError("an answer")

    def command() -> int:
        thread = threading.Thread(target=raising(ValueError("an answer")))
        thread.start()
        thread.join()
        Falling()
        return 0

    code, err = ended(command)
    assert (code, err) == (0, "note: a thread of a library ended by ValueError\n")


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in interrupts.SIGNALS.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_command_in_good_order(ended: Ended, number: int) -> None:
    done: list[str] = []

    def command() -> int:
        try:
            signal.raise_signal(number)
        finally:
            done.append("in order")
        raise AssertionError("the signal was lost")

    code, err = ended(command)
    assert (code, done) == (128 + number, ["in order"])
    assert err.startswith("interrupted: ")


@pytest.mark.usefixtures("handlers")
def test_signals_of_others_are_left_alone() -> None:
    """Under nohup SIGHUP stays ignored; in the background Ctrl-C is, and SIGTERM still ends in good order."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    during: list[object] = []

    def command() -> None:
        during.extend(signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
        with interrupts.count_interrupts() as shared:
            during.append(shared)

    run_interruptible(command)
    assert during[:2] == [signal.SIG_IGN] * 2
    assert isinstance(during[2], Interrupts)
    assert during[3] is during[2]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with interrupts.count_interrupts():  # a library: nothing but Ctrl-C, if anything
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([signal.SIGTERM, signal.SIGTERM], 143),
        ([signal.SIGTERM, signal.SIGINT], 130),
        ([signal.SIGINT, signal.SIGTERM], 143),
        ([signal.SIGHUP, signal.SIGTERM], 143),
        ([signal.SIGHUP, signal.SIGHUP], None),  # one hang-up, said twice
        ([signal.SIGTERM, signal.SIGHUP], None),  # so do service managers
    ],
)
def test_a_second_signal_ends_at_once(numbers: list[int], code: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(interrupts, "_end", codes.append)
    handler = Interrupts()
    with handler.stopping(lambda: None):
        for number in numbers:
            handler(number, None)
        assert codes == ([] if code is None else [code])
        handler._first_at -= 2 * interrupts.SAME_HANGUP
        handler(signal.SIGHUP, None)
        assert codes[-1] == 129


def test_every_code_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exit-codes.md").read_text()
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == [str(int(code)) for code in sorted(ExitCode)]


def test_what_fails_at_import_is_a_fault_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(sys.modules, "overthink.cli.main", None)
    with pytest.raises(SystemExit) as stopped:
        start.main()
    err = capsys.readouterr().err
    assert (stopped.value.code, "this is a fault of Overthink" in err) == (ExitCode.FAULT, True)


@pytest.mark.parametrize(
    "options",
    [
        ("analyse", "t.csv", "--flop-per-byte", "1e400"),
        ("run", "--temperature", "nan"),
        ("run", "--top-p", "inf"),
        ("run", "--capability", "overthink/arithmetic", "--budgets", "0,infk"),
        ("run", "--capability", "overthink/arithmetic", "--efforts", "low,,high"),
        ("run", "--capability", "overthink/arithmetic", "--trace-scorer", ","),
        ("forecast", "t.csv", "--format", "svg"),
    ],
)
def test_what_is_no_number_no_name_or_of_no_use_is_refused_by_its_option(overthink: Any, options: Any) -> None:
    code, _, err = overthink(*options)
    assert (code, err.startswith(f"error: {options[-2]} ")) == (ExitCode.INPUT, True), err


def test_a_task_that_ends_the_process_is_named(overthink: Any, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import sys\nfrom inspect_ai import task\n\n@task\ndef left():\n    sys.exit(0)\n")
    code, _, err = overthink("run", "--model", "overthink/simulated", "--capability", "own.py@left", "--budgets", "0,8")
    assert (code, "task own.py@left cannot be built: SystemExit: 0" in err) == (ExitCode.INPUT, True), err


def test_a_working_folder_that_was_deleted_is_no_fault(
    ended: Ended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, err = ended(lambda: len(str(Path.cwd())))
    assert (code, err.count("\n")) == (ExitCode.INPUT, 1)
    assert "the working folder is not there any more" in err


def test_what_a_component_prints_and_closes_leaves_the_result_alone(capsys: pytest.CaptureFixture[str]) -> None:
    @terminal.with_results_apart
    def command() -> None:
        sys.stdout.write("of a component\n")
        sys.stdout.close()
        sys.stderr.close()
        terminal.output("the result")

    with pytest.raises(SystemExit) as stopped:
        start.start(lambda: command() or 0)  # type: ignore[func-returns-value]
    out, err = capsys.readouterr()
    assert (stopped.value.code, out) == (0, "the result\n")
    assert "of a component" in err


@pytest.mark.parametrize("command", ["thresholds", "calc overhang", "model list"])
def test_every_command_keeps_its_results_apart(command: str) -> None:
    group: Any = typer.main.get_command(main.app)
    for name in command.split():
        group = group.commands[name]
    assert group.callback.__wrapped__
