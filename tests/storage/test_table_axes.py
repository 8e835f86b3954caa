"""Axes of the tasks of a table: stated task by task, in a column, or refused where a name speaks of harm."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from overthink.errors import InputError
from overthink.plan.stated_tasks import StatedMeaning, stated_task
from overthink.storage.tables.table import read_table


def write(path: Path, *groups: dict[str, str]) -> Path:
    """Write a table with two questions, right and wrong, for each group of equal cells."""
    rows = [{"question": q, "draw": 0, "value": value} | group for group in groups for q, value in (("a", 1), ("b", 0))]
    pl.DataFrame(rows).write_csv(path)
    return path


def stated(*options: str) -> StatedMeaning:
    parsed = (option.split(" ", 1) for option in options)
    return StatedMeaning(tasks=tuple(stated_task(text, axis) for axis, text in parsed))  # type: ignore[arg-type]


def values(path: Path, meaning: StatedMeaning | None = None) -> dict[tuple[Any, ...], list[float]]:
    rows = read_table(path, meaning).pool.collect()
    cells: dict[tuple[Any, ...], list[float]] = {}
    for *key, value in rows.select("task", "axis", "scorer", "value").iter_rows():
        cells.setdefault(tuple(key), []).append(value)
    return cells


def test_every_task_of_a_table_gets_its_axis(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", {"task": "sums"}, {"task": "pack/probe"}, {"task": "replies"})
    options = stated("capability sums", "safety probe:high=harm", "benign replies:high=refused")
    reading = read_table(path, options)
    assert values(path, options) == {
        ("sums", "capability", "value"): [1, 0],
        ("pack/probe", "safety", "value"): [0, 1],
        ("replies", "benign", "value"): [0, 1],
    }
    assert not any("read as capability" in note for note in reading.notes)
    assert {one.task: one.high for one in reading.polarity} == {
        "sums": "correct",
        "pack/probe": "harm",
        "replies": "refused",
    }


def test_a_table_without_tasks_is_named_by_its_file(tmp_path: Path) -> None:
    path = write(tmp_path / "probe.csv", {})
    assert values(path, stated("safety probe:high=safe")) == {("probe", "safety", "value"): [1, 0]}


def test_one_task_is_read_on_two_axes_by_two_scorers_and_a_third_is_set_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", *({"task": "t", "scorer": name} for name in ("harm", "quality", "length")))
    options = stated("safety t@harm:high=harm", "capability t@quality")
    assert values(path, options) == {("t", "safety", "harm"): [0, 1], ("t", "capability", "quality"): [1, 0]}
    assert any("were not read: length" in note for note in read_table(path, options).notes)


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        (
            [{"task": "t"}],
            ["safety t"],
            r"what a high value of t means; needed: --safety t:high=safe or",
        ),
        ([{"task": "t"}], ["safety t@judge:high=harm"], r"no scorer 'judge'; it has: value"),
        ([{"task": "t"}], ["safety t:high=harm", "benign t:high=refused"], r"t is named twice"),
        ([{"task": "t", "scorer": name} for name in "ab"], ["safety t:high=harm"], r"several scores \(a, b\)"),
        ([{"task": "t", "axis": "safety"}], ["safety t:high=harm"], r"states its axis in column 'axis'"),
        ([{"task": "p/t"}, {"task": "q/t"}], ["safety t:high=harm"], r"t is p/t and q/t; needed: one of these"),
    ],
)
def test_what_contradicts_the_table_is_one_message(
    groups: list[dict[str, str]], options: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        read_table(write(tmp_path / "rows.csv", *groups), stated(*options))


def test_one_axis_is_refused_for_several_tasks(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", {"task": "sums"}, {"task": "probe"})
    with pytest.raises(InputError, match=r"for a table of one task, and there are 2.*--safety sums:high=harm"):
        read_table(path, StatedMeaning(axis="safety", high="harm"))


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("rows", [{"task": "harmful_requests"}]),
        ("rows", [{"task": "prompts", "scorer": "refusal_judge"}]),
        ("jailbreaks", [{}]),
        ("rows", [{"dataset": "AdvBench"}]),
        ("rows", [{"task": "prompts", "dataset": "AdvBench"}]),
        ("rows", [{"task": "sums", "metric": "accuracy"}, {"task": "replies", "metric": "attack_success_rate"}]),
        ("rows", [{"task": "sums"}, {"task": "toxicity"}]),
    ],
)
def test_a_table_that_speaks_of_harm_is_not_read_as_capability(
    name: str, groups: list[dict[str, str]], tmp_path: Path
) -> None:
    path = write(tmp_path / f"{name}.csv", *groups)
    with pytest.raises(InputError, match=r"not read as capability unasked; needed: --safety \S+:high=safe\|harm"):
        read_table(path)
    task = next(iter(groups[-1].values()), name)
    assert values(path, stated(f"capability {task}"))


@pytest.mark.parametrize(
    ("name", "cells", "task"),
    [
        ("rows", {"task": "speech", "scorer": "wer"}, "speech"),
        ("violations", {}, "violations"),
        ("rows", {"task": "speech", "metric": "edit_distance"}, "speech"),
    ],
)
def test_a_table_of_errors_is_not_read_as_capability(
    name: str, cells: dict[str, str], task: str, tmp_path: Path
) -> None:
    path = write(tmp_path / f"{name}.csv", cells)
    with pytest.raises(InputError, match=r"an error or a cost.*needed: --capability \S+:high=correct\|wrong$"):
        read_table(path)
    assert list(values(path, stated(f"capability {task}:high=wrong")).values()) == [[0, 1]]


def test_a_score_column_of_errors_is_named_with_its_scorer(tmp_path: Path) -> None:
    pl.DataFrame({"question": ["a", "b"], "draw": [0, 0], "score_brier": [0.1, 0.4]}).write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match=r"its scorer brier is .*needed: --capability t@brier:high=correct\|wrong$"):
        read_table(tmp_path / "t.csv")


def test_harmless_names_are_read_as_capability_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path / "pharmacy.csv", {"scorer": "harmonic_mean", "metric": "accuracy", "dataset": "toxicology"})
    assert [key[1:] for key in values(path)] == [("capability", "harmonic_mean")]
    assert any("read as capability" in note for note in read_table(path).notes)
