"""Rogan-Gladen correction of a judge's mean by its sensitivity and specificity."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from overthink.stats.judge_error import JudgeError
from overthink.stats.proportion import sum_low


@dataclass(frozen=True, slots=True)
class RoganGladen:
    """The corrected mean of one rung; NaN with a reason where the judge does not separate good from bad."""

    estimate: float
    low: float
    high: float
    reason: str | None = None


def rogan_gladen(mean: float, error: float, questions: int, judge: JudgeError, *, level: float) -> RoganGladen:
    """Return the share of good answers, estimated from a judge's share of good marks.

    θ = (mean + Sp - 1)/(Se + Sp - 1), Rogan and Gladen (1978), clipped to [0, 1]; interval of Lang and Reiczigel
    (2014), which includes the uncertainty of Se and Sp, with effective sample sizes in place of counts. Assumes that
    marks and labels are independent samples.

    Args:
        mean: The judge's mean over questions.
        error: Its standard error; 0 where all questions agree.
        questions: Number of questions that the judge marked.
        judge: Sensitivity and specificity, at the same level.
        level: Confidence level.

    Returns:
        NaN with a reason unless the lower limit of Se + Sp - 1 is above 0: below that, the sign of the correction
        is unknown.
    """
    unknown = float("nan")
    if judge.reason is not None:
        return RoganGladen(unknown, unknown, unknown, judge.reason)
    if questions < 2:
        return RoganGladen(unknown, unknown, unknown, "the judge marked fewer than two questions")
    worst = sum_low(judge.sensitivity, judge.specificity) - 1
    if worst <= 0:
        youden = judge.sensitivity.estimate + judge.specificity.estimate - 1
        why = f"sensitivity + specificity - 1 is {youden:.2f} and may be {worst:.2f}: not clearly above 0"
        return RoganGladen(unknown, unknown, unknown, why)
    estimate = (mean + judge.specificity.estimate - 1) / (judge.sensitivity.estimate + judge.specificity.estimate - 1)
    effective = mean * (1 - mean) / error**2 if error > 0 else float(questions)
    low, high = _lang_reiczigel(mean, effective, judge, level)
    if high <= 0 or low >= 1:
        why = f"the judge's mean, {mean:.2f}, is not one that its sensitivity and specificity can give"
        return RoganGladen(unknown, unknown, unknown, why)
    # The interval is centred on shrunken rates; near 0 and 1 the plain estimate can be outside it.
    estimate, low, high = (float(np.clip(x, 0, 1)) for x in (estimate, min(low, estimate), max(high, estimate)))
    return RoganGladen(estimate, low, high)


def _lang_reiczigel(mean: float, effective: float, judge: JudgeError, level: float) -> tuple[float, float]:
    z = float(special.ndtri((1 + level) / 2))
    n = effective + z**2
    p = (effective * mean + z**2 / 2) / n
    n_se, n_sp = judge.sensitivity.effective + 2, judge.specificity.effective + 2
    se = ((n_se - 2) * judge.sensitivity.estimate + 1) / n_se
    sp = ((n_sp - 2) * judge.specificity.estimate + 1) / n_sp
    theta = (p + sp - 1) / (se + sp - 1)
    var_se, var_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    centre = theta + 2 * z**2 * (theta * var_se - (1 - theta) * var_sp)
    half = z * float(np.sqrt(p * (1 - p) / n + theta**2 * var_se + (1 - theta) ** 2 * var_sp)) / (se + sp - 1)
    return centre - half, centre + half
