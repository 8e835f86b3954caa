"""Runs of a ladder that are not alike fail a gate, unknown ones are not checked, and pooled ones are tested."""

import numpy as np
import pytest

from overthink.analysis.withheld import UNLIKE_WITHHELD, unlike_runs
from overthink.data.conditions import INCOMPLETE, conditions_text, differences, settings_in
from overthink.data.outcomes import Outcomes, from_frame, made_by_plan
from overthink.data.pool import frame_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.errors import InputError
from overthink.stats.gates import CONDITIONS_UNKNOWN, GateResult, gates
from overthink.stats.testing import NOT_ALIKE, p_exchangeable


def curve(*rungs: dict[str, str] | tuple[dict[str, str], ...] | None) -> Outcomes:
    """A curve of two questions; each rung has one run's conditions, or two draws with those of two runs."""
    rows = []
    for rung, stated in enumerate(rungs):
        for draw, settings in enumerate(stated if isinstance(stated, tuple) else (stated,)):
            rows += [
                RungRecord(
                    *("s", "m", Axis.SAFETY, "t", "harm", question, draw, rung, Estimand.EFFORT),
                    verdict=Verdict.SAFE,
                    value=1.0,
                    effort=("low", "medium", "high")[rung],
                    conditions=None if settings is None else conditions_text(settings),
                )
                for question in ("a", "b")
            ]
    (table,) = from_frame(frame_of(rows))
    return table


def comparability(table: Outcomes) -> list[GateResult]:
    return [gate for gate in gates(table) if gate.name == "comparability"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("role.grader", "the grader differs: 1 at low, 2 at high"),
        ("scorer.harm.threshold", "threshold of the scorer harm differs: 1 at low, 2 at high"),
        ("task_version", "the task version differs: 1 at low, 2 at high"),
        ("temperature", "temperature differs: 1 at low, 2 at high"),
    ],
)
def test_what_differs_along_the_ladder_fails_and_is_named(name: str, words: str) -> None:
    alike = {"top_p": "1"}
    found = comparability(curve({**alike, name: "1"}, {**alike, name: "1"}, {**alike, name: "2"}))
    assert [(gate.estimate, gate.passed) for gate in found] == [(0.0, True), (0.0, True), (1.0, False)]
    assert f"`{words}`" in (found[2].reason or "")
    withheld = unlike_runs(found)
    assert withheld is not None
    assert UNLIKE_WITHHELD.matches(withheld.reason)
    assert unlike_runs(found[:2]) is None


def test_each_pair_of_unlike_rungs_has_a_failed_gate_between_it() -> None:
    found = comparability(curve({"judge": "a"}, {"judge": "b"}, {"judge": "a", "top_p": "1"}))
    assert [gate.passed for gate in found] == [True, False, False]
    (two,) = comparability(curve(({"judge": "a"}, {"judge": "b"})))  # one rung, two judges in it
    assert (two.passed, two.estimate) == (False, 1.0)
    assert "judge differs: a and b at low" in (two.reason or "")


def test_several_differences_are_all_named() -> None:
    found = comparability(curve({"judge": "a", "top_p": "1", "shots": "0"}, {"judge": "b", "top_p": "2"}))
    assert found[1].estimate == 3.0
    assert "`judge differs: a at low, b at medium`; other settings that differ: `shots, top_p`" in (
        found[1].reason or ""
    )


@pytest.mark.parametrize(
    "rungs",
    [(None, None), ({"a": "1"}, None), (({"a": "1"}, None), {"a": "1"}), ({"a": "1", INCOMPLETE: ""},) * 2],
)
def test_what_is_not_stated_is_not_checked_and_never_passed(rungs: tuple[dict[str, str] | None, ...]) -> None:
    found = comparability(curve(*rungs))
    assert (found[-1].passed, found[-1].estimate, found[-1].reason) == (None, None, CONDITIONS_UNKNOWN)
    assert not any(gate.passed is False for gate in found)


def test_a_known_difference_fails_whatever_else_is_unknown() -> None:
    found = comparability(curve({"a": "1", INCOMPLETE: ""}, ({"a": "2"}, None)))
    assert found[1].passed is False


def test_one_plan_and_one_rung_have_nothing_to_compare() -> None:
    assert comparability(made_by_plan([curve(None, None)], {"m"})[0]) == []
    assert len(comparability(made_by_plan([curve(None, None)], {"other"})[0])) == 2
    assert comparability(curve({"a": "1"})) == []


@pytest.mark.parametrize("text", ["", "[1]", "{", "7"])
def test_conditions_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="needed: a JSON object"):
        differences([[text], ['{"a": "1"}']])
    assert settings_in('{"a": 1}') == {"a": "1"}


def test_a_gate_says_of_how_many_rows_it_is() -> None:
    rows = [
        RungRecord(
            *("s", "m", Axis.CAPABILITY, "t", "match", f"q{i}", 0, 0, Estimand.EFFORT),
            verdict=Verdict.ERRORED if i == 9 else Verdict.CORRECT,
            value=None if i == 9 else 1.0,
            truncated=False if i < 6 else None,
        )
        for i in range(10)
    ]
    found = {gate.name: (gate.n_seen, gate.n_rows) for gate in gates(from_frame(frame_of(rows))[0])}
    assert found["truncation"] == (6, 9)  # of those that did not fail
    assert found["errors"] == found["unparsed"] == (10, 10)


def test_runs_of_one_thing_are_exchangeable_and_others_are_not() -> None:
    rng = np.random.default_rng(1)
    p = rng.random((60, 1))
    alike = (rng.random((60, 3)) < p).astype(float)
    assert p_exchangeable(alike) > 0.05
    assert p_exchangeable(np.column_stack([alike[:, 0], np.zeros(60)])) < NOT_ALIKE
    assert p_exchangeable(np.column_stack([alike, np.zeros(60)])) < NOT_ALIKE
    assert np.isnan(p_exchangeable(np.array([[0.0, np.nan], [np.nan, 1.0]])))
