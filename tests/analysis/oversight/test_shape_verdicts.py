"""Curves on oversight: a planted fall is called, a flat one is not, and capability's gain is told from it in pairs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from overthink.analysis import Analysis, analyse_outcomes
from overthink.analysis.families import OVERSIGHT, OVERSIGHT_OTHER, OVERSIGHT_PRIMARY
from overthink.analysis.oversight.curves import UPLIFT
from overthink.analysis.oversight.shape_verdicts import oversight_shapes
from overthink.analysis.request import CurveContext
from overthink.data.arrays import Array
from overthink.data.hypothesis import read_hypothesis
from overthink.data.ids import curve_ids
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import from_frame
from overthink.data.oversight import HONEST, OversightRow, View, oversight_frame
from overthink.data.oversight_cells import monitor_scores, perturbation_answers
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.beside import OversightShapeResult
from overthink.data.results.study import findings_of
from overthink.data.verdict_labels import HypothesisLabel, OversightGapLabel, ShapeLabel
from overthink.plan.arms import ProtocolArm

N, DRAWS, BUDGETS = 60, 2, (64, 128, 256)
RISE, FALL, FLAT = (0.2, 0.5, 0.9), (0.9, 0.6, 0.2), (0.5, 0.5, 0.5)


def planted(shares: Sequence[float], *, seed: int, n: int = N) -> Array:
    """1 for about a share of the answers at each rung, (question, draw, rung), drawn anew at each rung."""
    return (np.random.default_rng(seed).random((n, DRAWS, len(shares))) < shares).astype(float)


def records(values: Array, *, arm: str = "base", axis: Axis = Axis.CAPABILITY, **more: Any) -> list[RungRecord]:
    ids = more.pop("ids", [f"q{question:03}" for question in range(len(values))])
    own = {"natural_end": False, "answer_tokens": 2} | more
    return [
        RungRecord(
            "s", arm, axis, own.get("task", "t"), str(axis), ids[question], draw, rung, Estimand.FORCED,
            value=float(value), requested_tokens=BUDGETS[rung], thinking_tokens=BUDGETS[rung],
            **{name: part for name, part in own.items() if name != "task"},
        )
        for (question, draw, rung), value in np.ndenumerate(values)
    ]  # fmt: skip


def changes(label: str, moved: Array, *, corrects: Array | None = None) -> list[OversightRow]:
    return [
        OversightRow(
            "t", "base", f"q{question:03}", draw, Estimand.FORCED, BUDGETS[rung], thinking_tokens=BUDGETS[rung],
            view=View.COT, perturbation=label, agreement=not move,
            correct=None if corrects is None else bool(corrects[question, draw, rung]),
        )
        for (question, draw, rung), move in np.ndenumerate(moved)
    ]  # fmt: skip


def scores(arm: str, values: Array, **more: Any) -> list[OversightRow]:
    base = OversightRow("t", arm, "", 0, Estimand.FORCED, view=View.BOTH, monitor="m", **more)
    return [
        replace(base, question=f"q{question:03}", draw=draw, requested_tokens=BUDGETS[rung], score=float(score))
        for (question, draw, rung), score in np.ndenumerate(values)
    ]


def results(pool: list[RungRecord], table: list[OversightRow], **own: Any) -> tuple[OversightShapeResult, ...]:
    """Verdicts on curves on oversight alone, without the rest of a report."""
    frame, analysis = oversight_frame(table), Analysis(level=0.95, margin=0.1, **own)
    curves = sorted(from_frame(pool_of(pool)), key=lambda curve: curve.key)
    contexts = [
        CurveContext.of(curve, analysis, prefix=prefix, scorers=1, family=1, weights=np.zeros((0, 0)))
        for curve, prefix in zip(curves, curve_ids([curve.key for curve in curves]), strict=True)
    ]
    changes, scores = tuple(perturbation_answers(frame)), tuple(monitor_scores(frame))
    return oversight_shapes(contexts, changes, scores, seed=1)


def by_name(found: Sequence[OversightShapeResult], name: str) -> OversightShapeResult:
    (result,) = (each for each in found if each.name == name)
    return result


Shapes = tuple[OversightShapeResult, ...]


@pytest.fixture(scope="module")
def behind_changes() -> Shapes:
    """Capability rises; fewer and fewer answers change behind filler, as many behind mistakes; a sham changes few."""
    table = changes("filler", planted(FALL, seed=2)) + changes("sham", planted((0.1, 0.1, 0.1), seed=3))
    table += changes("none", planted(FLAT, seed=4), corrects=planted((0.1, 0.1, 0.1), seed=5))
    parts = read_hypothesis("down")
    return results(records(planted(RISE, seed=1)), table, hypothesis=None, parts=parts)


def test_a_planted_fall_is_called_with_its_place_and_its_part_of_the_hypothesis(behind_changes: Shapes) -> None:
    fall = by_name(behind_changes, "filler")
    assert (fall.metric, fall.label, fall.shape.label) == (Metric.ANSWERS_CHANGE, ShapeLabel.DOWN, "filler: down")
    assert fall.shape.kind == Kind.SHAPE
    assert fall.shape.estimate == pytest.approx(-0.7, abs=0.12)
    assert fall.onset is not None
    assert fall.hypothesis is not None
    assert fall.claim is HypothesisLabel.CONFIRMED
    assert fall.hypothesis.whole.label == f"filler: {HypothesisLabel.CONFIRMED}"
    assert fall.hypothesis.tests[0].label == f"filler: {HypothesisLabel.SHOWN}"
    uplift = by_name(behind_changes, UPLIFT)
    assert (uplift.label, uplift.gaps) == (ShapeLabel.UP, ())
    assert "sham" not in {result.name for result in behind_changes}


def test_capability_gains_more_than_a_curve_that_falls_and_not_more_than_itself(behind_changes: Shapes) -> None:
    (gap,) = by_name(behind_changes, "filler").gaps
    assert gap.verdict is OversightGapLabel.BEHIND
    assert [step.estimate for step in gap.steps] == pytest.approx([0.6, 1.4], abs=0.2)
    assert all(step.simultaneous and (step.low or 0) > 0 for step in gap.steps)
    assert (gap.onset.label or "").endswith(f"filler against t: {OversightGapLabel.BEHIND}")
    values = planted(RISE, seed=1)
    (same,) = by_name(results(records(values), changes("filler", values)), "filler").gaps
    assert [step.estimate for step in same.steps] == pytest.approx([0, 0])
    assert same.verdict is OversightGapLabel.NOT_SHOWN


def test_a_step_has_the_failed_gates_of_the_two_rungs_that_it_compares() -> None:
    pool = [replace(row, truncated=row.requested_tokens == BUDGETS[-1]) for row in records(planted(RISE, seed=1))]
    (result,) = results(pool, changes("filler", planted(FLAT, seed=2)))
    (gap,) = result.gaps
    assert ["truncation" in step.gates_failed for step in gap.steps] == [False, True]
    assert "truncation" in gap.onset.gates_failed


def test_findings_are_told_apart_by_metric_label_and_id(behind_changes: Shapes) -> None:
    found = list(findings_of(behind_changes))
    assert len({finding.id for finding in found}) == len(found)
    assert {finding.metric for finding in found if finding.kind == Kind.SHAPE} == {"answers_change", "uplift"}


def test_curves_on_oversight_are_families_of_their_own() -> None:
    pool, fall = records(planted(RISE, seed=1)), changes("filler", planted(FALL, seed=2))
    table = fall + changes("repeat", planted(FLAT, seed=6))
    shape = by_name(results(pool, table), "filler").shape
    assert any(f"2 curves (Holm): {OVERSIGHT}" in limit for limit in shape.limits)
    assert shape.test is not None
    assert shape.test.p_adjusted == pytest.approx(2 * (shape.test.p or 0))
    primary = by_name(results(pool, fall, primary=("t",), primary_registered=True), "filler").shape
    assert any(OVERSIGHT_PRIMARY in limit for limit in primary.limits)
    other = by_name(results(pool, table, primary=("other",)), "filler").shape
    assert any(OVERSIGHT_OTHER in limit for limit in other.limits)


def test_a_table_on_oversight_leaves_the_verdicts_on_the_curves_as_they_were() -> None:
    tables, table = from_frame(pool_of(records(planted(RISE, seed=1)))), changes("filler", planted(FALL, seed=2))
    analysis, behind = Analysis(level=0.95, margin=0.1), tuple(perturbation_answers(oversight_frame(table)))
    alone, beside = (
        analyse_outcomes(tables, analysis, rng=np.random.default_rng(1), changes=own) for own in ((), behind)
    )
    assert list(findings_of(alone.curves)) == list(findings_of(beside.curves))
    assert by_name(beside.oversight.shapes, "filler").label is ShapeLabel.DOWN


def test_a_flat_curve_is_seldom_called_anything_but_flat() -> None:
    pool = records(planted(FLAT, seed=1))
    table = [row for seed in range(12) for row in changes(f"filler:count={seed}", planted(FLAT, seed=50 + seed))]
    found = results(pool, table)
    labels = [result.label for result in found]
    assert set(labels) <= {ShapeLabel.FLAT, ShapeLabel.UNDETERMINED}
    assert {gap.verdict for result in found for gap in result.gaps} == {OversightGapLabel.NOT_SHOWN}


def test_traces_that_had_ended_show_no_level() -> None:
    values = np.repeat(planted((0.5,), seed=8), len(BUDGETS), axis=2)
    open_ended = by_name(results(records(values), changes("filler", values)), "filler")
    assert open_ended.label is ShapeLabel.FLAT
    over = by_name(results(records(values, natural_end=True), changes("filler", values)), "filler")
    assert over.label is ShapeLabel.UNDETERMINED
    assert "had ended" in (over.shape.reason or "")


def test_a_monitor_is_ranked_within_questions_and_its_rungs_without_text_are_left_out() -> None:
    chance = np.random.default_rng(9)
    noise = chance.normal(size=(2, N, DRAWS, 3))
    shift = np.array([9.0, 3.0, 0.0])
    honest, attack = 1 / (1 + np.exp(-noise[0])), 1 / (1 + np.exp(-noise[1] - shift))
    hard = np.linspace(-8, 8, N)[:, None, None]  # as hard to tell for both classes: AUROC suffers, pairs do not
    honest, attack = (1 / (1 + np.exp(-np.log(each / (1 - each)) - hard)) for each in (honest, attack))
    pool = records(planted(RISE, seed=1)) + records(planted(RISE, seed=1), arm="leak")
    pool += [row for arm in ("base", "leak") for row in records(planted(FLAT, seed=2), arm=arm, axis=Axis.SAFETY)]
    table = scores("base", honest, attack=HONEST, behaviour=False) + scores(
        "leak", attack, attack="leak", behaviour=True
    )
    (result,) = results(pool, table)
    assert (result.metric, result.label, result.key.arm) == (Metric.PAIR_RANKING, ShapeLabel.DOWN, "leak")
    expected = [(attack[:, :, None, rung] > honest[:, None, :, rung]).mean() for rung in range(3)]
    assert [point.estimate for point in result.points] == pytest.approx(expected)
    assert {point.kind for point in result.points} == {Kind.MONITOR}
    (gap,) = result.gaps
    rise = planted(RISE, seed=1).mean(axis=(0, 1))
    assert gap.steps[1].estimate == pytest.approx(rise[2] - rise[0] - 2 * (expected[2] - expected[0]))
    without = [replace(row, score=None) if row.requested_tokens == 64 else row for row in table]
    (later,) = results(pool, without)
    assert [point.at.requested_tokens for point in later.points] == [128, 256]
    assert any("1 of 3 rungs have no value" in limit for limit in later.shape.limits)


def test_a_judge_has_pairs_as_units_and_is_compared_with_itself_alone() -> None:
    ids = [f"debate-{pair:04}-{order}" for pair in range(N) for order in (1, 2)]
    pool = records(planted((0.5, 0.7, 0.95), seed=1, n=2 * N), task="overthink/debate", ids=ids)
    arms = {"debate": planted((0.9, 0.9, 0.9), seed=2, n=2 * N), "coin": planted(FLAT, seed=3, n=2 * N)}
    pool += [row for arm, values in arms.items() for row in records(values, arm=arm, task="overthink/debate", ids=ids)]
    protocols = (ProtocolArm("debate", "debate", 256, is_coin=False), ProtocolArm("coin", "debate", 256, is_coin=True))
    found = results(pool, [], protocols=protocols)
    assert [result.name for result in found] == ["judge alone", "debate at 256"]
    alone, debate = found
    assert (alone.label, alone.shape.n_questions, alone.gaps) == (ShapeLabel.UP, N, ())
    (gap,) = debate.gaps
    assert gap.verdict is OversightGapLabel.BEHIND
    assert any("0.5 for capability, 0.5 for oversight" in limit for limit in gap.steps[0].limits)
