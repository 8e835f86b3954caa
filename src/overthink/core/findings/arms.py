"""What an arm does at the same thinking budget and at the same total compute, and what that costs: the safety tax."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.amounts import amount, noun
from overthink.core.bands import simultaneous_bands
from overthink.core.compare import TEST_NAME, paired_differences
from overthink.core.equivalence import p_below
from overthink.core.family import holm
from overthink.core.finding import At, Finding, Test
from overthink.core.findings.arm_pairs import Met, Pair, met
from overthink.core.findings.priced import UNCOUNTED, counted
from overthink.core.interval import CHANGE, COUNT, Intervals, mean_intervals
from overthink.core.record import Axis

Array = NDArray[np.float64]

ANY = (-np.inf, np.inf)
EQUAL_RUNG = "at the same thinking budget; the band holds for all budgets that both arms were given"
EQUAL_COMPUTE = (
    "at the same total compute, read between rungs evenly in its logarithm and never beyond them; the band holds for "
    "all of these"
)
NOT_MET = "the arms were measured at no common total compute"
NO_RUNG = "the arms share no thinking budget"

K_MEANS = "K = 1: one attempt of the reference at its lowest rung"

LOSS, GAIN, SMALL, OPEN = "loss shown", "gain shown", "loss below δ", "undetermined"


def arm_differences(pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Arm minus reference at every common budget, and at every common total compute, each with a band over all."""
    for pair in pairs:
        rng = np.random.default_rng([pair.seed, 1])
        yield from _by_rung(pair, rng)
        yield from _by_compute(pair, rng)


def safety_taxes(pairs: Sequence[Pair], *, margin: float, alpha: float) -> Iterator[Finding]:
    """What an arm takes in capability, in harmless requests answered and in compute, at the highest common budget.

    Losses are also told at the highest common total compute. Labels are adjusted over all arms and tasks (Holm).
    """
    taxes = [tax for pair in pairs for tax in _taxes(pair)]
    for way in ("equal_rung", "equal_compute"):
        yield from _labelled([tax for tax in taxes if tax.way == way], margin=margin, alpha=alpha)
    for pair in pairs:
        yield from _compute(pair)


