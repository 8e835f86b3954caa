"""The verdict on the shape of a curve, and what stands behind it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.compare import paired_differences
from overthink.core.controls import ON_TRACE
from overthink.core.family import holm
from overthink.core.finding import At, Finding, Test
from overthink.core.findings.page import CONTROLS, Page
from overthink.core.ladder import ASKED, Ladder, ladder_of
from overthink.core.multiplier import RESAMPLES
from overthink.core.onset import Onset
from overthink.core.regimes import Regime
from overthink.core.shape import MAX_T, REGIMES, UNDETERMINED, ShapeTest, ShapeVerdict, shape_of_cells

AFTERWARDS = "the regimes were named after the data were collected: the test is not pre-registered"
ENDS = "the estimate is the highest rung minus the lowest, whatever the shape between"

FINE = 15
"""The smallest p-value is about 5 over the resamples; a third of what the family needs is fine enough."""

MOST_RESAMPLES = 40_000


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why no claim about a trend is made of a curve."""

    gate: str
    reason: str


def shapes(page: Page, *, rng: np.random.Generator, withheld: Withheld | None = None) -> Iterator[Finding]:
    """The verdicts on one curve: on the pre-registered regimes if there are any, and on any rise and fall."""
    if page.rungs < 2:
        return
    yield from shape_verdicts(page, page.cells, name="", rng=rng, withheld=withheld)


def shape_verdicts(
    page: Page, cells: NDArray[np.float64], *, name: str, rng: np.random.Generator, withheld: Withheld | None = None
) -> Iterator[Finding]:
    """The verdicts on numbers whose mean over questions is the curve.

    Args:
        page: The curve.
        cells: (question, rung).
        name: Start of the metric: "" for the curve itself, "corrected_" for a corrected one.
        rng: Source of randomness.
        withheld: Why no trend may be claimed; None where it may.
    """
    ladder = ladder_of(page.table)
    if page.analysis.hypothesis is not None:
        yield from _verdict(page, cells, ladder, metric=f"{name}regimes", rng=rng, withheld=withheld)
    yield from _verdict(page, cells, ladder, metric=f"{name}max_t", rng=rng, withheld=withheld)


def over_the_family(found: Iterable[Finding], *, alpha: float) -> Iterator[Finding]:
    """Adjust the p-values of the verdicts over all curves; what does not survive becomes undetermined.

    The family is declared before the data are seen: every curve of the report, one verdict each. Verdicts on
    regimes, on any shape, on corrected curves and on controls are families of their own.
    """
    everything = list(found)
    families: dict[tuple[str, bool], list[int]] = {}
    for i, one in enumerate(everything):
        if one.kind == "shape" and one.test is not None and one.test.p is not None:
            beside = one.estimand in CONTROLS or (one.scorer or "").endswith(ON_TRACE)
            families.setdefault((one.metric, beside), []).append(i)
    for members in families.values():
        adjusted = holm([_p(everything[i]) for i in members])
        for i, p in zip(members, adjusted, strict=True):
            everything[i] = _adjusted(everything[i], float(p), n=len(members), alpha=alpha)
    yield from everything


def _p(finding: Finding) -> float:
    return float("nan") if finding.test is None or finding.test.p is None else finding.test.p


def _adjusted(finding: Finding, p: float, *, n: int, alpha: float) -> Finding:
    assert finding.test is not None
    made = replace(finding, test=replace(finding.test, p_adjusted=p))
    if n > 1:
        made = replace(made, limits=(*made.limits, f"adjusted over the verdicts of {n} curves (Holm)"))
    if finding.label == UNDETERMINED or p <= alpha:
        return made
    reason = f"{finding.label} alone (p = {_p(finding):.2g}), but not among {n} curves (adjusted p = {p:.2g})"
    return replace(made, label=UNDETERMINED, reason=reason)


def _verdict(
    page: Page,
    cells: NDArray[np.float64],
    ladder: Ladder,
    *,
    metric: str,
    rng: np.random.Generator,
    withheld: Withheld | None,
) -> Iterator[Finding]:
    analysis = page.analysis
    hypothesis = analysis.hypothesis if metric.endswith("regimes") else None
    limits = [f"margin {100 * analysis.margin:g} points: smaller differences count as none", ENDS]
    if hypothesis is not None and not analysis.registered:
        limits.append(AFTERWARDS)
    if ladder.unit != ASKED:
        limits.append(f"rungs are placed by {ladder.unit}")
    made = _ends(page, cells, metric, withheld)
    try:
        told = ShapeTest(analysis.margin, analysis.alpha, hypothesis, resamples=_resamples(page))
        found = shape_of_cells(cells, ladder.budgets, told, rng=rng)
    except ValueError as error:  # a regime without a rung: this ladder cannot test the hypothesis
        test = Test(REGIMES if hypothesis is not None else MAX_T)
        yield replace(made, label=UNDETERMINED, test=test, reason=str(error), limits=tuple(limits))
        return
    label, reason = found.label, found.reason
    if withheld is not None:
        label, reason = UNDETERMINED, withheld.reason
    yield replace(
        made, label=label, test=found.test, reason=reason, n_questions=found.n_questions, limits=tuple(limits)
    )
    if withheld is None:
        yield from _regimes(page, found, metric)
        if found.onset is not None:
            yield _onset(page, found, found.onset, ladder, metric)


def _resamples(page: Page) -> int:
    """Enough that the smallest p-value there can be survives among all curves with room to spare."""
    return min(max(RESAMPLES, int(FINE * page.family / page.analysis.alpha)), MOST_RESAMPLES)


def _ends(page: Page, cells: NDArray[np.float64], metric: str, withheld: Withheld | None) -> Finding:
    """The finding with the change from the lowest to the highest rung."""
    top = page.rungs - 1
    change = paired_differences(cells, page.weights, pairs=[(top, 0)], level=page.level).intervals
    made = page.estimated("shape", metric, At(), change, (0,), unknown="no question has a value at both ends")
    gates = (*page.failed(range(page.rungs)), *(() if withheld is None else (withheld.gate,)))
    return replace(made, n_draws=int(page.draws.min()), gates_failed=gates)


def _regimes(page: Page, found: ShapeVerdict, metric: str) -> Iterator[Finding]:
    for i, one in enumerate(found.regimes):
        made = page.finding("regime", metric, At(), part=f"regime{i}")
        made = replace(made, label=_stretch(one), n_questions=found.n_questions, level=page.level, simultaneous=True)
        rungs = f"rungs at {', '.join(f'{budget:g}' for budget in one.budgets)} tokens"
        if np.isnan(one.low):
            yield replace(made, estimate=one.estimate, reason="no interval", limits=(rungs,))
        else:
            yield replace(made, estimate=one.estimate, low=one.low, high=one.high, limits=(rungs,))


def _stretch(regime: Regime) -> str:
    if regime.above is None:
        return f"up to {regime.up_to:,.0f} tokens"
    if regime.up_to is None:
        return f"over {regime.above:,.0f} tokens"
    return f"over {regime.above:,.0f} to {regime.up_to:,.0f} tokens"


def _onset(page: Page, found: ShapeVerdict, where: Onset, ladder: Ladder, metric: str) -> Finding:
    """Between which rungs the change sets in. It has an interval and no estimate: a bend is not seen closer."""
    made = page.finding("onset", metric, At())
    made = replace(made, label=found.label, n_questions=found.n_questions, level=page.level, limits=(ladder.unit,))
    if where.reason is not None:
        return replace(made, reason=where.reason)
    return replace(made, low=where.low, high=where.high, reason="a place between two rungs: no single number")
