"""`overthink` alone: the three things that a newcomer can do, each with a command that works as it is printed."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from overthink.cli import main

COMMANDS = main.commands()


def parse(line: str) -> str:
    """The name of the command that a line calls; its arguments are parsed, and it is not begun."""
    words = shlex.split(line)
    assert words[0] == "overthink"
    group: Any = typer.main.get_command(main.app)
    with group.make_context("overthink", words[1:]) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        command.make_context(name, rest, parent=context)
    return str(name)


def test_alone_it_prints_the_guide(overthink: Any) -> None:
    code, out, err = overthink()
    assert (code, out, err) == (0, main.TEXT, "")
    assert len(main.TEXT.splitlines()) < 20


def test_every_command_of_the_guide_can_be_read() -> None:
    assert [parse(line) for line in COMMANDS] == ["analyse", "compare", "run", "run"]
    with pytest.raises(Exception, match="No such option"):
        parse("overthink analyse logs/ --no-such-option")


def test_what_can_be_tried_at_once_works(overthink: Any, tmp_path: Path) -> None:
    (line,) = [line for line in COMMANDS if "overthink/simulated" in line]
    code, _, err = overthink(*shlex.split(line)[1:], "--limit", "2", "--draws", "1")
    assert (code, (tmp_path / "try" / "report.html").is_file()) == (0, True), err
