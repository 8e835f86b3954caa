"""Every format of a table is read wherever a table is read, whatever the case of its suffix."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sweeps import few

from overthink.data.pool import records_of
from overthink.errors import InputError
from overthink.storage.tables import table_files
from overthink.storage.tables.labels import read_labels
from overthink.storage.tables.table_files import FORMAT_NAMES, FORMATS, TABLE_SUFFIXES, is_table
from overthink.workflows.analyse import AnalysisOptions, analyse
from overthink.workflows.forecast import ForecastRequest, forecast_path
from overthink.workflows.sources import ReadOptions

SUFFIXES = pytest.mark.parametrize(
    "suffix", few([spelling for suffix in TABLE_SUFFIXES for spelling in (suffix, suffix.title(), suffix.upper())], 5)
)
DRAWS = [{"question": q, "budget": b, "value": int(b > 0 and q != "d")} for q in "abcd" for b in (0, 64)]
COUNTS = [{"question": f"q{i}", "attempts": 50, "successes": i % 3} for i in range(12)]
LABELS = [{"question": q, "draw": 0, "rung": 1, "label": "correct"} for q in "ab"]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix.lower():
        case ".parquet":
            pl.DataFrame(rows).write_parquet(path)
        case ".csv" | ".tsv":
            pl.DataFrame(rows).write_csv(path, separator="\t" if path.suffix.lower() == ".tsv" else ",")
        case ".json":
            path.write_text(json.dumps(rows))
        case ".jsonl" | ".ndjson":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case _:
            pytest.fail(f"a new format needs a writer here: {path.suffix}")
    return path


@SUFFIXES
def test_analyse_forecast_and_labels_read_it(tmp_path: Path, suffix: str) -> None:
    draws = write(tmp_path / f"t{suffix}", DRAWS)
    assert is_table(draws)
    labels = write(tmp_path / f"l{suffix}", LABELS)
    assert [label.label for label in read_labels(labels)] == [1.0, 1.0]
    study, usual = analyse(draws), analyse(write(tmp_path / "t.csv", DRAWS))
    assert study.findings == usual.findings
    assert analyse(draws, options=AnalysisOptions(labels=labels)).find(kind="judge")
    request = ForecastRequest(k=(1, 100))
    counts = write(tmp_path / f"c{suffix}", COUNTS)
    assert forecast_path(counts, read=ReadOptions(), request=request).banks[0].attempts.tolist() == [50] * 12
    assert len(forecast_path(draws, read=ReadOptions(), request=request).banks) == 2


def test_a_pool_is_a_pool_whatever_the_case_of_its_suffix(tmp_path: Path) -> None:
    study = analyse(write(tmp_path / "t.csv", DRAWS), out=tmp_path / "s")
    rows = records_of(study.pool)
    pool = (tmp_path / "s" / "pool.parquet").rename(tmp_path / "P.PARQUET")
    assert records_of(analyse(pool).pool) == rows
    assert forecast_path(pool, read=ReadOptions(), request=ForecastRequest(k=(1,))).banks


@pytest.mark.parametrize("name", ["t.txt", "t", "csv", "t.csv.gz", "one.JSON"])
def test_what_is_no_table_is_refused_with_the_formats(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"question": "a", "value": 1}\n')
    assert not is_table(tmp_path / name)
    with pytest.raises(InputError, match=r"\.parquet, \.csv, \.tsv, \.jsonl, \.ndjson, \.json\)"):
        analyse(tmp_path / name)
    with pytest.raises(InputError, match="can be analysed"):
        forecast_path(tmp_path / name, read=ReadOptions(), request=ForecastRequest())


def test_help_and_readme_name_all_formats(overthink) -> None:  # type: ignore[no-untyped-def]
    for command, count in (("analyse", 2), ("forecast", 1)):
        _, page, _ = overthink(command, "--help")
        plain = " ".join(page.replace("│", " ").split())
        assert plain.count(f"({FORMAT_NAMES})") == count
    assert f"a table ({FORMAT_NAMES})" in (Path(__file__).parents[2] / "README.md").read_text()


def test_a_new_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tabs = table_files.TableFormat(
        "Tabs", (".tab",), lambda path: pl.scan_csv(path, separator="\t", infer_schema=False)
    )
    path = tmp_path / "t.TAB"
    pl.DataFrame(DRAWS).write_csv(path, separator="\t")
    with pytest.raises(InputError, match="can be analysed"):
        analyse(path)
    monkeypatch.setattr(table_files, "FORMATS", (*FORMATS, tabs))
    monkeypatch.setattr(table_files, "TABLE_SUFFIXES", (*TABLE_SUFFIXES, ".tab"))
    assert len(records_of(analyse(path).pool)) == len(DRAWS)


def test_max_rows_bounds_every_file_that_is_read(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", DRAWS)
    study = analyse(table, out=tmp_path / "s", read=ReadOptions(max_rows=len(DRAWS)))
    assert study.folder is not None
    for path in (table, study.folder.pool):
        with pytest.raises(InputError, match=rf"{len(DRAWS)} rows; at most {len(DRAWS) - 1} are read.*--max-rows"):
            analyse(path, read=ReadOptions(max_rows=len(DRAWS) - 1))
