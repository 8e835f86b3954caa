"""A study's folder belongs to one process, whose death frees it; a lock that is a link is not followed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from overthink.errors import InputError, StoppedError
from overthink.storage import study_lock as lock_module
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import LOCK_FILE, refuse_if_held, study_lock

HOLD = (
    "import sys, time; from pathlib import Path; from overthink.storage.study_lock import study_lock\n"
    "with study_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
)


def acquire(folder: Path) -> None:
    with study_lock(folder):
        pass


ENTRANCES = pytest.mark.parametrize("enter", [acquire, refuse_if_held])


@ENTRANCES
def test_another_process_is_named_and_its_lock_dies_with_it(tmp_path: Path, enter: Callable[[Path], None]) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        content = (tmp_path / LOCK_FILE).read_bytes()
        for _ in range(2):  # a refusal does not erase the holder's name
            with pytest.raises(InputError, match=rf"in use: process {other.pid} on {os.uname().nodename}"):
                enter(tmp_path)
        assert (tmp_path / LOCK_FILE).read_bytes() == content
        other.kill()
    enter(tmp_path)
    assert StudyFolder(tmp_path).is_free()


def test_the_lock_file_holds_process_and_host_and_stays(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text("x" * 500)
    with study_lock(tmp_path):
        content = (tmp_path / LOCK_FILE).read_text()
        assert content == json.dumps({"pid": os.getpid(), "host": os.uname().nodename})
        with pytest.raises(InputError, match=f"process {os.getpid()}"):
            refuse_if_held(tmp_path)
    assert (tmp_path / LOCK_FILE).read_text() == content
    refuse_if_held(tmp_path)


@ENTRANCES
@pytest.mark.parametrize("target", ["file", "missing", "folder"])
def test_a_link_is_refused_and_its_target_stays(tmp_path: Path, target: str, enter: Callable[[Path], None]) -> None:
    folder, other = tmp_path / "study", tmp_path / "target"
    folder.mkdir()
    if target == "file":
        other.write_text("mine")
    elif target == "folder":
        other.mkdir()
    (folder / LOCK_FILE).symlink_to(other)
    with pytest.raises(InputError, match="is a symbolic link; needed: a plain file of one name.*Delete it"):
        enter(folder)
    assert (folder / LOCK_FILE).is_symlink()
    assert other.exists() == (target != "missing")
    assert target != "file" or other.read_text() == "mine"


def test_a_link_that_appears_behind_the_check_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / LOCK_FILE).symlink_to(tmp_path / "target")
    monkeypatch.setattr(lock_module, "path_status", lambda path, follow: None)  # as if there were nothing yet
    for enter in (acquire, refuse_if_held):
        with pytest.raises(InputError, match="is a symbolic link"):
            enter(tmp_path)
    assert (tmp_path / "target").read_text() == "mine"


def test_a_folder_behind_a_link_is_locked_as_itself(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "study")
    with study_lock(tmp_path / "link"), pytest.raises(InputError, match="in use"):
        acquire(tmp_path / "study")


def test_no_check_creates_a_lock(tmp_path: Path) -> None:
    refuse_if_held(tmp_path)
    assert not list(tmp_path.iterdir())


def test_errors_of_the_file_system_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    for number, error, words in (
        (37, InputError, "cannot be locked .*; choose a folder on a file system that can"),
        (38, InputError, "cannot be locked"),
        (13, InputError, "cannot be written"),
        (28, StoppedError, "--resume"),
    ):

        def fail(lock: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(filelock.FileLock, "_acquire", fail)
        with pytest.raises(error, match=words):
            acquire(tmp_path)


def test_a_full_disk_frees_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        with pytest.raises(StoppedError, match="--resume"):
            acquire(tmp_path)
    acquire(tmp_path)
