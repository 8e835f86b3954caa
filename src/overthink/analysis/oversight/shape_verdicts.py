"""Does oversight rise or fall with thinking, and does capability gain more? Verdicts on curves on oversight.

Shape and hypothesis are tested as on every other curve, paired by question, and adjusted in families of their own.
Capability's gain minus that of oversight is a change since the lowest rung with a value, each axis as a share of the
way from chance to 1, and is taken within a question where both are about the same ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.families import CurveFamily, oversight_families
from overthink.analysis.gaps import BAND
from overthink.analysis.hypotheses import adjusted_parts
from overthink.analysis.oversight.curves import CapabilityCells, OversightCurve, oversight_curves
from overthink.analysis.oversight.perturbation_curve import NO_ANSWER
from overthink.analysis.request import POINTWISE, CurveContext, with_estimate, with_place
from overthink.analysis.shapes import TestedCells, adjusted_verdicts, shapes
from overthink.analysis.withheld import unlike_runs
from overthink.data.arrays import Array
from overthink.data.finding import At, Finding
from overthink.data.ids import other_curve
from overthink.data.kinds import Kind, Metric
from overthink.data.oversight_cells import MonitorScores, PerturbationAnswers
from overthink.data.phrases import Phrase, one_of
from overthink.data.results.beside import OversightGapResult, OversightShapeResult
from overthink.data.results.curve import ShapeResult
from overthink.data.verdict_labels import HypothesisLabel, OversightGapLabel, ShapeLabel
from overthink.stats.curve import PLACED_BY, REQUESTED_TOKENS, ladder_of
from overthink.stats.divergence import Divergence, divergence_of_cells
from overthink.stats.oversight.scores import IntervalEstimate, question_mean

NO_RUNG = Phrase("{n:d} of {total:d} rungs have no value and are left out: changes are since rung {lowest:d}")
UNKNOWN_CHANCE = "unknown, so 0, which makes a gain too small,"
CHANCE = Phrase("{chance:g}")
SCALED = Phrase(
    "capability's change since the lowest rung minus that of oversight, each as a share of the way from chance to 1: "
    "chance is {capability} for capability, {oversight:g} for oversight",
    capability=one_of(UNKNOWN_CHANCE, CHANCE),
)
WITHIN = Phrase("both are changes of the same questions, paired")
APART = Phrase("the axes have questions of their own, and count as independent")
ALL_PAIRS = Phrase("the verdict holds for all {n:d} such pairs of the report at once (Bonferroni)")
NO_GAP = Phrase("no gap is shown: the band reaches 0 at every rung")


def oversight_shapes(
    contexts: Sequence[CurveContext],
    changes: Sequence[PerturbationAnswers],
    scores: Sequence[MonitorScores],
    *,
    seed: int,
) -> tuple[OversightShapeResult, ...]:
    """Return how every curve on oversight with two or more rungs moves with the budget, adjusted over their families.

    Args:
        contexts: The curves.
        changes: Answers behind a change of the thinking, by task, arm and change.
        scores: Scores of monitors, by task, monitor and view.
        seed: Seed of all resamples.
    """
    curves = [_on_its_rungs(curve) for curve in oversight_curves(contexts, changes, scores)]
    own = {f"{curve.context.prefix}/{curve.metric}/{curve.part}": curve for curve in curves if curve.context.rungs > 1}
    if not own:
        return ()
    analysis = contexts[0].analysis
    sizes = {name: (_n_complete(curve.cells), curve.context.rungs) for name, curve in own.items()}
    families = oversight_families(sizes, {name: curve.context.key for name, curve in own.items()}, analysis)
    n_pairs = sum(len(curve.capability) for curve in own.values())
    tested = {name: _tested(curve, families[name], _rng(seed, name)) for name, curve in own.items()}
    new = adjusted_verdicts(((tested[name].verdict, families[name]) for name in own), alpha=analysis.alpha)
    parts = [(shape.hypothesis, families[name]) for name, shape in tested.items() if shape.hypothesis is not None]
    new |= adjusted_parts(parts, alpha=analysis.alpha)
    return tuple(
        _result(curve, tested[name].with_findings(new), tuple(_gaps(curve, n_pairs, seed, name)))
        for name, curve in own.items()
    )


def _rng(seed: int, name: str) -> np.random.Generator:
    """Return a source of randomness of each curve's own, so that another curve beside it changes nothing."""
    return np.random.default_rng([seed, *name.encode()])


def _on_its_rungs(curve: OversightCurve) -> OversightCurve:
    """Return the curve at the rungs where it has a value; without two of them it has no shape."""
    rungs = np.flatnonzero(~np.isnan(curve.cells).all(axis=0)).tolist()
    total = curve.context.rungs
    context = replace(curve.context.on_rungs(rungs), part=curve.part)
    limits = curve.limits
    if 0 < len(rungs) < total:
        limits += (NO_RUNG.text(n=total - len(rungs), total=total, lowest=context.table.rungs[0].index),)
    beside = tuple(replace(other, cells=other.cells[:, rungs]) for other in curve.capability)
    return replace(
        curve,
        context=context,
        cells=curve.cells[:, rungs],
        ended=curve.ended[rungs],
        limits=limits,
        capability=beside,
    )


def _n_complete(cells: Array) -> int:
    return int((~np.isnan(cells).any(axis=1)).sum())


def _tested(curve: OversightCurve, family: CurveFamily, rng: np.random.Generator) -> ShapeResult:
    context = replace(curve.context, family=family.size)
    withheld = unlike_runs(context.gate_results)
    cells = TestedCells(curve.cells, withheld=withheld, metric=curve.metric, limits=curve.limits, ended=curve.ended)
    return shapes(context, cells, rng=rng)[0]


