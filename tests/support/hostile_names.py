"""Names that are patterns, options, addresses or markup elsewhere, and every command that takes a path under them."""

import json
import os
import random
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exception
from typing import Any

from typer.testing import CliRunner

from overthink.cli.main import app
from overthink.errors import OverthinkError
from overthink.paths import name_text

MAX_BYTES = 255
FIXED = (
    "study[1]", "study[!x]", "study*", "study?", "**", "{study}", "stu{dy,}", "with space", "new\nline", "tab\tstop",
    " before", "behind ", "dot.", "...", ".hidden", "-x", "--", "--out", "~", "~root", "$HOME", "`id`", "%41%2F",
    "a#b", "a?b=c&d", "it's", 'say "hi"', "back\\slash", "a;b|c>d", "=1+1", "@x", "[bold]x[red]", "\x1b[31mred",
    "\u202eright", "s3:", "file:", "hf:", "a::b", "plan.json", "pool.parquet", "logs", "study.eval",
    unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é"), "n" * MAX_BYTES, "é" * (MAX_BYTES // 2),
    os.fsdecode(b"caf\xe9"), os.fsdecode(b"\xff\xfe"),
)  # fmt: skip
"""Names that have done harm, here or elsewhere. None holds a slash."""
_LETTERS = "aé[]*?{}!~$%#&'\"\\ \n\t.-=@:;,\x1b\u200d\u202e"
_NEIGHBOURS = ("study1", "plain")
"""Other studies in the same folder: what the patterns above match."""
RUN = (
    "run", "--model=overthink/simulated", "-M", "capability=rise", "-M", "safety=decline", "-M", "benign=flat",
    "-M", "natural_length=40", "--safety=overthink/secret", "--budgets=0,8", "--draws=2", "--limit=2", "--seed=5",
)  # fmt: skip
_READER = """
import polars as pl
from overthink.extend import Reader, component

@component("mine")
class Mine(Reader):
    "Reads a table of draws."

    def claims(self, path):
        return False

    def frame(self, path):
        row = {"study": "s", "arm": "base", "axis": "capability", "task": "t", "scorer": "m", "estimand": "natural"}
        rows = [row | {"question": str(q), "draw": 0, "rung": 0, "value": float(q % 2)} for q in range(4)]
        return pl.DataFrame(rows)
"""
_COMPONENTS = _READER + "".join(
    (Path(__file__).parents[2] / "docs" / "extend" / f"{part}.py").read_text(encoding="utf-8")
    for part in ("calculator", "selector")
)
_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match

@task
def mine():
    return Task(dataset=[Sample(input=f"1+{n}", target=str(n + 1), id=n) for n in range(1, LAST)], scorer=match())
"""


def names(seed: int, count: int = len(FIXED)) -> list[str]:
    """Return names of files: the fixed ones in random order, then random ones."""
    rng = random.Random(seed)
    chosen = rng.sample(FIXED, min(count, len(FIXED)))
    while len(chosen) < count:
        name = "".join(rng.choices(_LETTERS, k=rng.randint(1, 20)))
        if name not in (".", "..", *chosen):
            chosen.append(name)
    return chosen


def with_suffix(name: str, suffix: str) -> str:
    """Return a name of a file with a suffix, cut where it would be too long."""
    while len(os.fsencode(name + suffix)) > MAX_BYTES:
        name = name[:-1]
    return name + suffix


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        code: Its exit code; None after an error that is none of Overthink's.
        text: The error in words, or the traceback; standard output where there was none.
    """

    code: int | None
    text: str


def call(arguments: Sequence[str]) -> Ending:
    """Return the ending of a command line, run in this process."""
    before, sys.argv = sys.argv, ["overthink", *arguments]
    try:
        result = CliRunner().invoke(app, list(arguments))
    finally:
        sys.argv = before
    fault = result.exception
    if isinstance(fault, OverthinkError):
        return Ending(fault.exit_code, str(fault))
    if fault is not None and not isinstance(fault, SystemExit):
        return Ending(None, "".join(format_exception(fault)))
    return Ending(result.exit_code, result.output if result.exit_code else result.stdout)


@dataclass(frozen=True)
class Command:
    """A command line for any name.

    Attributes:
        arguments: The command line, from the name and a new path with that name.
        result: File of its result in the new path; None where the new path is the file.
        in_place: It writes to the study itself, where its result is.
        logs: It reads or writes logs through Inspect, for which ``::`` is no name.
        grammar: Characters that mean something else in its option; with one of them it may refuse the name.
        stored: The name is stored, for which it must be text.
        copy: File of the study that it writes as well.
    """

    arguments: Callable[[str, str], Sequence[str]]
    result: str | None = "findings.json"
    in_place: bool = False
    logs: bool = False
    grammar: str = ""
    stored: bool = False
    copy: str = ""


