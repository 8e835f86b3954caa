"""A curve with the answers behind every change of its thinking, as tables of questions and draws."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from overthink.analysis.request import CurveContext, with_estimate
from overthink.data.arrays import Array
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.oversight_cells import PerturbationAnswers
from overthink.data.phrases import Reason
from overthink.stats.oversight.necessity import area_over_curve
from overthink.stats.oversight.scores import IntervalEstimate

SHAM, NONE = "sham", "none"
AT_POSITIONS = ("early", "mistakes")
"""Changes at several positions of a trace, whose value is an area over the curve of agreement."""

NO_ANSWER = Reason("no trace has an answer behind this change")


@dataclass(frozen=True, slots=True, eq=False)
class PerturbationCurve:
    """A curve with the answers behind every change of its thinking.

    Attributes:
        context: The curve.
        blocks: Answers of its task, arm and estimand, by change.
    """

    context: CurveContext
    blocks: Sequence[PerturbationAnswers]

    def requested(self, rung: int) -> int | None:
        """Return the thinking budget of a rung."""
        return self.context.whole.rungs[rung].requested_tokens

    @property
    def rungs(self) -> list[int]:
        """Rungs with thinking."""
        return [rung for rung in range(self.context.rungs) if self.requested(rung)]

    def block_of(self, kind: str) -> PerturbationAnswers | None:
        """Return the first block of a change, by its name without settings; None without one."""
        return next((block for block in self.blocks if block.kind == kind), None)

    def matrix(self, block: PerturbationAnswers, rung: int, values: Array) -> Array:
        """Return values of a block at a rung as (question, draw), NaN where there is none."""
        table = np.full(self.context.whole.values.shape[:2], np.nan)
        for row, column, index in self._runs(block, rung):
            table[row, column] = values[index]
        return table

    def values(self, block: PerturbationAnswers, rung: int) -> Array:
        """Return the area over the curve, or 1 where the answer changes, of each trace, (question, draw)."""
        if block.kind not in AT_POSITIONS:
            return 1.0 - self.matrix(block, rung, block.agreements)
        points: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for row, column, index in self._runs(block, rung):
            points.setdefault((row, column), []).append((block.positions[index], block.agreements[index]))
        table = np.full(self.context.whole.values.shape[:2], np.nan)
        for cell, own in points.items():
            at, agreement = np.array(sorted(own)).T
            if at[0] == 0:  # a trace whose first answer failed has no area
                table[cell] = area_over_curve(agreement, at)
        return table

    def without_chain(self, rung: int) -> tuple[Array, str] | None:
        """Return accuracies without thinking, (question, draw), and where they come from; None where unknown."""
        lowest = next((index for index in range(self.context.rungs) if self.requested(index) == 0), None)
        if lowest is not None:
            return self.context.whole.values[:, :, lowest], "of the rung at 0"
        block = self.block_of(NONE)
        return None if block is None else (self.matrix(block, rung, block.corrects), "behind no thinking")

    def _runs(self, block: PerturbationAnswers, rung: int) -> Iterator[tuple[int, int, int]]:
        rows = {name: number for number, name in enumerate(self.context.whole.questions)}
        columns = {draw: number for number, draw in enumerate(self.context.whole.draws)}
        for index in np.flatnonzero(block.requested == self.requested(rung)):
            row, column = rows.get(str(block.questions[index])), columns.get(int(block.draws[index]))
            if row is not None and column is not None:
                yield row, column, int(index)


def perturbation_curves(
    contexts: Sequence[CurveContext], blocks: Sequence[PerturbationAnswers]
) -> Iterator[PerturbationCurve]:
    """Yield every curve with answers behind a change of its thinking; a judge of the thinking has none."""
    for context in contexts:
        key = context.key
        own = [
            block for block in blocks if (block.task, block.arm, block.estimand) == (key.task, key.arm, key.estimand)
        ]
        if own and not key.judges_thinking:
            yield PerturbationCurve(context, own)


def measure_finding(
    curve: PerturbationCurve,
    kind: Kind,
    metric: Metric,
    at: At,
    result: IntervalEstimate,
    limits: tuple[str, ...],
    *,
    part: str | None = None,
) -> Finding:
    """Return a finding with an estimate, its interval where it holds, and the reason where it does not."""
    finding = curve.context.finding(kind, metric, at, part=part)
    return replace(with_estimate(finding, result, curve.context.level, missing=NO_ANSWER), limits=limits)