def _result(curve: OversightCurve, shape: ShapeResult, gaps: tuple[OversightGapResult, ...]) -> OversightShapeResult:
    """Return the result, whose findings have the curve's name before their verdicts."""
    label = ShapeLabel(shape.verdict.label or ShapeLabel.UNDETERMINED)
    # What was shown alone but not in its family has no place where it sets in.
    where = None if shape.onset is None or label is ShapeLabel.UNDETERMINED else _with_name(curve, shape.onset)
    hypothesis = shape.hypothesis
    if hypothesis is not None:
        tests = tuple(_with_name(curve, test) for test in hypothesis.tests)
        hypothesis = replace(hypothesis, whole=_with_name(curve, hypothesis.whole), tests=tests)
    return OversightShapeResult(
        key=curve.context.key,
        metric=curve.metric,
        name=curve.name,
        points=tuple(_points(curve)),
        shape=_with_name(curve, shape.verdict),
        label=label,
        onset=where,
        hypothesis=hypothesis,
        claim=None if shape.hypothesis is None else HypothesisLabel(shape.hypothesis.whole.label or ""),
        gaps=gaps,
    )


def _with_name(curve: OversightCurve, finding: Finding) -> Finding:
    return replace(finding, label=f"{curve.name}: {finding.label}")


def _points(curve: OversightCurve) -> Iterator[Finding]:
    """Yield the values of a monitor's ranking by rung; those of other curves are findings of their kinds."""
    if curve.metric is not Metric.PAIR_RANKING:
        return
    context = curve.context
    for rung in range(context.rungs):
        mean, low, high, n = question_mean(curve.cells[:, [rung]], level=context.level)
        finding = context.finding(Kind.MONITOR, curve.metric, context.at(rung))
        result = IntervalEstimate(mean, low, high, "", None)
        finding = with_estimate(finding, result, context.level, missing=NO_ANSWER)
        yield replace(finding, label=curve.name, n_questions=n, limits=(POINTWISE, *curve.limits))


def _gaps(curve: OversightCurve, n_pairs: int, seed: int, name: str) -> Iterator[OversightGapResult]:
    for other in curve.capability:
        ladder = ladder_of(curve.context.table)
        cells = other.cells / (1 - (other.chance or 0.0)), curve.cells / (1 - curve.chance)
        level = curve.context.level
        gap, strict = (
            divergence_of_cells(
                *cells, ladder.budgets, rng=_rng(seed, name), level=own, axis="oversight", is_paired=other.is_paired
            )
            for own in (level, 1 - (1 - level) / n_pairs)
        )
        placed = () if ladder.unit == REQUESTED_TOKENS else (PLACED_BY.text(unit=ladder.unit),)
        pair = _Pair(curve, other, gap, bool((strict.low > 0).any()), (*placed, *_limits(curve, other, n_pairs)))
        yield OversightGapResult(other.context.key, tuple(pair.steps()), *pair.verdict())


def _limits(curve: OversightCurve, other: CapabilityCells, n_pairs: int) -> Iterator[str]:
    chance = UNKNOWN_CHANCE if other.chance is None else CHANCE.text(chance=other.chance)
    yield SCALED.text(capability=chance, oversight=curve.chance)
    yield BAND
    yield str(WITHIN if other.is_paired else APART)
    yield ALL_PAIRS.text(n=n_pairs)


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Findings of one curve on oversight against one capability curve."""

    curve: OversightCurve
    other: CapabilityCells
    gap: Divergence
    is_shown: bool
    limits: tuple[str, ...]

    def steps(self) -> Iterator[Finding]:
        for rung in range(1, self.curve.context.rungs):
            finding = self._finding(self.curve.context.between(rung, 0), (0, rung))
            ends = (float(array[rung]) for array in (self.gap.estimate, self.gap.low, self.gap.high))
            estimate, low, high = ends
            yield finding if np.isnan(estimate) else replace(finding, estimate=estimate, low=low, high=high)

    def verdict(self) -> tuple[Finding, OversightGapLabel | None]:
        """Return where the gap begins to rise, and whether capability is shown to gain more anywhere."""
        finding = self._finding(At(), range(self.curve.context.rungs))
        withheld = unlike_runs((*self.curve.context.gate_results, *self.other.context.gate_results))
        if withheld is not None:
            return replace(finding, reason=withheld.reason), None
        if self.gap.reason is not None:
            return finding, None
        verdict = OversightGapLabel.BEHIND if self.is_shown else OversightGapLabel.NOT_SHOWN
        finding = replace(finding, label=f"{finding.label}: {verdict}")
        where = self.gap.onset if self.is_shown else None
        return with_place(finding, where, missing=str(NO_GAP)), verdict

    def _gates(self, rungs: Sequence[int]) -> tuple[str, ...]:
        """Return the gates of both curves that failed at rungs of the one on oversight."""
        own, other = self.curve.context, self.other.context
        names = {own.table.rungs[rung].index for rung in rungs}
        same = [place for place, rung in enumerate(other.table.rungs) if rung.index in names]
        return tuple(dict.fromkeys((*own.failed_gates(rungs), *other.failed_gates(same))))

    def _finding(self, at: At, rungs: Sequence[int]) -> Finding:
        curve, other = self.curve, self.other
        part = other_curve(other.context.prefix)
        finding = curve.context.finding(Kind.DIVERGENCE, curve.metric, at, part=part)
        return replace(
            finding,
            label=f"{curve.name} against {other.context.table.task}",
            n_questions=min(self.gap.n_questions),
            n_draws=int(min(curve.context.draws.min(), other.context.draws.min())),
            level=curve.context.level,
            simultaneous=True,
            gates_failed=self._gates(rungs),
            limits=self.limits,
            reason=self.gap.reason,
        )
