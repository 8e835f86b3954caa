"""Statements of loops of tool calls: bounded by turns or tokens, and no claim above the highest checkpoint."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_study import Made, document, write_study
from statement_changes import changed, claim, forged, on, put, rules, says

from overthink.governance.statement.compare import re_evaluation
from overthink.governance.statement.schema import Statement
from overthink.workflows.statement import statement

THREE = {"capability": (0.3, 0.5, 0.6, 0.75), "safety": (0.9, 0.88, 0.8, 0.6)}
LADDERS: dict[str, dict[str, Any]] = {
    "turns": {"turns": (1, 2, 4, 8)},
    "tokens": {"loop_tokens": (500, 1000, 2000, 4000)},
}
FIELDS = ("turns", "loop_tokens", "holds_for_turns<=", "holds_for_loop_tokens<=")

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("loops")
    made = {name: Made(THREE, budgets=None, **ladder) for name, ladder in LADDERS.items()}
    return {name: write_study(folder / name, one) for name, one in (made | {"forced": Made(THREE)}).items()}


@pytest.fixture(scope="module")
def honest(studies: dict[str, Path]) -> dict[str, dict[str, Any]]:
    return {name: document(study) for name, study in studies.items()}


def test_an_honest_statement_passes(honest: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    assert {name: rules(one, tmp_path) for name, one in honest.items()} == {"turns": {}, "tokens": {}, "forced": {}}


def test_claims_are_bounded_by_the_highest_checkpoint(studies: dict[str, Path]) -> None:
    turns, tokens = (statement(studies[name], write=False).statement for name in LADDERS)
    assert turns.no_claim_beyond == "No claim above 8 turns, 3 tries."
    assert tokens.no_claim_beyond == "No claim above 4,000 generated tokens of a loop, 3 tries."
    assert {(c.holds_for_turns, c.holds_for_loop_tokens, c.holds_for_tokens) for c in turns.claims} == {(8, None, None)}
    assert {(c.holds_for_turns, c.holds_for_loop_tokens) for c in tokens.claims} == {(None, 4000)}
    assert [point.turns for point in turns.curves[0].points] == [1, 2, 4, 8]
    assert all("8 turns" in one.statement for one in turns.claims)
    assert all("4,000 generated tokens" in one.statement for one in tokens.claims)
    assert "from 1 to 8 turns" in next(one.statement for one in turns.claims if one.type == "change")
    assert [point.cost.value for point in tokens.curves[0].points] == [1, 2, 4, 8]
    assert {c.k.ref.unit for c in (*tokens.claims, *turns.claims)} == {"generated tokens of a loop"}
    for made in (turns, tokens):
        assert made.elicitation.efforts is None
        assert "a calculator where it brings none" in (made.elicitation.tools_reason or "")
        assert "stated, not checked" in made.elicitation.stop_rule
        assert {one.what for one in made.elicitation.not_tried} >= {"tools", "more_thinking", "other_efforts"}
        assert all("to compare with" not in " ".join(one.weakened_by) for one in made.claims)


def test_a_deployable_budget_of_thinking_tokens_cannot_be_compared(studies: dict[str, Path], tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"max_deployable_budget": {"thinking_tokens": 1, "tries": 1, "source": "s"}}))
    made = statement(studies["turns"], facts=facts, write=False).statement
    assert all("no number of thinking tokens to compare" in " ".join(one.weakened_by) for one in made.claims)
    assert {one.strength for one in made.claims} <= {"lower_bound", "undetermined"}


def test_the_forms_of_others_hold_the_ladder(studies: dict[str, Path]) -> None:
    written = statement(studies["turns"], write=False)
    results = written.statement.every_eval_ever["evaluation_results"]
    details = [one["generation_config"]["additional_details"] for one in results]
    assert [one["turns"] for one in details[:4]] == ["1", "2", "4", "8"]
    properties = {one["name"].split(":")[-1]: one["value"] for one in json.loads(
        written.exports()["cyclonedx_properties.json"])}  # fmt: skip
    assert properties["budgets"] == "1 turn,2 turns,4 turns,8 turns"
    assert "turns of a loop of tool calls: 1 turn, 2 turns, 4 turns, 8 turns" in written.text()
    assert "| 8 turns |" in written.text()


def test_statements_of_other_ladders_say_nothing_of_loops(honest: dict[str, dict[str, Any]]) -> None:
    def keys(part: Any) -> set[str]:
        if isinstance(part, dict):
            return set(part).union(*map(keys, part.values()))
        return set().union(*map(keys, part)) if isinstance(part, list) else set()

    assert not keys(honest["forced"]) & set(FIELDS)
    assert keys(honest["turns"]) & set(FIELDS) == {"turns", "holds_for_turns<="}  # positive control


def beyond(name: str, count: int, old: str, new: str) -> Change:
    """A claim is moved above the highest checkpoint as a whole."""

    def change(document: dict[str, Any]) -> None:
        one = claim(document)
        one[name] = count
        one["statement"] = one["statement"].replace(old, new)

    return change


def drop(name: str) -> Change:
    return lambda document: claim(document).pop(name) and None


def longer_ladder(document: dict[str, Any]) -> None:
    """The plan's own ladder is said to go on, and so is every bound."""
    document["elicitation"]["turns"] = [1, 2, 4, 8, 16]
    document["no_claim_beyond"] = "No claim above 16 turns, 3 tries."


