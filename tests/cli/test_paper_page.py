"""The example of docs/paper.md is run: its code, its commands, and every line that they print there."""

import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "paper.md").read_text(encoding="utf-8")


def test_the_example_is_what_the_commands_print(overthink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    ((code,), (session,)) = (re.findall(rf"^```{name}\n(.*?)^```", PAGE, re.M | re.S) for name in ("python", "console"))
    exec(compile(code, "paper.md", "exec"), {})
    commands = re.split(r"^\$ overthink ", session, flags=re.M)[1:]
    assert len(commands) == 4
    for command in commands:
        line, _, expected = command.partition("\n")
        status, out, err = overthink(*shlex.split(line))
        assert status == 0, err
        assert out.startswith(expected.rstrip("\n"))
