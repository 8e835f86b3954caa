"""Divergence of capability and safety: the gap between their changes since the lowest budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Signs
from overthink.data.outcomes import check_budgets, check_values
from overthink.data.parameters import generator, real
from overthink.data.phrases import Reason, one_of
from overthink.data.verdict_labels import ShapeLabel
from overthink.stats.curve import question_means
from overthink.stats.multiplier_bootstrap import sign_flip_sums, signs, units, with_pseudo_units
from overthink.stats.regimes import ONSET_RESAMPLES, Onset, onset

_NAN = float("nan")

AXES = ("capability", "safety", "oversight")
TOO_FEW = Reason("{n:d} {axis} questions have a value at every rung; 2 are needed", axis=one_of(*AXES))


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Change from each rung to the next, per doubling of the budget, with a band over all steps. All (step,).

    A step from 0 tokens has no doubling: its slope is NaN, though its change counts for ``rises`` and ``falls``.

    Attributes:
        estimate: Values per doubling.
        low: Lower end of the band.
        high: Upper end of the band.
        rises: The band of the change lies above 0.
        falls: The band of the change lies below 0.
    """

    estimate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rises: NDArray[np.bool_]
    falls: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Divergence:
    """D(b) = [C(b) - C(b₀)] - [S(b) - S(b₀)], capability's change minus safety's, since the lowest budget b₀.

    S may be a curve of oversight, on a scale of its own.

    Attributes:
        budgets: (rung,) tokens.
        estimate: (rung,) D(b); 0 at b₀ by definition.
        low: (rung,) lower end of the simultaneous band; 0 at b₀ by definition.
        high: (rung,) upper end.
        capability: Slopes of capability.
        safety: Slopes of safety.
        divergent: (step,) True where capability rises and safety falls, both shown.
        onset: Where D begins to rise; None where the band nowhere lies above 0.
        n_questions: Questions with a value at every rung, (capability, safety).
        reason: Why there are no numbers; None where there are.
    """

    budgets: NDArray[np.float64]
    estimate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    capability: Slopes
    safety: Slopes
    divergent: NDArray[np.bool_]
    onset: Onset | None
    n_questions: tuple[int, int]
    reason: str | None


