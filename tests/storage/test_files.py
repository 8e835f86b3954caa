"""Files of a study are written in their own place alone."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from overthink.errors import InputError
from overthink.storage.files import open_append, path_sha256, replacing, require_own_folder, scratch_path, write_text


def plant(path: Path, kind: str) -> None:
    """Put something in the place of a file, whose target is the file ``target`` beside it."""
    target = path.with_name("target")
    target.write_text("mine")
    makers: dict[str, Callable[[], object]] = {
        "link": lambda: path.symlink_to(target),
        "dangling": lambda: path.symlink_to("nowhere"),
        "hard link": lambda: os.link(target, path),
        "fifo": lambda: os.mkfifo(path),
        "folder": lambda: path.mkdir(),
    }
    makers[kind]()


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link"])
def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path, kind: str) -> None:
    plant(tmp_path / "file", kind)
    write_text(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "target").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link"])
def test_a_link_in_the_place_of_the_scratch_file_is_not_followed(tmp_path: Path, kind: str) -> None:
    plant(scratch_path(tmp_path / "file"), kind)
    write_text(tmp_path / "file", "new")
    assert (tmp_path / "target").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "target"]


@pytest.mark.parametrize(("kind", "words"), [("fifo", "a FIFO"), ("folder", "a folder")])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, kind: str, words: str) -> None:
    plant(tmp_path / "file", kind)
    with pytest.raises(InputError, match=f"file is {words}, and a file is to be written there; move it away"):
        write_text(tmp_path / "file", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "target"]


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "fifo", "folder"])
def test_nothing_is_appended_through_a_link(tmp_path: Path, kind: str) -> None:
    plant(tmp_path / "file", kind)
    with pytest.raises(InputError, match=r"file (is a (symbolic link|FIFO|folder)|has 2 names by hard links); needed"):
        open_append(tmp_path / "file")
    assert (tmp_path / "target").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_left_over_after_an_error(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "x")

    def stop_half_way() -> None:
        with replacing(tmp_path / "file") as half:
            half.write(b"z")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_half_way()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "x")]


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, os.fsdecode(b"\xff" * 255)])
def test_the_longest_name_is_written_and_nothing_is_left_over(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "x")
    with open_append(tmp_path / name) as file:
        file.write(b"y")
    write_text(tmp_path / name, "z")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "z")]


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be reached: File name too long"):
        write_text(tmp_path / ("n" * 256), "x")


def test_a_folder_of_the_study_is_no_link(tmp_path: Path) -> None:
    require_own_folder(tmp_path / "missing")
    (tmp_path / "logs").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(InputError, match="logs is a symbolic link; needed: a folder of the study itself"):
        require_own_folder(tmp_path / "logs")


def test_the_hash_of_a_folder_needs_no_text_in_names(tmp_path: Path) -> None:
    (tmp_path / "a[1]").mkdir()
    (tmp_path / "a[1]" / os.fsdecode(b"\xff")).write_text("x")
    before = path_sha256(tmp_path / "a[1]")
    (tmp_path / "a[1]" / "more").write_text("x")
    assert path_sha256(tmp_path / "a[1]") != before