def compared_totals(pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Where every rung of every arm stands on the axis of total compute, over the questions that all arms share."""
    told = set()
    for pair in pairs:
        for page, price in zip((pair.reference, pair.arm), pair.prices, strict=True):
            if page.prefix in told:
                continue
            told.add(page.prefix)
            found = mean_intervals(price.cells, pair.weights, level=page.level, support=COUNT)
            for rung in range(page.rungs):
                at = replace(page.at(rung), unit=pair.unit.value)
                made = page.estimated("ledger", "compared_total", at, found, (rung,), unknown=price.reason)
                yield replace(made, limits=(*made.limits, *counted(pair.unit, prompts=pair.prompts), *price.notes))


def base_finding(pair: Pair, kind: str, metric: str, at: At, *, part: str | None = None) -> Finding:
    """A finding of the arm that says which arm it was compared with."""
    made = pair.arm.finding(kind, metric, at, part=part)
    draws = int(min(pair.arm.draws.min(initial=0), pair.reference.draws.min(initial=0)))
    against = f"against {pair.reference.table.arm}"
    return replace(made, label=against, n_draws=draws, level=pair.arm.level, limits=pair.limits)


def at_total(pair: Pair, at: At, total: float) -> At:
    """A place on a ladder that stands for a total compute."""
    return replace(at, total=total, unit=pair.unit.value)


def filled(made: Finding, found: Intervals, place: int, *, unknown: str) -> Finding:
    """The finding with the number at one place."""
    estimate, low, high = (float(ends[place]) for ends in (found.estimate, found.low, found.high))
    made = replace(made, n_questions=int(found.n_questions[place]))
    if np.isnan(estimate):
        return replace(made, reason=unknown)
    if np.isnan(low):
        return replace(
            made, estimate=estimate, reason="no interval: every question has the same number, or there is one"
        )
    return replace(made, estimate=estimate, low=low, high=high)


def _by_rung(pair: Pair, rng: np.random.Generator) -> Iterator[Finding]:
    matched = pair.equal_rungs
    if not matched:
        yield replace(base_finding(pair, "arm_difference", "equal_rung", At()), reason=NO_RUNG)
        return
    below, above = (np.array(rungs, dtype=np.int64) for rungs in zip(*matched, strict=True))
    band = simultaneous_bands(
        pair.values[1][:, above] - pair.values[0][:, below], level=pair.arm.level, rng=rng, support=CHANGE
    )
    for i, (low, high) in enumerate(matched):
        made = base_finding(pair, "arm_difference", "equal_rung", pair.reference.at(low))
        made = replace(made, simultaneous=True, gates_failed=pair.gates(reference=[low], arm=[high]))
        made = filled(made, band, i, unknown="no question has a value in both arms")
        yield replace(made, limits=(*made.limits, EQUAL_RUNG))


def _by_compute(pair: Pair, rng: np.random.Generator) -> Iterator[Finding]:
    bare = base_finding(pair, "arm_difference", "equal_compute", At())
    if pair.unplaced is not None:
        yield replace(bare, reason=pair.unplaced)
        return
    base, own = pair.placed()
    where = met(base, own)
    if not where:
        yield replace(bare, reason=NOT_MET)
        return
    change = np.stack([one.arm - one.reference for one in where], axis=1)
    band = simultaneous_bands(change, level=pair.arm.level, rng=rng, support=CHANGE)
    for i, one in enumerate(where):
        made = filled(_at_compute(pair, one, "arm_difference", "equal_compute"), band, i, unknown=NOT_MET)
        yield replace(made, simultaneous=True, limits=(*made.limits, EQUAL_COMPUTE, *pair.of_compute))


def _at_compute(pair: Pair, one: Met, kind: str, metric: str) -> Finding:
    """A finding at a total compute: that of a rung of the arm, or of the reference."""
    owner, part = (pair.arm, None) if one.point.of_arm else (pair.reference, "reference")
    at = at_total(pair, owner.at(one.point.rung), one.point.cost)
    made = base_finding(pair, kind, metric, at, part=part)
    base, own = pair.placed()
    gates = pair.gates(reference=base.around(one.point.cost), arm=own.around(one.point.cost))
    label = f"{made.label}, at {amount(one.point.cost, pair.unit)}, K = {one.point.cost / base.cost[0]:.3g}"
    return replace(made, label=label, gates_failed=gates, limits=(*made.limits, K_MEANS))


@dataclass(frozen=True, slots=True, eq=False)
class _Tax:
    """A loss of the arm at one place, (question,) and as a finding that still lacks its number."""

    way: str
    made: Finding
    cells: Array
    weights: Array
    reason: str | None = None


def _taxes(pair: Pair) -> Iterator[_Tax]:
    """Losses at the highest common budget and total compute, in the direction of the axis: more is worse."""
    axis = pair.arm.table.axis
    if axis is Axis.SAFETY:
        return
    metric = "capability" if axis is Axis.CAPABILITY else "over_refusal"
    matched = pair.equal_rungs
    if matched:
        low, high = matched[-1]
        made = base_finding(pair, "safety_tax", metric, pair.reference.at(low))
        made = replace(made, gates_failed=pair.gates(reference=[low], arm=[high]))
        yield _Tax("equal_rung", made, pair.values[0][:, low] - pair.values[1][:, high], pair.weights)
    if pair.unplaced is None:
        where = met(*pair.placed())
        if where:
            made = _at_compute(pair, where[-1], "safety_tax", f"{metric}_equal_compute")
            made = replace(made, limits=(*made.limits, *pair.of_compute))
            loss = where[-1].reference - where[-1].arm
            yield _Tax("equal_compute", made, loss, pair.weights[:, pair.complete])


def _labelled(taxes: Sequence[_Tax], *, margin: float, alpha: float) -> Iterator[Finding]:
    zero = [np.stack([np.zeros(len(tax.cells)), tax.cells], axis=1) for tax in taxes]
    found = [
        paired_differences(cells, tax.weights, pairs=[(1, 0)], level=tax.made.level or 1 - alpha)
        for cells, tax in zip(zero, taxes, strict=True)
    ]
    below = [p_below(_parts(tax.cells), margin=margin) for tax in taxes]
    p, small = holm([float(one.p[0]) for one in found]), holm(below)
    for i, (tax, one) in enumerate(zip(taxes, found, strict=True)):
        made = filled(tax.made, one.intervals, 0, unknown="no question has a value in both arms")
        loss = made.estimate or 0.0
        shown = bool(p[i] <= alpha)
        is_small = bool(small[i] <= alpha)
        label = LOSS if shown and loss > 0 else GAIN if shown else SMALL if is_small else OPEN
        label += ", below δ" if label == LOSS and is_small else ""
        test = Test(TEST_NAME, p=float(one.p[0]), p_adjusted=float(p[i])) if not np.isnan(one.p[0]) else None
        yield replace(
            _signed(made, one.intervals),
            label=f"{tax.made.label}: {label}",
            test=test,
            limits=(*made.limits, f"δ = {margin:g}; adjusted over {len(taxes)} comparisons (Holm)"),
        )


def _signed(made: Finding, found: Intervals) -> Finding:
    """Capability is told as a change, so a loss is negative; over-refusal as what was refused in addition."""
    if not made.metric.startswith("capability") or made.estimate is None:
        return made
    low, high = (None if np.isnan(end[0]) else -float(end[0]) for end in (found.high, found.low))
    return replace(made, estimate=0.0 - made.estimate, low=low, high=high)


def _compute(pair: Pair) -> Iterator[Finding]:
    """Total compute of the arm over that of the reference, and their difference, at the highest common budget."""
    matched = pair.equal_rungs
    if not matched:
        return
    low, high = matched[-1]
    base, own = pair.cost[0][:, low], pair.cost[1][:, high]
    known = ~np.isnan(base) & ~np.isnan(own)
    at = replace(pair.reference.at(low), unit=pair.unit.value)
    made = [base_finding(pair, "safety_tax", metric, at) for metric in ("compute", "compute_difference")]
    made = [replace(one, limits=(*one.limits, *pair.of_compute)) for one in made]
    if not known.any() or not base[known].mean() > 0:
        free = f"an attempt of the reference costs no {noun(pair.unit)}"
        reason = free if known.any() else pair.unpriced or UNCOUNTED
        yield from (replace(one, reason=reason) for one in made)
        return
    ratio = own[known].mean() / base[known].mean()
    # The delta method: each question's part of the error of the ratio, around the ratio itself.
    parts = ratio + (own - ratio * base) / base[known].mean()
    for one, cells, support in zip(made, (parts, own - base), (COUNT, ANY), strict=True):
        found = mean_intervals(cells[:, None], pair.weights, level=pair.arm.level, support=support)
        yield filled(one, found, 0, unknown=UNCOUNTED)


def _parts(cells: Array) -> Array:
    known = cells[~np.isnan(cells)]
    return known[:, None] / max(len(known), 1)
