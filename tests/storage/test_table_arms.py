"""Rows of a table whose settings differ stand apart, or fail a gate, and it is said why."""

import json
from pathlib import Path
from typing import Any

import pytest

from overthink.data.conditions import setting_words
from overthink.data.outcomes import from_frame
from overthink.data.pool import read
from overthink.stats.gates import gates
from overthink.storage.tables.table import read_table


def reading(folder: Path, runs: list[dict[str, Any]]) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """Levels by arm, reasons of failed comparisons, and notes, of a table with four questions a run."""
    path = folder / "t.jsonl"
    rows = [{"question": i, "score": 1, "draw": 0, **run} for run in runs for i in range(4)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = read_table(path)
    tables = from_frame(read(found.pool))
    levels = {table.arm: [rung.name for rung in table.rungs] for table in tables}
    checks = [gate for table in tables for gate in gates(table) if gate.name == "comparability"]
    assert not any(gate.passed for gate in checks)  # a table never states all settings
    return levels, [gate.reason or "" for gate in checks if gate.passed is False], list(found.notes)


@pytest.mark.parametrize(
    ("efforts", "apart"), [(("HIGH", "Low", "auto"), "default"), (("high", "low", "turbo"), "turbo")]
)
def test_a_level_without_an_order_stands_apart(efforts: tuple[str, ...], apart: str, tmp_path: Path) -> None:
    levels, failed, notes = reading(tmp_path, [{"effort": effort} for effort in efforts])
    assert levels["base"] == ["low", "high"]
    assert len(levels[f"base ({apart})"]) == 1
    assert failed == []
    assert any("the runs of base are 2 arms" in note for note in notes)


@pytest.mark.parametrize(
    "settings", [({"shots": 0}, {"shots": 5}), ({"temperature": 0}, {"temperature": 1}), ({}, {"prompt": "Hi"})]
)
def test_settings_that_differ_along_the_ladder_fail_and_within_a_rung_make_arms(
    settings: tuple[dict[str, Any], dict[str, Any]], tmp_path: Path
) -> None:
    runs = [
        {"config": {"reasoning_effort": level, **own}} for level, own in zip(("low", "high"), settings, strict=True)
    ]
    levels, failed, _ = reading(tmp_path, runs)
    assert levels == {"base": ["low", "high"]}
    assert f"`{setting_words(next(iter(settings[1])))} differs: " in failed[0]
    levels, failed, notes = reading(tmp_path, [{"config": {"seats": 1, **own}} for own in settings])
    assert len(levels) == 2
    assert failed == []
    assert any("2 arms of one rung each. They differ in" in note and "name budget" in note for note in notes)


@pytest.mark.parametrize("name", ["task_version", "system_message", "scaffold", "dtype", "prompt_version"])
def test_a_setting_that_differs_along_the_ladder_fails_the_gate(name: str, tmp_path: Path) -> None:
    _, failed, _ = reading(tmp_path, [{"effort": "low", name: "a"}, {"effort": "high", name: "b"}])
    assert len(failed) == 1
    assert reading(tmp_path, [{"effort": "low", name: "a"}, {"effort": "high", name: "a"}])[1] == []


@pytest.mark.parametrize("name", ["prompt", "input", "problem", "target", "doc_hash"])
def test_several_texts_of_one_question_are_noted(name: str, tmp_path: Path) -> None:
    def notes(texts: list[list[str]]) -> list[str]:
        rows = [
            {"question": i, "score": 1, "draw": 0, "effort": effort, name: text}
            for effort, own in zip(("low", "high"), texts, strict=True)
            for i, text in enumerate(own)
        ]
        path = tmp_path / "t.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return [note for note in read_table(path).notes if f"several texts in: {name}." in note]

    assert len(notes([["a", "b", "c"], ["a", "c", "b"]])) == 1
    assert notes([["a", "b", "c"], ["a", "b", "c"]]) == []