def _file(folder: str, suffix: str) -> Callable[[str], str]:
    return lambda name: f"{folder}/{with_suffix(name, suffix)}"


_draws, _counts, _labels = _file("draws", ".csv"), _file("counts", ".csv"), _file("labels", ".csv")
_pool, _log, _facts = _file("files", ".parquet"), _file("files", ".eval"), _file("files", ".json")
_code, _task = _file(".", ".py"), _file("tasks", ".py")


def _analyse(source: Callable[[str], str], *more: Callable[[str], str]) -> Callable[[str, str], Sequence[str]]:
    return lambda name, new: ["analyse", f"--out={new}", *(option(name) for option in more), "--", source(name)]


COMMANDS = {
    "report": Command(lambda name, new: ["report", "--", name], in_place=True),
    "analyse a study": Command(_analyse(str)),
    "analyse a pool": Command(_analyse(_pool)),
    "analyse logs": Command(_analyse(lambda name: f"{name}/logs"), logs=True),
    "analyse a log": Command(_analyse(_log), logs=True),
    "analyse a table": Command(_analyse(_draws)),
    "analyse with labels": Command(_analyse(str, lambda name: f"--labels={_labels(name)}")),
    "analyse with a reader": Command(_analyse(_draws, lambda name: f"--reader={_code(name)}@mine"), grammar=":="),
    "analyse with a shape": Command(
        _analyse(_draws, lambda name: f"--model-shape=m=config:shapes/{name}"), grammar=";"
    ),
    "analyse with a selector": Command(
        _analyse(_draws, lambda name: f"--selector={_code(name)}@half"), grammar=":=", stored=True
    ),
    "label": Command(lambda name, new: ["label", "--show-text", f"--out={new}", "--", name], None, logs=True),
    "compare": Command(lambda name, new: ["compare", f"--out={new}", "--", name, "plain"]),
    "forecast": Command(lambda name, new: ["forecast", f"--out={new}", "--k=1,10", "--", _counts(name)]),
    "forecast a study": Command(lambda name, new: ["forecast", f"--out={new}", "--k=1,10", "--", name]),
    "statement": Command(
        lambda name, new: ["statement", f"--facts={_facts(name)}", f"--out={new}", "--", name],
        "statement.json",
        copy="facts.json",
    ),
    "check": Command(lambda name, new: ["check", f"--study={name}", "--", f"{name}/statement.json"], "plan.json", True),
    "verify": Command(
        lambda name, new: ["verify", "--verifier=simulated:aggregate=mean", f"--out={new}", "--", name], logs=True
    ),
    "monitor": Command(
        lambda name, new: ["monitor", "--monitor=lexical:words=harm", "--", name], in_place=True, logs=True
    ),
    "run": Command(lambda name, new: [*RUN, f"--out={new}"], logs=True),
    "resume": Command(lambda name, new: [*RUN, "--resume", f"--out={name}"], in_place=True, logs=True),
    "run a task of a file": Command(
        lambda name, new: [*RUN[:-5], *RUN[-4:], f"--capability={_task(name)}@mine", f"--out={new}"],
        logs=True,
        grammar=":@\n",
        stored=True,
    ),
    "calc": Command(
        lambda name, new: ["calc", f"{_code(name)}@energy", "--tokens-per-task=5", "--joules-per-token=1"], ""
    ),
}
"""Every command that takes a path, by what it does."""


