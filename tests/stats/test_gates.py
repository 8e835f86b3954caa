from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core_pools import pool

from overthink.data.outcomes import Outcomes, from_frame, from_records
from overthink.data.pool import frame_of
from overthink.data.record import Estimand, RungRecord, Verdict
from overthink.stats import gates as module
from overthink.stats.gates import GateResult, effort_moved, gates

BUDGETS = (0, 64, 256)
SHAPE = (20, 2, 3)


def ladder(**columns: Any) -> list[RungRecord]:
    """A forced ladder that did what it was told, apart from the columns given."""
    asked = np.broadcast_to(np.array(BUDGETS, dtype=object), SHAPE)
    told = {"thinking_tokens": asked, "natural_end": False, "truncated": False, "verdict": Verdict.WRONG}
    return pool(np.zeros(SHAPE), requested_tokens=asked, **told | columns)


def efforts(tokens: Any, **columns: Any) -> list[RungRecord]:
    """An effort sweep with these mean reasoning tokens per level."""
    shape = (20, 1, len(tokens))
    noise = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    thought = np.array(tokens, dtype=float) * noise / noise.mean(axis=(0, 1))
    levels = np.broadcast_to(np.array(["low", "medium", "high"][: len(tokens)], dtype=object), shape)
    return pool(np.zeros(shape), estimand=Estimand.EFFORT, effort=levels, **{"thinking_tokens": thought} | columns)


def table(rows: list[RungRecord]) -> Outcomes:
    (only,) = from_records(rows)
    return only


def gate(rows: list[RungRecord], name: str, rung: int) -> GateResult:
    (found,) = [g for g in gates(table(rows)) if (g.name, g.rung) == (name, rung)]
    return found


def marks(share: float, rung: int, yes: Any, no: Any) -> np.ndarray:
    """``yes`` in this share of the rows of one rung, ``no`` elsewhere."""
    column = np.full(SHAPE, no, dtype=object)
    flat = column[:, :, rung].copy().ravel()
    flat[: round(share * flat.size)] = yes
    column[:, :, rung] = flat.reshape(SHAPE[:2])
    return column


def test_a_ladder_that_did_as_told_passes_everywhere() -> None:
    found = gates(table(ladder()))
    assert {g.name for g in found} == {"manipulation", "natural_end", "truncation", "unparsed", "errors"}
    assert all(g.passed for g in found if g.name != "natural_end")


@pytest.mark.parametrize(
    ("name", "column", "yes", "no", "most"),
    [
        ("truncation", "truncated", True, False, module.TRUNCATION_MAX),
        ("truncation", "verdict", Verdict.TRUNCATED, Verdict.WRONG, module.TRUNCATION_MAX),
        ("unparsed", "verdict", Verdict.UNPARSED, Verdict.WRONG, module.UNPARSED_MAX),
        ("errors", "verdict", Verdict.ERRORED, Verdict.WRONG, module.ERRORS_MAX),
    ],
)
def test_a_share_fails_just_above_its_threshold_and_only_there(
    name: str, column: str, yes: Any, no: Any, most: float
) -> None:
    for share, passed in ((most, True), (most + 0.05, False)):
        rows = ladder(**{column: marks(share, 1, yes, no)})
        assert gate(rows, name, 1).estimate == pytest.approx(share)
        assert gate(rows, name, 1).passed is passed
        assert all(gate(rows, name, rung).passed for rung in (0, 2))


def foreign(rows: list[RungRecord]) -> Outcomes:
    """A table whose rungs no plan made."""
    (only,) = from_frame(frame_of(rows))
    return only


