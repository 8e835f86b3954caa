"""Logs that differ in more than their ladder, from the folder to the report and the statement."""

from pathlib import Path

import polars as pl
import pytest
from inspect_ai.model import GenerateConfig
from stored_logs import stored_log

from overthink.errors import InputError
from overthink.workflows.analyse import Study, analyse
from overthink.workflows.sources import ReadOptions
from overthink.workflows.statement import check, statement


@pytest.fixture(scope="module")
def unlike(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two efforts at two temperatures, all right at one of them."""
    folder = tmp_path_factory.mktemp("unlike")
    for effort, temperature, word, tokens in (("low", 0.0, "I", 100), ("high", 1.0, "C", 900)):
        config = GenerateConfig(reasoning_effort=effort, temperature=temperature)
        answers = [{"match": word}] * 12
        stored_log(folder / "logs" / f"{effort}.json", "sums", answers, config=config, tokens=tokens)
    return analyse(folder / "logs", out=folder / "out", read=ReadOptions(capability=["sums"]))


def test_terminal_and_page_withhold_the_verdict_and_name_the_difference(unlike: Study) -> None:
    difference = "temperature differs: 0.0 at low, 1.0 at high"
    text = unlike.text()
    assert f"verdict: withheld (any rise and fall); the runs are not alike: `{difference}`" in text
    low, high = (
        next(line for line in text.splitlines() if line.startswith(f"  {level} ")) for level in ("low", "high")
    )
    assert "failed: comparability" in high
    assert "comparability" not in low
    assert difference in unlike.html()


def test_a_statement_names_the_gate_and_keeps_every_rule(unlike: Study) -> None:
    assert unlike.folder is not None
    made = statement(unlike.folder.path)
    assert made.path is not None
    found = check(made.path, study=unlike.folder.path)
    assert found.ok, found.text()
    assert "Gates failed: comparability." in made.text()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_has_no_settings_to_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{suffix}"
    frame = pl.DataFrame({"question": ["a", "b"], "score": [0, 1], "draw": [0, 0]})
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    with pytest.raises(InputError, match="--ladder seats says nothing of .*, which is a table"):
        analyse(path, read=ReadOptions(ladder="seats"))
