"""One way to print: no name from outside moves a cursor, adds a line or ends a command, in any encoding."""

import ast
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import typer

from overthink.cli import main, terminal
from overthink.cli.options import show
from overthink.cli.progress import Meter
from overthink.errors import InputError
from overthink.workflows import analyse
from overthink.workflows.analyse import Study
from overthink.workflows.sources import ReadOptions

CLI = Path(terminal.__file__).parent
ENCODINGS = ("cp1252", "latin-1", "ascii", "cp437", "shift_jis")
HOSTILE = "[/]a\x1b[2J\u202eb\u200bc\x85d\ne[red]\udc80\u2028"
SHOWN = "[/]a\\u001b[2J\\u202eb\\u200bc\\u0085d\\u000ae[red]\\udc80\\u2028"


class Streams:
    """Standard output and error of a command in an encoding, strict about what that cannot encode."""

    def __init__(self, patch: pytest.MonkeyPatch, encoding: str) -> None:
        self.encoding = encoding
        self._streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in range(2)]
        patch.setattr(sys, "stdout", self._streams[0])
        patch.setattr(sys, "stderr", self._streams[1])

    def texts(self) -> tuple[str, str]:
        """What was written to standard output, and to standard error."""
        out, err = self._streams
        out.flush()
        err.flush()
        return tuple(stream.buffer.getvalue().decode(self.encoding) for stream in (out, err))  # type: ignore[attr-defined]


