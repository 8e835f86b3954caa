"""Golden outcomes: stored inputs, what the command line made of them, and what it makes of them now.

`python tests/golden/golden.py` prints the differences by kind of finding and exits with 1 where there are any;
`python tests/golden/golden.py --write` stores the outcomes anew. The program is reached through its command line and
the formats it stores, and nothing else.
"""

import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent))

from golden_differences import Differences, differences, in_words, parts

HERE = Path(__file__).resolve().parent
INPUTS = HERE / "inputs"
OUTCOMES = HERE / "outcomes"

LINE = 300
"""Characters of a document that stand on one line at most."""


@dataclass(frozen=True, slots=True)
class Case:
    """Commands that are run one after the other in a folder that holds copies of inputs.

    Attributes:
        inputs: Names in `inputs` that are copied.
        commands: Command lines without `overthink`; what each prints is part of the outcome.
        files: What they write that is part of it, too.
        without: Kinds of findings that are left out, because other cases have enough of them.
    """

    inputs: tuple[str, ...]
    commands: tuple[str, ...]
    files: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


COSTS = ("ledger", "tokens", "gate")
CURVES = ("value", "band", "difference", "reliability", "flip", "lock", "budget_control")


def _study(name: str, *options: str) -> Case:
    """The report of a stored study, its statement, and the check of that by its own words."""
    commands = (" ".join(("report", name, *options)), f"statement {name} --out said", "check said/statement.json")
    return Case((name,), commands, (f"{name}/findings.json", "said/statement.json", "said/model_card.md"))


def _report(name: str, *options: str, without: tuple[str, ...] = ()) -> Case:
    """The report of a stored study alone."""
    return Case((name,), (" ".join(("report", name, *options)),), (f"{name}/findings.json",), without)


