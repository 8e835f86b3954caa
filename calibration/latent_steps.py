"""How often a latent step is falsely said to count, or not to, and what the intervals of its share of answers hold."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from calibration import shapes
from calibration.tables import table
from overthink.stats.oversight.latent import StepClaim, latent_steps

STEPS, KINDS, DRAWS, OPTIONS, MARGIN = 4, 3, 2, 4, 0.05


@dataclass(frozen=True, slots=True)
class Planted:
    """A model of latent steps: share of traces whose answer the first ones hold, and how often answers change anyway.

    Attributes:
        name: What it is.
        questions: Questions.
        shares: Share of traces whose answer each of the first steps holds; the others hold none.
        redundant: Share of traces whose answer every step holds, so that only a change of all at once moves it.
        noise: Mean share of answers that change by themselves; a question has its own (beta).
    """

    name: str
    questions: int
    shares: tuple[float, ...] = ()
    redundant: float = 0.0
    noise: float = 0.0


AT_MARGIN = MARGIN / (1 - 1 / OPTIONS)
"""Share of traces that a step must hold for its change to move just the margin."""

CELLS = (
    Planted("no step holds an answer", 40, noise=0.2),
    Planted("no step holds an answer", 100, noise=0.2),
    Planted("no step alone, all at once", 100, redundant=0.6, noise=0.1),
    Planted("one step", 40, (0.5,), noise=0.1),
    Planted("one step", 100, (0.2,), redundant=0.3),
    Planted("two steps at the margin", 300, (AT_MARGIN, AT_MARGIN), redundant=0.5),
    Planted("two steps at the margin", 300, (AT_MARGIN / 0.98, AT_MARGIN / 0.98), redundant=0.5, noise=0.02),
)


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of studies, and coverage.

    Attributes:
        false_depends: A step that holds no answer is said to count.
        false_within: A step that moves the margin or more is said to move less; NaN without such a step.
        depends: The first step is said to count; NaN where it holds nothing.
        within: Every step that holds no answer is said to move less than the margin.
        covered: Intervals of the first step's shares that hold the planted one.
        width: Their mean width.
    """

    false_depends: float
    false_within: float
    depends: float
    within: float
    covered: float
    width: float


def study(cell: Planted, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return changes, (question, draw, step, kind), and those behind the sham; all steps at once are the last."""
    traces = (cell.questions, DRAWS)
    ends = np.cumsum([*cell.shares, cell.redundant])
    place = np.searchsorted(ends, rng.random(traces), side="right")
    holds = np.zeros((*traces, STEPS + 1), dtype=bool)
    for step in range(len(cell.shares)):
        holds[..., step] = place == step
    holds[..., STEPS] = place <= len(cell.shares)
    by_change = holds[..., None] & (rng.random((*traces, STEPS + 1, KINDS)) < 1 - 1 / OPTIONS)
    rate = rng.beta(0.5, 0.5 / cell.noise - 0.5, size=(cell.questions, 1, 1)) if cell.noise else np.zeros((1, 1, 1))
    by_itself = rng.random((*traces, STEPS + 1, KINDS)) < rate[..., None]
    return (by_change | by_itself).astype(float), (rng.random((*traces, STEPS + 1)) < rate).astype(float)


def shares(cell: Planted, *, runs: int, seed: int) -> Shares:
    """Return what many studies of a cell say."""
    rng = np.random.default_rng([seed, 400 + CELLS.index(cell)])
    share = cell.shares[0] if cell.shares else 0.0
    truth = share * (1 - 1 / OPTIONS) * (1 - cell.noise)
    is_margin = bool(cell.shares) and truth >= MARGIN - 1e-9
    n_held = len(cell.shares)
    claims, inside, widths = [], [], []
    for _ in range(runs):
        result = latent_steps(*study(cell, rng), margin=MARGIN)
        claims.append([[each.claim for each in step] for step in result.steps])
        ends = np.array([(each.change.low, each.change.high) for each in result.steps[0]])
        inside.append((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
        widths.append(ends[:, 1] - ends[:, 0])
    depends, within = (np.array(claims, dtype=object) == claim for claim in (StepClaim.DEPENDS, StepClaim.WITHIN))
    return Shares(
        float(depends[:, n_held:].any(axis=(1, 2)).mean()),
        float(within[:, :n_held].any(axis=(1, 2)).mean()) if is_margin else float("nan"),
        float(depends[:, 0].any(axis=1).mean()) if cell.shares else float("nan"),
        float(within[:, n_held:].all(axis=(1, 2)).mean()),
        float(np.mean(inside)),
        float(np.mean(widths)),
    )


def tables(run: Any, runs: int) -> str:
    """Return the section of the page."""
    limit = shapes.limit(0.05, runs)
    rows = []
    for cell, found in zip(CELLS, run(shares, CELLS), strict=True):
        passed = found.false_depends <= limit and not found.false_within > limit and 0.93 <= found.covered <= 0.97
        numbers = (found.false_depends, found.false_within, found.depends, found.within, found.covered, found.width)
        holds = f"{', '.join(f'{share:.3g}' for share in cell.shares) or '0'}; {cell.redundant:g}; {cell.noise:g}"
        cells = ["–" if np.isnan(number) else f"{number:.3f}" for number in numbers]
        rows.append([cell.name, str(cell.questions), holds, *cells, "yes" if passed else "NO"])
    note = (
        f"{STEPS} steps, {KINDS} changes of each and all at once, {DRAWS} draws, {OPTIONS} options, a margin of "
        f"{MARGIN:g}. Holds: share of traces whose answer the first steps hold; that every step holds; mean share of "
        "answers that change by themselves, behind the sham as well, at a rate of the question (beta). False: any "
        "change of a step that holds nothing is said to count, or one of a step at the margin or beyond to move less. "
        "True: the first step counts; all steps that hold nothing move less. Covered: pointwise intervals of the first "
        f"step. Bars: false ≤ {limit:.3f}, covered .93 to .97."
    )
    header = (
        *("model", "questions", "holds", "falsely counts", "falsely less", "counts", "all others less"),
        *("covered", "width", "within"),
    )
    return table("Latent steps", note, header, rows)
