"""Statements that are malformed or claim too much are caught, each with the right reason; honest ones pass."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from made_study import Made, document, write_study
from statement_faults import FAULTS, SENTENCES, says

from overthink.statements import check

THREE = {"capability": (0.3, 0.5, 0.6, 0.75), "safety": (0.9, 0.88, 0.8, 0.6), "benign": (0.7, 0.7, 0.7, 0.7)}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return document(write_study(tmp_path_factory.mktemp("made") / "study", Made(THREE)))


def rules(given: dict[str, Any], folder: Path) -> dict[str, str]:
    """By rule that was broken: every reason."""
    path = folder / "statement.json"
    path.write_text(json.dumps(given))
    found: dict[str, str] = {}
    for fault in check(path).faults:
        found[fault.rule] = found.get(fault.rule, "") + f"{fault.where}: {fault.reason}\n"
    return found


def test_the_honest_statement_passes(honest: dict[str, Any], tmp_path: Path) -> None:
    assert rules(honest, tmp_path) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_with_its_reason(name: str, honest: dict[str, Any], tmp_path: Path) -> None:
    change, rule, reason = FAULTS[name]
    wrong = copy.deepcopy(honest)
    change(wrong)
    assert wrong != honest
    assert reason in rules(wrong, tmp_path).get(rule, f"{rule} found nothing")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_an_overclaiming_sentence_is_caught(sentence: str, honest: dict[str, Any], tmp_path: Path) -> None:
    rule, kind, axis = SENTENCES[sentence]
    wrong = copy.deepcopy(honest)
    says(sentence, kind, axis)(wrong)
    assert rule in rules(wrong, tmp_path)
