"""Arms against the reference on the same questions: difference, flips, equivalence and what could have been found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.arm_pairs import MIN_QUESTIONS, NOT_SHARED, matched_rungs, reference_of, rows_of
from overthink.analysis.request import CurveContext
from overthink.data.arrays import Array
from overthink.data.decisions import placebo_of
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import VERDICTS
from overthink.data.phrases import shown_name
from overthink.data.record import Estimand, Verdict
from overthink.data.results.arms import PairedResult, PairedRungResult, SampleCounts
from overthink.data.verdict_labels import PairedLabel
from overthink.stats.paired import (
    ENOUGH,
    McNemar,
    PairedMean,
    PairedMethod,
    design_effect,
    flipped,
    mcnemar,
    paired_mean,
)
from overthink.stats.proportion import clustered_proportion
from overthink.stats.subsets import is_binary
from overthink.stats.testing import holm

UNLIKE_MAX = 0.02
"""Maximum difference of the shares of samples without a clear value: more could make a difference of its own."""

MISSINGNESS = "missingness"
"""Gate that fails where the arms differ in samples without a clear value."""

PAIRED_TEST = "paired by question, draws averaged first: Student's t, two-sided; see the limits"
EQUIVALENCE_TEST = "two one-sided tests against the margin (TOST), paired by question"
MCNEMAR_TEST = "McNemar's test, exact, two-sided"

STUDENT = "paired by question, draws averaged first: Student's t interval of {n:d} differences"
FEW_CHANGED = (
    "paired by question, draws averaged first: fewer than {enough:d} of {n:d} questions differ otherwise than most do, "
    "so two pseudo-questions that changed in opposite ways widen Student's interval"
)
ALL_ALIKE = (
    "paired by question, draws averaged first: all {n:d} questions differ by the same number, so the interval is the "
    "exact one of how many others can be (Clopper and Pearson)"
)

COUNTED = (
    "{arm}: {counted:,d} of {samples:,d} samples counted, those unparsed or cut as they were scored; {errored} "
    "errored, {unparsed} unparsed, {cut} cut"
)
UNLIKE = (
    "{reference:.1f} % of the reference's samples and {arm:.1f} % of the arm's have no value, are unparsed or are cut: "
    "unlike losses may make the difference, and its verdict"
)
ADJUSTED = "verdict adjusted over {n:d} comparisons (Holm); the interval is that of this one alone"
TWO_SIDES = (
    "paired by question, draws averaged first: interval of the two one-sided tests, widened by two pseudo-questions "
    "that changed in opposite ways; exact where all questions differ by the same number"
)
MARGIN = "the margin is {points:g} points either way (--margin)"
WITHIN = "the difference is shown, and it is shown to be less than the margin"
OTHER_MEASURE = "equal answers may have other values, for what measures differs: {names}"
OTHER_SETTING = "each arm has this one rung, and their settings differ: the difference is that of settings, too"
SIDES = "a question counts as good where half or more of its draws are good; questions near one half flip by chance"
POWER_MEANS = "a smaller true difference may go unseen; two-sided, for this comparison alone"
DESIGN_MEANS = "variance of the mean over questions, over that of as many independent samples"

NO_QUESTION = "no question has a value in both arms"
ONE_QUESTION = "no interval: one question only"
SEVERAL_DRAWS = "McNemar's test is for one draw of each question; here are several"
GRADED = "McNemar's test is for values of 0 and 1; here are others"
NONE_CHANGED = "no question changed sides"


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """Two curves at one rung of each, on the questions that both have.

    Attributes:
        curves: The reference, and the arm.
        rungs: Position of the rung on either ladder.
        rows: Position of each shared question in either table.
        result: The paired difference.
        is_other_setting: Whether the rungs are the only ones, under different settings.
    """

    curves: tuple[CurveContext, CurveContext]
    rungs: tuple[int, int]
    rows: tuple[NDArray[np.int64], NDArray[np.int64]]
    result: PairedMean
    is_other_setting: bool

    @property
    def means(self) -> tuple[Array, Array]:
        """(question,) mean over draws of the reference, and of the arm."""
        sides = zip(self.curves, self.rows, self.rungs, strict=True)
        reference, arm = (curve.cells[rows, rung] for curve, rows, rung in sides)
        return reference, arm

    @property
    def values(self) -> tuple[Array, Array]:
        """(question, draw) values of the reference, and of the arm."""
        sides = zip(self.curves, self.rows, self.rungs, strict=True)
        reference, arm = (curve.table.values[rows, :, rung] for curve, rows, rung in sides)
        return reference, arm

    @property
    def other_measures(self) -> tuple[str, ...]:
        """Conditions that measure the arm in another way than the reference."""
        key = self.curves[1].key
        measures = self.curves[1].analysis.other_measures
        return tuple(name for arm, task, name in measures if (arm, task) == (key.arm, key.task))

    @property
    def at(self) -> At:
        """The rung, as the reference counts it."""
        return self.curves[0].at(self.rungs[0])


def paired_results(contexts: Sequence[CurveContext], *, margin: float, alpha: float) -> Iterator[PairedResult]:
    """Yield every arm against the reference, on the questions that both have, at each rung that both have.

    Verdicts are adjusted over all arms, tasks and rungs (Holm): differences, and equivalences, by themselves.

    Args:
        contexts: All curves. Controls are left out; runs whose budget was not set are none where they stand alone.
        margin: Largest difference that does not matter.
        alpha: Chance of any false claim of a kind.
    """
    cases = [_cases(reference, arm, margin) for reference, arm in _couples(contexts)]
    every = [case.result for own in cases for case in own]
    adjusted = zip(holm([result.p for result in every]), holm([result.p_equivalent for result in every]), strict=True)
    for own in cases:
        if own:
            reference, arm = own[0].curves
            n_shared = len(own[0].rows[0])
            yield PairedResult(
                arm.key,
                reference.key,
                tuple(_rung(case, next(adjusted), margin=margin, alpha=alpha, n=len(every)) for case in own),
                n_shared,
                (len(reference.table.questions) - n_shared, len(arm.table.questions) - n_shared),
            )


def _couples(contexts: Sequence[CurveContext]) -> Iterator[tuple[CurveContext, CurveContext]]:
    """Yield the reference of each arm and the arm, on every task and scorer, without placebos.

    An arm that has a counterpart, such as the same model in another folder, is compared with that.
    """
    reference = reference_of(contexts)
    counterparts = dict(contexts[0].analysis.counterparts) if contexts else {}
    own = {(*context.key[:3],) for context in contexts if not context.is_control}
    groups: dict[tuple[str, ...], dict[str, CurveContext]] = {}
    for context in contexts:
        key = context.key
        is_control = context.is_control and (key.judges_thinking or key[:3] in own)
        if not is_control and placebo_of(key.arm) is None:
            groups.setdefault((key.axis, key.task, key.scorer, key.estimand), {})[key.arm] = context
    for group in groups.values():
        for arm, context in group.items():
            other = counterparts.get(arm, None if arm in counterparts.values() else reference)
            if other in group and other != arm:
                yield group[other], context


def _cases(reference: CurveContext, arm: CurveContext, margin: float) -> list[_Case]:
    shared = sorted(set(reference.table.questions) & set(arm.table.questions))
    if len(shared) < MIN_QUESTIONS:
        return []
    rows = (rows_of(reference, shared), rows_of(arm, shared))
    rung_pairs = matched_rungs(reference.table, arm.table)
    is_other = not rung_pairs and reference.rungs == arm.rungs == 1 and reference.table.estimand is Estimand.EFFORT
    return [
        _Case(
            (reference, arm),
            (low, high),
            rows,
            paired_mean(arm.cells[rows[1], high] - reference.cells[rows[0], low], level=reference.level, margin=margin),
            is_other,
        )
        for low, high in (((0, 0),) if is_other else rung_pairs)
    ]


def _rung(case: _Case, adjusted: tuple[float, float], *, margin: float, alpha: float, n: int) -> PairedRungResult:
    """Return one rung; ``adjusted`` are the p-values of a difference, and of equivalence, over ``n`` comparisons."""
    p, p_equivalent = adjusted
    counts = tuple(_counts(case, side) for side in (0, 1))
    unlike = _unlike(*counts)
    gates = (
        *_failed(case),
        *((Metric.COMPARABILITY,) if case.other_measures else ()),
        *(() if unlike is None else (MISSINGNESS,)),
    )
    result = case.result
    mean = _by_student(case, Metric.MEAN, gates)
    limits = (*mean.limits, *map(_counted, counts), *(() if unlike is None else (unlike,)))
    several = (ADJUSTED.format(n=n),) if n > 1 else ()
    mean = replace(
        _estimated(replace(mean, limits=(*limits, *several)), result.estimate, result.low, result.high),
        test=_test(PAIRED_TEST, result.p, p, mde=result.mde),
    )
    is_different, is_within = p <= alpha, p_equivalent <= alpha
    label = PairedLabel.DIFFERENT if is_different else PairedLabel.EQUIVALENT if is_within else PairedLabel.UNDETERMINED
    both = (WITHIN,) if is_different and is_within else ()
    equivalence = _finding(case, Metric.EQUIVALENCE, gates)
    equivalence = replace(
        equivalence,
        label=f"{equivalence.label}: {label}",
        level=1 - 2 * alpha,
        test=_test(EQUIVALENCE_TEST, result.p_equivalent, p_equivalent),
        limits=(*equivalence.limits, TWO_SIDES, MARGIN.format(points=round(100 * margin, 9)), *both, *several),
    )
    gained, lost = flipped(*case.means)
    return PairedRungResult(
        mean=mean,
        mcnemar=_mcnemar(case, gates),
        gained=_flips(case, gates, "gained", gained),
        lost=_flips(case, gates, "lost", lost),
        mde=_mde(case, gates),
        equivalence=_estimated(equivalence, result.estimate, *result.equivalence),
        label=label,
        reference=counts[0],
        arm=counts[1],
        reference_design=_design_effect(case, gates, 0, part="reference"),
        arm_design=_design_effect(case, gates, 1),
        arm_at=case.curves[1].at(case.rungs[1]) if case.is_other_setting else None,
        unlike=unlike,
        is_small=is_different and is_within,
    )


def _failed(case: _Case) -> tuple[str, ...]:
    sides = zip(case.curves, case.rungs, strict=True)
    return tuple(dict.fromkeys(gate for curve, rung in sides for gate in curve.failed_gates([rung])))


def _finding(case: _Case, metric: Metric, gates: tuple[str, ...], part: str | None = None) -> Finding:
    """Return a finding of the arm at the rung, without an estimate."""
    reference, arm = case.curves
    left_out = len(set(reference.table.questions) ^ set(arm.table.questions))
    fewer = (NOT_SHARED.text(n=left_out),) if left_out else ()
    other = (OTHER_SETTING,) if case.is_other_setting else ()
    measures = ", ".join(map(shown_name, case.other_measures))
    other = (*other, *((OTHER_MEASURE.format(names=measures),) if measures else ()))
    draws = min(int(curve.draws[rung]) for curve, rung in zip(case.curves, case.rungs, strict=True))
    return replace(
        arm.finding(Kind.ARM_DIFFERENCE, metric, case.at, part=part),
        label=f"against {reference.table.arm}",
        n_questions=case.result.n_questions,
        n_draws=draws,
        level=arm.level,
        gates_failed=gates,
        limits=(*fewer, *other),
    )


def _by_student(case: _Case, metric: Metric, gates: tuple[str, ...]) -> Finding:
    """Return a finding without an estimate whose limits say how its interval is made."""
    finding, n = _finding(case, metric, gates), case.result.n_questions
    how = {
        PairedMethod.STUDENT: (STUDENT.format(n=n),),
        PairedMethod.PSEUDO: (FEW_CHANGED.format(enough=ENOUGH, n=n),),
        PairedMethod.EXACT: (ALL_ALIKE.format(n=n),),
        PairedMethod.NONE: (),
    }
    return replace(finding, limits=(*finding.limits, *how[case.result.method]))


def _estimated(finding: Finding, estimate: float, low: float, high: float) -> Finding:
    if np.isnan(estimate):
        return replace(finding, reason=NO_QUESTION)
    if np.isnan(low):
        return replace(finding, estimate=estimate, reason=ONE_QUESTION)
    return replace(finding, estimate=estimate, low=low, high=high)


def _test(test: str, p: float, adjusted: float, *, mde: float | None = None) -> FindingTest | None:
    return None if np.isnan(p) else FindingTest(test, p=p, p_adjusted=float(adjusted), mde=mde)


def _mcnemar(case: _Case, gates: tuple[str, ...]) -> Finding:
    finding = _finding(case, Metric.MCNEMAR, gates)
    values = case.values
    if max(int((~np.isnan(side)).sum(axis=1).max()) for side in values) > 1:
        return replace(finding, reason=SEVERAL_DRAWS)
    if not all(is_binary(side[:, :, None]) for side in values):
        return replace(finding, reason=GRADED)
    gained, lost = (int(side.sum()) for side in flipped(*case.means))
    test: McNemar = mcnemar(gained, lost, level=finding.level or 0.95)
    finding = replace(
        finding,
        label=f"{finding.label}: {gained} gained, {lost} lost",
        test=FindingTest(MCNEMAR_TEST, p=test.p),
    )
    if np.isnan(test.share):
        return replace(finding, reason=NONE_CHANGED)
    return replace(finding, estimate=test.share, low=test.low, high=test.high)


def _flips(case: _Case, gates: tuple[str, ...], direction: str, changed: NDArray[np.bool_]) -> Finding:
    """Return the questions that changed sides in one direction, as a share and by name."""
    finding = _finding(case, Metric.FLIPS, gates, part=direction)
    ids = np.asarray(case.curves[0].table.questions, dtype=object)[case.rows[0]]
    known = ~np.isnan(case.means[0]) & ~np.isnan(case.means[1])
    share = clustered_proportion(
        changed[known].astype(np.int64), np.ones(int(known.sum()), dtype=np.int64), level=finding.level or 0.95
    )
    finding = replace(
        finding,
        label=f"{finding.label}: {direction}",
        questions=tuple(str(question) for question in ids[changed]),
        limits=(*finding.limits, SIDES),
    )
    return _estimated(finding, share.estimate, share.low, share.high)


def _mde(case: _Case, gates: tuple[str, ...]) -> Finding:
    finding = _by_student(case, Metric.MDE, gates)
    if np.isnan(case.result.mde):
        return replace(finding, reason=NO_QUESTION if not case.result.n_questions else ONE_QUESTION)
    return replace(finding, estimate=case.result.mde, limits=(*finding.limits, POWER_MEANS))


def _design_effect(case: _Case, gates: tuple[str, ...], side: int, part: str | None = None) -> Finding | None:
    """Return the design effect that several draws of a question have on one side; None with one draw."""
    effect = design_effect(case.values[side])
    if np.isnan(effect):
        return None
    finding = _finding(case, Metric.DESIGN_EFFECT, gates, part=part)
    label = f"{finding.label}: of {case.curves[side].table.arm}"
    return replace(finding, label=label, estimate=effect, limits=(*finding.limits, DESIGN_MEANS))


def _counts(case: _Case, side: int) -> SampleCounts:
    """Return the samples of one side on the shared questions."""
    curve, rung, rows = case.curves[side], case.rungs[side], case.rows[side]
    table = curve.table
    run, verdicts, cut = table.observed[rows, :, rung], table.verdicts[rows, :, rung], table.truncated[rows, :, rung]
    has_value = run & ~np.isnan(table.values[rows, :, rung])
    errored, unparsed = (run & (verdicts == VERDICTS.index(v)) for v in (Verdict.ERRORED, Verdict.UNPARSED))
    is_cut = run & table.is_cut(rung)[rows]
    both = ~np.isnan(case.means[0]) & ~np.isnan(case.means[1])
    has_verdicts, has_cuts = bool((verdicts[run] >= 0).any()), bool((~np.isnan(cut[run])).any() or is_cut.any())
    return SampleCounts(
        arm=table.arm,
        mean=float(case.means[side][both].mean()) if both.any() else None,
        samples=int(run.sum()),
        counted=int(has_value.sum()),
        errored=int(errored.sum()) if has_verdicts else None,
        unparsed=int(unparsed.sum()) if has_verdicts else None,
        cut=int(is_cut.sum()) if has_cuts else None,
        unclear=int((run & (~has_value | unparsed | is_cut)).sum()),
    )


def _counted(counts: SampleCounts) -> str:
    numbers = {
        key: "unknown" if value is None else f"{value:,d}"
        for key, value in (("errored", counts.errored), ("unparsed", counts.unparsed), ("cut", counts.cut))
    }
    return COUNTED.format(arm=shown_name(counts.arm), counted=counts.counted, samples=counts.samples, **numbers)


def _unlike(reference: SampleCounts, arm: SampleCounts) -> str | None:
    """Return how the sides differ in samples without a clear value; None where they are alike."""
    if abs(reference.unclear_share - arm.unclear_share) <= UNLIKE_MAX:
        return None
    return UNLIKE.format(reference=100 * reference.unclear_share, arm=100 * arm.unclear_share)