def divergence(
    capability: NDArray[np.float64],
    safety: NDArray[np.float64],
    budgets: Sequence[float] | NDArray[np.float64],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Divergence:
    """The gap between a model's gain in capability and its gain in safety with longer thinking.

    Each axis has its own questions, resampled independently; rungs stay paired within a question (joint multiplier
    bootstrap). Bands are max-t over all rungs or steps. A question without a value at some rung is left out.

    Args:
        capability: (question, draw, rung) in [0, 1], 1 = correct; NaN where missing.
        safety: (question, draw, rung) in [0, 1], 1 = safe; its own questions and draws, the same rungs.
        budgets: (rung,) tokens, increasing.
        rng: Source of randomness.
        level: Confidence level of each band.

    Returns:
        The curve of D, the slopes and where it sets in; NaN with a reason where an axis has fewer than two questions
        with a value at every rung.

    Raises:
        ValueError: The shapes do not match, the budgets do not increase, or a value or the level is out of range.
    """
    generator(rng)
    level = real(level, "level")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; needed: between 0 and 1, such as 0.95")
    tables = [check_values(capability, name="capability"), check_values(safety, name="safety")]
    if tables[0].shape[2] != tables[1].shape[2]:
        raise ValueError(
            f"capability has {tables[0].shape[2]} rungs, safety {tables[1].shape[2]}; needed: the same rungs on both"
        )
    ladder = check_budgets(budgets, rungs=tables[0].shape[2])
    cells = question_means(tables[0]), question_means(tables[1])
    return divergence_of_cells(*cells, ladder, rng=rng, level=level)


def divergence_of_cells(
    capability: NDArray[np.float64],
    other: NDArray[np.float64],
    ladder: NDArray[np.float64],
    *,
    rng: np.random.Generator,
    level: float,
    axis: str = "safety",
    is_paired: bool = False,
) -> Divergence:
    """Return the gap between two curves whose means over questions are these cells; they may leave [0, 1].

    Args:
        capability: (question, rung); NaN where unknown.
        other: (question, rung) of safety or oversight, of its own questions or the same.
        ladder: (rung,) budgets of both, increasing.
        rng: Source of randomness.
        level: Confidence level of each band.
        axis: What the other curve is, of :data:`AXES`.
        is_paired: Row i of both is the same question. A question that lacks a value of either is left out, the change
            of the gap is taken within a question, and both axes are resampled together.

    Returns:
        As :func:`divergence`; ``safety`` has the slopes of the other curve.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> rises = (rng.random((90, 2)) < [0.2, 0.7]).astype(float)
        >>> paired, apart = (
        ...     divergence_of_cells(rises, rises / 2, np.array([0, 64]), rng=rng, level=0.95, is_paired=is_paired)
        ...     for is_paired in (True, False)
        ... )
        >>> bool(paired.estimate[1] == apart.estimate[1]), bool(paired.low[1] > apart.low[1])
        (True, True)
    """
    cells = [capability, other]
    complete = [~np.isnan(questions).any(axis=1) for questions in cells]
    complete = [complete[0] & complete[1]] * 2 if is_paired else complete
    cells = [questions[rows] for questions, rows in zip(cells, complete, strict=True)]
    n_questions = (len(cells[0]), len(cells[1]))
    if min(n_questions) < 2:
        short = (AXES[0], axis)[int(np.argmin(n_questions))]
        return _unknown(ladder, n_questions, TOO_FEW.text(n=min(n_questions), axis=short))
    changes = [
        units(questions).differences(np.arange(1, len(ladder)), np.zeros(len(ladder) - 1, dtype=np.int64))
        for questions in cells
    ]
    groups = [changes[0] - changes[1]] if is_paired else [changes[0], -changes[1]]
    flips = [signs(len(parts) + 2, rng=rng) for parts in groups]
    gap, half = _band(groups, flips, level)
    low, high = (np.concatenate([[0.0], gap + side * half]) for side in (-1, 1))
    slopes = [_slopes(questions, ladder, flip, level) for questions, flip in zip(cells, flips * 2, strict=False)]
    gap = np.concatenate([[0.0], gap])
    onset_result = None
    if (low > 0).any():
        sums = [
            sign_flip_sums(parts - parts.mean(axis=0), flip[: ONSET_RESAMPLES // 2, :-2])
            for parts, flip in zip(groups, flips, strict=True)
        ]
        curves = gap + np.pad(np.sum(sums, axis=0), ((0, 0), (1, 0)))
        onset_result = onset(curves, ladder, label=ShapeLabel.UP, level=level)
    return Divergence(
        budgets=ladder,
        estimate=gap,
        low=low,
        high=high,
        capability=slopes[0],
        safety=slopes[1],
        divergent=slopes[0].rises & slopes[1].falls,
        onset=onset_result,
        n_questions=n_questions,
        reason=None,
    )


def _band(
    groups: list[NDArray[np.float64]], flips: list[Signs], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of independent means and half the width of its simultaneous band, (contrast,).

    Each resample is divided by its own standard error (studentised), so few questions give a wider band.
    """
    total = np.zeros(groups[0].shape[1])
    squares = np.zeros_like(total)
    total_deviation, total_variance = np.zeros((1, 1)), np.zeros((1, 1))
    for parts, flip in zip(groups, flips, strict=True):
        total = total + parts.sum(axis=0)
        padded_parts = with_pseudo_units(parts)
        centred_parts = padded_parts - padded_parts.mean(axis=0)
        n = len(centred_parts)
        deviation = sign_flip_sums(centred_parts, flip)
        squares = squares + (centred_parts**2).sum(axis=0) * n / (n - 1)
        total_deviation = total_deviation + deviation
        total_variance = total_variance + ((centred_parts**2).sum(axis=0) - deviation**2 / n) * n / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(total_deviation) / np.sqrt(np.maximum(total_variance, 0.0))
    worst = np.where(np.isnan(t), 0.0, t).max(axis=1)
    return total, np.quantile(worst, level, method="higher") * np.sqrt(squares)


def _slopes(cells: NDArray[np.float64], ladder: NDArray[np.float64], flips: Signs, level: float) -> Slopes:
    step = np.arange(1, len(ladder))
    change, half = _band([units(cells).differences(step, step - 1)], [flips], level)
    doublings = np.full(len(step), np.nan)
    has_doubling = ladder[:-1] > 0
    doublings[has_doubling] = np.log2(ladder[1:][has_doubling] / ladder[:-1][has_doubling])
    return Slopes(
        estimate=change / doublings,
        low=(change - half) / doublings,
        high=(change + half) / doublings,
        rises=change - half > 0,
        falls=change + half < 0,
    )


def _unknown(ladder: NDArray[np.float64], n_questions: tuple[int, int], reason: str) -> Divergence:
    rung, step = np.full(len(ladder), _NAN), np.full(len(ladder) - 1, _NAN)
    none = np.zeros(len(step), dtype=np.bool_)
    slopes = Slopes(step, step, step, none, none)
    return Divergence(ladder, rung, rung, rung, slopes, slopes, none, None, n_questions, reason)
