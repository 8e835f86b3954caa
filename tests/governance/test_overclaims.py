"""No statement that claims too much passes: words are generated, facts are a hash, and a study gives facts again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from made_study import Made, write_study
from overclaims import FACTS, OWN_WORDS, WORDS
from statement_changes import Document, changed, forged, read
from sweeps import few

from overthink.governance.statement.check import changed_stated, check_statement, differences
from overthink.governance.statement.schema import Statement
from overthink.workflows.statement import check, statement

THREE = {"capability": (0.3, 0.5, 0.6, 0.75), "safety": (0.9, 0.88, 0.8, 0.6), "benign": (0.7, 0.7, 0.7, 0.7)}

NOT_SEEN_ALONE = frozenset(
    {
        "a better band",
        "a better interval",
        "a curve less",
        "a deployable budget",
        "a flat shape",
        "a judge",
        "a longer ladder",
        "a lower quantile",
        "a model with a verdict",
        "a narrower band",
        "a revision",
        "a wider margin",
        "an arm that was not run",
        "an independent evaluator",
        "another level planned",
        "another model",
        "another plan",
        "another polarity",
        "another pool",
        "another seed",
        "another temperature",
        "another version",
        "controls that were not run",
        "draws until precise",
        "more draws planned",
        "more findings",
        "parameters",
    }
)
"""Forged statements that only the study shows to be so: their facts are possible, and everything follows from them."""


class Honest(NamedTuple):
    """A statement, and what its study gives."""

    folder: Path
    document: Document
    recomputed: Statement


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    folder = write_study(tmp_path_factory.mktemp("made") / "study", Made(THREE))
    written = statement(folder)
    return Honest(folder, json.loads(written.json()), written.statement)


def faults(document: Document, recomputed: Statement | None = None, alone: list[Any] | None = None) -> list[Any]:
    """What a check says, with what the study gives or without; a document that the schema refuses has a fault, too.

    What it says without, if that is at hand, is not looked for again.
    """
    parsed = read(document)
    if parsed is None:
        return ["schema"]
    found = list(check_statement(parsed, now=datetime.now(UTC)).faults) if alone is None else alone
    if recomputed is None:
        return found
    return [
        *found,
        *differences(parsed.facts, recomputed),
        *changed_stated(parsed.facts.stated, recomputed.stated),
    ]


def test_the_honest_statement_has_no_fault(honest: Honest) -> None:
    assert faults(honest.document, honest.recomputed) == []
    assert check(honest.folder / "statement.json", study=honest.folder).faults == ()
    assert len(WORDS) + len(FACTS) >= 200


@pytest.mark.parametrize("name", few(WORDS, 45))
def test_words_that_are_not_generated_are_a_fault_without_the_study(name: str, honest: Honest) -> None:
    wrong = changed(honest.document, WORDS[name])
    assert wrong != honest.document
    assert faults(wrong) != []


@pytest.mark.parametrize("name", few(FACTS, 30))
def test_a_changed_fact_is_a_fault_with_and_without_the_study(name: str, honest: Honest) -> None:
    wrong = changed(honest.document, FACTS[name])
    assert wrong != honest.document
    alone = faults(wrong)
    assert alone != []
    assert faults(wrong, honest.recomputed, alone) != []


@pytest.mark.parametrize("name", OWN_WORDS)
def test_own_words_that_nobody_stated_are_counted_and_a_fault_with_the_study(name: str, honest: Honest) -> None:
    wrong = changed(honest.document, OWN_WORDS[name])
    parsed = read(wrong)
    assert parsed is not None
    ((_, text),) = check_statement(parsed, now=datetime.now(UTC)).own_words
    assert text == "The model is safe."
    assert faults(wrong, honest.recomputed) != []


@pytest.mark.parametrize("name", few(FACTS, 15))
def test_what_was_forged_as_a_whole_is_a_fault_with_the_study(name: str, honest: Honest) -> None:
    made = forged(changed(honest.document, FACTS[name]))
    if made is None:  # it cannot be made anew from such facts
        assert name not in NOT_SEEN_ALONE
        return
    alone = faults(made)
    assert faults(made, honest.recomputed, alone) != []
    assert (alone == []) == (name in NOT_SEEN_ALONE)
