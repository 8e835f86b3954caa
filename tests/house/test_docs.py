"""What the pages promise is run."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "studies").glob("*.md")])
PAGES = [ROOT / "README.md", *DOCS, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_readmes_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process: most of the time of one of its own would go into imports."""
    (code,) = blocks(ROOT / "README.md", "python")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("capability")]) == 3
    assert len([line for line in lines if line.startswith("safety")]) == 3
    assert (tmp_path / "my-study" / "report.html").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_command_is_in_the_readme() -> None:
    from overthink.cli.commands import COMMANDS

    text = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"overthink {name}" not in text] == []


def test_nothing_machine_bound_is_tracked() -> None:
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in files.stdout.split("\0") if name]
    assert not [name for name in names if name.endswith((".pyc", "uv.lock")) or name.startswith(".venv/")]
    assert "://" not in (ROOT / "constraints.txt").read_text()
