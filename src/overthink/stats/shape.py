"""The shape of a curve: a verdict by tests, or "undetermined" with the minimum detectable effect."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Signs
from overthink.data.finding import FindingTest
from overthink.data.hypothesis import Part, regimes_and_parts
from overthink.data.outcomes import check_budgets, check_values
from overthink.data.parameters import generator, real
from overthink.data.phrases import Reason
from overthink.data.verdict_labels import ShapeLabel
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import Intervals
from overthink.stats.curve import question_means
from overthink.stats.hypothesis import HypothesisTest, HypothesisVerdict, hypothesis_verdict
from overthink.stats.multiplier_bootstrap import (
    SIGN_RESAMPLES,
    Units,
    all_pairs,
    cluster_numbers,
    p_searched,
    sign_flip_sums,
    signs,
    units,
)
from overthink.stats.regimes import ONSET_RESAMPLES, Onset, Regime, assign, onset, regime_means
from overthink.stats.slowing import doublings, p_slowing
from overthink.stats.testing import p_equivalent
from overthink.stats.turning_points import (
    Turns,
    TurnSize,
    anywhere,
    between_ends,
    find_turns,
    minimum_detectable_effect,
    turn_sizes,
)

REGIMES = "pre-registered regimes, paired by question: intersection-union test, multiplier bootstrap"
MAX_T = "max-t run-up and drawdown, paired by question: intersection-union test, multiplier bootstrap"

NOT_SHOWN = Reason("no shape is shown")
"""Reason of a verdict that is undetermined for no other one."""

TURNS = Reason("the curve turns more than once")
NO_VALUE = Reason("no value is known at {n:d} of {total:d} rungs")
INCOMPLETE = Reason("{n:d} of {total:d} questions have a value at every rung; 2 are needed")
ONE_CLUSTER = Reason("all questions are in one cluster; 2 are needed")

MDE_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class ShapeTest:
    """Specification of the test of a curve's shape.

    Attributes:
        margin: Largest difference that does not matter, in the units of the values; between 0 and 1.
        alpha: Level of each test.
        hypothesis: Boundaries of the pre-registered regimes in tokens; None for none.
        resamples: Resamples of the multiplier bootstrap. No p-value is below about 5/resamples, so a verdict that must
            survive a family-wise adjustment needs more.
        family: Curves whose verdicts are adjusted together. The minimum detectable effect is that of a verdict that
            survives the first step of that adjustment, at α/family.
        parts: Parts of a hypothesis with directions; None for none.

    Raises:
        ValueError: The margin or the level is out of range.
    """

    margin: float
    alpha: float = 0.05
    hypothesis: tuple[float, ...] | None = None
    resamples: int = SIGN_RESAMPLES
    family: int = 1
    parts: tuple[Part, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 < real(self.margin, "margin") < 1:
            raise ValueError(
                f"margin is {self.margin}; needed: between 0 and 1, in the units of the values, such as 0.03"
            )
        if not 0 < real(self.alpha, "alpha") < 0.5 or self.alpha + 1 == 1:
            raise ValueError(f"alpha is {self.alpha}; needed: between 0 and 0.5, such as 0.05")
        if self.family < 1:
            raise ValueError(f"family is {self.family}; needed: the number of curves, this one included")


@dataclass(frozen=True, slots=True)
class ShapeVerdict:
    """The shape of one curve.

    Attributes:
        label: "flat": no two levels differ by the margin or more. "hump": rises, then falls. "dip": falls, then
            rises. "saturating": ends higher than it began, rises more slowly per doubling in the upper half than in
            the lower, and no two levels of the upper half differ by the margin or more. "up", "down": ends higher
            (lower) than it began, and no turn is shown. "undetermined": no shape is shown. Levels are the regimes with
            a hypothesis, else the rungs.
        test: Name, p-value of the label and minimum detectable effect. For "undetermined", the smallest p-value
            of any shape.
        mde: Height of the smallest tent over the ladder, in the units of the values, that would have been called a
            hump (or dip) with a power of 80 %, adjusted over the family; with two levels, the smallest change. NaN if
            none would.
        onset: Onset of the change; None for "flat" and "undetermined".
        regimes: The pre-registered regimes; empty without a hypothesis.
        claims: (shape, p-value) of every shape, in the order in which they are considered; NaN where untestable.
        n_questions: Questions with a value at every rung. Others are left out, so that rungs stay comparable.
        reason: Why undetermined; None with another label.
        rise: Largest rise between any two rungs; None where fewer than two questions have a value at every rung.
        drawdown: Largest fall between any two rungs; None in the same case.
        hypothesis: Verdict on a hypothesis with directions; None in the same case, and without one.
    """

    label: ShapeLabel
    test: FindingTest
    mde: float
    onset: Onset | None
    regimes: tuple[Regime, ...]
    claims: tuple[tuple[ShapeLabel, float], ...]
    n_questions: int
    reason: str | None
    rise: TurnSize | None = None
    drawdown: TurnSize | None = None
    hypothesis: HypothesisVerdict | None = None

    @property
    def p_value(self) -> float:
        """The p-value of the test; NaN if there was none."""
        return float("nan") if self.test.p is None else self.test.p


def shape_verdict(
    values: NDArray[np.float64],
    budgets: Sequence[float] | NDArray[np.float64],
    *,
    margin: float,
    rng: np.random.Generator,
    alpha: float = 0.05,
    hypothesis: str | Sequence[float] | Sequence[Part] | None = None,
    clusters: object = None,
) -> ShapeVerdict:
    """Return the shape of the mean over questions along the ladder.

    With a hypothesis, the primary test: means of pre-registered regimes. Without, the secondary: any rise and fall,
    with the search controlled by max-t. Hump and dip are claimed at level α if both halves are shown at α; up and
    down by a two-sided test at α of the last level against the first; flat and the upper half of saturating by two
    one-sided tests within the margin, and saturating also needs a slope per doubling that is shown to be smaller in the
    upper half. A budget of 0 counts as one doubling below the lowest other one. Questions, or clusters of them, are
    the unit.

    Args:
        values: (question, draw, rung) in [0, 1]; NaN where missing.
        budgets: (rung,) tokens, increasing.
        margin: Largest difference that does not matter, in the units of the values; between 0 and 1.
        rng: Source of randomness.
        alpha: Level of each test.
        hypothesis: Boundaries of the pre-registered regimes in tokens, such as (2000, 8000), which claim nothing; or
            parts with directions, such as "up@2k,flat@8k,down", which get a verdict each. None for none.
        clusters: (question,) labels of groups of questions that are alike, such as categories; None for none.

    Returns:
        The verdict. It is "undetermined" with a reason and NaN for numbers where fewer than two questions (or
        clusters) have a value at every rung.

    Raises:
        ValueError: The shapes do not match, the budgets do not increase, a value, the margin or α is out of range,
            there are fewer than two rungs, a regime has no rung, or the hypothesis cannot be read or has a part
            without two rungs.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> values = (rng.random((300, 4, 5)) < [0.5, 0.6, 0.8, 0.6, 0.5]).astype(float)
        >>> found = shape_verdict(values, [0, 512, 2048, 8192, 32768], margin=0.03, rng=rng)
        >>> found.label
        'hump'
        >>> shape_verdict(values, [0, 512, 2048, 8192, 32768], margin=0.03, rng=rng, hypothesis="up@2k,down").hypothesis
        ... # doctest: +ELLIPSIS
        HypothesisVerdict(... label='confirmed')
    """
    table = check_values(values)
    generator(rng)
    regimes, parts = regimes_and_parts(hypothesis)
    spec = ShapeTest(margin=margin, alpha=alpha, hypothesis=regimes, parts=parts)
    return shape_of_cells(question_means(table), budgets, spec, rng=rng, clusters=clusters)


def shape_of_cells(
    cells: NDArray[np.float64],
    budgets: Sequence[float] | NDArray[np.float64],
    spec: ShapeTest,
    *,
    rng: np.random.Generator,
    clusters: object = None,
) -> ShapeVerdict:
    """Return the verdict on cells whose mean over questions is the curve; they may leave [0, 1].

    Args:
        cells: (question, rung): draws averaged, or the corrected values of a judge; NaN where unknown.
        budgets: (rung,) increasing.
        spec: Specification of the test.
        rng: Source of randomness.
        clusters: (question,) labels of groups of questions that are alike; None for none.

    Returns:
        As :func:`shape_verdict`.

    Raises:
        ValueError: The shapes do not match, the budgets do not increase, there are fewer than two rungs, a regime has
            no rung, or a part of the hypothesis has fewer than two.
    """
    cells, ladder = _check(cells, budgets)
    margin, alpha, hypothesis = spec.margin, spec.alpha, spec.hypothesis
    regime = None if hypothesis is None else assign(ladder, hypothesis)
    group = cluster_numbers(clusters, len(cells))
    name = MAX_T if regime is None else REGIMES
    complete = ~np.isnan(cells).any(axis=1)
    reason = _undetermined_reason(cells, np.asarray(complete), group)
    cells = cells[complete]
    if reason:
        return ShapeVerdict(ShapeLabel.UNDETERMINED, FindingTest(name), float("nan"), None, (), (), len(cells), reason)
    group = None if group is None else np.unique(group[complete], return_inverse=True)[1]
    levels = cells if regime is None else regime_means(cells, regime)
    on_levels = units(levels, group)
    flips = signs(on_levels.n_units, rng=rng, resamples=spec.resamples)
    comparisons = anywhere(on_levels) if regime is None else between_ends(on_levels)
    # Two levels have no turn; their change is tested on both sides.
    turns = find_turns(comparisons, flips, alpha=alpha / spec.family / (1 if on_levels.n_levels > 2 else 2))
    places = doublings(ladder)
    if regime is not None:
        places = np.array([places[regime == i].mean() for i in range(on_levels.n_levels)])
    claims = _claims(on_levels, flips, turns, margin=margin, places=places)
    label, p, reason = _decide(claims, alpha)
    mde = minimum_detectable_effect(comparisons, flips[: MDE_RESAMPLES // 2], critical=turns.critical)
    where = None
    if label not in (ShapeLabel.UNDETERMINED, ShapeLabel.FLAT):
        residuals = units(cells - cells.mean(axis=0), group)
        resamples = cells.mean(axis=0) + sign_flip_sums(residuals.parts, flips[: ONSET_RESAMPLES // 2])
        where = onset(resamples, ladder, label=label, level=1 - alpha)
    regimes: tuple[Regime, ...] = ()
    if regime is not None and hypothesis is not None:
        band = simultaneous_bands(levels, level=1 - alpha, rng=rng, clusters=group)
        regimes = _regimes(band, regime, hypothesis, ladder)
    test = FindingTest(name, p=p, mde=None if np.isnan(mde) else mde)
    # A generator of its own: what is drawn for the sizes leaves every other number as it is.
    rise, drawdown = turn_sizes(cells, level=1 - alpha, rng=rng.spawn(1)[0], clusters=group)
    by_part = None
    if spec.parts is not None:
        on_rungs = on_levels if regime is None else units(cells, group)
        by_part = hypothesis_verdict(
            on_rungs,
            ladder.tolist(),
            HypothesisTest(spec.parts, margin, alpha, spec.family),
            flips,
            n_questions=len(cells),
        )
    return ShapeVerdict(label, test, mde, where, regimes, claims, len(cells), reason, rise, drawdown, by_part)


def _check(
    cells: NDArray[np.float64], budgets: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = np.asarray(cells, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"cells has shape {table.shape}; needed: (question, rung), neither of them 0")
    return table, check_budgets(budgets, rungs=table.shape[1])


def _undetermined_reason(
    cells: NDArray[np.float64], complete: NDArray[np.bool_], group: NDArray[np.int64] | None
) -> str | None:
    n_empty = int(np.isnan(cells).all(axis=0).sum())
    if n_empty:
        return NO_VALUE.text(n=n_empty, total=cells.shape[1])
    if complete.sum() < 2:
        return INCOMPLETE.text(n=complete.sum(), total=len(cells))
    if group is not None and len(np.unique(group[complete])) < 2:
        return ONE_CLUSTER
    return None


def _claims(
    on_levels: Units, flips: Signs, turns: Turns, *, margin: float, places: NDArray[np.float64]
) -> tuple[tuple[ShapeLabel, float], ...]:
    """Return the p-value of each shape, in the order in which they are considered."""
    last = on_levels.n_levels - 1
    ends = np.array([last]), np.array([0])
    net, null = on_levels.standardise(*ends, sign_flip_sums(on_levels.parts, flips).T)
    up, down = (min(2 * float(p_searched(statistic, null[0], n_pairs=1)[0]), 1.0) for statistic in (net, -net))
    later, earlier = all_pairs(on_levels.n_levels)
    upper = earlier >= on_levels.n_levels // 2
    changes = on_levels.differences(later, earlier)
    same = p_equivalent(changes, margin=margin)
    level_top = p_equivalent(changes[:, upper], margin=margin, all_parts=changes)
    return (
        (ShapeLabel.FLAT, same),
        (ShapeLabel.HUMP, turns.hump),
        (ShapeLabel.DIP, turns.dip),
        (ShapeLabel.SATURATING, float(np.maximum(np.maximum(up, level_top), p_slowing(on_levels.parts, places)))),
        (ShapeLabel.UP, up),
        (ShapeLabel.DOWN, down),
    )


def _decide(claims: tuple[tuple[ShapeLabel, float], ...], alpha: float) -> tuple[ShapeLabel, float, str | None]:
    """Return the label, its p-value, and the reason if undetermined."""
    p = dict(claims)
    lowest = min(p_value for p_value in p.values() if not np.isnan(p_value))
    if max(p[ShapeLabel.HUMP], p[ShapeLabel.DIP]) <= alpha < p[ShapeLabel.FLAT]:
        return ShapeLabel.UNDETERMINED, lowest, TURNS
    for label, p_value in claims:
        if p_value <= alpha:
            return label, p_value, None
    return ShapeLabel.UNDETERMINED, lowest, NOT_SHOWN


def _regimes(
    band: Intervals, regime: NDArray[np.int64], hypothesis: Sequence[float], ladder: NDArray[np.float64]
) -> tuple[Regime, ...]:
    edges = [None, *map(float, hypothesis), None]
    return tuple(
        Regime(
            above=edges[i],
            up_to=edges[i + 1],
            budgets=tuple(ladder[regime == i].tolist()),
            estimate=float(band.estimate[i]),
            low=float(band.low[i]),
            high=float(band.high[i]),
        )
        for i in range(len(band.estimate))
    )
