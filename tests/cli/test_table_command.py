"""`overthink table`: from the findings of a folder to a file for a paper, or one clear message."""

import csv
import json
from pathlib import Path

import pytest

from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.storage.findings import write_findings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the findings of one curve and no other file."""
    folder = tmp_path / "study"
    folder.mkdir()
    values = [
        Finding(
            f"v{rung}", Kind.VALUE, "capability", "sums", "base", "forced", Metric.MEAN,
            At(rung, 1, requested_tokens=rung), estimate=rung / 7, low=0.0, high=1 - 1e-9, level=0.95,
            n_questions=5, n_draws=2,
        )
        for rung in range(3)
    ]  # fmt: skip
    write_findings(folder / "findings.json", values, overthink="0", plan_sha256=None, pool_sha256=None)
    return folder


def test_the_file_has_the_numbers_of_the_findings(folder: Path, overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = overthink("table", str(folder), "--out", str(tmp_path / "t.csv"))
    assert (code, out) == (0, "")
    assert "written" in err
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    stored = json.loads((folder / "findings.json").read_text())["findings"]
    for name in ("estimate", "low", "high"):
        assert [float(row[name]) for row in rows] == [finding[name] for finding in stored]


def test_the_format_is_that_of_the_file_unless_it_is_stated(folder: Path, overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name, options, start in (
        ("a.tex", (), "% "),
        ("a.md", (), "**"),
        ("a.csv", (), "axis,"),
        ("a.txt", ("--format", "latex"), "% "),
    ):
        assert overthink("table", str(folder), "--out", str(tmp_path / name), *options)[0] == 0
        assert (tmp_path / name).read_text().startswith(start)
    code, out, _ = overthink("table", str(folder))
    assert code == 0
    assert "| correct | sums | base | 2 | 28.6 | 0.0 to 100.0 | 5 × 2 | none recorded | not tested |" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--what", "compare"), "no finding for --what compare; it holds 3 of kind value"),
        (("--out", "curves.pdf"), "ends in no format of a table"),
        (("--format", "xlsx"), "xlsx"),
        (("--what", "everything"), "everything"),
    ],
)
def test_what_cannot_be_made_is_refused(
    folder: Path, overthink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], words: str
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    code, out, err = overthink("table", str(folder), *options)
    assert (code, out) == (2, "")
    assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_a_folder_without_findings_is_refused(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, _, err = overthink("table", str(tmp_path))
    assert code == 2
    assert "holds no findings.json" in err
    (tmp_path / "findings.json").write_text("{}")
    code, _, err = overthink("table", str(tmp_path))
    assert code == 2
    assert "schema" in err


def test_methods_are_printed_in_three_formats(folder: Path, overthink) -> None:  # type: ignore[no-untyped-def]
    for options, start in (
        ((), "Models. "),
        (("--format", "md"), "**Models.** "),
        (("--format", "latex"), "\\paragraph"),
    ):
        code, out, _ = overthink("methods", str(folder), *options)
        assert code == 0
        assert out.startswith(start)
        assert "5 questions and 2 draws of each" in out


def test_findings_of_another_pool_or_plan_are_refused(folder: Path, overthink) -> None:  # type: ignore[no-untyped-def]
    document = json.loads((folder / "findings.json").read_text())
    (folder / "pool.parquet").write_bytes(b"not the pool of these findings")
    (folder / "findings.json").write_text(json.dumps(document | {"pool_sha256": "0" * 64}))
    for command in ("table", "methods"):
        code, out, err = overthink(command, str(folder))
        assert (code, out) == (2, "")
        assert "follows from another pool" in err
        assert "overthink report" in err
