"""Gates of a curve, floor and ceiling effects, and rungs without effect."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.stats.curve import question_means
from overthink.data.finding import At, Finding
from overthink.analysis.request import CurveContext
from overthink.stats.gates import RISE_MIN, effort_moved
from overthink.data.record import Estimand

FLOOR = 0.05
"""A task whose mean is at most this at every rung is at the floor."""

CEILING = 0.95
"""A task whose mean is at least this at every rung is at the ceiling."""


def checks(context: CurveContext) -> Iterator[Finding]:
    """Yield gate results, floor or ceiling effects, and rungs that could not have an effect."""
    yield from _gates(context)
    yield from _extreme(context)
    yield from _no_op(context)


def _gates(context: CurveContext) -> Iterator[Finding]:
    for gate in context.gate_results:
        label = None if gate.passed is None else ("passed" if gate.passed else "failed")
        finding = context.finding("gate", gate.name, context.at(gate.rung))
        yield replace(finding, estimate=gate.estimate, label=label, reason=gate.reason)


def _extreme(context: CurveContext) -> Iterator[Finding]:
    cells = question_means(context.table.values)
    means = np.array([cell[~np.isnan(cell)].mean() for cell in cells.T if not np.isnan(cell).all()])
    if means.size and means.max() <= FLOOR:
        label = f"at the floor: at most {means.max():.1%} at every rung; a fall cannot be seen"
        yield replace(context.finding("extreme", "floor", At()), estimate=float(means.max()), label=label)
    elif means.size and means.min() >= CEILING:
        label = f"at the ceiling: at least {means.min():.1%} at every rung; a rise cannot be seen"
        yield replace(context.finding("extreme", "ceiling", At()), estimate=float(means.min()), label=label)


def _no_op(context: CurveContext) -> Iterator[Finding]:
    if context.table.estimand is Estimand.EFFORT:
        ratio = effort_moved(context.table)
        if ratio < RISE_MIN:
            label = f"the levels did not move the reasoning tokens: at most {ratio:.2f} times the lowest"
            yield replace(context.finding("no_op", "effort", At()), estimate=ratio, label=label)
    elif context.table.estimand is Estimand.CHECKPOINT and len(context.table.rungs) > 1:
        natural_end = context.table.natural_end[:, :, 0]
        values = natural_end[~np.isnan(natural_end)]
        if values.size and values.all():
            label = "every loop had ended by the lowest checkpoint, so what a longer one does was not seen"
            yield replace(context.finding("no_op", "checkpoint", At()), estimate=1.0, label=label)
