"""Decisions of an analysis, and the context of a curve: labels, gates and weights shared by its findings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Weights
from overthink.data.blocks import known_draws
from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey, finding_id
from overthink.data.kinds import Kind, Metric
from overthink.data.labels import HumanLabel
from overthink.data.outcomes import Outcomes, at_rungs, guaranteed_part
from overthink.data.phrases import Limit, Reason
from overthink.data.verifier_scores import VerifierRun
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import Intervals
from overthink.stats.curve import OutsideSelector, single_cells
from overthink.stats.first_success import is_uneven, stopped_at_success
from overthink.stats.gates import GateResult, gates
from overthink.stats.oversight.scores import IntervalEstimate
from overthink.stats.regimes import Onset

POINTWISE = Limit("pointwise interval, not for the whole curve")

ONE_QUESTION = Reason("no interval: one question only")
NO_SPREAD = Reason("no interval: every question has the same number")
NO_NUMBER = "a place between two rungs: no single number"


@dataclass(frozen=True, slots=True, eq=False)
class CurveContext:
    """One curve with everything that its findings share.

    Attributes:
        table: The curve's outcomes; of adaptive sampling only the draws that every question was sure to get.
        whole: The outcomes with all draws.
        cells: (question, rung) expected value of a single try, from all draws.
        prefix: Start of every finding id.
        analysis: Decisions of the evaluator.
        scorers: Number of scorers of the same traces, this one included.
        family: Curves of its family; their verdicts are adjusted over all of them.
        weights: (resample, question) bootstrap weights, shared by curves on the same questions.
        gate_results: Results of the gates.
        draws: (rung,) maximum over questions of the number of draws with a value.
        batch: Attempts between looks at the outcome, where sampling stopped at the first success; else None.
        selectors: Selectors from outside.
        part: Part of the ids of its findings that tells a curve on oversight from that of the answers; None for these.
    """

    table: Outcomes
    whole: Outcomes
    cells: NDArray[np.float64]
    prefix: str
    analysis: Analysis
    scorers: int
    family: int
    weights: Weights
    gate_results: tuple[GateResult, ...]
    draws: NDArray[np.int64]
    batch: int | None
    selectors: tuple[OutsideSelector, ...] = ()
    part: str | None = None

    @classmethod
    def of(
        cls,
        table: Outcomes,
        analysis: Analysis,
        *,
        prefix: str,
        scorers: int,
        family: int,
        weights: Weights,
    ) -> "CurveContext":
        """Return the context of a curve."""
        even = guaranteed_part(table)
        draws = known_draws(even.values).max(axis=0, initial=0)
        batch = stopped_at_success(even, analysis.stopping)
        cells = single_cells(table, batch)
        results = gates(even, uneven=is_uneven(table, analysis.stopping, batch))
        return cls(even, table, cells, prefix, analysis, scorers, family, weights, results, draws, batch)

    @property
    def key(self) -> CurveKey:
        """Names of the curve."""
        return self.table.key

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        return self.analysis.level

    @property
    def is_control(self) -> bool:
        """Whether the curve is a control: another reading of the same traces."""
        return self.key.is_control

    @property
    def human_labels(self) -> Sequence[HumanLabel]:
        """Human labels of the curve's answers; none for a judge of the thinking."""
        if self.key.judges_thinking:
            return ()
        return [label for label in self.analysis.human or () if label.matches(self.table)]

    @property
    def all_draws(self) -> NDArray[np.int64]:
        """(rung,) maximum over questions of the number of draws with a value, later waves included."""
        if self.whole.waves is None:
            return self.draws
        return np.asarray(known_draws(self.whole.values).max(axis=0, initial=0))

    @property
    def verifier_run(self) -> VerifierRun | None:
        """The verifier run that scored the curve's answers after collection; None without one, and for controls."""
        runs = (run for run in self.analysis.verified if self.table.arm in run.arms)
        return None if self.is_control else next(runs, None)

    @property
    def is_oracle(self) -> bool:
        """Whether the scores are those of an oracle: a verifier that knows the targets."""
        return self.verifier_run is not None and self.verifier_run.oracle

    def without_oracle(self) -> "CurveContext":
        """Return the context without the scores of an oracle, which no deployed selector has."""
        if not self.is_oracle:
            return self
        return replace(self, table=replace(self.table, verifier_score=np.full(self.table.values.shape, np.nan)))

    @property
    def rungs(self) -> int:
        """Number of rungs of the ladder."""
        return len(self.table.rungs)

    def on_rungs(self, rungs: Sequence[int]) -> "CurveContext":
        """Return the context of the same curve at some rungs alone, whose lowest the others are compared with."""
        table, whole = at_rungs(self.table, rungs), at_rungs(self.whole, rungs)
        cells, draws = self.cells[:, list(rungs)], self.draws[list(rungs)]
        results = gates(table, uneven=is_uneven(whole, self.analysis.stopping, self.batch))
        return replace(self, table=table, whole=whole, cells=cells, gate_results=results, draws=draws)

    def at(self, rung: int) -> At:
        """Return the ladder position of an index on axis 2."""
        here = self.table.rungs[rung]
        return At(rung=here.index, requested_tokens=here.requested_tokens, effort=here.effort)

    def between(self, rung: int, below: int) -> At:
        """Return the ladder position of a comparison of two rungs: at the first, from the second."""
        return replace(self.at(rung), from_rung=self.table.rungs[below].index)

    def failed_gates(self, rungs: Sequence[int]) -> tuple[str, ...]:
        """Return the names of the gates that failed at any of these rungs, each once, lowest rung first."""
        names = (
            gate.name for rung in rungs for gate in self.gate_results if gate.rung == rung and gate.passed is False
        )
        return tuple(dict.fromkeys(names))

    def finding(self, kind: Kind, metric: Metric, at: At, *, part: str | None = None) -> Finding:
        """Return a finding without an estimate. ``part`` separates the ids of one metric at one position."""
        where = [each for each in (self.part, part) if each is not None]
        where += [] if at.rung is None else [f"rung{at.rung}"]
        where += [] if at.from_rung is None else [f"from{at.from_rung}"]
        where += [] if at.k is None else [f"k{at.k}"]
        return Finding(
            id=finding_id(self.prefix, kind, metric, *where),
            kind=kind,
            axis=self.table.axis.value,
            task=self.table.task,
            arm=self.table.arm,
            estimand=self.table.estimand.value,
            metric=metric,
            at=at,
            n_questions=len(self.table.questions),
            n_draws=len(self.table.draws),
            scorer=self.table.scorer,
        )

    def estimate(
        self,
        kind: Kind,
        metric: Metric,
        at: At,
        intervals: Intervals,
        cell: tuple[int, ...],
        *,
        unknown: str,
        part: str | None = None,
    ) -> Finding:
        """Return a finding with the estimate and interval of one cell; ``unknown`` is the reason where it is NaN."""
        finding = replace(
            self.finding(kind, metric, at, part=part), n_questions=int(intervals.n_questions[cell]), level=self.level
        )
        estimate, low, high = (float(a[cell]) for a in (intervals.estimate, intervals.low, intervals.high))
        if np.isnan(estimate):
            return replace(finding, reason=unknown)
        if np.isnan(low):
            why = ONE_QUESTION if finding.n_questions == 1 else NO_SPREAD
            return replace(finding, estimate=estimate, reason=why)
        return replace(finding, estimate=estimate, low=low, high=high)


def with_estimate(finding: Finding, result: IntervalEstimate, level: float, *, missing: str | None = None) -> Finding:
    """Return a finding with an estimate, its interval where it holds, and the reason where it does not.

    Args:
        finding: The finding.
        result: The estimate; what is NaN becomes None.
        level: Level of its interval.
        missing: The reason where the result has none.
    """
    has_ends = bool(np.isfinite(result.low) and np.isfinite(result.high))
    is_known = bool(np.isfinite(result.estimate))
    return replace(
        finding,
        estimate=result.estimate if is_known else None,
        low=result.low if has_ends else None,
        high=result.high if has_ends else None,
        level=level if is_known else None,
        reason=None if is_known and has_ends else result.reason or missing,
    )


def with_place(finding: Finding, where: Onset | None, *, missing: str) -> Finding:
    """Return a finding with the two rungs between which something sets in: an interval without an estimate.

    Args:
        finding: The finding.
        where: The place; None where nothing sets in.
        missing: The reason where nothing does.
    """
    if where is None or where.reason is not None:
        return replace(finding, reason=missing if where is None else where.reason)
    return replace(finding, low=where.low, high=where.high, reason=NO_NUMBER)
