"""Where traces commit: measured by thinking their rest anew, beside what their forced answers suggest."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.answer_lock import forced_answer_lock, forcing_artefact
from overthink.core.commitment import ALPHA, commitment_step
from overthink.core.curve import question_means
from overthink.core.finding import At, Finding
from overthink.core.findings.page import Page
from overthink.core.interval import COUNT, Intervals, mean_intervals, question_weights
from overthink.core.record import Estimand

UNKNOWN = "the number of resamples per rung is not known: analyse the study, not its pool"
ONE_TEST_EACH = f"every trace is tested at {ALPHA:.0%}: so many are found where none commits"
FINEST = "a commitment is seen at the lowest rung behind it: as fine as the ladder"
COMMITTED_ONLY = "over the traces that commit"
FORCED_LATER = "tokens by which forced answers settle later than traces commit; below 0, earlier"


def commitments(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Share of traces that commit, after how much thinking, and how far their forced answers say something else."""
    forced = {_name(page): page for page in pages if page.table.estimand is Estimand.FORCED}
    seed = int(rng.integers(2**63))
    for page in pages:
        if page.table.estimand is Estimand.RESAMPLED:
            yield from _of_curve(page, forced.get(_name(page)), np.random.default_rng(seed))


def _name(page: Page) -> tuple[str, ...]:
    return (page.table.axis, page.table.task, page.table.arm, page.table.scorer)


def _of_curve(page: Page, forced: Page | None, rng: np.random.Generator) -> Iterator[Finding]:
    resamples = page.analysis.resamples
    if resamples is None:
        yield replace(page.finding("commitment", "committed", At()), reason=UNKNOWN)
        return
    committed, tokens = _places(page, resamples)
    weights = question_weights(len(page.table.questions), rng=rng)
    share = mean_intervals(question_means(committed[:, :, None]), weights, level=page.level)
    made = page.estimated("commitment", "committed", At(), share, (0,), unknown="no trace has two rungs with resamples")
    yield replace(made, limits=(*made.limits, ONE_TEST_EACH, FINEST))
    spread = mean_intervals(question_means(tokens[:, :, None]), weights, level=page.level, support=COUNT)
    made = page.estimated("commitment", "commitment_tokens", At(), spread, (0,), unknown="no trace was found to commit")
    yield replace(made, limits=(*made.limits, COMMITTED_ONLY, FINEST))
    if forced is not None and forced.rungs > 1:
        yield _artefact(page, forced, tokens, rng)


def _places(page: Page, resamples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By trace: whether it commits, and its thinking tokens at the first rung behind; NaN where unknown."""
    table = page.table
    committed = np.full(table.values.shape[:2], np.nan)
    tokens = committed.copy()
    for q, d in np.argwhere(table.observed.any(axis=2)):
        rungs = np.flatnonzero(~np.isnan(table.values[q, d]))
        if len(rungs) < 2:
            continue
        counts = np.round(table.values[q, d, rungs] * resamples)
        found = commitment_step(counts, resamples)
        committed[q, d] = found.committed
        if found.step is not None:
            tokens[q, d] = table.thinking_tokens[q, d, rungs[found.step]]
    return committed, tokens


def _artefact(page: Page, forced: Page, tokens: NDArray[np.float64], rng: np.random.Generator) -> Finding:
    """How much later the forced answers of the same traces settle than the traces commit."""
    table = forced.table
    has_codes = bool((table.answers >= 0).any())
    lock = forced_answer_lock(table.answers if has_codes else np.where(np.isnan(table.values), -1, table.values))
    told = ~np.isnan(lock.rung) & ~lock.censored
    place = np.where(told, lock.rung, 0).astype(np.int64)
    locked = np.where(told, np.take_along_axis(table.thinking_tokens, place[:, :, None], axis=2)[:, :, 0], np.nan)
    aligned = _like(page, forced, locked)
    found = forcing_artefact(aligned, tokens, rng=rng, level=page.level)
    mean, low, high, error = (np.array([x]) for x in (found.mean, found.low, found.high, np.nan))
    shown = Intervals(mean, low, high, error, np.array([found.n_questions]))
    unknown = "no trace has both a settled forced answer and a commitment"
    made = page.estimated("commitment", "forcing_artefact", At(), shown, (0,), unknown=unknown)
    left_out = f"{found.left_out} traces without one of the two are left out"
    return replace(made, limits=(*made.limits, FORCED_LATER, left_out))


def _like(page: Page, other: Page, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values by trace of another curve, in the order of this one; NaN where it lacks the trace."""
    question = {name: i for i, name in enumerate(other.table.questions)}
    draw = {name: i for i, name in enumerate(other.table.draws)}
    moved = np.full(page.table.values.shape[:2], np.nan)
    for q, d in np.ndindex(*moved.shape):
        at = question.get(page.table.questions[q]), draw.get(page.table.draws[d])
        if at[0] is not None and at[1] is not None:
            moved[q, d] = values[at[0], at[1]]
    return moved
