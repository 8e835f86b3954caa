"""Judge errors from human labels, the curve corrected by them, and the judge drift gate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.request import POINTWISE, CurveContext
from overthink.analysis.shapes import TestedCells, shapes
from overthink.analysis.values import differences, ladder_comparisons
from overthink.analysis.withheld import unlike_runs
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.labels import label_table
from overthink.data.phrases import Limit, Reason, one_of
from overthink.data.results.curve import WITHHELD, JudgeErrorResult, ShapeResult, Withheld
from overthink.data.selectors import Selector
from overthink.data.verdict_labels import GateLabel
from overthink.stats.judge_correction import CorrectedCurve, correct_judge
from overthink.stats.judge_error import DRIFT, EVIDENCE, NO_DRIFT, JudgeDrift, judge_drift

GATE = Metric.JUDGE_DRIFT
DRIFT_TEST = "permutation test of equal sensitivity and specificity at all rungs"
RANDOM = Limit("valid if the labelled answers are a random sample of each rung's answers")
NO_ANSWER = Reason("no answer to count")
ERROR_MOVES = "the judge's error differs between rungs"
ERROR_MAY_MOVE = "the judge's error may differ between rungs"
TREND_WITHHELD = Reason(f"withheld: {WITHHELD}", why=one_of(ERROR_MOVES, ERROR_MAY_MOVE), evidence=one_of(*EVIDENCE))


@dataclass(frozen=True, slots=True, eq=False)
class JudgeResult:
    """What human labels say of a judge and of a curve.

    Attributes:
        drift: Whether the judge's error moves along the ladder.
        errors: Error of the judge, by rung.
        corrected: Corrected value, by rung.
        changes: Differences between rungs of the corrected curve.
        shapes: Verdicts on the corrected curve.
        withheld: Why trends on the judge's own marks are withheld; None where they are not.
    """

    drift: Finding
    errors: tuple[JudgeErrorResult, ...]
    corrected: tuple[Finding, ...]
    changes: tuple[Finding, ...]
    shapes: tuple[ShapeResult, ...]
    withheld: Withheld | None


def judge_result(context: CurveContext, *, rng: np.random.Generator) -> JudgeResult | None:
    """Return what human labels say of the judge of a curve.

    Args:
        context: The curve.
        rng: Source of randomness.

    Returns:
        None for a curve without labels. Trends are withheld unless the labels show equal judge errors at all rungs: an
        undecided test is not enough, as 40 labels per rung miss most drifts.
    """
    labels = context.human_labels
    if not labels:
        return None
    human = label_table(context.table, labels)
    drift = judge_drift(context.table.values, human, rng=rng, alpha=context.analysis.alpha)
    curve = correct_judge(context.table.values, human, rng=rng, level=context.level)
    has_changes = context.rungs > 1
    change = curve.differences(ladder_comparisons(context.rungs)) if has_changes else None
    return JudgeResult(
        drift=_gate(context, drift),
        errors=tuple(_errors(context, curve)),
        corrected=tuple(_correction(context, curve)),
        changes=tuple(differences(context, change, metric=Metric.CORRECTED_MEAN)),
        shapes=shapes(
            context,
            TestedCells(curve.values, is_corrected=True, withheld=unlike_runs(context.gate_results)),
            rng=rng,
        ),
        withheld=_withheld(drift),
    )


def _withheld(drift: JudgeDrift) -> Withheld | None:
    if drift.decision == NO_DRIFT:
        return None
    return Withheld(GATE, ERROR_MOVES if drift.decision == DRIFT else ERROR_MAY_MOVE, drift.reason)


def _gate(context: CurveContext, drift: JudgeDrift) -> Finding:
    return replace(
        context.finding(Kind.GATE, GATE, At()),
        estimate=None if np.isnan(drift.largest) else drift.largest,
        label={NO_DRIFT: GateLabel.PASSED, DRIFT: GateLabel.FAILED}.get(drift.decision),
        reason=f"{drift.decision}: {drift.reason}",
        test=FindingTest(DRIFT_TEST, p=None if np.isnan(drift.p) else drift.p),
        level=context.level,
        limits=("the estimate is the largest difference between two rungs that the labels allow",),
    )


def _errors(context: CurveContext, curve: CorrectedCurve) -> Iterator[JudgeErrorResult]:
    for rung, error in enumerate(curve.judge_error):
        shares: list[Finding] = []
        for metric, share in (
            (Metric.SENSITIVITY, error.sensitivity),
            (Metric.SPECIFICITY, error.specificity),
        ):
            finding = replace(
                context.finding(Kind.JUDGE, metric, context.at(rung)), n_questions=error.questions, level=context.level
            )
            finding = replace(finding, label=f"{share.trials} labelled answers")
            shares.append(
                replace(finding, reason=error.reason or NO_ANSWER)
                if np.isnan(share.estimate)
                else replace(finding, estimate=share.estimate, low=share.low, high=share.high)
            )
        yield JudgeErrorResult(shares[0], shares[1], _rogan_gladen(context, curve, rung))


def _rogan_gladen(context: CurveContext, curve: CorrectedCurve, rung: int) -> Finding:
    classical = curve.rogan_gladen[rung]
    finding = replace(context.finding(Kind.JUDGE, Metric.ROGAN_GLADEN, context.at(rung)), level=context.level)
    if np.isnan(classical.estimate):
        return replace(finding, reason=classical.reason)
    return replace(finding, estimate=classical.estimate, low=classical.low, high=classical.high)


def _correction(context: CurveContext, curve: CorrectedCurve) -> Iterator[Finding]:
    for rung in range(context.rungs):
        at = replace(context.at(rung), k=1, selector=Selector.SINGLE)
        n_labelled = int(curve.labelled[rung])
        finding = replace(
            context.finding(Kind.VALUE, Metric.CORRECTED_MEAN, at),
            n_questions=len(context.table.questions),
            n_draws=int(context.draws[rung]),
            level=context.level,
            label=f"human labels on {n_labelled} questions",
            gates_failed=context.failed_gates([rung]),
            limits=(POINTWISE, RANDOM),
        )
        reason = curve.reasons[rung]
        if reason is not None:
            yield replace(finding, reason=reason)
        else:
            estimate, low, high = (float(a[rung]) for a in (curve.estimate, curve.low, curve.high))
            yield replace(finding, estimate=estimate, low=low, high=high)