def test_rows_that_are_missing_count_as_failed_unless_draws_differ_by_design() -> None:
    rows = efforts([100, 200])  # 20 questions, 1 draw
    rows += [replace(row, draw=1) for row in rows]
    partial = [row for row in rows if row.rung == 0 or row.draw == 0 or int(row.question.strip("q")) % 2]
    (low, high) = (g for g in gates(foreign(partial)) if g.name == "errors")
    assert (low.passed, low.reason) == (None, module.VERDICTS_UNKNOWN)
    assert (high.passed, high.estimate) == (False, 0.25)
    assert high.reason == module.ROWS_MISSING.text(missing=10)
    assert [g.passed for g in gates(foreign(partial), uneven=True) if g.name == "errors"] == [None, None]
    assert [g.passed for g in gates(table(partial)) if g.name == "errors"] == [None, None]  # a plan made them


def test_few_missing_rows_and_fewer_draws_of_every_question_fail_nothing() -> None:
    rows = [replace(row, verdict=Verdict.WRONG, draw=draw) for row in efforts([100, 200]) for draw in (0, 1)]
    few = [row for row in rows if (row.rung, row.draw, row.question) != (1, 1, rows[0].question)]
    (_, high) = (g for g in gates(foreign(few)) if g.name == "errors")
    assert (high.passed, high.estimate, high.n_rows) == (True, 1 / 40, 40)
    half = [row for row in rows if row.rung == 0 or row.draw == 0]
    assert [g.estimate for g in gates(foreign(half)) if g.name == "errors"] == [0.0, 0.0]


def test_ending_by_itself_is_information_and_no_fault() -> None:
    for share in (0.0, 0.5, 0.55, 1.0):
        rows = ladder(natural_end=marks(share, 1, True, False))
        ended = gate(rows, "natural_end", 1)
        assert (ended.estimate, ended.passed, ended.reason) == (pytest.approx(share), None, None)
        assert module.had_ended(table(rows)).tolist() == [False, share > module.NATURAL_END_MAX, False]
    unknown = [replace(r, natural_end=None) for r in ladder()]
    assert not module.had_ended(table(unknown)).any()


def test_thinking_must_follow_the_request() -> None:
    slack = int(module.MATCH_RELATIVE * BUDGETS[2])
    for tokens, passed in (
        (BUDGETS[2] + slack, True),
        (BUDGETS[2] - slack, True),
        (BUDGETS[2] - slack - 1, False),
    ):
        rows = ladder(thinking_tokens=np.broadcast_to(np.array([0, 64, tokens], dtype=object), SHAPE))
        assert gate(rows, "manipulation", 2).passed is passed
        assert gate(rows, "manipulation", 1).passed is True
    ignored = ladder(thinking_tokens=300.0)
    assert [gate(ignored, "manipulation", rung).passed for rung in range(3)] == [False] * 3


def test_a_trace_that_ended_by_itself_says_nothing_about_control() -> None:
    short = np.broadcast_to(np.array([0, 40, 40], dtype=object), SHAPE)
    some = ladder(
        thinking_tokens=np.where(marks(0.5, 2, 1, 0) == 1, 40, BUDGETS),
        natural_end=marks(0.5, 2, True, False),
    )
    assert gate(some, "manipulation", 2).estimate == 1
    every = gate(ladder(thinking_tokens=short, natural_end=marks(1, 2, True, False)), "manipulation", 2)
    assert (every.estimate, every.passed) == (None, None)
    assert "ended by itself" in str(every.reason)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("manipulation", "thinking_tokens"),
        ("manipulation", "natural_end"),
        ("manipulation", "requested_tokens"),
        ("natural_end", "natural_end"),
        ("truncation", "truncated"),
        ("unparsed", "verdict"),
        ("errors", "verdict"),
    ],
)
def test_unknown_is_neither_passed_nor_failed(name: str, column: str) -> None:
    rows = [replace(r, **{column: None}) for r in ladder()]
    found = gate(rows, name, 1)
    assert (found.estimate, found.passed) == (None, None)
    assert found.reason


