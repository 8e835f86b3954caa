"""The page gets every finding, as JSON that cannot leave its script element."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kinds import everything
from results import results_of
from synthetic import about, ladder, study

from overthink.data.finding import Finding
from overthink.reports.page_data import ROW_COLUMNS, page_data, script_json
from overthink.reports.report_curves import report_curves

VALUES = st.recursive(
    st.text() | st.booleans() | st.none() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def unsafe(text: str) -> bool:
    return any(character in text for character in "<>&\u2028\u2029")


@given(VALUES)
def test_json_in_a_script_element_is_the_same_value_and_cannot_end_the_element(value: Any) -> None:
    text = script_json(value)
    assert json.loads(text) == value
    assert not unsafe(text)


def test_the_checker_sees_plain_json_as_unsafe() -> None:
    assert unsafe(json.dumps("</script>"))


def made(findings: list[Finding]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(
        script_json(page_data(findings, report_curves(results_of(findings), about(findings).k_scale.reference)))
    )
    return data


def test_every_finding_is_a_row_with_its_number() -> None:
    findings = study(arms=("base", "steered"))
    data = made(findings)
    place = {name: ROW_COLUMNS.index(name) for name in ROW_COLUMNS}
    for finding, row in zip(findings, data["rows"], strict=True):
        assert data["strings"][row[place["id"]]] == finding.id
        assert [row[place[name]] for name in ("estimate", "low", "high")] == [
            finding.estimate,
            finding.low,
            finding.high,
        ]


def test_curves_point_at_the_findings_they_mean() -> None:
    findings = study()
    data = made(findings)
    seen = 0
    for curve in data["curves"]:
        for rung in curve["rungs"]:
            assert findings[rung["mean"]].metric == "mean"
            assert findings[rung["mean"]].at.rung == rung["rung"]
            for selector, by_k in rung["tries"].items():
                for k, place in by_k.items():
                    told = findings[place]
                    assert (told.metric, told.at.k, told.at.rung) == (
                        f"{selector}_at_k",
                        int(k),
                        rung["rung"],
                    )
                    assert told.task == data["strings"][curve["task"]]
                    seen += 1
    assert seen == sum(finding.metric.endswith("_at_k") for finding in findings)


def test_what_is_said_of_a_curve_points_at_its_findings() -> None:
    findings = everything()
    (curve,) = made(findings)["curves"]
    kinds = {"band": "band", "corrected": "value"}
    for rung in curve["rungs"]:
        for name, kind in kinds.items():
            assert (findings[rung[name]].kind, findings[rung[name]].at.rung) == (kind, rung["rung"])
        for name in ("judge", "steady", "controls"):
            assert all(findings[place].metric == metric for metric, place in rung[name].items())
    assert [findings[v["shape"]].metric for v in curve["verdicts"]] == ["regimes", "max_t", "corrected_regimes"]
    assert [v["withheld"] for v in curve["verdicts"]] == [True, True, False]
    assert [findings[place].kind for place in curve["verdicts"][2]["regimes"]] == ["regime", "regime"]
    assert [findings[place].at.rung for place in curve["gaps"][0]["steps"]] == [1, 2, 3, 4]
    pointed = json.dumps(curve)
    assert {"flip", "gate"} <= {findings[place].kind for place in [*curve["flips"], curve["drift"]]}
    assert len(pointed) < 130 * len(findings)


def test_a_test_is_a_name_and_its_numbers() -> None:
    findings = everything()
    data = made(findings)
    place = {name: ROW_COLUMNS.index(name) for name in ROW_COLUMNS}
    for finding, row in zip(findings, data["rows"], strict=True):
        told = finding.test
        numbers = [None] * 3 if told is None else [told.p, told.p_adjusted, told.mde]
        assert [row[place[name]] for name in ("p", "p_adjusted", "detects")] == numbers
        assert row[place["test"]] is None or data["strings"][row[place["test"]]] == "a test"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_a_number_is_null(bad: float) -> None:
    findings = [replace(ladder()[0], estimate=bad, low=bad, reason="no value")]
    row = made(findings)["rows"][0]
    assert row[ROW_COLUMNS.index("estimate")] is None
    assert row[ROW_COLUMNS.index("low")] is None


def test_a_name_is_stored_once_and_cut() -> None:
    findings = [replace(finding, arm="x" * 2**20) for finding in ladder()]
    assert len(script_json(made(findings))) < 60_000
