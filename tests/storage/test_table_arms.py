"""Rows of a table whose settings differ stand apart, or fail a gate, and it is said why."""

import json
from pathlib import Path
from typing import Any

import pytest

from overthink.data.conditions import setting_words
from overthink.data.outcomes import from_frame
from overthink.data.pool import read
from overthink.errors import InputError
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


@pytest.mark.parametrize(
    "name", ["task_version", "system_message", "scaffold", "dtype", "prompt_version", "deployment"]
)
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


@pytest.mark.parametrize("name", ["llm", "model_id"])
def test_a_model_by_another_name_makes_arms(name: str, tmp_path: Path) -> None:
    levels, _, notes = reading(tmp_path, [{"budget": 512, name: "a"}, {"budget": 4096, name: "b"}])
    assert sorted(levels) == ["a", "b"]
    assert any(f"{name} is the arm" in note for note in notes)


@pytest.mark.parametrize("name", ["evaluator", "scorer_model", "judge"])
def test_a_judge_by_another_name_keeps_scores_apart(name: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"question,budget,draw,score,{name}\n1,512,0,1,a\n1,4096,0,0,b\n")
    rows = read_table(tmp_path / "t.csv").pool.collect()
    assert rows["scorer"].to_list() == ["a", "b"]


@pytest.mark.parametrize(
    ("first", "second"), [("model", "model_id"), ("scorer", "judge"), ("effort", "reasoning_effort")]
)
def test_two_columns_of_one_meaning_that_do_not_agree_are_refused(first: str, second: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"question,budget,draw,score,{second},{first}\n1,512,0,1,low,low\n1,4096,0,0,high,low\n")
    with pytest.raises(InputError, match=rf"columns {first} and {second} both name the .* do not agree"):
        read_table(path)
    path.write_text(f"question,budget,draw,score,{second},{first}\n1,512,0,1,a-1,low\n1,4096,0,0,b-1,high\n")
    assert read_table(path).pool.collect().height == 2
