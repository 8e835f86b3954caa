"""Command lines that nobody should type, and what must hold of every one of them.

The options are read from the commands themselves, so a new one is fuzzed as it is added. Every line starts from one
that works and is changed in one to three places. It runs in this process, in a folder of its own, with sockets closed.
"""

import io
import json
import math
import os
import random
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer

from overthink.cli import main
from overthink.data.visible import visible
from overthink.errors import ExitCode

SECONDS = 300
"""A line that takes longer hangs; it takes milliseconds, but the machine may be busy."""

NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "NaN",
    "1e400",
    "-1e400",
    "-1",
    "0",
    "99999999999999999999999999",
    "-5",
    "0.5",
    "1e-320",
)
NO_NUMBERS = {"nan", "inf", "-inf", "NaN", "1e400", "-1e400"}
TEXTS = (
    "", " ", ",", ",,,", ":", "@", "=", "a=b", "a=b=c", "x.py@y", "true", "null", "[bold]x[/bold]", "[/]",
    "\x1b[31mred", "ünïcode", "数", "🦉", "\u202eabc", "\udc80", "a" * 300, "--", "-", "a\nb", "0x10", "1_000",
    "2,1", "1,1", "１２", "½", "1..2", "2..1", "nan..1", "1..inf", "1k", "2kk", "$(x)", "{}", '{"a":', "--json",
)  # fmt: skip
PATHS = (
    "folder",
    "pipe",
    "missing",
    "empty",
    "bytes",
    "loop",
    "missing/x",
    "empty/x",
    "/dev/null",
    "/dev/full",
    "*",
    "~",
    ".",
)

STUDY = (
    "--model",
    "overthink/simulated",
    "--budgets",
    "0,8",
    "--draws",
    "1",
    "--limit",
    "2",
    "--arms",
    "base,zerothink",
)
BASES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("thresholds",): (),
    ("calc", "inference-flop"): ("--active-parameters", "8e9"),
    ("calc", "exfiltration"): ("--weights-bytes", "1e12", "--upload-bytes-per-day", "1e11"),
    ("calc", "overhang"): ("--training-flop", "1e25", "--training-days", "90", "--copy-flop-per-second", "1e15"),
    ("calc", "stolen-weights"): ("--usd-per-task", "0.5"),
    ("model", "list"): (),
    ("forecast",): ("counts.csv", "--k", "1,10"),
    ("label",): ("study", "--out", "sheet.csv"),
    ("statement",): ("study", "--out", "claims"),
    ("check",): ("study/statement.json",),
    ("analyse",): ("table.csv", "--out", "made"),
    ("report",): ("study",),
    ("samples",): ("study",),
    ("table",): ("study", "--format", "csv"),
    ("methods",): ("study",),
    ("compare",): ("study",),
    ("verify",): ("study", "--verifier", "simulated", "--by", "answer"),
    ("monitor",): ("study", "--monitor", "lexical:words=harm"),
    ("perturb",): ("study", "--with", "none"),
    ("latent",): ("simulated:n=4,steps=3", "--out", "states"),
    ("gateway", "policy"): ("study/statement.json",),
    ("gateway", "usage"): ("study/statement.json",),
    ("run",): (*STUDY, "--capability", "overthink/arithmetic", "--out", "new"),
}
"""A line of each command that works."""

LIKELY = {
    "--efforts": "low,high", "--turns": "1,2", "--loop-tokens": "1k,2k", "--until": "half-width=0.2",
    "--max-draws": "2", "--resample": "1", "--controls": "sham", "--trace-scorer": "thought",
    "--axis": "safety", "--high": "harm", "--hypothesis": "up", "--primary": "base", "--k-reference": "8",
    "--selector": "majority", "--arms": "base,wait", "--safety": "overthink/secret",
    "--benign": "overthink/contrast_benign", "--as-of": "2026-01-01", "--think": "think",
    "--training-flop": "1e24", "--assume": "active_parameters=1e9", "--flop-per-byte": "295",
    "--stopping": "fixed", "--model-shape": "m=parameters:1e9", "--level": "0.9", "--margin": "0.1",
    "--by": "usd", "--reader": "table", "--claim": "1,10", "--judge-fpr": "1/100", "--checkpoints": "cost",
    "-M": "capability=rise", "-T": "limit=2",
}  # fmt: skip
"""Values that are possible: with the rest of a line they contradict it, or not."""


@dataclass(frozen=True)
class Option:
    """One option of a command."""

    name: str
    is_flag: bool
    is_path: bool
    is_number: bool


def command_lines(seed: int, n: int) -> list[list[str]]:
    """Return command lines; the same for the same seed."""
    return [line for line, _ in _changed_lines(seed, n)]