def point_off(document: dict[str, Any]) -> None:
    for curve in document["curves"]:
        curve["points"][-1]["turns"] = 16
    for one in document["claims"]:
        one["holds_for_turns<="] = 16


FAULTS: dict[str, tuple[str, Change, str, str]] = {
    # ladder, change, rule that must catch it, part of the reason
    "above the highest turns": ("turns", beyond("holds_for_turns<=", 16, "8 turns", "16 turns"), "reworded", "is 8\n"),
    "above the highest tokens": (
        "tokens", beyond("holds_for_loop_tokens<=", 16_000, "4,000", "16,000"), "reworded", "16000; by its facts"),
    "only the sentence goes on": ("turns", beyond("holds_for_turns<=", 8, "8 turns", "9 turns"), "reworded", "9 turns"),
    "no bound in turns": ("turns", drop("holds_for_turns<="), "reworded", "left out; by its facts it is 8"),
    "no bound in tokens": ("tokens", drop("holds_for_loop_tokens<="), "reworded", "left out"),
    "bounded by thinking": ("turns", on("level", "holds_for_thinking_tokens<=", to=9), "reworded", "it is None"),
    "sits elsewhere": ("turns", on("level", "at", "turns", to=4), "reworded", "4; by its facts it is 8"),
    "a longer ladder": ("turns", longer_ladder, "reworded", "planned: 1, 2, 4, 8, 16"),
    "a rung that was not run": ("turns", point_off, "checkpoints", "not on the ladder"),
    "another ladder's name": (
        "turns", put("elicitation", "ladder", to="forced thinking budgets"), "reworded", "turns of a loop"),
    "two ladders": ("tokens", put("elicitation", "turns", to=[1, 2]), "budgets", "turns and loop_tokens"),
    "turns that do not rise": ("turns", put("elicitation", "turns", to=[1, 4, 2, 8]), "budgets", "do not increase"),
    "a checkpoint on a forced curve": (
        "forced", put("curves", 0, "points", 0, "turns", to=4), "checkpoints", "turns 4, None"),
    "what is not claimed": (
        "turns", put("no_claim_beyond", to="No claim above 16 turns, 3 tries."), "reworded", "above 8 turns"),
    "another sentence": ("tokens", says("The same was seen at 16,000 generated tokens."), "reworded", "by its facts"),
    "scoring that was checked": (
        "turns", put("elicitation", "sandbox_scoring", to=None), "reworded", "runs in a sandbox"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_an_overclaim_is_caught_with_its_reason(name: str, honest: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    ladder, change, rule, reason = FAULTS[name]
    wrong = copy.deepcopy(honest[ladder])
    change(wrong)
    assert reason in rules(wrong, tmp_path).get(rule, f"{rule} found nothing")


@pytest.mark.parametrize(
    ("ladder", "change", "reason"),
    [
        ("turns", lambda d: d["elicitation"].update(turns=[1, 2, 4, 16]), "rose: 8 turns, then 16"),
        ("tokens", lambda d: d["elicitation"].update(loop_tokens=[9000]), "rose: 4,000 generated tokens, then 9,000"),
        ("turns", lambda d: d["elicitation"].update(turns=None, efforts=["low"]), "the provider's own efforts"),
    ],
)
def test_re_evaluation_is_due_when_loops_grew(
    ladder: str, change: Change, reason: str, honest: dict[str, dict[str, Any]]
) -> None:
    first = Statement.model_validate(honest[ladder], strict=False)
    grown = forged(changed(honest[ladder], change))
    assert grown is not None
    second = Statement.model_validate(grown, strict=False)
    assert any(reason in fault.reason for fault in re_evaluation(first, second))
    assert re_evaluation(first, first) == ()
