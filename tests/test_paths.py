"""Paths are names: what is opened is a regular file, at once or not at all."""

import os
import socket
from pathlib import Path

import pytest

from overthink.errors import InputError
from overthink.paths import is_there, name_text, open_file, path_kind, read_file


def test_what_a_path_is_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    Path("folder").mkdir()
    Path("link").symlink_to("file")
    os.mkfifo("fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    seen = [path_kind(Path(name)) for name in ("file", "folder", "link", "fifo", "socket", "/dev/zero", "no", "file/x")]
    assert seen == ["a file", "a folder", "a file", "a FIFO", "a socket", "a device", "not there", "not there"]
    assert path_kind(Path("link"), follow=False) == "a symbolic link"


@pytest.mark.parametrize("name", ["x" * 256, "loop", "a/" * 2100, "nul\0"])
def test_a_path_that_cannot_be_reached_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for see in (path_kind, read_file if name == "loop" else is_there):
        with pytest.raises(InputError, match="cannot be reached|is a symbolic link"):
            see(tmp_path / name)


@pytest.mark.parametrize("kind", ["fifo", "folder", "socket", "device", "missing", "~"])
@pytest.mark.parametrize("follow", [True, False])
def test_nothing_but_a_file_is_opened_and_nothing_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, follow: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    os.mkfifo("fifo")
    Path("folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    path = Path("/dev/zero" if kind == "device" else kind)
    needed = {"fifo": "a FIFO", "missing": "not there", "~": "not there; .*only the shell"}.get(kind, f"a {kind}")
    with pytest.raises(InputError, match=rf"{path} is {needed}.*|needed: a file"):
        open_file(path, follow=follow)


def test_a_link_is_opened_where_the_user_names_it_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", follow=True) == b"mine"
    with pytest.raises(InputError, match="link is a symbolic link; needed: a plain file.*Replace the link"):
        read_file(tmp_path / "link")


def test_a_large_file_is_refused_before_it_is_held(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match=r"has 1,099,511,627,776 bytes; needed: at most 1,000"):
        read_file(tmp_path / "large", most=1000)


def test_a_name_that_is_no_text_becomes_text() -> None:
    assert name_text(os.fsdecode(b"a\xffb\n")) == "a\\xffb\n"
    assert name_text("é") == "é"
