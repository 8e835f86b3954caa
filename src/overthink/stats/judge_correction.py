"""Judge-corrected curve (expected human labels), from a judge's marks on all answers and human labels on some.

Rogan-Gladen correction of a judge's mean by its sensitivity and specificity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.parameters import generator, real
from overthink.data.phrases import Reason
from overthink.stats.bootstrap import Intervals, mean_intervals, question_weights
from overthink.stats.judge_error import HumanLabels, JudgeError, errors_of, human_labels
from overthink.stats.prediction_powered import ENOUGH, RectifiedMeans, rectify
from overthink.stats.proportion import sum_low
from overthink.stats.testing import Differences


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


OUTSIDE = Reason("the corrected mean and its interval lie outside [0, 1]: the labels are not a sample of these answers")
NO_MARK = Reason("the judge marked no answer of this rung")
TOO_FEW_LABELS = Reason("human labels on {n:d} questions of this rung; needed: {needed:d} at least")


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedCurve:
    """A judge's curve, corrected. Arrays are (rung,) unless said otherwise.

    Attributes:
        estimate: Prediction-powered mean, clipped to [0, 1]; NaN with a reason.
        low: Lower end; NaN with a reason.
        high: Upper end; NaN with a reason.
        error: Standard error.
        naive: Mean of the judge's marks over questions, uncorrected.
        values: (question, rung) influence of each question: numbers whose mean over questions is the corrected mean
            (before clipping) and whose spread over questions gives its interval. They replace a question's
            value wherever a mean over questions is tested, paired across rungs: differences, trends, the shape
            verdict (as one draw per question). One by one they are not scores and may leave [0, 1].
        covariance: (rung, rung) of the corrected means.
        labelled: Questions with a human label.
        power: Weight of the judge, λ in [0, 1]; 0 where its marks have no information about the labels.
        judge_error: Sensitivity and specificity, rung by rung.
        rogan_gladen: The classical correction, rung by rung.
        reasons: Why a rung has no corrected mean; None where it has one.
        level: Confidence level of all intervals.
    """

    estimate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    error: NDArray[np.float64]
    naive: NDArray[np.float64]
    values: NDArray[np.float64] = field(repr=False)
    covariance: NDArray[np.float64] = field(repr=False)
    labelled: NDArray[np.int64]
    power: float
    judge_error: tuple[JudgeError, ...]
    rogan_gladen: tuple[RoganGladen, ...]
    reasons: tuple[str | None, ...]
    level: float

    def __post_init__(self) -> None:
        for array in (self.estimate, self.low, self.high, self.error, self.naive, self.values, self.covariance):
            array.setflags(write=False)

    def contrasts(self, coefficients: ArrayLike) -> tuple[Intervals, NDArray[np.float64]]:
        """Weighted sums of the corrected means, with intervals and tests that respect the pairing of the rungs.

        A trend over scores s is the contrast s - mean(s). Student's quantile has the degrees of freedom of the
        labels at the least labelled rung of the contrast.

        Args:
            coefficients: (contrast, rung).

        Returns:
            The sums (not clipped; NaN where a rung with a coefficient has no corrected mean), and (contrast,)
            two-sided p-values.

        Raises:
            ValueError: The coefficients are not finite, or not one for each rung.
        """
        rows = np.asarray(coefficients, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.estimate) or not np.isfinite(rows).all():
            raise ValueError(
                f"coefficients have shape {rows.shape}; needed: (contrast, {len(self.estimate)}) finite numbers"
            )
        means = np.array([v[~np.isnan(v)].mean() if not np.isnan(v).all() else np.nan for v in self.values.T])
        sums = np.full((3, len(rows)), np.nan)
        count = np.zeros(len(rows), dtype=np.int64)
        for i, row in enumerate(rows):
            nonzero = np.flatnonzero(row)
            if nonzero.size:
                count[i] = self.labelled[nonzero].min()
                variance = row[nonzero] @ self.covariance[np.ix_(nonzero, nonzero)] @ row[nonzero]
                error = np.sqrt(np.maximum(variance, 0))
                sums[:, i] = row[nonzero] @ means[nonzero], error, _quantile(count[i], self.level) * error
        estimate, error, half = sums
        with np.errstate(invalid="ignore", divide="ignore"):
            p = 2 * special.stdtr(np.maximum(count - 1, 1), -np.abs(estimate) / error)
        return Intervals(estimate, estimate - half, estimate + half, error, count), np.asarray(p)

    def differences(self, pairs: Sequence[tuple[int, int]]) -> Differences:
        """Corrected mean of the first rung of each pair minus that of the second, paired by question."""
        rows = np.zeros((len(pairs), len(self.estimate)))
        for i, (rung, below) in enumerate(pairs):
            rows[i, rung] += 1
            rows[i, below] -= 1
        intervals, p = self.contrasts(rows)
        return Differences(pairs=tuple(pairs), intervals=intervals, p=p)


def correct_judge(
    judge: ArrayLike, human: ArrayLike, *, rng: np.random.Generator, level: float = 0.95
) -> CorrectedCurve:
    """Correct a judge's curve by human labels, rung by rung, so that it can be tested.

    Needs labels that are a random sample of the answers of each rung; the selection of answers for human labels must
    not depend on the judge's verdict or confidence. Then the corrected mean is unbiased however the
    judge errs and however its error moves with the budget. An answer without a mark is left out with its label.

    Args:
        judge: (question, draw, rung) the judge's marks in [0, 1]; NaN where it gave none.
        human: The same shape; human labels in [0, 1], NaN where there is none.
        rng: Source of randomness.
        level: Confidence level.

    Returns:
        The corrected curve. A rung with fewer than two labelled questions has NaN and a reason; it is never
        filled with the judge's own mean.

    Raises:
        ValueError: Shapes do not match, a number is outside [0, 1], or the level is not in (0, 1).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.random((200, 1, 2)) < 0.5
        >>> judge = truth | (rng.random((200, 1, 2)) < [0.4, 0.0])  # lenient at the lower rung only
        >>> human = np.where(np.arange(200)[:, None, None] < 60, truth, np.nan)
        >>> curve = correct_judge(judge, human, rng=rng)
        >>> (curve.naive - truth.mean(axis=(0, 1))).round(1).tolist()
        [0.2, 0.0]
        >>> bool((np.abs(curve.estimate - truth.mean(axis=(0, 1))) < 0.1).all())
        True
    """
    generator(rng)
    level = real(level, "level")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; needed: between 0 and 1, such as 0.95")
    labels = human_labels(judge, human)
    weights = question_weights(len(labels.judge), rng=rng)
    result = rectify(labels, weights)
    naive = mean_intervals(labels.by_question()[0], weights, level=level)
    errors = errors_of(labels, level=level)
    error = np.sqrt(np.diag(result.covariance))
    half = _quantile(result.n_labelled, level) * error
    low, high = result.estimate - half, result.estimate + half
    reasons = tuple(_reason(result, i, float(low[i]), float(high[i])) for i in range(len(error)))
    is_unknown: NDArray[np.bool_] = np.array([reason is not None for reason in reasons])
    estimate, low, high = (np.where(is_unknown, np.nan, np.clip(a, 0, 1)) for a in (result.estimate, low, high))
    covariance = np.where(np.add.outer(is_unknown, is_unknown), np.nan, result.covariance)
    return CorrectedCurve(
        estimate=estimate,
        low=low,
        high=high,
        error=np.where(is_unknown, np.nan, error),
        naive=naive.estimate,
        values=np.where(is_unknown, np.nan, _widen_influences(result, labels, half, level)),
        covariance=covariance,
        labelled=result.n_labelled,
        power=result.power,
        judge_error=errors,
        rogan_gladen=tuple(
            rogan_gladen(float(m), float(e), int(n), judge_error, level=level)
            for m, e, n, judge_error in zip(naive.estimate, naive.error, naive.n_questions, errors, strict=True)
        ),
        reasons=reasons,
        level=level,
    )


def _quantile(n_labelled: NDArray[np.int64] | np.int64, level: float) -> NDArray[np.float64]:
    return np.asarray(special.stdtrit(np.maximum(n_labelled - 1, 1), (1 + level) / 2))


def _reason(result: RectifiedMeans, rung: int, low: float, high: float) -> str | None:
    if not result.n_marked[rung]:
        return NO_MARK
    if result.n_labelled[rung] < ENOUGH:
        return TOO_FEW_LABELS.text(n=result.n_labelled[rung], needed=ENOUGH)
    return OUTSIDE if high <= 0 or low >= 1 else None


def _widen_influences(
    result: RectifiedMeans, labels: HumanLabels, half: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    """The influences, scaled so that an interval from them alone is as wide as the reported one.

    Unscaled, they would miss what the report adds: the small number of labels behind the correction (Student's
    quantile), and that labels without an error do not prove a judge without error. A rung on which all questions
    agree keeps only its labelled questions: the others are no evidence.
    """
    values = result.values.copy()
    is_labelled: NDArray[np.bool_] = labels.has_label.max(axis=1)
    for rung in range(values.shape[1]):
        column = values[:, rung]
        is_known = ~np.isnan(column)
        n = int(is_known.sum())
        if n < ENOUGH:
            continue
        own_error = column[is_known].std(ddof=1) / np.sqrt(n)
        if own_error > 0:
            scale = half[rung] / (own_error * float(_quantile(np.int64(n), level)))
            values[:, rung] = result.estimate[rung] + scale * (column - result.estimate[rung])
        else:
            values[~is_labelled[:, rung], rung] = np.nan
    return values
