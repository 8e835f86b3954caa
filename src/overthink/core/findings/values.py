"""What the curve is: its value at every rung for one try and for k, its band, and what changes between rungs."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.core.bands import simultaneous_bands
from overthink.core.compare import TEST_NAME, Differences, paired_differences
from overthink.core.curve import Curve, parallel_curves, single_curve
from overthink.core.family import holm
from overthink.core.finding import Finding, Test
from overthink.core.findings.adaptive import told_of_waves
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.outcomes import VERDICTS
from overthink.core.record import Estimand, Verdict
from overthink.core.stopping import INFERRED, TOLD
from overthink.core.weighted_curve import weighted_majority_curve

BY_SCORES = ("best", "weighted_majority")
"""Selectors that choose by a verifier's scores."""

MONTE_CARLO = "averaged over random orders of the tries: Monte Carlo standard error up to {error:.2g}"
OVER_THE_CURVE = "the band holds for all rungs of the curve at once"
HOLM = "adjusted p-value (Holm) over the comparisons of this curve"


def values(page: Page, *, rng: np.random.Generator, withheld: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Values of one try and of k tries, the band of the curve, and differences between rungs.

    Args:
        page: The curve.
        rng: Source of randomness.
        withheld: Gates of the whole curve that failed: no change between rungs may be believed.
    """
    mean = single_curve(page.cells, page.weights, level=page.level)
    yield from _surface(page, mean)
    for curve in parallel_curves(page.table, page.weights, level=page.level, batch=page.batch):
        yield from _surface(page, curve)
    yield from _weighted(page, rng)
    yield from _band(page, mean, rng)
    yield from differences(page, paired_changes(page, mean), metric="mean", withheld=withheld)


def paired_changes(page: Page, mean: Curve) -> Differences | None:
    """Every rung against the lowest and against the one below; None where there is one rung."""
    pairs = ladder_comparisons(page.rungs)
    if not pairs:
        return None
    return paired_differences(mean.cells[:, :, 0], page.weights, pairs=pairs, level=page.level)


def ladder_comparisons(rungs: int) -> list[tuple[int, int]]:
    """The declared comparisons of a curve, as (rung, from_rung): with the lowest rung, then with the rung below."""
    return [(rung, 0) for rung in range(1, rungs)] + [(rung, rung - 1) for rung in range(2, rungs)]


def differences(
    page: Page, change: Differences | None, *, metric: str, withheld: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """One finding per comparison, p-values adjusted over all of them.

    Args:
        page: The curve.
        change: The comparisons; None for none.
        metric: What was compared.
        withheld: Gates of the whole curve that failed.
    """
    if change is None:
        return
    adjusted = holm(change.p)
    for i, (rung, below) in enumerate(change.pairs):
        at = replace(page.between(rung, below), k=1, selector="single")
        made = page.estimated(
            "difference", metric, at, change.intervals, (i,), unknown="no question has a value at both rungs"
        )
        p, p_adjusted = float(change.p[i]), float(adjusted[i])
        yield replace(
            made,
            n_draws=int(min(page.all_draws[rung], page.all_draws[below])),
            test=None if np.isnan(p) else Test(TEST_NAME, p=p, p_adjusted=p_adjusted),
            gates_failed=(*page.failed([below, rung]), *withheld),
            limits=(*made.limits, POINTWISE, HOLM) if len(change.pairs) > 1 else (*made.limits, POINTWISE),
        )


def _weighted(page: Page, rng: np.random.Generator) -> Iterator[Finding]:
    (apart,) = rng.spawn(1)  # a study gets the same band with and without scores
    found = (
        weighted_majority_curve(page.table, page.weights, level=page.level, rng=apart) if page.batch is None else None
    )
    if found is not None:
        curve, error = found
        yield from _surface(page, curve, MONTE_CARLO.format(error=error))


def _surface(page: Page, curve: Curve, *said: str) -> Iterator[Finding]:
    single = curve.selector == "single"
    by_scores = curve.selector in BY_SCORES
    selector = f"oracle_{curve.selector}" if by_scores and page.is_oracles else curve.selector
    metric = "mean" if single else f"{selector}_at_k"
    if by_scores and page.verified is not None:
        said = (page.verified.text, *said)
    known = curve.intervals.n_questions
    for rung, i in np.ndindex(known.shape):
        k = int(curve.k[i])
        fewer = not single and known[rung, i] < known[rung, 0]
        limits = (f"only {known[rung, i]} of {known[rung, 0]} questions have {k} draws here",) if fewer else ()
        reason = _why_unknown(page, rung) if single else f"no question has {k} draws with a value here"
        if page.whole.waves is not None:
            limits = (*limits, told_of_waves(page.whole.waves, single=single))
        if page.batch is not None:
            inferred = INFERRED if page.analysis.stopping is None else ""
            limits = (TOLD.format(batch=page.batch) + inferred,)
            reason = f"some question was sampled fewer than {k} times without a success"
        at = replace(page.at(rung), k=k, selector=selector)
        made = page.estimated("value", metric, at, curve.intervals, (rung, i), unknown=reason)
        yield replace(
            made,
            n_draws=int(page.all_draws[rung] if single else page.draws[rung]),
            gates_failed=page.failed([rung]),
            limits=(*made.limits, POINTWISE, *limits, *said),
        )


def _why_unknown(page: Page, rung: int) -> str:
    """Why a rung has no value at all: a loop that was cut before its first turn was over has nothing to score."""
    codes = page.table.verdicts[:, :, rung][page.table.observed[:, :, rung]]
    cut = codes.size > 0 and bool((codes == VERDICTS.index(Verdict.TRUNCATED)).all())
    if cut and page.table.estimand is Estimand.CHECKPOINT:
        return "no loop had finished a turn within this many tokens"
    return "no value is known at this rung"


def _band(page: Page, mean: Curve, rng: np.random.Generator) -> Iterator[Finding]:
    if page.rungs < 2 or not len(mean.cells):
        return
    found = simultaneous_bands(mean.cells[:, :, 0], level=page.level, rng=rng)
    for rung in range(page.rungs):
        at = replace(page.at(rung), k=1, selector="single")
        made = page.estimated("band", "mean", at, found, (rung,), unknown="no value is known at this rung")
        yield replace(
            made,
            simultaneous=True,
            n_draws=int(page.all_draws[rung]),
            gates_failed=page.failed([rung]),
            limits=(*made.limits, OVER_THE_CURVE),
        )