def _command(
    command: str, *inputs: str, options: str = "", files: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Case:
    """A command on inputs that writes findings into a new folder."""
    words = (command, *(Path(name).name for name in inputs), options, "--out new")
    return Case(inputs, (" ".join(filter(None, words)),), ("new/findings.json", *files), without)


SHAPES = "--model-shape of/small=parameters:4e9 --model-shape of/large=parameters:8e9"

CASES: Mapping[str, Case] = {
    "ladder": _study("ladder", "--training-flop 3.8e25 --as-of 2026-01-31"),
    "controls": _report("controls"),
    "arms": Case(
        ("arms",),
        ("report arms", "statement arms --out said", "check said/statement.json"),
        ("arms/findings.json", "said/model_card.md"),
        without=("tokens", "gate", *CURVES),
    ),
    "by-steps": _report("by-steps"),
    "by-oracle": _report("by-oracle", without=COSTS),
    "supervision": _command("compare", "by-steps", "by-answer", without=(*COSTS, *CURVES)),
    "until-narrow": _study("until-narrow"),
    "until-crossing": _study("until-crossing"),
    "efforts": _study("efforts"),
    "efforts-deaf": _report("efforts-deaf", without=COSTS),
    "turns": _study("turns"),
    "turns-mute": _report("turns-mute", without=COSTS),
    "loop-tokens": _study("loop-tokens"),
    "log-efforts": _command("analyse", "logs/efforts"),
    "log-epochs": _command("analyse", "logs/epochs", options="--axis safety --high harm --scorer judge.score"),
    "log-agents": _command("analyse", "logs/agents", options="--checkpoints turns", without=COSTS),
    "mitigations": _command("compare", "tables/mitigations.parquet", options="--margin 0.1", without=(*COSTS, *CURVES)),
    "models": _command(
        "compare",
        "tables/large.parquet",
        "tables/small.parquet",
        options=f"--by flop {SHAPES}",
        without=("tokens", "gate", *CURVES),
    ),
    "shapes": _command(
        "analyse", "tables/shapes.parquet", options="--hypothesis 64,256", without=(*COSTS, *CURVES, "frontier")
    ),
    "hypothesis": _command(
        "analyse",
        "tables/shapes.parquet",
        options="--hypothesis up@64,down",
        without=(*COSTS, *CURVES, "frontier", "shape", "regime", "onset"),
    ),
    "votes": _command("analyse", "tables/votes.jsonl"),
    "ceiling": _command("analyse", "tables/ceiling.csv", without=COSTS),
    "first-success": _command("analyse", "tables/first-success.csv"),
    "labels": Case(
        ("tables/judged.csv", "tables/labels.csv"),
        (
            "label judged.csv --per-rung 4 --seed 1 --out sheet.csv",
            "analyse judged.csv --axis safety --high safe --labels labels.csv --out new",
        ),
        ("new/findings.json", "sheet.csv"),
    ),
    "forecast": _command(
        "forecast",
        "tables/counts.csv",
        options="--axis safety --threshold 0.1,0.5 --judge-fpr 0.001",
        files=("new/questions.csv",),
    ),
    "octave": _command("forecast", "tables/octave.csv", options="--k 1,10"),
    "law": Case((), ("thresholds --as-of 2026-01-31",)),
}
"""By name: what is run. `statement.md` is what `statement` prints, so it is stored once."""


# ---- the program


@contextmanager
def _alone(*words: str) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Streams and arguments of the process replaced for one command."""
    out, err, arguments = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["overthink", *words]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield out, err
    finally:
        sys.argv = arguments


def call(*words: str) -> tuple[int, str, str]:
    """The command `overthink` in this process: exit code, standard output, standard error."""
    (script,) = entry_points(group="console_scripts", name="overthink")
    main = cast(Callable[[], None], script.load())
    with _alone(*words) as (out, err):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return code, out.getvalue(), err.getvalue()


def outcome(case: Case) -> dict[str, str]:
    """What a case gives now: by file name its text, in the form that is stored."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for name in case.inputs:
            source, target = INPUTS / name, Path(folder) / Path(name).name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        os.chdir(folder)
        try:
            texts = dict(_printed(number, line) for number, line in enumerate(case.commands))
            texts |= {_stored_name(name): _storable(Path(name), case.without) for name in case.files}
        finally:
            os.chdir(here)
    return texts


def _printed(number: int, line: str) -> tuple[str, str]:
    code, out, err = call(*line.split())
    if code not in (0, 1):
        raise RuntimeError(f"overthink {line} ended with {code}:\n{err}")
    lines = [f"$ overthink {line}", *out.splitlines(), f"exit code {code}"]
    return f"{number}-{line.split()[0]}.txt", _general("\n".join(lines) + "\n")


def _stored_name(name: str) -> str:
    return Path(name).name.replace("findings.json", "findings.jsonl")


def _storable(path: Path, without: Sequence[str]) -> str:
    text = path.read_text(encoding="utf-8")
    if path.name == "findings.json":
        return "".join(f"{_json(line)}\n" for line in _lines(json.loads(text)) if line["kind"] not in without)
    if path.suffix == ".json":
        return _general(_wrapped(json.loads(text)) + "\n")
    return _general(text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _wrapped(value: Any, indent: int = 0) -> str:
    """JSON with one line for all that fits into one, and one for each part of the rest."""
    text = _json(value)
    if len(text) <= LINE or not isinstance(value, dict | list):
        return text
    ends = "{}" if isinstance(value, dict) else "[]"
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        lines = [f"{inner}{_json(key)}: {_wrapped(part, indent + 1)}" for key, part in value.items()]
    else:
        lines = [inner + _wrapped(part, indent + 1) for part in value]
    return "\n".join([ends[0], ",\n".join(lines), " " * indent + ends[1]])


def _lines(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One line for the document, and one for every finding without what is empty."""
    yield {"kind": "document", "id": document["schema"], "plan_sha256": document["plan_sha256"]}
    for finding in document["findings"]:
        yield _short(finding)


def _short(value: Any) -> Any:
    """Without nulls, empty lists and False; numbers to 12 digits."""
    if isinstance(value, dict):
        short = {key: _short(part) for key, part in value.items()}
        return {key: part for key, part in short.items() if part not in (None, [], {}) and part is not False}
    if isinstance(value, list):
        return [_short(part) for part in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


_VARIES = (
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r'("retrieved_timestamp": ?)"\d+"'), r'\1"TIME"'),
    (re.compile(r'("overthink": ?)"[^"]*"'), r'\1"VERSION"'),
    (re.compile(r'("name": ?"overthink", ?"version": ?)"[^"]*"'), r'\1"VERSION"'),
    (re.compile(r"(by overthink )[^\s,]+"), r"\1VERSION"),
    # A statement's id is a hash that contains the version. It has a letter, which no number of 16 digits has.
    (re.compile(r"(?<![.\w])(?=[0-9a-f]*[a-f])[0-9a-f]{16}\b"), "ID"),
)


def _general(text: str) -> str:
    """Text without times, hashes, ids made of hashes, and the version of the program."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text


def outcome_on_file(case: str) -> dict[str, str]:
    """The stored outcome of a case, by file name; empty where there is none."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((OUTCOMES / case).glob("*"))}


def write(case: str, texts: Mapping[str, str]) -> None:
    """Store the outcome of a case, and nothing that it had before."""
    shutil.rmtree(OUTCOMES / case, ignore_errors=True)
    (OUTCOMES / case).mkdir(parents=True)
    for name, text in texts.items():
        (OUTCOMES / case / name).write_text(text, encoding="utf-8")


def kinds(case: str) -> set[str]:
    """The kinds of findings in the stored outcome of a case."""
    return {kind for kind, _ in parts("findings.jsonl", outcome_on_file(case).get("findings.jsonl", ""))} - {"document"}


def main(words: Sequence[str]) -> int:
    """Compare, or with `--write` store; names of cases choose some of them. Returns the exit code."""
    names = [word for word in words if word != "--write"] or list(CASES)
    result: Differences = {}
    for name in names:
        now = outcome(CASES[name])
        if "--write" in words:
            write(name, now)
        else:
            result |= differences(name, outcome_on_file(name), now)
    print("written" if "--write" in words else in_words(result))  # noqa: T201
    return int(bool(result))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