def call(patch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code and output of a command line."""
    streams = Streams(patch, encoding)
    patch.setattr(sys, "argv", ["overthink", *arguments])
    with pytest.raises(SystemExit) as stopped:
        sys.exit(main.main())
    return int(stopped.value.code or 0), *streams.texts()


def command_names(group: object, *before: str) -> Iterator[tuple[str, ...]]:
    """Names of a command and of all commands in it."""
    yield before
    for name, command in getattr(group, "commands", {}).items():
        yield from command_names(command, *before, name)


COMMANDS = tuple(command_names(typer.main.get_command(main.app)))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose names are hostile, in a folder whose name is, too."""
    folder = tmp_path_factory.mktemp("hostile")
    questions = [f"{HOSTILE[:-2]}思{n}" for n in range(4) for _ in range(2)]
    table = folder / "t.csv"
    pl.DataFrame({"question": questions, "budget": [0, 64] * 4, "value": [0, 1, 1, 1, 0, 0, 1, 1]}).write_csv(table)
    return analyse.analyse(table, out=folder / "思 [red]×", read=ReadOptions(axis="capability", high="correct"))


def test_every_help_page_prints_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page in one encoding after the other in turn, and the longest in every one."""
    assert ("run",) in COMMANDS
    turns = zip(COMMANDS, itertools.cycle(ENCODINGS), strict=False)
    for names, encoding in [*turns, *((("run",), encoding) for encoding in ENCODINGS)]:
        code, out, err = call(monkeypatch, encoding, *names, "--help")
        assert (code, err) == (0, ""), names
        assert "Usage" in out


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_results_print_in_every_encoding_and_json_stays_the_same(
    encoding: str, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = Streams(monkeypatch, encoding)
    terminal.prepare_streams()
    terminal.show(study, as_json=True)
    assert json.loads(streams.texts()[0]) == json.loads(study.json())
    streams = Streams(monkeypatch, encoding)
    terminal.prepare_streams()
    show(study, as_json=False)
    out, err = streams.texts()
    assert "What more thinking does to t.csv" in out
    assert err.startswith("report: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_other_commands_print_in_every_encoding(encoding: str, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    assert study.folder is not None
    monkeypatch.chdir(study.folder.path.parent)
    own = ("--axis", "capability", "--high", "correct")
    commands = (("forecast", "t.csv", *own, "--k", "10"), ("thresholds",), ("thresholds", "--json"), ("model", "list"))
    for arguments in (*commands, ("compare", "t.csv", "t.csv", *own)):
        code, out, err = call(monkeypatch, encoding, *arguments)
        assert (code, "Traceback" in err) == (2 if "compare" in arguments else 0, False), err
        assert not any(character in out + err for character in HOSTILE if character < " " and character != "\n")


@pytest.mark.parametrize("arguments", [("report", HOSTILE[:-2]), ("analyse", HOSTILE[:-2]), ("check", HOSTILE[:-2])])
@pytest.mark.parametrize("encoding", ["utf-8", *ENCODINGS])
def test_an_error_shows_a_hostile_path_in_one_line(
    encoding: str, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(monkeypatch, encoding, *arguments)
    assert (code, out) == (2, "")
    assert SHOWN[: SHOWN.index("\\udc80")] in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--draws", HOSTILE),
        ("run", f"--{HOSTILE}"),
        ("run", f"extra{HOSTILE}"),
        (HOSTILE,),
        ("calc", HOSTILE),
        ("thresholds", "--as-of", HOSTILE),
        ("compare", "x", "--by", HOSTILE),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_usage_error_shows_what_was_typed(
    encoding: str, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(monkeypatch, encoding, *arguments)
    assert (code, out) == (2, "")
    assert not any(character in err for character in "\x1b\x85\u202e\u200b\u2028")
    assert "Traceback" not in err


def test_lines_of_a_message_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams(monkeypatch, "ascii")
    terminal.prepare_streams()
    terminal.error(*InputError(f"the file {HOSTILE} is none:", "  seen: ≤ 3 × é 思").lines)
    terminal.output("a — b\nc")
    out, err = streams.texts()
    assert err == f"error: the file {SHOWN} is none:\n  seen: <= 3 x e \\u601d\n"
    assert out == "a - b\nc\n"


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", *ENCODINGS])
def test_a_task_name_is_no_markup_in_the_bar(encoding: str, is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams(monkeypatch, encoding)
    terminal.prepare_streams()
    monkeypatch.setattr(terminal.messages, "_force_terminal", is_terminal)
    with Meter(total=3, done=0) as meter:  # of the last one the end is shown, not the task
        for name in ("[/]", HOSTILE):
            meter.add(name, 3)
    _, err = streams.texts()
    assert "[/]a" in err
    assert "\u202e" not in err
    assert "\x1b[2J" not in err


def test_json_keeps_its_meaning_and_is_ascii_where_it_must_be() -> None:
    value = {"a": HOSTILE + "\x7f𝄞\U000e0001é思"}
    for encoding in ("utf-8", *ENCODINGS):
        document = terminal.json_for(json.dumps(value, ensure_ascii=False, indent=1), encoding)
        assert json.loads(document) == value
        assert document.encode(encoding).decode(encoding) == document
        assert not any(character in document for character in "\x7f\x85\u202e\udc80\U000e0001")
    assert "é思" in terminal.json_for(json.dumps(value, ensure_ascii=False), "utf-8")


PRINTERS = {"print", "input", "Console", "typer.echo", "typer.secho", "typer.confirm", "typer.prompt"}
METHODS = (".print", ".echo", "stdout.write", "stderr.write")


def prints(path: Path) -> set[str]:
    """Names of the functions called in a file that print or ask."""
    names = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    return {name for name in names if name in PRINTERS or name.endswith(METHODS)}


def test_only_one_file_of_the_command_line_prints(tmp_path: Path) -> None:
    assert [path.name for path in sorted(CLI.glob("*.py")) if prints(path)] == ["terminal.py"]
    planted = tmp_path / "planted.py"
    planted.write_text("def f(console):\n    console.print(1)\n    sys.stdout.write('x')\n")
    assert prints(planted) == {"console.print", "sys.stdout.write"}


def test_no_other_file_of_the_package_may_print() -> None:
    progress = CLI.parent / "workflows" / "progress.py"  # of what Python started
    texts = {path: path.read_text() for path in CLI.parent.rglob("*.py") if path.parent != CLI and path != progress}
    suspects = [path for path, text in texts.items() if re.search(r"\b(print|input|Console|echo|confirm)\(", text)]
    assert {name for path in suspects for name in prints(path)} & PRINTERS == set()
    assert [path.name for path, text in texts.items() if "T201" in text] == []
