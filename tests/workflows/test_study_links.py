"""A study whose files are links, FIFOs or folders: refused with the file's name, and nothing behind a link changes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_names import RUN, call

from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import LOCK_FILE

READ = {
    "plan.json": "report", "pool.parquet": "report", "waves.jsonl": "report", "analysis.json": "report",
    "models.json": "report", "estimate.json": "report", "journal.jsonl": "report", "unfinished.jsonl": "report",
    "verified.json": "report", "findings.json": "statement", "questions.json": "resume", "decisions.jsonl": "resume",
    "logs/thoughts.jsonl": "resume", LOCK_FILE: "resume", "logs": "report", "figures": "report",
    "verifier-logs": "verify", "verified.jsonl": "verify",
}  # fmt: skip
"""By file of a study: a command that opens it."""
COMMANDS = {
    "report": ["report", "s"],
    "statement": ["statement", "s"],
    "resume": [*RUN, "--resume", "--out=s"],
    "verify": ["verify", "--verifier=simulated:aggregate=mean", "s"],
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "s"
    assert call([*RUN, f"--out={folder}"]).code == 0
    return folder


@pytest.fixture
def study(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(original, tmp_path / "s"))


def as_link(path: Path) -> None:
    """Move what is there away, or make it elsewhere, and leave a link."""
    target = path.absolute().parents[0 if path.parent.name != "logs" else 1].with_name("elsewhere")
    if path.exists():
        path.rename(target)
    elif path.suffix:
        target.write_text("mine")
    else:
        target.mkdir()
    path.symlink_to(target)


def as_fifo(path: Path) -> None:
    """Put a FIFO there, which nobody writes to."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def content(path: Path) -> object:
    return path.read_bytes() if path.is_file() else sorted(path.iterdir())


@pytest.mark.parametrize("file", READ)
@pytest.mark.parametrize("change", [as_link, as_fifo])
def test_what_is_no_plain_file_is_refused(study: Path, file: str, change: Callable[[Path], None]) -> None:
    change(study / file)
    elsewhere = study.with_name("elsewhere")
    before = content(elsewhere) if elsewhere.exists() else None
    ending = call(COMMANDS[READ[file]])
    assert ending.code == 2, ending.text
    assert f"{file} is a {'symbolic link' if change is as_link else 'FIFO'}; needed: a" in ending.text
    assert before is None or content(elsewhere) == before


def test_a_link_among_the_logs_is_refused(study: Path) -> None:
    log = next((study / "logs").glob("*.eval"))
    as_link(log)
    ending = call(["label", "--show-text", "s"])
    assert (ending.code, f"{log.name} is a symbolic link" in ending.text) == (2, True)


@pytest.mark.parametrize("file", ["journal.jsonl", "unfinished.jsonl", "logs/thoughts.jsonl", LOCK_FILE])
def test_nothing_is_written_to_a_file_with_another_name(study: Path, file: str) -> None:
    elsewhere = study.with_name("elsewhere")
    elsewhere.write_bytes((study / file).read_bytes())
    (study / file).unlink()
    os.link(elsewhere, study / file)
    before = content(elsewhere)
    ending = call([*RUN[:-3], "--draws=3", *RUN[-2:], "--resume", "--out=s"])
    assert ending.code == 2, ending.text
    assert f"{file} " in ending.text
    assert content(elsewhere) == before


def test_a_copy_takes_no_links_along(study: Path) -> None:
    (study.with_name("secret")).write_text("mine")
    (study / "notes").symlink_to(study.with_name("secret"))
    ending = call(["verify", "--verifier=simulated:aggregate=mean", "--out=copy", "s"])
    assert (ending.code, "notes is a symbolic link" in ending.text) == (2, True)
    assert sorted(path.name for path in study.parent.iterdir()) == ["s", "secret"]


def test_a_study_is_reached_over_links(study: Path) -> None:
    link = study.with_name("link")
    link.symlink_to("s", target_is_directory=True)
    target = study.with_name("target")
    target.mkdir()
    study.with_name("copy").symlink_to("target", target_is_directory=True)
    for arguments in (
        ["report", "link"],
        [*RUN, "--resume", "--out=link"],
        ["verify", "--verifier=simulated:aggregate=mean", "--out=copy", "link"],
    ):
        ending = call(arguments)
        assert ending.code == 0, ending.text
    assert StudyFolder(target).is_study()
    assert link.is_symlink()
