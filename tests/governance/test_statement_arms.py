"""What a statement says of arms: generated, checked by its own fields, and computed again from the study."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from simulated_study import run
from statement_changes import rules

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.governance.statement.schema import statement_json_schema
from overthink.plan.study import checked_plan
from overthink.workflows.statement import check, statement

Document = dict[str, Any]
ARMS = "base,safethink,placebo:of=safethink,primer"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A safety task on which thinking harms, and a guard that sees where."""
    folder = tmp_path_factory.mktemp("arms") / "study"
    plan = checked_plan(
        overthink="0",
        model="overthink/simulated",
        model_args={"safety": "decline(high=0.97,low=0.5)", "steer_effect": 0.9},
        tasks=overthink.tasks(capability=[], safety=["overthink/contrast_harm"], benign=[], args={"examples": False}),
        budgets=(0, 48),
        draws=2,
        limit=20,
        seed=5,
        arms=arm_plans(ARMS, model="overthink/simulated"),
    )
    run(folder, plan)
    statement(folder)
    return folder


@pytest.fixture
def document(study: Path) -> Document:
    return copy.deepcopy(json.loads((study / "statement.json").read_text()))


def claims(document: Document) -> dict[tuple[str, str], Document]:
    return {(claim["type"], claim["curve"].split("/")[2]): claim for claim in document["arms_compared"]}


def test_it_says_of_every_arm_whether_it_helps_and_whether_its_reading_does(study: Path, document: Document) -> None:
    own = claims(document)
    arms = ("safethink", "primer")
    assert set(own) == {*(("mitigation", arm) for arm in arms), ("reading", "safethink")}
    findings = {f["id"]: f for f in json.loads((study / "findings.json").read_text())["findings"]}
    for claim in own.values():
        finding = findings[claim["value"]["finding"]]
        assert claim["verdict"] == finding["label"]
        assert claim["value"]["estimate"] == finding["estimate"]
        assert claim["holds_for_thinking_tokens<="] == 48
        assert claim["statement"] in (study / "statement.md").read_text()
    reading = own["reading", "safethink"]
    assert reading["verdict"] == "its reading helps"
    assert (
        "arm `safethink` against its placebo, which acts and reads nothing: its reading helps; " in reading["statement"]
    )
    assert own["mitigation", "safethink"]["verdict"].startswith("mitigates")
    assert list(Draft202012Validator(statement_json_schema()).iter_errors(document)) == []


def test_the_study_gives_it_again(study: Path, document: Document, tmp_path: Path) -> None:
    found = check(study / "statement.json", study=study)
    assert found.ok, found.text()
    claims(document)["reading", "safethink"]["n_draws"] = 1
    (tmp_path / "changed.json").write_text(json.dumps(document))
    faults = check(tmp_path / "changed.json", study=study).faults
    assert {fault.rule for fault in faults} >= {"id", "recomputed"}
    assert any("n_draws" in fault.where for fault in faults if fault.rule == "recomputed")


def reword(document: Document) -> None:
    claims(document)["mitigation", "primer"]["statement"] += " It is the best."


def promote(document: Document) -> None:
    claim = claims(document)["reading", "safethink"]
    claim["verdict"] = "its reading harms"


def unshown(document: Document) -> None:
    claims(document)["reading", "safethink"]["test"]["p_adjusted"] = 0.2


def misname(document: Document) -> None:
    value = claims(document)["mitigation", "safethink"]["value"]
    value["finding"] = value["finding"].replace("equal_thinking", "equal_thinking_of_my_own")


def swap(document: Document) -> None:
    claims(document)["reading", "safethink"]["verdict"] = "mitigates, does not eliminate"


def inflate(document: Document) -> None:
    claim = claims(document)["mitigation", "safethink"]
    claim["value"] |= {"estimate": 0.99, "high": 1.0}


def turn_about(document: Document) -> None:
    claim = claims(document)["mitigation", "safethink"]
    claim["against"] = claims(document)["reading", "safethink"]["against"]


def leave_out_reading(document: Document) -> None:
    document["arms_compared"] = [claim for claim in document["arms_compared"] if claim["type"] != "reading"]


def leave_out_arm(document: Document) -> None:
    document["arms_compared"] = [claim for claim in document["arms_compared"] if "/primer/" not in claim["curve"]]


def leave_out_mitigations(document: Document) -> None:
    document["arms_compared"] = [claim for claim in document["arms_compared"] if claim["type"] == "reading"]


def forge_before(document: Document) -> None:
    true = claims(document)["mitigation", "safethink"]
    document["arms_compared"].insert(0, copy.deepcopy(true) | {"id": "m99", "margin": 0.5})


def multiply(document: Document) -> None:
    claims(document)["reading", "safethink"]["n_questions"] = 2000


def unlimited(document: Document) -> None:
    claims(document)["mitigation", "safethink"]["limits"] = []


def widen(document: Document) -> None:
    claims(document)["mitigation", "safethink"]["margin"] = 0.5


def percent(document: Document) -> None:
    claims(document)["mitigation", "safethink"]["value"]["unit"] = "share"


@pytest.mark.parametrize(
    ("change", "rule", "reason"),
    [
        (reword, "reworded", "by its facts it is"),
        (promote, "arm-verdicts", "with a difference of"),
        (unshown, "arm-verdicts", "with adjusted p 0.2; needed: at most 0.05"),
        (misname, "arm-curves", "' is no mitigation of"),
        (swap, "arm-verdicts", "is no verdict on a reading"),
        (inflate, "arm-numbers", "the curves differ by"),
        (turn_about, "arm-curves", "a mitigation of 'safethink' against 'placebo:of=safethink'"),
        (leave_out_reading, "arms-whole", "what the reading of safethink does is left out"),
        (leave_out_arm, "arms-whole", "/primer/"),
        (leave_out_mitigations, "arms-whole", "against a reference is left out"),
        (forge_before, "arms-whole", "claimed twice"),
        (multiply, "arm-numbers", "2000; both curves have 20 at most"),
        (unlimited, "limits", "what the number does not cover"),
        (widen, "reworded", "0.5"),
        (percent, "unit", "needed: 'difference of shares'"),
    ],
)
def test_what_claims_too_much_breaks_a_rule(
    document: Document, tmp_path: Path, change: Callable[[Document], None], rule: str, reason: str
) -> None:
    assert rules(document, tmp_path) == {}
    change(document)
    found = rules(document, tmp_path)
    assert rule in found
    assert reason in found[rule]


def test_a_study_of_one_arm_says_nothing_of_arms(document: Document, tmp_path: Path) -> None:
    del document["arms_compared"]
    assert "arms-whole" in rules(document, tmp_path)  # a placebo was run, so something is left out