def run_all(seed: int, runs: int, folder: Path, *, only: int | None = None) -> list[str]:
    """Run command lines in a folder, or the one of a number, and return what is wrong, a text for each that is."""
    faults: list[str] = []
    _prepare(folder)
    for number, (line, changes) in enumerate(_changed_lines(seed, runs)):
        wrong = fault_of(line, changes, folder, folder / str(number)) if only in (None, number) else None
        faults += [f"{number}: overthink {shlex.join(line)!r}: {wrong}"] if wrong else []
    return faults


def fault_of(line: Sequence[str], changes: Sequence[str], stage: Path, folder: Path) -> str | None:
    """Return what is wrong with how a line ends; None if nothing is.

    Args:
        line: The arguments.
        changes: What was changed of a line that works.
        stage: Folder with the study and the files.
        folder: Folder to run it in; made and deleted.
    """
    _furnish(stage, folder, with_study="study" in " ".join(line))
    try:
        code, out, err = _ended(line, folder)
    except TimeoutError:
        return f"it takes longer than {SECONDS} s"
    except BaseException as failure:  # noqa: BLE001 - what gets here would be a traceback
        return f"{type(failure).__name__} leaves the command: {failure}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _wrong(code, out, err, line, changes)


FREE_TEXTS = {"--out", "--answer-cue", "--facts", "--k-reference"}
"""Options that any text is a value of; the reference of a calculator's K is in words."""

VALUE, REPLACED = "\0", "\1"
"""What stands in a change between an option and its value, and between two values."""

_MARKS = f"[{VALUE}{REPLACED}]"


def _wrong(code: Any, out: str, err: str, line: Sequence[str], changes: Sequence[str]) -> str | None:
    if code not in set(ExitCode) - {ExitCode.FAULT, ExitCode.OUTPUT, ExitCode.PIPE}:
        return f"exit code {code!r}: {err[-300:]}"
    if code == ExitCode.NO and line[0] != "check":
        return f"exit code 1, which only check may give: {err[-300:]}"
    if "Traceback" in out + err or "\x1b" in out + err:
        return f"a traceback or a control character is printed: {(out + err)[-300:]}"
    if code == ExitCode.INPUT and "error: " not in err:
        return f"no message: {err!r}"
    if code == ExitCode.INPUT and len(changes) == 1 and not _is_named(changes[0], err):
        return f"the message names neither option nor value of {changes[0]!r}: {err[-300:]}"
    if code == ExitCode.DONE:
        return _nonsense(out, line, changes)
    return None


def _nonsense(out: str, line: Sequence[str], changes: Sequence[str]) -> str | None:
    """Return what is printed though it means nothing."""
    if any(_is_taken(line, at) for at in range(1, len(line))):
        return "no number was taken for one"
    if line[-1] == "--json" and not line[-2].startswith("-") and "--help" not in line and out:
        try:
            json.loads(out, parse_constant=_refused)
        except ValueError as failure:
            return f"no JSON is printed: {failure}"
    words = re.search(r"(?<![\w.-])-?(nan|inf|None)(?![\w-])", out)
    if words is None or FREE_TEXTS & {part for change in changes for part in re.split(_MARKS, change)}:
        return None
    return f"{words.group()} is printed: {out[max(0, words.start() - 60) : words.end() + 60]!r}"


def _is_taken(line: Sequence[str], at: int) -> bool:
    """Whether an argument is no number, and is the value of an option that counts and takes one."""
    name, equals, value = line[at].partition("=")
    option, value = (name, value) if equals and name.startswith("-") else (line[at - 1], line[at])
    is_last = sum(argument.partition("=")[0] == option for argument in line) == 1
    return value in NO_NUMBERS and option.startswith("-") and is_last and option not in FREE_TEXTS


def _refused(constant: str) -> float:
    raise ValueError(constant)


def _is_named(change: str, err: str) -> bool:
    """Whether a message names an option or its value as it is shown, or another that the change bereaves of sense."""
    shown = re.sub(r"\s+", " ", err)
    parts = [part for whole in re.split(_MARKS, change) for part in (whole, *re.split("[=@]", whole))]
    spellings = {
        spelling for part in parts for spelling in (part, part.lstrip("-"), part.lstrip("-").replace("-", "_"))
    }
    texts = {visible(spelling, limit=None)[:40] for spelling in spellings} | {repr(part) for part in parts}
    is_named = any(text in shown for text in texts if text.strip())
    is_moved = VALUE not in change
    return (
        is_named
        or not parts[-1].strip()
        or bool(re.search(r"--[\w-]+ missing", shown) or (is_moved and re.search(r"--\w|rgument", shown)))
    )


def _changed_lines(seed: int, n: int) -> Iterator[tuple[list[str], list[str]]]:
    chance = random.Random(seed)
    commands = _commands()
    names = sorted(commands)
    for _ in range(n):
        name = chance.choice(names)
        line, changes = list(BASES.get(name, _required(name))), list[str]()
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            line, change = _change(line, commands[name], chance)
            changes.append(change)
        if chance.random() < 0.3 and any(option.name == "--json" for option in commands[name]) and "--" not in line:
            line.append("--json")
        yield [*name, *line], changes


