"""Findings of success within a limit: what they count on each axis, what they leave out, and where they never stand."""

from collections.abc import Sequence

import numpy as np
import pytest

from overthink.analysis import analyse_outcomes
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results, flatten
from overthink.plan.analysis import Analysis


def row(
    question: str, value: float | None, tokens: int | None, axis: Axis = Axis.CAPABILITY, **more: object
) -> RungRecord:
    fields = {"estimand": Estimand.NATURAL, "generated_tokens": tokens, "draw": 0, "rung": 0} | more
    return RungRecord("s", "m", axis, "t", "k", question, value=value, **fields)  # type: ignore[arg-type]


def analysed(rows: Sequence[RungRecord]) -> Results:
    return analyse_outcomes(from_records(rows), Analysis(level=0.95), rng=np.random.default_rng(0))


def only_curve(rows: Sequence[RungRecord]) -> CurveResult:
    (curve,) = analysed(rows).curves
    return curve


def shares(findings: Sequence[Finding]) -> dict[float | None, float | None]:
    return {finding.at.total: finding.estimate for finding in findings}


def test_right_within_a_limit_is_right_and_short_enough() -> None:
    rows = [row("a", 1.0, 100), row("b", 1.0, 1000), row("c", 0.0, 10), row("d", 1.0, 300)]
    (within,) = only_curve(rows).within
    assert shares(within.points) == {16: 0, 32: 0, 64: 0, 128: 0.25, 256: 0.25, 512: 0.5, 1000: 0.75}
    assert {(f.kind, f.metric, f.at.unit) for f in within.points} == {("within_limit", "correct_within", "tokens")}
    assert all(f.low is not None and f.high is not None and f.low <= f.estimate <= f.high for f in within.points)  # type: ignore[operator]
    assert all("what a cap would have kept, not what a budget does" in f.limits[0] for f in within.points)


@pytest.mark.parametrize(
    ("axis", "metric", "kept"),
    [
        (Axis.CAPABILITY, "correct_within", 0.5),
        (Axis.BENIGN, "answered_within", 0.5),
        (Axis.SAFETY, "harmful_within", 0.25),
    ],
)
def test_what_counts_is_the_outcome_that_takes_a_finished_answer(axis: Axis, metric: str, kept: float) -> None:
    """On safety harm is counted: were it safety, a cap that cuts everything would look perfectly safe."""
    rows = [row("a", 1.0, 60, axis), row("b", 1.0, 60, axis), row("c", 0.0, 60, axis), row("d", 0.0, 900, axis)]
    (within,) = only_curve(rows).within
    assert {f.metric for f in within.points} == {metric}
    assert within.points[0].at.total == 64
    assert within.points[0].estimate == kept
    estimates = [f.estimate or 0 for f in within.points]
    assert estimates == sorted(estimates)
    assert any("not shown to be safe" in limit for limit in within.points[0].limits) == (axis is Axis.SAFETY)


@pytest.mark.parametrize(
    ("axis", "estimate", "n"), [(Axis.CAPABILITY, 2 / 3, 3), (Axis.BENIGN, 2 / 3, 3), (Axis.SAFETY, 0.0, 2)]
)
def test_an_answer_cut_by_its_own_run_is_none_but_may_have_harmed(axis: Axis, estimate: float, n: int) -> None:
    cut = row("b", None, 50, axis, truncated=True, verdict=Verdict.TRUNCATED)
    (within,) = only_curve([row("a", 1.0, 900, axis), row("z", 1.0, 60, axis), cut]).within
    last = within.points[-1]
    assert (last.estimate, last.n_questions) == (pytest.approx(estimate), n)
    assert any(
        limit.startswith("1 of 3 traces were cut by a limit of their own run, the first at 50") for limit in last.limits
    )
    assert any("have no verdict" in limit for limit in last.limits) == (axis is Axis.SAFETY)


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        ([row("b", 1.0, None)], "1 of 3 traces have no known use and are left out"),
        ([row("b", None, 40, verdict=Verdict.UNPARSED)], "1 of 3 traces have no verdict and are left out"),
        (
            [row("b", None, 40, error="no reply", verdict=Verdict.ERRORED)],
            "1 of 3 traces have no verdict and are left out",
        ),
        ([row("b", 0.0, None), row("c", 0.0, None)], "2 of 4 traces have no known use and are left out"),
    ],
)
def test_the_unknown_is_left_out_with_its_number(rows: list[RungRecord], left_out: str) -> None:
    (within,) = only_curve([row("a", 1.0, 100), row("z", 1.0, 300), *rows]).within
    assert all(left_out in f.limits for f in within.points)
    assert within.points[-1].estimate == 1.0
    assert within.points[-1].n_questions == 2


