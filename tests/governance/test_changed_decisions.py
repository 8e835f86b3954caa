"""What an analysis decides otherwise than its plan is a deviation of the statement, whatever analysis.json says."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from made_study import Made, write_study
from statement_changes import curve
from sweeps import few

import overthink
from overthink.analysis.shapes import HAD_ENDED, NOT_FLAT
from overthink.governance.statement.check import check_statement
from overthink.governance.statement.read import Fault, ReadStatement, parse_statement
from overthink.governance.statement.schema import Statement
from overthink.workflows.statement import check, statement

MADE = Made(
    {"capability": (0.3, 0.5, 0.7), "safety": (0.9, 0.7, 0.6)},
    budgets=(0, 64, 256),
    questions=12,
    draws=2,
    hypothesis=(64,),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_study(tmp_path_factory.mktemp("made") / "study", MADE)
    overthink.report(folder)
    return folder


@pytest.fixture
def analysed(study: Path) -> Any:
    """The statement of the study by an analysis.json that was edited, and its faults with the study."""
    path = study / "analysis.json"
    before = path.read_text()

    def edited(**changes: object) -> tuple[Statement, tuple[Fault, ...]]:
        path.write_text(json.dumps(json.loads(before) | changes))
        overthink.report(study)
        written = statement(study)
        assert written.path is not None
        return written.statement, check(written.path, study=study).faults

    yield edited
    path.write_text(before)


@pytest.mark.parametrize(
    ("changes", "deviation"),
    few(
        [
            ({"seed": 99}, "seed of the analysis: `99`; planned: `7`"),
            ({"primary": ["safety"], "primary_registered": True}, "primary curves: `safety`; planned: `none`"),
            ({"hypothesis": [0.5, 64.0]}, "hypothesis: `regimes 0.5, 64`; planned: `regimes 64`"),
            ({"k_reference": 3.0}, "thinking at K = 1: `3`; planned: `none`"),
        ],
        2,
    ),
)
def test_a_decision_that_is_not_the_plans_is_named_and_not_called_registered(
    changes: dict[str, object], deviation: str, analysed: Any
) -> None:
    result, faults = analysed(**changes, registered=True)
    assert (result.deviations, faults) == ((deviation,), ())
    limits = {limit for claim in result.claims for limit in claim.limits}
    is_of_tests = changes.keys() & {"primary", "hypothesis"}
    assert any("after the data were collected" in limit for limit in limits) == bool(is_of_tests)
    sentences = [claim.statement for claim in result.claims if "regimes" in claim.statement]
    named = "regimes named after the data were collected" if "hypothesis" in changes else "pre-registered regimes"
    assert sentences
    assert all(f"({named})" in sentence for sentence in sentences)


def test_the_plans_own_decisions_are_no_deviation(analysed: Any) -> None:
    result, faults = analysed()
    assert (result.changed_decisions, result.deviations, faults) == ((), (), ())
    assert "changed_decisions" not in result.model_dump(by_alias=True)


def test_k_stands_in_tokens_where_flop_are_counted_of_a_model_without_a_size(analysed: Any) -> None:
    result, faults = analysed(unit="flop")
    assert faults == ()
    assert {(c.reference.amount, c.reference.in_flop) for c in result.curves if c.reference} == {(64.0, False)}


def test_regimes_that_are_level_speak_of_means_and_may_differ_by_more_at_their_ends(analysed: Any) -> None:
    result, faults = analysed(margin=0.6)
    assert faults == ()
    sentence = next(claim.statement for claim in result.claims if "regimes" in claim.statement)
    assert "the means of no two regimes differ by the margin of 60 points or more" in sentence


def test_equal_ends_of_traces_that_had_ended_are_undetermined_whatever_their_p(analysed: Any) -> None:
    result, _ = analysed(margin=0.6)
    document = result.model_dump(mode="json", by_alias=True)
    shape = next(one for one in curve(document)["plateau"]["shapes"] if one["metric"] == "max_t")
    shape |= {"verdict": "undetermined", "test": shape["test"] | {"p": 0.01, "p_adjusted": 0.01}}
    for reason, has_fault in ((None, True), (NOT_FLAT.text(where=HAD_ENDED.text(tokens=64)), False)):
        shape["change"]["reason"] = reason
        whole = parse_statement(json.dumps(document), "statement.json")
        assert isinstance(whole, ReadStatement)
        found = check_statement(whole, now=datetime.now(UTC)).faults
        assert any(fault.rule == "verdict" for fault in found) == has_fault
