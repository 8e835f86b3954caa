"""Capability against safety: does the one gain what the other does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.divergence import Divergence, Slopes, divergence
from overthink.core.finding import At, Finding
from overthink.core.findings.page import Page
from overthink.core.ladder import ASKED, ladder_of
from overthink.core.record import Axis

GAP = "capability's change since the lowest rung minus safety's"
BAND = "the band holds for all rungs at once"
PER_DOUBLING = "per doubling of the budget; the band holds for all steps at once"


def gaps(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """The divergence of every capability curve from every safety curve of the same arm, estimand and ladder."""
    for capability in pages:
        if capability.table.axis is not Axis.CAPABILITY or capability.rungs < 2 or capability.is_control:
            continue
        for safety in pages:
            if safety.table.axis is Axis.SAFETY and not safety.is_control and _comparable(capability, safety):
                yield from _gap(capability, safety, np.random.default_rng(rng.integers(2**63)))


def _comparable(one: Page, other: Page) -> bool:
    return (
        one.table.arm == other.table.arm
        and one.table.estimand == other.table.estimand
        and [(r.index, r.requested_tokens, r.effort) for r in one.table.rungs]
        == [(r.index, r.requested_tokens, r.effort) for r in other.table.rungs]
        and one.batch is None
        and other.batch is None
    )


def _gap(capability: Page, safety: Page, rng: np.random.Generator) -> Iterator[Finding]:
    ladder = ladder_of(capability.table)
    one, other = (page.cells[:, None, :] for page in (capability, safety))
    found = divergence(one, other, ladder.budgets, level=capability.level, rng=rng)
    pair = _Pair(capability, safety, found, () if ladder.unit == ASKED else (f"rungs are placed by {ladder.unit}",))
    yield from pair.curve()
    if ladder.in_tokens:
        yield from pair.slopes(found.capability, "slope_capability")
        yield from pair.slopes(found.safety, "slope_safety")
    yield pair.onset()


@dataclass(frozen=True, slots=True)
class _Pair:
    """Writes the findings of one capability curve beside one safety curve."""

    capability: Page
    safety: Page
    found: Divergence
    limits: tuple[str, ...]

    def curve(self) -> Iterator[Finding]:
        for rung in range(1, self.capability.rungs):
            made = self._made("gap", self.capability.between(rung, 0), [0, rung])
            made = replace(made, limits=(*made.limits, GAP, BAND))
            yield self._with(made, (self.found.estimate, self.found.low, self.found.high), rung)

    def slopes(self, slopes: Slopes, metric: str) -> Iterator[Finding]:
        for step in range(self.capability.rungs - 1):
            made = self._made(metric, self.capability.between(step + 1, step), [step, step + 1])
            made = replace(made, limits=(*made.limits, PER_DOUBLING))
            yield self._with(made, (slopes.estimate, slopes.low, slopes.high), step)

    def onset(self) -> Finding:
        made = self._made("onset", At(), range(self.capability.rungs))
        both = ", ".join(str(step + 1) for step in np.flatnonzero(self.found.divergent))
        if both:
            said = f"{made.label}: capability rises and safety falls on the way to rung {both}"
            made = replace(made, label=said)
        where = self.found.onset
        if self.found.reason is not None:
            return made
        if where is None:
            return replace(made, reason="no divergence is shown: the band reaches 0 at every rung")
        if where.reason is not None:
            return replace(made, reason=where.reason)
        return replace(made, low=where.low, high=where.high, reason="a place between two rungs: no single number")

    def _made(self, metric: str, at: At, rungs: Sequence[int]) -> Finding:
        made = self.safety.finding("divergence", metric, at, part=_id(self.capability))
        return replace(
            made,
            label=f"against {self.capability.table.task}",
            n_questions=min(self.found.n_questions),
            n_draws=int(min(self.capability.draws.min(), self.safety.draws.min())),
            level=self.capability.level,
            simultaneous=True,
            gates_failed=tuple(dict.fromkeys((*self.capability.failed(rungs), *self.safety.failed(rungs)))),
            limits=self.limits,
            reason=self.found.reason,
        )

    def _with(self, made: Finding, ends: tuple[NDArray[np.float64], ...], place: int) -> Finding:
        estimate, low, high = (float(a[place]) for a in ends)
        if np.isnan(estimate):
            return replace(made, reason=made.reason or "a step from 0 tokens has no doubling")
        return replace(made, estimate=estimate, low=low, high=high)


def _id(page: Page) -> str:
    """The other curve in an id: its own prefix on one level."""
    return page.prefix.replace("/", "~")
