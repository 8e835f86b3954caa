"""What the pages promise is run."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from plain_logs import plain_log

import overthink as overthink_package
from overthink.cli.commands import COMMANDS
from overthink.cli.main import app

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
    table = capsys.readouterr().out
    assert "capability" in table
    assert "safety" in table
    assert (tmp_path / "safety.svg").read_text().startswith("<svg")
    assert (tmp_path / "my-study" / "report.html").is_file()


def test_the_tutorials_python_and_its_plan_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "tutorial.md"
    (code,), (plan,) = blocks(page, "python"), blocks(page, "toml")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(code, "tutorial.md", "exec"), names)
    assert names["study"].curves["requested_tokens"].to_list() == [0, 16, 64]
    assert list(tmp_path.iterdir()) == []
    Path("study.toml").write_text(plan)
    study = overthink_package.experiment("study.toml", limit=3, draws=1, progress=False)
    assert "hypothesis" in repr(study)
    assert study.planted["axis"].unique().sort().to_list() == ["capability", "safety"]


def commands(page: Path) -> list[str]:
    """The command lines of a page: indented, without their comments, and joined where they go on in the next line."""
    text = page.read_text().replace("\\\n", " ")
    return [line.partition(" # ")[0].strip() for line in text.splitlines() if line.startswith("    overthink ")]


FEW = {"--limit 60": "--limit 8", "--draws 3": "--draws 1", "0,16,64": "0,64", "--safety overthink/secret": ""}


def test_the_tutorials_chapter_on_oversight_runs(
    overthink: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few questions; what the page quotes is of all of them."""
    monkeypatch.chdir(tmp_path)
    lines = [line for line in commands(ROOT / "docs" / "tutorial.md") if re.search(r"\boverseen\b", line)]
    assert [line.split()[1] for line in lines] == ["run", "monitor", "perturb", "report", "statement", "check"]
    for line in lines:
        less = re.sub("|".join(FEW), lambda option: FEW[option.group()], line)
        code, _, err = overthink(*shlex.split(less)[1:])
        assert code == 0, err
    said = Path("overseen/statement.md").read_text().partition("## What may be claimed of oversight")[2]
    for words in ("monitor `simulated:auc=0.95`", "the thinking is needed", "not kept by this paraphraser"):
        assert words in said


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "tutorial.md"], ids=lambda page: page.stem)
def test_every_command_line_can_be_read(page: Path) -> None:
    lines = [line for line in commands(page) if "…" not in line]
    assert len(lines) > 3
    for line in lines:
        assert parsed(line) in COMMANDS, line


def test_a_command_line_with_a_wrong_option_is_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed("overthink analyse logs/ --no-such-option")


def parsed(line: str) -> str:
    """The name of the command that a line calls; its arguments are read, and it is not begun."""
    group: Any = typer.main.get_command(app)
    with group.make_context("overthink", shlex.split(line)[1:]) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        command.make_context(name, rest, parent=context)
    return str(name)


def test_the_readmes_commands_on_logs_run(overthink: Any, tmp_path: Path) -> None:
    answers = {f"q{number}": [number % 3 > 0, number % 2 > 0] for number in range(12)}
    better = {question: [True, own[1]] for question, own in answers.items()}
    plain_log(tmp_path / "base.eval", answers)
    plain_log(tmp_path / "new.eval", better, model="openai/gpt-y")
    plain_log(tmp_path / "logs" / "low.eval", answers, effort="low", task="gsm8k")
    plain_log(tmp_path / "logs" / "high.eval", better, effort="high", task="gsm8k")
    plain_log(tmp_path / "logs" / "probe.eval", answers, task="my_probe", scorers=("judge",))
    lines = [
        line for line in commands(ROOT / "README.md") if line.startswith(("overthink analyse", "overthink compare"))
    ]
    assert len(lines) == 3
    for line in lines:
        code, out, err = overthink(*shlex.split(line)[1:])
        assert code == 0, err
        assert "Capability" in out or "correct" in out


def test_the_readmes_picture_is_that_of_the_study_on_file() -> None:
    folder = ROOT / "docs" / "studies" / "two_small_models" / "qwen2.5-coder-0.5b"
    assert f"]({(folder / 'base.svg').relative_to(ROOT)})" in (ROOT / "README.md").read_text()
    study = overthink_package.analyse(folder)
    drawn, other = (study.chart(arms=[arm])._repr_mimebundle_()["image/svg+xml"] for arm in ("base", "primer"))
    assert curves((folder / "base.svg").read_text()) == curves(drawn) != curves(other)


def curves(svg: str) -> list[list[int]]:
    """The corners of every line and area of a figure, in pixels."""
    paths = re.findall(r' d="(M[^"A]+)"', svg)
    return [[round(float(number)) for number in re.findall(r"-?[\d.]+", path)] for path in paths]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"overthink {name}" not in text] == []


def test_nothing_machine_bound_is_tracked() -> None:
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in files.stdout.split("\0") if name]
    assert not [name for name in names if name.endswith((".pyc", "uv.lock")) or name.startswith(".venv/")]
    assert "://" not in (ROOT / "constraints.txt").read_text()