def _change(line: list[str], options: Sequence[Option], chance: random.Random) -> tuple[list[str], str]:
    """Return the line with one change, and the change: the option and its value."""
    kind = chance.random()
    place = chance.randrange(len(line) + 1)
    if kind < 0.1 and line:
        at = chance.randrange(len(line))
        return line[:at] + line[at + 1 :], line[at]
    if kind < 0.2 and line:
        at = chance.randrange(len(line))
        value = chance.choice(TEXTS + PATHS + NUMBERS)
        return [*line[:at], value, *line[at + 1 :]], f"{line[at]}{REPLACED}{value}"
    if kind < 0.25:
        value = chance.choice(("--no-such", "-Q", "extra", "--", "", "🦉"))
        return [*line[:place], value, *line[place:]], value
    option = chance.choice(options)
    if option.is_flag:
        return [*line, option.name], option.name
    if kind < 0.28:
        return [*line, option.name], option.name
    value = _value(option, chance)
    if kind < 0.4 and option.name.startswith("--"):
        return [*line, f"{option.name}={value}"], f"{option.name}{VALUE}{value}"
    return [*line, option.name, value], f"{option.name}{VALUE}{value}"


def _value(option: Option, chance: random.Random) -> str:
    if chance.random() < 0.25 and option.name in LIKELY:
        return LIKELY[option.name]
    if option.is_path:
        return chance.choice(PATHS + TEXTS)
    return chance.choice(NUMBERS * 2 + TEXTS if option.is_number else TEXTS + NUMBERS + PATHS)


def _commands() -> dict[tuple[str, ...], list[Option]]:
    """Return the options of every command by its name; installing weights is none, nor is a server that goes on."""
    found: dict[tuple[str, ...], list[Option]] = {}

    def visit(command: Any, name: tuple[str, ...]) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            own = [_option(part) for part in command.params if part.opts[0][:1] == "-"]
            found[name] = own or [Option("--help", is_flag=True, is_path=False, is_number=False)]
        for key, part in sorted((inner or {}).items()):
            visit(part, (*name, key))

    visit(typer.main.get_command(main.app), ())
    del found["model", "install"], found["gateway", "serve"]
    return found


def _option(part: Any) -> Option:
    kind = str(part.type_descriptor.annotation)
    return Option(part.opts[-1], bool(part.is_flag), "Path" in kind, "int" in kind or "float" in kind)


def _required(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return the inputs that a calculator needs, with its worked values."""
    from overthink.governance.calculators import CALCULATORS

    inputs = CALCULATORS[name[-1]].inputs() if name[0] == "calc" else ()
    return tuple(text for field in inputs if field.required for text in (f"--{field.name.replace('_', '-')}", "10"))


def _prepare(stage: Path) -> None:
    """Make the study and the files that lines refer to."""
    _furnish(None, stage / "begin", with_study=False)
    for line in (["run", *STUDY, "--capability", "overthink/arithmetic", "--out", "study"], ["statement", "study"]):
        code, _, err = _ended(line, stage / "begin")
        if code != 0:
            raise RuntimeError(f"overthink {shlex.join(line)} ends with {code}: {err}")
    (stage / "begin" / "study").rename(stage / "study")


def _furnish(stage: Path | None, folder: Path, *, with_study: bool) -> None:
    folder.mkdir()
    (folder / "folder").mkdir()
    (folder / "folder" / "file").write_text("x")
    (folder / "empty").touch()
    (folder / "bytes").write_bytes(bytes(range(256)))
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    (folder / "counts.csv").write_text("question,attempts,successes\na,10,1\nb,10,0\nc,10,3\n")
    rows = (f"{question},{budget},{value}" for question in "abcd" for budget, value in ((0, 0), (64, 1)))
    (folder / "table.csv").write_text("question,budget,value\n" + "\n".join(rows) + "\n")
    if stage is not None and with_study:
        shutil.copytree(stage / "study", folder / "study", ignore=shutil.ignore_patterns("report.html"))


def _ended(line: Sequence[str], folder: Path) -> tuple[Any, str, str]:
    """Run a line; exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["overthink", *line]),
        patch.multiple(sys, stdout=out, stderr=err, stdin=io.StringIO()),
        patch.object(socket.socket, "connect", _no_network),
        patch.object(tempfile, "tempdir", str(folder)),
        _inside(folder),
        _in_time(),
    ):
        try:
            main.main()
        except SystemExit as ending:
            return ending.code, out.getvalue(), err.getvalue()
    raise RuntimeError("the command line did not end the process")


def _no_network(*values: Any) -> None:
    raise AssertionError(f"a command tried to reach {values[1:]}")


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _in_time() -> Iterator[None]:
    """Raise TimeoutError into what takes too long."""

    def end(number: int, frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


assert all(not math.isfinite(float(text)) for text in NO_NUMBERS)
