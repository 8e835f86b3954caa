"""What human labels say of the judge, the curve corrected by them, and whether the judge's own trends may stand."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.core.controls import ON_TRACE
from overthink.core.finding import At, Finding, Test
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.findings.shapes import Withheld, shape_verdicts
from overthink.core.findings.values import differences, ladder_comparisons
from overthink.core.human_label import HumanLabel, label_table
from overthink.core.judge import CorrectedCurve, correct_judge
from overthink.core.judge_drift import DRIFT, NO_DRIFT, JudgeDrift, judge_drift

GATE = "judge_drift"
DRIFT_TEST = "permutation test of equal sensitivity and specificity at all rungs"
RANDOM = "valid if the labelled answers are a random sample of each rung's answers"


def judged(page: Page, *, rng: np.random.Generator) -> tuple[list[Finding], Withheld | None]:
    """Findings from human labels, and why trends on the judge's own marks are withheld.

    Args:
        page: The curve.
        rng: Source of randomness.

    Returns:
        No findings where nobody gave labels of this curve. Trends are withheld unless the labels show that the judge
        errs alike at all rungs: "not known" is not enough, as 40 labels per rung miss most drifts.
    """
    labels = of_this_curve(page)
    if not labels:
        return [], None
    human = label_table(page.table, labels)
    drift = judge_drift(page.table.values, human, rng=rng, alpha=page.analysis.alpha)
    curve = correct_judge(page.table.values, human, rng=rng, level=page.level)
    found = [_gate(page, drift), *_errors(page, curve), *_corrected(page, curve, rng)]
    if drift.decision == NO_DRIFT:
        return found, None
    moves = "differs between rungs" if drift.decision == DRIFT else "may differ between rungs"
    return found, Withheld(GATE, f"withheld: the judge's error {moves} ({drift.reason}); see the corrected curve")


def of_this_curve(page: Page) -> Sequence[HumanLabel]:
    """The labels that are of this curve's answers; a judge of the thinking has none."""
    if page.table.scorer.endswith(ON_TRACE):
        return ()
    return [label for label in page.analysis.human or () if label.is_of(page.table)]


def _gate(page: Page, drift: JudgeDrift) -> Finding:
    return replace(
        page.finding("gate", GATE, At()),
        estimate=None if np.isnan(drift.largest) else drift.largest,
        label={NO_DRIFT: "passed", DRIFT: "failed"}.get(drift.decision),
        reason=f"{drift.decision}: {drift.reason}",
        test=Test(DRIFT_TEST, p=None if np.isnan(drift.p) else drift.p),
        level=page.level,
        limits=("the estimate is the largest difference between two rungs that the labels allow",),
    )


def _errors(page: Page, curve: CorrectedCurve) -> Iterator[Finding]:
    for rung, error in enumerate(curve.judge_error):
        for metric, share in (("sensitivity", error.sensitivity), ("specificity", error.specificity)):
            made = replace(page.finding("judge", metric, page.at(rung)), n_questions=error.questions, level=page.level)
            said = f"{share.trials} labelled answers"
            if np.isnan(share.estimate):
                yield replace(made, reason=error.reason or "no answer to count", label=said)
            else:
                yield replace(made, estimate=share.estimate, low=share.low, high=share.high, label=said)
        classical = curve.rogan_gladen[rung]
        made = replace(page.finding("judge", "rogan_gladen", page.at(rung)), level=page.level)
        if np.isnan(classical.estimate):
            yield replace(made, reason=classical.reason)
        else:
            yield replace(made, estimate=classical.estimate, low=classical.low, high=classical.high)


def _corrected(page: Page, curve: CorrectedCurve, rng: np.random.Generator) -> Iterator[Finding]:
    for rung in range(page.rungs):
        at = replace(page.at(rung), k=1, selector="single")
        labelled = int(curve.labelled[rung])
        made = replace(
            page.finding("value", "corrected_mean", at),
            n_questions=len(page.table.questions),
            n_draws=int(page.draws[rung]),
            level=page.level,
            label=f"human labels on {labelled} questions",
            gates_failed=page.failed([rung]),
            limits=(POINTWISE, RANDOM),
        )
        reason = curve.reasons[rung]
        if reason is not None:
            yield replace(made, reason=reason)
        else:
            estimate, low, high = (float(a[rung]) for a in (curve.estimate, curve.low, curve.high))
            yield replace(made, estimate=estimate, low=low, high=high)
    if page.rungs > 1:
        change = curve.differences(ladder_comparisons(page.rungs))
        yield from differences(page, change, metric="corrected_mean")
        yield from shape_verdicts(page, curve.values, name="corrected_", rng=rng)
