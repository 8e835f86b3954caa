"""Ten things that a newcomer does work with public names alone."""

import ast
from pathlib import Path

import newcomer
import pytest

import overthink
from overthink import extend

SCRIPT = Path(newcomer.__file__)


def private_names(source: str) -> list[str]:
    """Names of Overthink in a script that are not public: imports of modules, and attributes that are in no list."""
    private = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            private += [each.name for each in node.names if each.name.startswith("overthink.")]
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "overthink":
            private += [each.name for each in node.names if (node.module, each.name) != ("overthink", "extend")]
        if isinstance(node, ast.Attribute):
            public = {"overthink": overthink.__all__, "extend": extend.__all__}.get(getattr(node.value, "id", ""))
            if node.attr.startswith("_") or (public is not None and node.attr not in public):
                private.append(node.attr)
    return private


def test_a_newcomer_needs_public_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert private_names(SCRIPT.read_text()) == []
    monkeypatch.chdir(tmp_path)
    newcomer.main(str(SCRIPT))
    lines = capsys.readouterr().out.splitlines()
    by_task = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines}
    assert list(by_task) == ["verdict", "difference", "forecast", "statement", "own arm", "own reader", "resumed"]
    assert by_task["statement"].endswith(" True")
    assert by_task["own arm"] == "['base', 'newcomer.py@primed']"
    assert by_task["own reader"] == "[1.0, 0.0, 1.0]"
    before, after = map(int, by_task["resumed"].split())
    assert after == 2 * before
    assert (tmp_path / "capability.svg").read_text().startswith("<svg")
    assert r"\begin{table}" in (tmp_path / "curves.tex").read_text()
    assert (tmp_path / "study" / "report.html").is_file()


@pytest.mark.parametrize(
    "line",
    [
        "import overthink.workflows.study",
        "from overthink.data.kinds import Kind",
        "from overthink import workflows",
        "overthink.workflows",
        "study._rows",
        "extend.registry",
    ],
)
def test_a_private_name_is_noticed(line: str) -> None:
    assert private_names(line) != []
