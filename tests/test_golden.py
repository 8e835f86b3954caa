"""What a user sees of stored inputs is what it was; and a difference is noticed and named by its kind."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from golden_differences import Difference, differences, in_words, same

from golden import CASES, HERE, kinds, outcome, outcome_on_file

UNCOVERED: dict[str, str] = dict.fromkeys(
    ("monitor", "faithfulness", "necessity", "encoded", "latent", "monitorability", "probe", "oversight"),
    "they are of oversight, on which no stored input says anything; tests/analysis/oversight plants some",
)
"""Kinds of findings that no stored input gives, and why."""

GLOSSARY = HERE.parents[1] / "docs" / "glossary.md"


@pytest.mark.parametrize("case", CASES)
def test_an_input_gives_what_it_gave(case: str) -> None:
    result = differences(case, outcome_on_file(case), outcome(CASES[case]))
    assert not result, f"make golden shows all differences:\n{in_words(result)}"


def documented() -> list[str]:
    """The kinds of findings that the glossary lists."""
    section = GLOSSARY.read_text(encoding="utf-8").split("\n## Finding kinds\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


def test_every_kind_of_finding_is_covered() -> None:
    covered = {kind for case in CASES for kind in kinds(case)}
    assert len(documented()) > 25
    assert set(documented()) - covered == set(UNCOVERED)
    assert covered <= set(documented())


def test_nothing_is_stored_that_no_case_uses() -> None:
    inputs = {name for case in CASES.values() for name in case.inputs}
    files = {
        f"{path.parent.name}/{path.name}" if path.parent.name in ("logs", "tables") else path.name
        for path in [*HERE.glob("inputs/*"), *HERE.glob("inputs/logs/*"), *HERE.glob("inputs/tables/*")]
        if path.name not in ("logs", "tables")
    }
    assert files == inputs
    assert {path.name for path in HERE.glob("outcomes/*")} == set(CASES)


Change = Callable[[list[dict[str, object]]], object]


def counts(result: dict[str, Difference]) -> dict[str, str]:
    return {kind: difference.counts() for kind, difference in result.items()}


def after_change(case: str, change: Change) -> dict[str, Difference]:
    """By kind: what differs once the stored findings of a case are changed."""
    before = outcome_on_file(case)
    findings = [json.loads(line) for line in before["findings.jsonl"].splitlines()]
    change(findings)
    after = before | {"findings.jsonl": "".join(json.dumps(finding) + "\n" for finding in findings)}
    return {kind: difference for (_, kind), difference in differences(case, before, after).items()}


def first_of(findings: list[dict[str, object]], kind: str) -> dict[str, object]:
    return next(finding for finding in findings if finding["kind"] == kind and "estimate" in finding)


def move(finding: dict[str, object], share: float) -> None:
    number = finding["estimate"]
    assert isinstance(number, float)
    assert number
    finding["estimate"] = number * (1 + share)


def test_a_changed_number_is_reported_from_a_billionth_on() -> None:
    assert after_change("ladder", lambda findings: move(first_of(findings, "value"), 1e-11)) == {}
    result = after_change("ladder", lambda findings: move(first_of(findings, "value"), 1e-8))
    assert list(result) == ["value"]
    assert len(result["value"].changed) == 1
    assert "estimate" in result["value"].example


def test_a_changed_label_is_reported() -> None:
    result = after_change("ladder", lambda findings: first_of(findings, "shape").update(label="hump"))
    assert list(result) == ["shape"]
    assert "label" in result["shape"].example
    assert "'hump'" in in_words({("ladder", kind): found for kind, found in result.items()})


def test_a_changed_limit_is_reported() -> None:
    assert list(after_change("ladder", lambda findings: first_of(findings, "frontier").update(limits=["none"]))) == [
        "frontier"
    ]


def test_a_removed_finding_is_reported() -> None:
    result = after_change("labels", lambda findings: findings.remove(first_of(findings, "judge")))
    assert counts(result) == {"judge": "0 added, 1 removed, 0 changed"}


def test_an_added_kind_is_reported() -> None:
    result = after_change("votes", lambda findings: findings.append({"kind": "mood", "id": "a/mood", "estimate": 1.0}))
    assert counts(result) == {"mood": "1 added, 0 removed, 0 changed"}


def test_another_order_is_reported() -> None:
    assert list(after_change("votes", lambda findings: findings.reverse())) == ["order of findings"]


def test_changed_statements_and_text_are_reported() -> None:
    before = outcome_on_file("turns")
    after = before | {name: text.replace("8 turns", "9 turns") for name, text in before.items() if "state" in name}
    different = {kind for _, kind in differences("turns", before, after)}
    assert "statement.json: no_claim_beyond" in different
    assert "1-statement.txt" in different
    assert in_words({}) == "no differences"


def test_a_missing_file_is_reported() -> None:
    before = outcome_on_file("turns")
    assert differences("turns", before, {name: before[name] for name in before if name != "statement.json"})


def test_what_counts_as_the_same() -> None:
    nan = float("nan")
    assert same({"a": None, "b": [1.0, nan]}, {"b": [1, nan]})
    assert not same(nan, 0.0)
    assert not same(None, 0.0)
    assert not same(True, 1)
    assert not same("0.1", 0.1)
    assert not same([1.0], [1.0, 2.0])
