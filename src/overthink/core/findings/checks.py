"""What a curve must pass before it is believed, and what it could not have shown."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.core.curve import question_means
from overthink.core.finding import At, Finding
from overthink.core.findings.page import Page
from overthink.core.gates import RISE_MIN, effort_moved
from overthink.core.record import Estimand

FLOOR = 0.05
"""A task whose mean is at most this at every rung is at the floor."""

CEILING = 0.95
"""A task whose mean is at least this at every rung is at the ceiling."""


def checks(page: Page) -> Iterator[Finding]:
    """Gates, floor and ceiling, and rungs that could do nothing."""
    yield from _gates(page)
    yield from _extreme(page)
    yield from _no_op(page)


def _gates(page: Page) -> Iterator[Finding]:
    for gate in page.checked:
        label = None if gate.passed is None else ("passed" if gate.passed else "failed")
        made = page.finding("gate", gate.name, page.at(gate.rung))
        yield replace(made, estimate=gate.estimate, label=label, reason=gate.reason)


def _extreme(page: Page) -> Iterator[Finding]:
    cells = question_means(page.table.values)
    means = np.array([cell[~np.isnan(cell)].mean() for cell in cells.T if not np.isnan(cell).all()])
    if means.size and means.max() <= FLOOR:
        said = f"at the floor: at most {means.max():.1%} at every rung; a fall cannot be seen"
        yield replace(page.finding("extreme", "floor", At()), estimate=float(means.max()), label=said)
    elif means.size and means.min() >= CEILING:
        said = f"at the ceiling: at least {means.min():.1%} at every rung; a rise cannot be seen"
        yield replace(page.finding("extreme", "ceiling", At()), estimate=float(means.min()), label=said)


def _no_op(page: Page) -> Iterator[Finding]:
    if page.table.estimand is Estimand.EFFORT:
        ratio = effort_moved(page.table)
        if ratio < RISE_MIN:
            said = f"the levels did not move the reasoning tokens: at most {ratio:.2f} times the lowest"
            yield replace(page.finding("no_op", "effort", At()), estimate=ratio, label=said)
    elif page.table.estimand is Estimand.CHECKPOINT and len(page.table.rungs) > 1:
        ended = page.table.natural_end[:, :, 0]
        known = ended[~np.isnan(ended)]
        if known.size and known.all():
            said = "every loop had ended by the lowest checkpoint, so what a longer one does was not seen"
            yield replace(page.finding("no_op", "checkpoint", At()), estimate=1.0, label=said)
