"""`overthink report --format`: figures beside the page, from a study's own findings."""

import sys
from pathlib import Path

import polars as pl
import pytest

import overthink
from overthink.cli import main
from overthink.errors import InputError
from overthink.workflows import analyse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"question": f"q{q}", "draw": d, "budget": b, "value": float((q + d) % 3 <= b // 64)}
        for q in range(6)
        for d in range(2)
        for b in (0, 64, 128)
    ]
    table = tmp_path / "table.csv"
    pl.DataFrame(rows).write_csv(table)
    overthink.analyse(table, out=tmp_path / "s")
    return tmp_path / "s"


def test_figures_are_made_where_they_are_asked_for(folder: Path) -> None:
    analyse.report(folder)
    assert not (folder / "figures").exists()
    (folder / "report.html").unlink()
    analyse.report(folder, formats=["svg"])
    names = sorted(file.name for file in (folder / "figures").iterdir())
    assert names
    assert {Path(name).suffix for name in names} == {".svg"}
    assert (folder / "report.html").is_file()


def test_an_unknown_format_is_refused_before_anything_is_made(folder: Path) -> None:
    (folder / "report.html").unlink()
    with pytest.raises(InputError, match="unknown format 'bmp'"):
        analyse.report(folder, formats=["html", "bmp"])
    assert not (folder / "report.html").exists()


def test_formats_come_as_a_list_or_one_by_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["overthink", "report", str(folder), "--format", "html,svg", "--format", "PNG"])
    with pytest.raises(SystemExit) as stopped:
        sys.exit(main.main())
    assert not stopped.value.code
    names = {file.name for file in (folder / "figures").iterdir()}
    assert {name.removesuffix(".svg") for name in names if name.endswith(".svg")} == {
        name.removesuffix(".png") for name in names if name.endswith(".png")
    }
    assert f"figures: {folder / 'figures'}" in " ".join(capsys.readouterr().err.split())
