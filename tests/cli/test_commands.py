"""The commands: each from its file when it is called, listed by lines that say what it says, its options in panels."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from overthink.cli import options, terminal
from overthink.cli.commands import COMMANDS, Entry, command

CLI = Path(terminal.__file__).parent
PANELS = {text for name, text in vars(options).items() if name.startswith("PANEL_")} | {"Inputs"}
HEAVY = {"polars", "pydantic", "numpy", "inspect_ai", "scipy"}


def first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def differing(table: dict[str, Entry]) -> list[str]:
    """Names of commands whose own help begins otherwise than their line."""
    return [name for name, entry in table.items() if first_paragraph(command(name).help) != entry.line]


def leaves(part: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its name."""
    for name, inner in getattr(part, "commands", {}).items():
        yield from leaves(inner, *names, name)
    if not hasattr(part, "commands"):
        yield " ".join(names), part


EVERY = [leaf for name in COMMANDS for leaf in leaves(command(name), name)]


def test_the_lines_of_the_list_are_what_the_commands_say() -> None:
    assert differing(dict(COMMANDS)) == []
    assert differing({"report": Entry("Read", "Makes a sandwich.")}) == ["report"]


def test_every_file_of_a_command_is_listed() -> None:
    files = {path.stem for path in CLI.glob("*.py") if "\ndef register(" in path.read_text(encoding="utf-8")}
    assert files == set(COMMANDS)


def loaded_by(*arguments: str, **environment: str) -> set[str]:
    """Modules that a command line has loaded when it ends."""
    code = """
import os, sys
from overthink.cli.start import main
sys.argv = ["overthink", *sys.argv[1:]]
try:
    main()
except SystemExit as ending:
    assert not ending.code, ending.code
print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=True,
    )
    return set(done.stderr.split())


def test_a_start_loads_what_it_needs() -> None:
    asked = {"_OVERTHINK_COMPLETE": "complete_bash", "COMP_WORDS": "overthink an", "COMP_CWORD": "1"}
    for modules in (loaded_by("--help"), loaded_by("--version"), loaded_by(**asked), loaded_by()):
        assert modules & (HEAVY | {f"overthink.cli.{name}" for name in COMMANDS}) == set()
    assert "overthink.cli.methods" in loaded_by("methods", "--help")


def test_the_help_lists_every_command_in_its_panel(overthink: Any) -> None:
    code, out, err = overthink("--help")
    assert (code, err) == (0, "")
    lines = [line.strip("│ \n") for line in out.splitlines()]
    names = [line.split()[0] for line in lines if line.split()[:1] and line.split()[0] in COMMANDS]
    assert names == list(COMMANDS)
    assert [panel for panel in ("Measure", "Read and compare", "Govern", "Models") if f"─ {panel} ─" in out] == list(
        dict.fromkeys(entry.panel for entry in COMMANDS.values())
    )


def unsorted(part: Any) -> list[str]:
    """Options of a command that are in no panel."""
    shown = [param for param in part.params if param.param_type_name == "option"]
    return [param.opts[0] for param in shown if getattr(param, "rich_help_panel", None) not in PANELS]


@pytest.mark.parametrize(("name", "part"), EVERY, ids=lambda part: str(part))
def test_every_option_is_in_a_panel(name: str, part: Any) -> None:
    assert unsorted(part) == [], name


def test_an_option_without_a_panel_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    part = command("table")
    monkeypatch.setattr(part.params[1], "rich_help_panel", None)
    assert unsorted(part) == [part.params[1].opts[0]]


@pytest.mark.parametrize("name", [name for name, _ in EVERY])
def test_no_word_of_a_help_is_cut_at_eighty_columns(name: str, overthink: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    code, out, _ = overthink(*name.split(), "--help")
    assert code == 0
    assert [line for line in out.splitlines() if re.search(r"…\s*│$", line)] == []


@pytest.mark.parametrize(("name", "part"), EVERY, ids=lambda part: str(part))
def test_every_command_can_be_quiet(name: str, part: Any) -> None:
    assert [param.opts for param in part.params].count(["--quiet"]) == 1, name


def test_a_calculator_of_a_file_has_what_all_have(overthink: Any) -> None:
    own = Path(__file__).parents[2] / "docs" / "extend" / "calculator.py"
    code, out, _ = overthink("calc", f"{own}@energy", "--help")
    assert (code, "--quiet" in out, "Inputs" in out) == (0, True, True)


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("run m --config a --config b", "--config"),
        ("run m --seed 1 --limit 2 --seed=1", "--seed"),
        ("analyse logs --out a --out b --out c", "--out"),
        ("calc overhang --training-flop 1e24 --training-flop 1e25", "--training-flop"),
    ],
)
def test_an_option_of_one_value_is_stated_once(line: str, option: str, overthink: Any) -> None:
    code, out, err = overthink(*line.split())
    assert (code, out) == (2, "")
    times = line.count(option)
    assert f"error: {option} is stated {times} times; needed: once" in err


def test_options_of_several_values_and_flags_are_repeated(overthink: Any) -> None:
    line = "analyse nowhere --safety a:high=harm --safety b:high=harm --quiet --quiet"
    code, _, err = overthink(*line.split())
    assert code == 2
    assert "is stated" not in err
    assert "nowhere" in err
