"""Every snippet of the page on other tools runs; those of a tool that is not installed are skipped."""

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import simulated_study
from scout_scans import result, write_logs, write_scan
from test_docs import blocks

import overthink

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"
SNIPPETS = blocks(PAGE, "python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study, and a scan of two logs."""
    folder = tmp_path_factory.mktemp("interop")
    simulated_study.run(folder / "study")
    dice = np.random.default_rng(1)
    results = [
        result("refused", bool(dice.random() < 0.5), question=f"q{i}", epoch=epoch, log=str(log))
        for log in write_logs(folder / "logs").values() for i in range(4) for epoch in (1, 2)
    ]  # fmt: skip
    write_scan(folder / "scans" / "scan_id=example", results)
    return folder


def test_the_snippets_run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for snippet in SNIPPETS:
        if "import evalstats" not in snippet or importlib.util.find_spec("evalstats"):
            exec(compile(snippet, PAGE.name, "exec"), names)
    shown = capsys.readouterr().out
    assert "requested_tokens" in shown
    assert "Safety · sums · mockllm/model (effort" in shown
    assert set(pl.read_csv("long.csv")["axis"]) == {"capability"}


def test_a_snippet_that_fails_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(SNIPPETS) == 5
    monkeypatch.chdir(folder)
    with pytest.raises(AttributeError):
        exec(SNIPPETS[0].replace("study.frame()", "study.frames()"), {})


def test_the_long_table_has_the_scored_rows_alone(folder: Path) -> None:
    study = overthink.analyse(folder / "study")
    table = overthink.long_table(study)
    assert table.equals(overthink.long_table(folder / "study"))
    scored = study.frame().filter(pl.col("value").is_not_null())
    assert table["score"].sum() == pytest.approx(scored["value"].sum())
    assert table.height == scored.height
    assert not table.select("task", "axis", "prompt", "scorer", "estimand", "item", "run", "rung").is_duplicated().any()
    with pytest.raises(TypeError, match="study is 3"):
        overthink.long_table(3)  # type: ignore[arg-type]
