"""The labels of published rows, by their printed numbers, are those that a review gave by hand."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from literature_labels import DOSE, INKLING_ERROR, LABELS, ON_OFF, TRIES, Label
from literature_page import (
    STATUSES,
    direction_words,
    judge_errors,
    label_of,
    largest_fall,
    page,
    rows,
    status,
    verdict_of,
)
from pages import assert_current

from overthink.stats.summary_verdict import DOWN, GATED, NOT_SHOWN, UP, Counts, summary_verdict, trend_verdict

ROWS = rows()
MIRRORED = {UP: DOWN, DOWN: UP, NOT_SHOWN: NOT_SHOWN}
REACH = 1.959964 * math.sqrt(2)


def chosen(label: Label) -> list[dict]:
    return [row for row in ROWS if label.matches(row)]


def name(label: Label) -> str:
    return " ".join(str(value) for _, value in label.fields[1:])


@pytest.mark.parametrize("label", LABELS, ids=name)
def test_a_row_gets_its_label(label: Label) -> None:
    found = chosen(label)
    assert len(found) == (2 if label in TRIES else 1)
    verdict = verdict_of(label, found)
    assert verdict.direction == label.direction
    assert label.equivalence in (None, verdict.equivalence)
    if label.z is not None:
        assert verdict.z == pytest.approx(label.z, abs=0.051)
    if label.p is not None:
        assert verdict.p == pytest.approx(label.p, abs=0.0006)


def test_labels_are_of_every_kind() -> None:
    """So that an estimator with one answer for all fails."""
    assert {label.direction for label in ON_OFF} == {UP, DOWN, NOT_SHOWN}
    assert {label.direction for label in DOSE} == {UP, NOT_SHOWN, GATED}
    assert {label.direction for label in TRIES} == {DOWN, NOT_SHOWN}


@pytest.mark.parametrize("label", ON_OFF, ids=name)
def test_on_and_off_swapped_mirror_the_direction(label: Label) -> None:
    (row,) = chosen(label)
    swapped = row | {"off": row["on"], "on": row["off"], "off_half": row["on_half"], "on_half": row["off_half"]}
    verdict, mirror = verdict_of(label, [row]), verdict_of(label, [swapped])
    assert mirror.direction == MIRRORED[verdict.direction]
    assert (mirror.equivalence, mirror.z) == (verdict.equivalence, -verdict.z)


@pytest.mark.parametrize("label", TRIES, ids=name)
def test_swapped_tries_mirror_the_direction(label: Label) -> None:
    found = chosen(label)
    swapped = [row | {"thinking": not row["thinking"]} for row in found]
    assert verdict_of(label, swapped).direction == MIRRORED[verdict_of(label, found).direction]


def test_half_the_questions_take_the_direction_from_rows_near_the_line() -> None:
    """Half widths × √2. All rows of the kind, since few labelled rows lie near the line."""
    lost, stayed = [], []
    for row in (row for row in ROWS if row["kind"] == "thinking_on_off"):
        label = label_of(row) or replace(ON_OFF[0])
        wide = row | {side: row[side] * math.sqrt(2) for side in ("off_half", "on_half")}
        before, after = verdict_of(label, [row]), verdict_of(label, [wide])
        if before.direction == NOT_SHOWN:
            assert after.direction == NOT_SHOWN
            continue
        assert after.direction == (before.direction if abs(before.z) >= REACH else NOT_SHOWN)
        (stayed if after.direction == before.direction else lost).append(row["model"])
    assert len(lost) >= 5
    assert len(stayed) >= 15


def test_the_matchers_row_is_gated_and_would_be_shown_without_the_gate() -> None:
    (label,) = (label for label in DOSE if label.direction == GATED)
    (row,) = chosen(label)
    verdict = verdict_of(label, [row])
    assert (verdict.direction, verdict.equivalence, verdict.gates_failed) == (GATED, GATED, ("judge_drift",))
    assert verdict.p < 0.001
    bare = trend_verdict(row["k"], row["n"], row["effort"], margin=0.05)
    assert (bare.direction, bare.p) == (DOWN, verdict.p)
    same = [round(sum(INKLING_ERROR["Inkling"]) / 5 * 260)] * 5
    assert trend_verdict(row["k"], row["n"], row["effort"], margin=0.05, judge_errors=same).direction == DOWN
    (small,) = (row for row in ROWS if row["model"] == "Inkling-Small" and row["measure"].startswith("harmful"))
    assert judge_errors(small) is not None, "its judge is tested too, and passes"
    assert verdict_of(label, [small]).gates_failed == ()


def test_no_fall_over_filler_tokens_is_shown_and_a_fall_would_be() -> None:
    (row,) = chosen(DOSE[-1])
    fall = largest_fall(row)
    assert fall.difference == pytest.approx(-19 / 600)
    assert fall.direction == NOT_SHOWN
    assert largest_fall(row | {"value": [*row["value"][:4], 45.0]}).direction == DOWN


def test_the_interval_and_drop_of_sandbagging_are_the_reviews() -> None:
    (row,) = (row for row in ROWS if row["model"] == "GLM-4.7")
    shares = zip(row["p1"], row["n1"], row["p0"], row["n0"], row["newcombe"], strict=True)
    for p1, n1, p0, n0, (_, low, high) in shares:
        found = summary_verdict(Counts(round(p0 * n0), n0), Counts(round(p1 * n1), n1), margin=0.05)
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.006)
    drop = verdict_of(DOSE[3], [row])
    assert (-drop.high, -drop.low) == pytest.approx(tuple(row["drop"]["ci"]), abs=0.015)


def test_a_row_whose_n_was_not_read_has_no_label_and_would_have_with_953_at_each_point() -> None:
    (row,) = (row for row in ROWS if row["measure"].startswith("willing to be turned off"))
    assert row["n"] is None
    assert label_of(row) is None
    supposed = summary_verdict(*(Counts(round(value * 9.53), 953) for value in row["value"]), margin=0.05)
    assert supposed.direction == DOWN
    assert (supposed.low, supposed.high) == pytest.approx((-0.174, -0.085), abs=0.001)


def test_the_page_is_current() -> None:
    assert_current("docs/literature.md", page())


def test_the_page_shows_every_row_with_its_status_and_labels_only_those_of_the_review() -> None:
    lines = [
        line for line in page().splitlines() if line.startswith("| ") and not line.startswith(("| Model", "| ---"))
    ]
    assert len(lines) == len(ROWS)
    assert all(any(f" | {mark} | " in line for mark in STATUSES) for line in lines)
    bare = sum(" | – | – | – | – | " in line for line in lines)
    assert bare == sum(label_of(row) is None for row in ROWS) == 54
    assert page().count("Unpaired, conservative") >= 5


def test_a_status_in_words_has_its_mark() -> None:
    marks = {row["status"]: status(row) for row in ROWS}
    assert {mark for text, mark in marks.items() if "third-party" in text} == {"third party"}
    assert {mark for text, mark in marks.items() if "measured here" in text} == {"measured"}
    assert status({"status": "recalled"}) == "recalled"


def test_the_same_direction_is_good_or_bad_by_the_axis() -> None:
    words = {
        measure: direction_words({"axis": axis, "measure": measure}, UP)
        for axis, measure in (
            ("safety", "harmless response rate"),
            ("safety", "attack success"),
            ("benign", "refusal rate"),
        )
    }
    assert list(words.values()) == ["up (safer)", "up (less safe)", "up (refuses more)"]


def test_the_rows_are_those_of_the_folder_for_checks(data: Path) -> None:
    assert json.loads((data / "literature.json").read_text())["rows"] == ROWS
    errors = json.loads((data / "published_values.json").read_text())["inkling_matcher_error_by_level"]
    assert {"large": list(INKLING_ERROR["Inkling"]), "small": list(INKLING_ERROR["Inkling-Small"])} == errors