class HostileFolder:
    """A folder with one study, tables and files, copied under any name beside neighbours that patterns would match.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._original, self._neighbour = folder, folder / "original", folder / "neighbour"
        made = [call([*RUN, f"--out={self._original}"]), call([*RUN[:-1], "--seed=6", f"--out={self._neighbour}"])]
        made += [call(["statement", str(study)]) for study in (self._original, self._neighbour)]
        assert not any(ending.code for ending in made), made
        self._expected: dict[str, object] = {}

    def faults(self, name: str, commands: Iterable[str] = tuple(COMMANDS)) -> Iterator[str]:
        """Run commands under a name, and yield what went wrong in words.

        A traceback, another exit code or another result than under a plain name, and any change of another file.
        """
        for title in commands:
            if title not in self._expected:
                code, result, text, changed = self._run("expected", COMMANDS[title])
                assert code == 0, f"{title}: {text}"
                assert not changed, f"{title}: {changed}"
                self._expected[title] = result
            yield from self._compared(name, title)

    def _compared(self, name: str, title: str) -> Iterator[str]:
        command = COMMANDS[title]
        own_code, own_result, text, changed = self._run(name, command)
        where = f"{title} under {name!r}"
        is_odd = any(character in name for character in command.grammar)
        may_refuse = is_odd or (command.logs and "::" in name) or (command.stored and name_text(name) != name)
        if own_code is None:
            yield f"{where}: a traceback: {text}"
        elif may_refuse and own_code == 2:
            if not text.strip():
                yield f"{where}: refused without a word"
        elif own_code != 0:
            yield f"{where}: exit code {own_code} instead of 0: {text}"
        elif own_result != self._expected[title]:
            yield f"{where}: another result than under a plain name"
        yield from (f"{where}: {path!r} was changed" for path in changed)

    def _run(self, name: str, command: Command) -> tuple[int | None, object, str, list[str]]:
        """Return exit code, result, text, and other files that changed."""
        work = self._folder / "work"
        work.mkdir()
        try:
            with chdir(work):
                self._fill(name)
                new = "new/" + (with_suffix(name, ".csv") if command.result is None else name)
                own = {name if command.in_place else new} | ({f"{name}/{command.copy}"} if command.copy else set())
                before = _snapshot(own)
                ending = call(command.arguments(name, new))
                after = _snapshot(own)
                place = Path(name if command.in_place else new) / (command.result or "")
                result = _result(place) if ending.code == 0 and command.result != "" else ending.text
                changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        finally:
            shutil.rmtree(work)
        return ending.code, result if ending.code == 0 else None, ending.text, changed

    def _fill(self, name: str) -> None:
        for study in dict.fromkeys((name, *_NEIGHBOURS)):
            shutil.copytree(self._original if study == name else self._neighbour, study)
        for folder in ("draws", "counts", "labels", "files", "shapes", "tasks", "new"):
            Path(folder).mkdir()
        for own in dict.fromkeys((name, *_NEIGHBOURS)):
            # a neighbour that is read gives another result
            end, study = (0, self._original) if own == name else (5, self._neighbour)
            draws = [f"{q},{d},t,m,{(q + d) % 3 > 0:d}" for q in range(4 + end) for d in range(3)]
            counts = [f"{q},t,m,50,{q + end}" for q in range(6)]
            labels = ["0001,0,1,secret,1", "0002,1,1,secret,0"]
            Path(_draws(own)).write_text("\n".join(["question,draw,task,arm,value", *draws]))
            Path(_counts(own)).write_text("\n".join(["question,task,arm,attempts,successes", *counts]))
            Path(_labels(own)).write_text(_label_sheet(self._original) if own == name else "\n".join(labels))
            Path(_facts(own)).write_text(json.dumps({"active_parameters": 1e9 + end}))
            Path(_code(own)).write_text(_COMPONENTS)
            Path(_task(own)).write_text(_TASK.replace("LAST", str(3 + end)))
            shutil.copy(study / "pool.parquet", _pool(own))
            shutil.copy(next((study / "logs").glob("*.eval")), _log(own))
            Path("shapes", own).mkdir()
            shape = {"num_hidden_layers": 2 + end, "num_attention_heads": 2, "hidden_size": 8, "vocab_size": 9}
            Path("shapes", own, "config.json").write_text(json.dumps(shape))


def _label_sheet(study: Path) -> str:
    import polars as pl

    rows = pl.read_parquet(study / "pool.parquet", glob=False).filter(pl.col("estimand") == "forced")
    return rows.select("question", "draw", "rung", "task", "arm", "estimand", label=pl.lit("safe")).write_csv()


def _snapshot(own: set[str]) -> dict[str, tuple[int, int, int]]:
    """Return place, size and time of every file below the current folder, but for those that belong to the command."""
    status: dict[str, tuple[int, int, int]] = {}
    for folder, _, files in os.walk("."):
        for file in files:
            path = os.path.relpath(Path(folder, file))
            if not any(path == mine or path.startswith(f"{mine}/") for mine in own):
                found = os.lstat(path)
                status[path] = (found.st_ino, found.st_size, found.st_mtime_ns)
    return status


def _result(path: Path) -> object:
    """Return what a file holds, without what differs from run to run."""
    if path.suffix != ".json" or not path.is_file():
        return path.read_bytes() if path.is_file() else None
    document: dict[str, Any] = json.loads(path.read_bytes())
    if "findings" in document:  # arms and ids of a comparison are called after the folder
        kept = ("kind", "metric", "estimate", "low", "high")
        return sorted(repr([finding[name] for name in kept]) for finding in document["findings"])
    return {name: document[name] for name in document.keys() - {"id", "created", "every_eval_ever"}}


def run_all(seed: int, runs: int, folder: Path) -> list[str]:
    """Run every command under names, and return what went wrong.

    Args:
        seed: Seed of the names.
        runs: Number of names.
        folder: An empty folder.
    """
    hostile = HostileFolder(folder)
    return [fault for name in names(seed, runs) for fault in hostile.faults(name)]
