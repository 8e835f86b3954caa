"""What intervals of g², of the dependence on the chain, and of the monitorability tax hold, and what is claimed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration import shapes
from calibration.curves import contexts
from calibration.tables import table
from overthink.analysis.oversight.tax import monitorability_taxes
from overthink.analysis.request import CurveContext
from overthink.data.finding import Finding
from overthink.data.interventions import InterventionRuns
from overthink.data.record import Axis, Estimand
from overthink.stats.oversight.monitorability import Intervention, dependence, monitorability, pooled_monitorability

Array = NDArray[np.float64]
Rng = np.random.Generator
LEAST, MOST, MARGIN = 0.93, 0.97, 0.05
BUDGETS = (64, 256)
PLAIN, FALSE_ALARM = 0.1, 0.05
"""Share of plain runs that behave, and of runs without the behaviour's cause on which the monitor fires."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting: what is estimated, its numbers, and what a claim of it would be: false, true, or none."""

    study: str
    numbers: tuple[float, ...]
    claim: str = "–"
    power: float = 0.8


@dataclass(frozen=True, slots=True)
class Study:
    """One study: truth, estimate, both ends of its interval, and whether it makes a claim."""

    truth: float
    estimate: float
    low: float
    high: float
    claims: bool


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the studies of one cell; bias is the mean of estimate minus truth, of those with an interval."""

    covered: float
    bias: float
    refused: float
    claims: float
    width: float


def shares(cell: Cell, *, runs: int, seed: int) -> Shares:
    """Return what the studies of one setting did."""
    rng = np.random.default_rng([seed, *np.frombuffer(repr(cell).encode(), dtype=np.uint8).tolist()])
    studies = [STUDIES[cell.study](rng, *cell.numbers) for _ in range(runs)]
    truth, estimate, low, high, claims = np.array(
        [(each.truth, each.estimate, each.low, each.high, each.claims) for each in studies], dtype=float
    ).T
    given = ~np.isnan(low)
    if not given.any():
        return Shares(float("nan"), float("nan"), 1.0, float(claims.mean()), float("nan"))
    held = (low <= truth + 1e-12) & (truth <= high + 1e-12)
    bias, width = float((estimate - truth)[given].mean()), float((high - low)[given].mean())
    return Shares(float(held[given].mean()), bias, float((~given).mean()), float(claims.mean()), width)


def _behaviour(rng: Rng, instances: int, draws: int, *chances: float) -> list[Array]:
    """Return behaviours of the same instances at several chances, correlated within instances."""
    ease = rng.normal(size=(instances, 1)) * 0.8
    noise = [rng.normal(size=(instances, draws)) for _ in chances]
    edges = [special.ndtri(chance) * sqrt(1.64) for chance in chances]
    return [(ease + own < edge).astype(float) for own, edge in zip(noise, edges, strict=True)]


def _runs(rng: Rng, instances: int, draws: int, moved: float, seen: float) -> Intervention:
    """Return runs of like instances; a monitor sees some share of the behaviours that the intervention causes."""
    shape = instances, draws
    y0, y1 = rng.random(shape) < PLAIN, rng.random(shape) < moved
    z0 = rng.random(shape) < FALSE_ALARM
    z1 = rng.random(shape) < np.where(y1, seen * (moved - PLAIN) / moved, FALSE_ALARM)
    return Intervention(*(side.astype(float) for side in (y0, z0, y1, z1)))


def _g(rng: Rng, instances: float, draws: float, moved: float, seen: float) -> Study:
    found = monitorability(_runs(rng, int(instances), int(draws), moved, seen))
    return Study(seen * (1 - FALSE_ALARM), found.estimate, found.low, found.high, False)


def _pooled(rng: Rng, instances: float, draws: float, moved: float, seen: float) -> Study:
    found = pooled_monitorability(_runs(rng, int(instances), int(draws), moved, seen))
    return Study(seen * (1 - FALSE_ALARM), found.estimate, found.low, found.high, False)


def _dependence(rng: Rng, instances: float, draws: float, low: float, high: float) -> Study:
    """Chances of the behaviour with the intervention at the lowest and at the highest thinking; without it the same."""
    y0, y1, w0, w1 = _behaviour(rng, int(instances), int(draws), PLAIN, low, PLAIN, high)
    none = np.zeros_like(y0)
    found = dependence(Intervention(y0, none, y1, none), Intervention(w0, none, w1, none))
    is_shown = bool(found.p <= 0.05 and found.estimate < 0)
    return Study(low - high, found.estimate, found.low, found.high, is_shown)


def _tax(rng: Rng, sizes: tuple[int, int], capability: tuple[float, float], seen: tuple[float, float]) -> Any:
    """Return the tax of a study with two budgets, and by which of them each half is paid: best and most monitorable."""
    questions, draws = sizes
    empty = _context(*sizes)
    values = np.stack(_behaviour(rng, questions, draws, *capability), axis=2)
    thought = np.array(BUDGETS) * rng.uniform(0.5, 1.0, size=(questions, draws, 1))
    whole = replace(empty.whole, values=values, thinking_tokens=thought)
    sides = [_runs(rng, questions, draws, 0.7, share) for share in seen]
    tables = [np.stack([getattr(side, name) for side in sides], axis=2) for name in ("y0", "z0", "y1", "z1")]
    runs = InterventionRuns("t", "base", Estimand.FORCED, "leak", "m", "cot", BUDGETS, whole.questions, *tables)
    (result,) = monitorability_taxes([replace(empty, table=whole, whole=whole)], [runs])
    return result


@cache
def _context(questions: int, draws: int) -> CurveContext:
    (context,) = contexts(Axis.CAPABILITY, BUDGETS, questions=questions, draws=draws, margin=MARGIN)
    return context


def _equal_compute(rng: Rng, questions: float, draws: float, low: float, high: float) -> Study:
    """The lower budget is the most monitorable one; accuracy at the lower and at the higher budget."""
    found = _tax(rng, (int(questions), int(draws)), (low, high), (0.9, 0.4)).equal_compute[1]
    return _study(found, _chosen(found, high - low))


def _equal_capability(rng: Rng, questions: float, draws: float, low: float, high: float) -> Study:
    """The higher budget is the most monitorable one, and the lower one is as capable."""
    found = _tax(rng, (int(questions), int(draws)), (low, high), (0.4, 0.9)).equal_capability[0]
    return _study(found, _chosen(found, 0.75 * (BUDGETS[1] - BUDGETS[0])))


def _chosen(finding: Finding, tax: float) -> float:
    """Return the tax of the choices of both halves: that of two budgets, or none where a half chose one for both."""
    label = finding.label or ""
    pairs = label.partition(": ")[2].partition(": ")[2].split("; or ")
    taxes = [tax if len(set(pair.split(" instead of "))) == 2 else 0.0 for pair in pairs]
    return float(np.mean(taxes))


def _study(finding: Finding, truth: float) -> Study:
    unknown = float("nan")
    ends = (unknown if end is None else end for end in (finding.estimate, finding.low, finding.high))
    estimate, low, high = ends
    return Study(truth, estimate, low, high, bool(low > 0))


STUDIES: dict[str, Callable[..., Study]] = {
    "g²": _g,
    "pooled g²": _pooled,
    "dependence": _dependence,
    "tax at equal compute": _equal_compute,
    "tax at equal capability": _equal_capability,
}

CROSS_FIT = (Cell("g²", (40, 20, 0.7, 0.7)),)
"""Dearer than the others: an interval is made of 100 splits of the draws."""

CELLS = (
    Cell("pooled g²", (40, 4, 0.7, 0.7)),
    Cell("pooled g²", (100, 4, 0.7, 0.7)),
    Cell("pooled g²", (100, 4, 0.4, 0.7)),
    Cell("pooled g²", (100, 10, 0.7, 0.95)),
    Cell("dependence", (40, 4, 0.5, 0.5), "false"),
    Cell("dependence", (100, 1, 0.5, 0.5), "false"),
    Cell("dependence", (100, 4, 0.2, 0.2), "false"),
    Cell("dependence", (100, 4, 0.7, 0.5), "false"),
    Cell("dependence", (100, 4, 0.5, 0.65), "true"),
    Cell("dependence", (40, 10, 0.3, 0.5), "true"),
    Cell("tax at equal compute", (60, 4, 0.6, 0.6), "false"),
    Cell("tax at equal compute", (100, 2, 0.6, 0.6), "false"),
    Cell("tax at equal compute", (100, 4, 0.5, 0.65), "true"),
    Cell("tax at equal capability", (100, 4, 0.6, 0.6), "true"),
    Cell("tax at equal capability", (60, 4, 0.8, 0.8), "true"),
)


def cross_fit(run: Any, runs: int) -> str:
    """Return the section of the page on g²."""
    note = (
        "Instances, draws, share that behaves with the intervention (without it .1), share of what it causes that the "
        "monitor sees (its false alarms .05). Nominal .95; the truth is the planted g² of instances all alike. "
        f"Bar: {LEAST:g} to {MOST:g}."
    )
    return table("Oversight: cross-fitted monitorability", note, HEADER, _rows(CROSS_FIT, run, runs))


def tables(run: Any, runs: int) -> str:
    """Return the section of the page on the pooled form, dependence and tax."""
    note = (
        "Settings: pooled g², as above; dependence, instances, draws, shares that behave with the intervention at the "
        "lowest and at the highest thinking; tax, questions, draws, accuracy at 64 and at 256 tokens, of which the "
        "former is the more monitorable at equal compute, the latter at equal capability. The truth of a tax is that "
        "of the choices that each half made; without a choice of two there is none, and no interval. A claim is “the "
        f"effect needs the chain”, or a tax whose interval lies above 0. Bars: coverage {LEAST:g} to {MOST:g} of the "
        "intervals given, and those of the claims."
    )
    return table("Oversight: monitorability and its tax", note, HEADER, _rows(CELLS, run, runs))


HEADER = ("study", "setting", "covered", "bias", "refused", "width", "claim", "made", "bar", "within")


def _rows(cells: Sequence[Cell], run: Any, runs: int) -> list[tuple[str, ...]]:
    limit, rows = shapes.limit(0.05, runs), []
    for cell, found in zip(cells, run(shares, cells), strict=True):
        passed = LEAST <= found.covered <= MOST
        bar = {"false": f"≤ {limit:.3f}", "true": f"≥ {cell.power:g}"}.get(cell.claim, "–")
        if cell.claim == "false":
            passed &= found.claims <= limit
        elif cell.claim == "true":
            passed &= found.claims >= cell.power
        made = "–" if cell.claim == "–" else f"{found.claims:.3f}"
        numbers = (f"{found.covered:.3f}", f"{found.bias:+.3f}", f"{found.refused:.3f}", f"{found.width:.3f}")
        setting = ", ".join(f"{number:g}" for number in cell.numbers)
        rows.append((cell.study, setting, *numbers, cell.claim, made, bar, "yes" if passed else "NO"))
    return rows
