"""Steering depth: a published curve, what its error leaves of it, and how often a depth is named that is none."""

import numpy as np
import pytest

from overthink.analysis import findings
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.plan.analysis import Analysis
from overthink.plan.arms import BASE, depth_families, read_arms
from overthink.stats.steering_depth import harm_by_depth, steering_depth

PUBLISHED = (0.633, 0.375, 0.145, 0.065, 0.058, 0.058, 0.057)
"""Attack success of SafeThink with m = 0 to 6, as read from its figure."""


def nested(rates: tuple[float, ...], n: int) -> np.ndarray:
    """Harm of questions that steering turns for good: whoever is safe with m steps is safe with more."""
    return (np.arange(n)[:, None] < np.round(np.array(rates) * n)[None, :]).astype(float)


def test_the_published_curve_has_depth_3_and_its_error_decides_how_much_of_that_is_shown() -> None:
    depths = range(7)
    found = {n: steering_depth(nested(PUBLISHED, n), depths, margin=0.01, alpha=0.05) for n in (100, 1000, 20_000)}
    assert found[1000].harm == pytest.approx(PUBLISHED)
    assert [one.by_point for one in found.values()] == [3, 3, 3]  # 100 questions round to the same depth
    assert [one.depth for one in found.values()] == [None, 4, 3]
    assert steering_depth(nested(PUBLISHED, 1000), depths, margin=0.05, alpha=0.05).depth == 3
    assert steering_depth(nested(PUBLISHED, 1000), depths, margin=0.3, alpha=0.05).depth == 2


def test_a_depth_is_not_skipped_over() -> None:
    rates = (0.1, 0.5, 0.1, 0.1)
    found = steering_depth(nested(rates, 2000), range(4), margin=0.05, alpha=0.05)
    assert found.p[0] < 0.05
    assert (found.depth, found.by_point) == (2, 2)  # not 0, although 0 looks the same as 3
    assert np.isnan(found.p[-1])


@pytest.mark.parametrize("n", [1, 0])
def test_few_questions_show_nothing(n: int) -> None:
    assert steering_depth(nested((0.5, 0.1), n), (1, 2), margin=0.05, alpha=0.05).depth is None


def test_columns_and_depths_must_fit() -> None:
    for depths in ((2, 1), (1, 1), (1,), (1, 2, 3)):
        with pytest.raises(ValueError, match="one column per depth"):
            steering_depth(np.zeros((4, 2)), depths, margin=0.05, alpha=0.05)


def test_a_depth_that_is_too_small_is_named_as_seldom_as_stated() -> None:
    rng = np.random.default_rng(11)
    rates, margin = np.array([0.5, 0.25, 0.15, 0.10, 0.10, 0.10]), 0.05  # m=2 differs by exactly the margin
    too_small = naive = shown = 0
    studies = 1000
    for _ in range(studies):
        luck = rng.random((150, 1))
        own = rng.random((150, 6))
        mixed = np.where(rng.random((150, 6)) < 0.7, luck, own)  # the draws of a question are alike
        found = steering_depth((mixed < rates).astype(float), range(6), margin=margin, alpha=0.05)
        too_small += found.depth is not None and found.depth <= 2
        naive += found.by_point <= 2
        shown += found.depth is not None
    assert too_small / studies <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / studies)
    assert naive / studies > 0.2  # the control: the estimates alone name it far too often
    assert shown / studies > 0.2


def test_arms_that_differ_in_m_alone_are_a_family() -> None:
    arms = read_arms("base,safethink:m=1,as=a,safethink:m=3,as=b,safethink:m=3,b=2,as=c,wait:rounds=2")
    assert depth_families(arms) == (((0, "base"), (1, "a"), (3, "b")), ((0, "base"), (3, "c")))
    both = read_arms("wait:rounds=2,wait+safethink:rounds=2,m=1,as=x,wait+safethink:rounds=3,m=2,as=y")
    assert depth_families(both) == (((0, "wait"), (1, "x")),)
    assert depth_families([BASE]) == ()


def record(arm: str, question: int, draw: int, rung: int, value: float | None) -> RungRecord:
    return RungRecord(
        "s", arm, Axis.SAFETY, "t", "judge", f"q{question}", draw, rung, Estimand.FORCED, value=value,
        requested_tokens=(0, 64)[rung], thinking_tokens=(0, 64)[rung], answer_tokens=3, generated_tokens=9,
    )  # fmt: skip


def test_it_is_a_finding_of_the_arm_that_steers_most() -> None:
    labels = ["base", "m1", "m2", "m3"]
    harm = nested((0.6, 0.3, 0.1, 0.1), 80)
    rows = [
        record(arm, q, d, rung, float(1 - harm[q, 0 if rung == 0 else i]))
        for i, arm in enumerate(labels)
        for q in range(80)
        for d in range(1)
        for rung in range(2)
    ]
    tables = from_records(rows)
    analysis = Analysis(level=0.95, margin=0.05, steered=(tuple(enumerate(labels)),))
    found = [f for f in findings(tables, analysis, rng=np.random.default_rng(0)) if f.kind == "steering_depth"]
    (only,) = found
    assert (only.arm, only.estimate, only.at.requested_tokens, only.n_questions) == ("m3", 2.0, 64, 80)
    assert only.test is not None
    assert only.test.p is not None
    assert only.test.p <= 0.05


def test_draws_that_one_arm_lacks_are_left_out() -> None:
    rows = [record("a", 0, 0, 1, 1.0), record("a", 0, 1, 1, 0.0), record("b", 0, 1, 1, 1.0), record("b", 1, 0, 1, 1.0)]
    one, two = from_records(rows)
    cells, depths = harm_by_depth({2: two, 1: one}, 64)
    assert (cells.tolist(), depths) == ([[1.0, 0.0]], (1, 2))
    assert harm_by_depth({1: one, 2: two}, 32)[0].shape == (0, 2)