@pytest.mark.parametrize("name", ["manipulation", "natural_end", "truncation"])
@pytest.mark.parametrize("share", [0.25, 0.4])
def test_the_rows_a_gate_saw_are_some_of_those_it_counts(name: str, share: float) -> None:
    """A failed row may say how it ended, too: it is neither looked at nor counted."""
    rows = ladder(error=marks(share, 1, "no connection", None), verdict=marks(share, 1, Verdict.ERRORED, Verdict.WRONG))
    saw = gate(rows, name, 1)
    assert saw.n_seen == saw.n_rows == round((1 - share) * SHAPE[0] * SHAPE[1])
    cut = [replace(row, truncated=True) if row.error else row for row in rows]
    assert gate(cut, "truncation", 1).estimate == 0


def test_an_unknown_row_does_not_count_as_good() -> None:
    half_known = marks(0.5, 1, None, True)
    half_known[:, :, [0, 2]] = False
    assert gate(ladder(truncated=half_known), "truncation", 1).estimate == 1


def test_a_cut_that_is_the_treatment_is_no_gate() -> None:
    rows = [replace(r, estimand=Estimand.TRUNCATED, truncated=True) for r in ladder()]
    assert "truncation" not in {g.name for g in gates(table(rows))}


def test_effort_must_raise_the_reasoning_tokens() -> None:
    rows = efforts([1000, 1090, 3000])
    assert [gate(rows, "manipulation", r).passed for r in range(3)] == [None, False, True]
    assert gate(rows, "manipulation", 2).estimate == pytest.approx(3000 / 1090, rel=1e-3)  # tokens are whole
    assert "natural_end" not in {g.name for g in gates(table(rows))}


def test_effort_is_read_from_generated_tokens_where_reasoning_is_unknown() -> None:
    tokens = efforts([100, 300])
    rows = [replace(r, thinking_tokens=None, generated_tokens=int(r.thinking_tokens or 0)) for r in tokens]
    assert gate(rows, "manipulation", 1).estimate == pytest.approx(3, rel=0.05)
    neither = [replace(r, thinking_tokens=None) for r in tokens]
    assert gate(neither, "manipulation", 1).passed is None


def test_reasoning_that_starts_from_nothing_rose() -> None:
    found = gate(efforts([0, 500]), "manipulation", 1)
    assert (found.estimate, found.passed) == (None, True)
    assert found.reason
    assert effort_moved(table(efforts([0, 500]))) == np.inf
    assert effort_moved(table(efforts([0, 0]))) == 1


@pytest.mark.parametrize(
    ("tokens", "moved"), [([500, 505, 510], False), ([500, 500, 900], True), ([500, 900, 500], True)]
)
def test_an_effort_sweep_that_moved_nothing(tokens: list[float], moved: bool) -> None:
    assert (effort_moved(table(efforts(tokens))) >= module.RISE_MIN) is moved


def test_a_sweep_of_one_level_or_without_counts_is_not_called_anything() -> None:
    assert np.isnan(effort_moved(table(efforts([500]))))
    assert np.isnan(effort_moved(table([replace(r, thinking_tokens=None) for r in efforts([5, 6])])))


@pytest.mark.parametrize(
    ("own", "other", "changes"),
    [
        ("aabb", "bbaa", True),  # a log has a row without a score where the other judge scored
        ("aa..", "..bb", False),  # each has its own questions: nothing is missing
        ("aabb", "....", False),  # a judge that failed alone
        ("aabb", "aaaa", False),  # another one scored all answers: it stands in for nothing
    ],
)
def test_errors_that_another_judge_scored_say_that_the_judge_changes(own: str, other: str, changes: bool) -> None:
    def judged(pattern: str, scorer: str) -> list[RungRecord]:
        marks_of_rows = [(row, pattern[int(row.question[1:]) % 4]) for row in ladder()]
        failed: dict[str, Any] = {"value": None, "verdict": Verdict.ERRORED, "error": "no score"}
        return [
            replace(row, scorer=scorer, **(failed if mark == "b" else {})) for row, mark in marks_of_rows if mark != "."
        ]

    first, *others = from_records([*judged(own, "first"), *judged(other, "second")])
    results = module.with_judges(gates(first), first, others)
    reasons = {str(gate.reason) for gate in results if gate.name == "errors"}
    assert all(("no score by `first`, and one by `second`" in reason) == changes for reason in reasons)