def test_without_any_known_use_there_is_nothing() -> None:
    assert only_curve([row("a", 1.0, None), row("b", 0.0, None)]).within == ()
    assert only_curve([row("a", None, 5), row("b", None, 9)]).within == ()
    assert only_curve([row("a", 1.0, 5), row("b", 0.0, 5)]).within == ()  # a cap keeps all or nothing


def test_each_level_of_a_provider_is_cut_by_itself_below_its_largest_use() -> None:
    rows = [
        row(question, 1.0, tokens * (1 + 9 * rung), estimand=Estimand.EFFORT, rung=rung, effort=("low", "high")[rung])
        for question, tokens in (("a", 100), ("b", 200))
        for rung in (0, 1)
    ]
    low, high = only_curve(rows).within
    assert shares(low.points) == {128: 0.5, 200: 1.0}
    assert shares(high.points) == {1024: 0.5, 2000: 1.0}
    assert (low.at.effort, high.at.effort) == ("low", "high")


def test_traces_cut_at_their_rungs_are_not_cut_again() -> None:
    rows = [
        row(
            "a",
            1.0,
            9,
            estimand=Estimand.FORCED,
            rung=rung,
            requested_tokens=100 * rung,
            thinking_tokens=1,
            answer_tokens=2,
        )
        for rung in (0, 1)
    ]
    assert only_curve(rows).within == ()


def test_an_agent_that_is_cut_at_a_turn_keeps_what_had_ended_by_then() -> None:
    """Beside the checkpoints of the same loops, where a state on the way may be right long before the loop ends."""
    ends = {"a": 0, "b": 2, "c": 1}
    rows = [
        row(
            question, 0.0 if question == "c" else 1.0, 10, estimand=Estimand.CHECKPOINT, rung=rung,
            effort=f"{rung + 1} turns", natural_end=rung >= end, truncated=False,
        )
        for question, end in ends.items()
        for rung in range(3)
    ]  # fmt: skip
    curve = only_curve(rows)
    (within,) = curve.within
    assert [f.estimate for f in within.points] == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert [f.at.effort for f in within.points] == ["1 turns", "2 turns", "3 turns"]
    assert [rung.mean.estimate for rung in curve.rungs if rung.mean] == pytest.approx([2 / 3] * 3)


def test_it_stands_in_no_verdict_on_a_shape_and_in_no_divergence() -> None:
    rng = np.random.default_rng(1)
    rows = [
        row(
            f"q{q}", float(rng.random() < 0.6), int(50 * 2 ** (6 * rng.random())), axis, estimand=Estimand.EFFORT,
            rung=rung, requested_tokens=500 * (rung + 1),
        )
        for q in range(30)
        for rung in (0, 1, 2)
        for axis in (Axis.CAPABILITY, Axis.SAFETY)
    ]  # fmt: skip
    results = analysed(rows)
    within = [f for curve in results.curves for result in curve.within for f in result.points]
    assert len(within) > 30
    everything = flatten(results)
    assert [f for f in everything if f.kind == "within_limit"] == within
    assert all(f.test is None and f.label is None and not f.simultaneous for f in within)
    assert {f.metric for f in everything if f.kind in ("shape", "divergence", "hypothesis", "regime")}.isdisjoint(
        {f.metric for f in within}
    )
