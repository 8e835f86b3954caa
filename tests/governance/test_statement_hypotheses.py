"""What a statement says of a hypothesis is held to its own fields; every edit is a fault without the study, too."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_study import Made, write_study
from statement_changes import rules

from overthink.workflows.analyse import analyse
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.statement import check, statement

Document = dict[str, Any]
MADE = Made({"safety": (0.5, 0.9, 0.5, 0.4)}, hypothesis="up@64,down")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_study(tmp_path_factory.mktemp("made") / "study", MADE)
    statement(folder)
    return folder


def whole(document: Document) -> Document:
    (curve,) = document["curves"]
    return curve["hypothesis"]  # type: ignore[no-any-return]


def part(document: Document) -> Document:
    return whole(document)["parts"][0]  # type: ignore[no-any-return]


EDITS: dict[str, Callable[[Document], object]] = {
    "confirmed over parts that are not": lambda d: part(d).update(verdict="not_shown"),
    "shown with p = 1": lambda d: part(d)["test"].update(p_adjusted=1.0),
    "confirmed with p = 1": lambda d: whole(d)["test"].update(p_adjusted=1.0),
    "no parts": lambda d: whole(d).update(parts=[]),
    "one of two parts": lambda d: whole(d)["parts"].pop(),
    "a rung that is not there": lambda d: part(d).update(rung=99),
    "another change": lambda d: part(d)["change"].update(estimate=0.9),
    "a claim that cannot be read": lambda d: whole(d).update(claim="garbage <b>"),
    "another claim": lambda d: whole(d).update(claim="up@64,flat"),
    "a part called confirmed": lambda d: part(d).update(verdict="confirmed"),
    "deleted": lambda d: d["curves"][0].update(hypothesis=None),
    "registered, though not planned": lambda d: d["elicitation"].update(hypothesis="down"),
}


def test_the_statement_of_the_study_has_no_fault_and_says_it_in_words(study: Path) -> None:
    document = json.loads((study / "statement.json").read_text())
    assert whole(document)["verdict"] == "confirmed"
    assert check(study / "statement.json").ok
    assert "Of your two parts: improves to 64 tokens (rungs 0 to 64): shown" in (study / "statement.md").read_text()


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_the_hypothesis_is_a_fault(study: Path, edit: str, tmp_path: Path) -> None:
    document = copy.deepcopy(json.loads((study / "statement.json").read_text()))
    EDITS[edit](document)
    assert "hypothesis" in rules(document, tmp_path)


def test_a_margin_of_another_day_is_not_the_one_that_was_registered(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", MADE)
    analyse(folder, out=folder, options=AnalysisOptions(margin=0.2))
    written = statement(folder)
    (curve,) = written.statement.curves
    assert curve.hypothesis is not None
    assert not curve.hypothesis.registered
    assert "stated after the data were collected" in written.text()
    assert check(written.path, study=folder).ok


def test_another_hypothesis_than_the_planned_is_a_deviation(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", MADE)
    analyse(folder, out=folder, options=AnalysisOptions(hypothesis="up"))
    written = statement(folder)
    assert any("the hypothesis `up` was tested; planned: `up@64,down`" in text for text in written.statement.deviations)
