"""Verdicts on a hypothesis with directions, on each part and on the whole, adjusted over the curves of a family.

Parts are adjusted part by part: the verdicts on part 1 of all curves together, and so on. Where a whole is confirmed
after its adjustment, every part of it is shown after its own, since no part has a larger p-value than the whole.
Opposites that are shown count once for every curve (Bonferroni), on top of the adjustment over the parts of a curve. No
curve leaves its family for too few questions: the tests of parts reject with fewer than those of shapes do.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.families import CurveFamily, unadjusted_p
from overthink.analysis.request import CurveContext
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.hypothesis import Part, hypothesis_text, part_rungs
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Reason, one_of
from overthink.data.results.curve import CurveResult, HypothesisResult, Withheld
from overthink.data.shape_text import STATED_AFTERWARDS
from overthink.data.verdict_labels import HypothesisLabel
from overthink.stats.curve import POSITION, Ladder
from overthink.stats.gates import had_ended
from overthink.stats.hypothesis import HypothesisVerdict, with_ended
from overthink.stats.shape import ShapeVerdict
from overthink.stats.testing import holm

TEST = "parts of a hypothesis, paired by question: intersection-union test, random signs and Student's t"

ALL_PARTS = "a verdict on all parts together: no single number"
"""Reason of a whole that has no estimate for no other one."""

_NO_CLAIM = (HypothesisLabel.CONTRADICTED, HypothesisLabel.HAD_ENDED)

_SHOWN = (HypothesisLabel.SHOWN, HypothesisLabel.CONFIRMED)


LOST = Reason("{verdict} alone (p = {p:.2g}), but not among {n:d} curves", verdict=one_of(*HypothesisLabel))
NO_TOKENS = Reason("the rungs have no number of tokens, and the parts of the hypothesis end at tokens")

CORRECTED = "tested on the curve corrected by human labels"


def hypothesis_metric(context: CurveContext) -> Metric:
    """Return the metric of the shape beside which a hypothesis is tested: of the corrected curve where there is one."""
    return Metric.CORRECTED_MAX_T if context.human_labels else Metric.MAX_T


def tested_parts(context: CurveContext, ladder: Ladder) -> tuple[Part, ...] | None:
    """Return the parts of the hypothesis, or None where there are none, or they do not fit the ladder.

    Args:
        context: The curve.
        ladder: Its ladder.
    """
    parts = context.analysis.parts
    return None if parts is None or misfit(parts, ladder) is not None else parts


def hypothesis_result(
    context: CurveContext,
    shape: ShapeVerdict | None,
    ladder: Ladder,
    *,
    limits: Sequence[str],
    reason: str | None = None,
    withheld: Withheld | None = None,
    ended: NDArray[np.bool_] | None = None,
) -> HypothesisResult:
    """Return the verdicts on the whole and on the parts.

    Args:
        context: The curve; its analysis has a hypothesis with directions.
        shape: The verdict on its shape, with that on the hypothesis; None where it could not be tested.
        ladder: The ladder of the curve.
        limits: Limits of the test on its shape that hold here, too.
        reason: Why the curve could not be tested, if that is not the ladder.
        withheld: Why no trend may be claimed; None where it may.
        ended: (rung,) where over half of the traces had ended; None for those of the context.
    """
    analysis = context.analysis
    assert analysis.parts is not None
    limits = [*limits, *(() if analysis.registered else (STATED_AFTERWARDS,))]
    gates = gates_of_trend(context, withheld)
    whole = replace(
        context.finding(Kind.HYPOTHESIS, Metric.WHOLE, At()),
        label=HypothesisLabel.NOT_SHOWN,
        n_draws=int(context.draws.min()),
        test=FindingTest(TEST),
        gates_failed=gates,
        limits=tuple(limits),
        claim=hypothesis_text(analysis.parts),
    )
    verdict = None if shape is None else shape.hypothesis
    if shape is None or verdict is None or withheld is not None:
        obstacle = withheld.reason if withheld is not None else misfit(analysis.parts, ladder) or reason
        obstacle = obstacle or (None if shape is None else shape.reason)
        whole = replace(whole, reason=obstacle)
        return HypothesisResult(analysis.parts, analysis.registered, whole, obstacle=obstacle)
    whole = replace(whole, n_questions=shape.n_questions)
    verdict = with_ended(verdict, had_ended(context.table) if ended is None else ended)
    return HypothesisResult(
        analysis.parts,
        analysis.registered,
        whole=replace(whole, label=verdict.label, test=FindingTest(TEST, p=verdict.p_value), reason=ALL_PARTS),
        tests=tuple(_part_findings(context, verdict, shape.n_questions, tuple(limits))),
    )


def gates_of_trend(context: CurveContext, withheld: Withheld | None) -> tuple[str, ...]:
    """Return the names of the gates that failed at some rung, and of the one for which a trend is withheld."""
    names = (*context.failed_gates(range(context.rungs)), *(() if withheld is None else (withheld.gate,)))
    return tuple(dict.fromkeys(names))


def _part_findings(
    context: CurveContext, ended: HypothesisVerdict, n_questions: int, limits: tuple[str, ...]
) -> Iterator[Finding]:
    """Yield the verdict on each part."""
    for number, part in enumerate(ended.parts, start=1):
        is_contradicted = part.label == HypothesisLabel.CONTRADICTED
        # Its id has its number alone: the rungs of a part depend on the ladder.
        own = context.finding(Kind.HYPOTHESIS, Metric.PART, At(), part=f"part{number}")
        yield replace(
            own,
            at=replace(context.between(part.rung, part.from_rung), part=number),
            label=part.label,
            estimate=part.estimate,
            low=part.low,
            high=part.high,
            level=1 - 2 * context.analysis.alpha,
            n_questions=n_questions,
            n_draws=int(context.draws.min()),
            test=FindingTest(TEST, p=part.p_opposite if is_contradicted else part.p_shown),
            gates_failed=context.failed_gates(range(part.from_rung, part.rung + 1)),
            limits=limits,
            questions_needed=part.questions_needed,
            claim=str(part.part),
        )


def adjusted_hypotheses(
    curves: Iterable[CurveResult], families: Mapping[CurveKey, CurveFamily], *, alpha: float
) -> dict[str, Finding]:
    """Return the verdicts on hypotheses, p-values adjusted over their family, by id; lost labels are "not shown".

    Args:
        curves: All curves.
        families: Family of each curve.
        alpha: Error rate of the family.
    """
    results = [curve.hypothesis for curve in curves if curve.hypothesis is not None]
    return adjusted_parts(((result, families[result.whole.key]) for result in results), alpha=alpha)


def adjusted_parts(results: Iterable[tuple[HypothesisResult, CurveFamily]], *, alpha: float) -> dict[str, Finding]:
    """Return the verdicts of results on hypotheses, p-values adjusted over each family, by id.

    Args:
        results: Results with their families.
        alpha: Error rate of a family.
    """
    new: dict[str, Finding] = {}
    members: dict[tuple[str, int | None], list[tuple[Finding, CurveFamily]]] = {}
    for result, family in results:
        for verdict in (result.whole, *result.tests):
            if verdict.test is not None and verdict.test.p is not None:
                members.setdefault((family.name, verdict.at.part), []).append((verdict, family))
    for group in members.values():
        verdicts = [verdict for verdict, _ in group]
        # What is contradicted or had ended is no claim that could be shown, so that it takes no rank from the others.
        p_shown = holm([1.0 if verdict.label in _NO_CLAIM else unadjusted_p(verdict) for verdict in verdicts])
        n = len(verdicts)
        for (verdict, family), p in zip(group, p_shown, strict=True):
            p_adjusted = min(n * unadjusted_p(verdict), 1.0) if _is_contradicted(verdict) else float(p)
            own = replace(family, size=n, n_left_out=0)
            new[verdict.id] = _with_adjusted_p(verdict, p_adjusted, own, alpha=alpha)
    return new


def _with_adjusted_p(finding: Finding, p: float, family: CurveFamily, *, alpha: float) -> Finding:
    assert finding.test is not None
    result = replace(finding, test=replace(finding.test, p_adjusted=p))
    if family.size > 1 or family.is_declared:
        result = replace(result, limits=(*result.limits, family.text))
    if p <= alpha or not (finding.label in _SHOWN or _is_contradicted(finding)):
        return result
    return _not_shown(result, p, LOST.text(verdict=finding.label, p=unadjusted_p(finding), n=family.size))


def _not_shown(finding: Finding, p: float, reason: str) -> Finding:
    assert finding.test is not None
    label = finding.label if finding.label == HypothesisLabel.HAD_ENDED else HypothesisLabel.NOT_SHOWN
    return replace(finding, label=label, test=replace(finding.test, p_adjusted=p), reason=reason)


def _is_contradicted(finding: Finding) -> bool:
    return finding.label == HypothesisLabel.CONTRADICTED


def misfit(parts: Sequence[Part], ladder: Ladder) -> str | None:
    """Return why the parts do not fit the ladder; None where they do.

    Args:
        parts: The hypothesis.
        ladder: The ladder of a curve.
    """
    if ladder.unit == POSITION and any(part.up_to is not None for part in parts):
        return NO_TOKENS
    try:
        part_rungs(parts, ladder.budgets.tolist())
    except ValueError as failure:
        return str(failure)
    return None
