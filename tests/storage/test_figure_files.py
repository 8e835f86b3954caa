"""Figures in a study's folder: each whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from overthink.errors import InputError
from overthink.storage.study_folder import StudyFolder


def test_figures_are_written_and_replaced_by_name(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.write_figures([("a.svg", b"old"), ("b.svg", b"kept")])
    folder.write_figures([("a.svg", b"new")])
    assert {file.name: file.read_bytes() for file in folder.figures.iterdir()} == {"a.svg": b"new", "b.svg": b"kept"}


def test_a_drawing_that_fails_leaves_whole_files(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[str, bytes]]:
        yield "a.svg", b"new"
        raise RuntimeError("no ink")

    folder = StudyFolder(tmp_path)
    folder.write_figures([("a.svg", b"old"), ("b.svg", b"old")])
    with pytest.raises(RuntimeError, match="no ink"):
        folder.write_figures(failing())
    assert sorted((file.name, file.read_bytes()) for file in folder.figures.iterdir()) == [
        ("a.svg", b"new"),
        ("b.svg", b"old"),
    ]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("mine")
    with pytest.raises(InputError, match=r"figures is a file; needed: a folder of the study"):
        StudyFolder(tmp_path).write_figures([("a.svg", b"x")])
    assert (tmp_path / "figures").read_text() == "mine"
