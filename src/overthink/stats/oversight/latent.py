"""Latent reasoning, from outside: what filler and repeats of the question do for answers without a chain.

Answers at once, with a prompt that holds f fillers or the question r times, are compared with the plain prompt, paired
by question. The latent uplift is the largest mean difference over the list of prompts, with an interval from a band
over all of them (max-t). Where its lower end is above 0, accuracy without a chain is no floor: necessity and bounds
that start from it must use the best prompt. Pairing matters: 45.2 to 51.2 % on 907 questions has a p-value of .010
unpaired and of 6e-7 paired, which is a correlation of .74 between the two prompts' answers.

And from inside: which latent steps the answer depends on. A model of latent steps (Coconut, CODI) has no text to read;
the state of one step is set to zero, to noise, or to that of another question, and a step counts where more answers
change than behind the same state handed back (sham). "Depends" has the null "no more answers change than behind the
sham". "Within the margin" has the null "the margin or more", and is withheld unless a change of every step at once is
shown to move answers: a change that never reaches the model would look the same.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from overthink.data.arrays import Array
from overthink.data.parameters import real, real_array, whole
from overthink.data.phrases import Phrase, Reason
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import CHANGE
from overthink.stats.curve import question_means
from overthink.stats.oversight.scores import SEED, UNKNOWN, IntervalEstimate, confidence
from overthink.stats.paired import PairedMean, paired_mean
from overthink.stats.testing import holm

BAND = "upper envelope of a band over all prompts (max-t), paired by question"

FEW = Reason("fewer than two questions were answered with the plain prompt and another one")


@dataclass(frozen=True, slots=True)
class LatentUplift(IntervalEstimate):
    """Largest uplift over the prompts.

    Attributes:
        uplifts: Mean uplift with each prompt.
        lows: Lower end of the band at each.
        highs: Upper end.
        best: Position of the best prompt; -1 without one.
        is_floor: Whether accuracy without a chain may still be a floor: no uplift is shown. None where unknown.
        n_questions: Questions with the plain prompt and the best one.
    """

    uplifts: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    best: int
    is_floor: bool | None
    n_questions: int


def latent_uplift(plain: ArrayLike, prompts: ArrayLike, *, level: float = 0.95) -> LatentUplift:
    """Return the largest uplift of answers without a chain over a list of prompts, with an interval that pays for it.

    Args:
        plain: (question, draw) accuracy with the plain prompt, in [0, 1]; NaN where unknown.
        prompts: (question, draw, prompt) accuracy with each filler and repeat.
        level: Confidence level.

    Raises:
        ValueError: Shapes do not fit, or a value lies outside [0, 1].

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = latent_uplift(rng.random((200, 1)) < 0.4, rng.random((200, 1, 3)) < [0.4, 0.7, 0.5])
        >>> found.best, found.low > 0, found.is_floor
        (1, True, False)
    """
    level = confidence(level)
    base, table = real_array(plain, "plain"), real_array(prompts, "prompts")
    if base.ndim != 2 or table.ndim != 3 or len(base) != len(table) or not table.shape[2]:
        raise ValueError(
            f"plain has shape {base.shape}, prompts {table.shape}; needed: (question, draw), (question, draw, prompt)"
        )
    if any(((side < 0) | (side > 1)).any() for side in (base, table)):
        raise ValueError("a value lies outside [0, 1]; needed: accuracies")
    differences = question_means(table) - question_means(base[:, :, None])
    low, high = _ends(differences, level)
    n = (~np.isnan(differences)).sum(axis=0)
    usable = ~np.isnan(low)
    means = np.where(n > 0, np.nansum(differences, axis=0) / np.maximum(n, 1), np.nan)
    curves = tuple(means.tolist()), tuple(low.tolist()), tuple(high.tolist())
    if not usable.any():
        estimate = float(np.nanmax(means)) if (n > 0).any() else UNKNOWN
        return LatentUplift(estimate, UNKNOWN, UNKNOWN, "none", FEW, *curves, -1, None, int(n.max()))
    best = int(np.nanargmax(means))
    ends = float(np.nanmax(low)), float(np.nanmax(high))
    return LatentUplift(float(means[best]), *ends, BAND, None, *curves, best, ends[0] <= 0, int(n[best]))


def _ends(differences: Array, level: float) -> tuple[Array, Array]:
    """Ends of the band, (prompt,) each; one prompt has the paired interval."""
    if differences.shape[1] == 1:
        result = paired_mean(differences[:, 0], level=level, margin=1.0)
        return np.array([result.low]), np.array([result.high])
    band = simultaneous_bands(differences, level=level, rng=np.random.default_rng(SEED), support=CHANGE)
    return band.low, band.high


def paired_correlation(first: float, second: float, *, questions: int, p: float) -> float:
    """Return the correlation of two prompts' answers that a published paired p-value implies.

    Args:
        first: Share right with the one prompt.
        second: Share right with the other.
        questions: Questions, answered once with either.
        p: Two-sided paired p-value.

    Returns:
        The correlation under the normal approximation; NaN where the shares are equal.

    Example:
        >>> round(paired_correlation(0.452, 0.512, questions=907, p=5.7e-7), 2)
        0.74
    """
    shares = [real(first, "first"), real(second, "second")]
    if shares[0] == shares[1]:
        return UNKNOWN
    variances = [share * (1 - share) / whole(questions, "questions", least=2) for share in shares]
    error = abs(shares[1] - shares[0]) / -float(special.ndtri(real(p, "p") / 2))
    return float((sum(variances) - error**2) / (2 * np.sqrt(variances[0] * variances[1])))


NO_CONTROL = Phrase("a change of every step at once is not shown to move answers: the changes may not reach the model")


class StepClaim(StrEnum):
    """What the changes of one latent step show."""

    DEPENDS = "the answer depends on it"
    WITHIN = "moves fewer answers than the margin"
    OPEN = "undetermined"


@dataclass(frozen=True, slots=True)
class StepChange:
    """One change of one latent step, or of every step at once.

    Attributes:
        change: Share of answers that change minus that behind the sham, paired by question.
        p_adjusted: Its p-value, adjusted over the family.
        p_within: p-value of "the margin or more", adjusted over the family.
        claim: What is shown.
    """

    change: PairedMean
    p_adjusted: float
    p_within: float
    claim: StepClaim


@dataclass(frozen=True, slots=True)
class LatentSteps:
    """Which latent steps the answers depend on.

    Attributes:
        steps: Each change of each step, (step, kind).
        whole: Each change of every step at once, (kind,): the positive control, a family of its own.
        claims: What all changes of a step show together, (step,): depends where one does, within where all are.
        reason: Why no step is called within the margin; None where one could be.
    """

    steps: tuple[tuple[StepChange, ...], ...]
    whole: tuple[StepChange, ...]
    claims: tuple[StepClaim, ...]
    reason: str | None


def latent_steps(
    changes: ArrayLike, sham: ArrayLike, *, margin: float, level: float = 0.95, families: int = 1
) -> LatentSteps:
    """Return which latent steps the answers depend on, with the chance of any false claim at most 1 - level (Holm).

    Args:
        changes: (question, draw, step, kind) 1 where the answer behind the change is not the undisturbed one, 0 where
            it is, NaN where unknown; the last step is every step at once.
        sham: (question, draw, step) the same behind the same state handed back.
        margin: Largest share of answers that does not matter.
        level: Confidence level.
        families: Number of such tables in the report (Bonferroni).

    Raises:
        ValueError: Shapes do not fit, a value lies outside [0, 1], or the margin is not above 0.

    Example:
        >>> moved = np.zeros((80, 1, 3, 2))
        >>> moved[:40, :, [0, 2]] = 1  # the first step, and every step at once
        >>> [claim.value for claim in latent_steps(moved, np.zeros((80, 1, 3)), margin=0.1).claims]
        ['the answer depends on it', 'moves fewer answers than the margin']
    """
    level, bound = confidence(level), real(margin, "margin")
    table, same = real_array(changes, "changes"), real_array(sham, "sham")
    if table.ndim != 4 or same.shape != table.shape[:3] or table.shape[2] < 2 or not table.shape[3]:
        raise ValueError(
            f"changes has shape {table.shape}, sham {same.shape}; needed: (question, draw, step, kind) and (question, "
            "draw, step), at least one step and behind it every step at once"
        )
    if bound <= 0 or any(((side < 0) | (side > 1)).any() for side in (table, same)):
        raise ValueError("needed: changes and sham in [0, 1], and a margin above 0")
    beyond = table - same[..., None]
    cells = [
        [
            paired_mean(_by_question(beyond[:, :, step, kind]), level=level, margin=bound)
            for kind in range(beyond.shape[3])
        ]
        for step in range(beyond.shape[2])
    ]
    alpha = (1 - level) / whole(families, "families", least=1)
    control = _claims(cells[-1:], alpha, can_be_within=True)[0]
    has_control = any(cell.claim is StepClaim.DEPENDS for cell in control)
    steps = _claims(cells[:-1], alpha, can_be_within=has_control)
    return LatentSteps(steps, control, tuple(_together(row) for row in steps), None if has_control else str(NO_CONTROL))


def _by_question(table: Array) -> Array:
    return np.asarray(question_means(table[:, :, None])[:, 0])


def _claims(cells: list[list[PairedMean]], alpha: float, *, can_be_within: bool) -> tuple[tuple[StepChange, ...], ...]:
    """Return the changes of a family with their p-values adjusted over it, (step, kind)."""
    flat = [cell for row in cells for cell in row]
    differs, within = (holm(p) for p in ([cell.p for cell in flat], [cell.p_equivalent for cell in flat]))
    result = []
    for cell, p, p_within in zip(flat, differs.tolist(), within.tolist(), strict=True):
        claim = StepClaim.OPEN
        if p <= alpha and cell.estimate > 0:
            claim = StepClaim.DEPENDS
        elif can_be_within and p_within <= alpha:
            claim = StepClaim.WITHIN
        result.append(StepChange(cell, p, p_within, claim))
    kinds = len(cells[0])
    return tuple(tuple(result[start : start + kinds]) for start in range(0, len(result), kinds))


def _together(row: tuple[StepChange, ...]) -> StepClaim:
    claims = {cell.claim for cell in row}
    if StepClaim.DEPENDS in claims:
        return StepClaim.DEPENDS
    return StepClaim.WITHIN if claims == {StepClaim.WITHIN} else StepClaim.OPEN
