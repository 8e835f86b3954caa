"""Divergence of capability and safety along the ladder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import CurveContext, with_place
from overthink.analysis.withheld import unlike_runs
from overthink.data.finding import At, Finding
from overthink.data.ids import other_curve
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Limit, Reason
from overthink.data.record import Axis
from overthink.data.results.beside import GapResult
from overthink.stats.curve import PLACED_BY, REQUESTED_TOKENS, ladder_of
from overthink.stats.divergence import Divergence, Slopes, divergence

GAP_DEFINITION = Limit("capability's change since the lowest rung minus safety's")
BAND = Limit("the band holds for all rungs at once")
NO_DIVERGENCE = "no divergence is shown: the band reaches 0 at every rung"
NO_DOUBLING = Reason("a step from 0 tokens has no doubling")
PER_DOUBLING = "per doubling of the budget; the band holds for all steps at once"


def gaps(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[GapResult]:
    """Yield the divergence of every capability curve from every safety curve of the same arm, estimand and ladder."""
    for capability in contexts:
        if capability.table.axis is not Axis.CAPABILITY or capability.rungs < 2 or capability.is_control:
            continue
        for safety in contexts:
            if safety.table.axis is Axis.SAFETY and not safety.is_control and _comparable(capability, safety):
                yield _gap(capability, safety, np.random.default_rng(rng.integers(2**63)))


def _comparable(capability: CurveContext, safety: CurveContext) -> bool:
    return (
        capability.table.arm == safety.table.arm
        and capability.table.estimand == safety.table.estimand
        and [(r.index, r.requested_tokens, r.effort) for r in capability.table.rungs]
        == [(r.index, r.requested_tokens, r.effort) for r in safety.table.rungs]
        and capability.batch is None
        and safety.batch is None
    )


def _gap(capability: CurveContext, safety: CurveContext, rng: np.random.Generator) -> GapResult:
    ladder = ladder_of(capability.table)
    capability_cells, safety_cells = (context.cells[:, None, :] for context in (capability, safety))
    result = divergence(capability_cells, safety_cells, ladder.budgets, level=capability.level, rng=rng)
    pair = _Pair(
        capability, safety, result, () if ladder.unit == REQUESTED_TOKENS else (PLACED_BY.text(unit=ladder.unit),)
    )
    return GapResult(
        capability.key,
        safety.key,
        steps=tuple(pair.curve()),
        capability_slopes=tuple(pair.slopes(result.capability, Metric.SLOPE_CAPABILITY)) if ladder.in_tokens else (),
        safety_slopes=tuple(pair.slopes(result.safety, Metric.SLOPE_SAFETY)) if ladder.in_tokens else (),
        onset=pair.onset(),
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """Findings of one capability curve against one safety curve."""

    capability: CurveContext
    safety: CurveContext
    result: Divergence
    limits: tuple[str, ...]

    def curve(self) -> Iterator[Finding]:
        for rung in range(1, self.capability.rungs):
            finding = self._finding(Metric.GAP, self.capability.between(rung, 0), [0, rung])
            finding = replace(finding, limits=(*finding.limits, GAP_DEFINITION, BAND))
            yield self._with_estimate(finding, (self.result.estimate, self.result.low, self.result.high), rung)

    def slopes(self, slopes: Slopes, metric: Metric) -> Iterator[Finding]:
        for step in range(self.capability.rungs - 1):
            finding = self._finding(metric, self.capability.between(step + 1, step), [step, step + 1])
            finding = replace(finding, limits=(*finding.limits, PER_DOUBLING))
            yield self._with_estimate(finding, (slopes.estimate, slopes.low, slopes.high), step)

    def onset(self) -> Finding:
        finding = self._finding(Metric.ONSET, At(), range(self.capability.rungs))
        withheld = unlike_runs((*self.capability.gate_results, *self.safety.gate_results))
        if withheld is not None:
            return replace(finding, reason=withheld.reason)
        both = ", ".join(str(step + 1) for step in np.flatnonzero(self.result.divergent))
        if both:
            label = f"{finding.label}: capability rises and safety falls on the way to rung {both}"
            finding = replace(finding, label=label)
        if self.result.reason is not None:
            return finding
        return with_place(finding, self.result.onset, missing=NO_DIVERGENCE)

    def _finding(self, metric: Metric, at: At, rungs: Sequence[int]) -> Finding:
        finding = self.safety.finding(Kind.DIVERGENCE, metric, at, part=other_curve(self.capability.prefix))
        return replace(
            finding,
            label=f"against {self.capability.table.task}",
            n_questions=min(self.result.n_questions),
            n_draws=int(min(self.capability.draws.min(), self.safety.draws.min())),
            level=self.capability.level,
            simultaneous=True,
            gates_failed=tuple(dict.fromkeys((*self.capability.failed_gates(rungs), *self.safety.failed_gates(rungs)))),
            limits=self.limits,
            reason=self.result.reason,
        )

    def _with_estimate(self, finding: Finding, ends: tuple[NDArray[np.float64], ...], index: int) -> Finding:
        estimate, low, high = (float(a[index]) for a in ends)
        if np.isnan(estimate):
            return replace(finding, reason=finding.reason or NO_DOUBLING)
        return replace(finding, estimate=estimate, low=low, high=high)
