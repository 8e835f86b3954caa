"""Commitment points of traces, measured by resampling the rest of a trace, compared with its forced answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.stats.answer_lock import forced_answer_lock, forcing_artefact
from overthink.stats.commitment import COMMITMENT_ALPHA, commitment_step
from overthink.stats.curve import question_means
from overthink.data.finding import At, Finding
from overthink.analysis.request import CurveContext
from overthink.stats.bootstrap import COUNT, Intervals, mean_intervals, question_weights
from overthink.data.record import Estimand

UNKNOWN = "the number of resamples per rung is not known: analyse the study, not its pool"
ONE_TEST_EACH = f"every trace is tested at {COMMITMENT_ALPHA:.0%}: so many are found where none commits"
FINEST = "a commitment is seen at the lowest rung behind it: as fine as the ladder"
COMMITTED_ONLY = "over the traces that commit"
FORCED_LATER = "tokens by which forced answers settle later than traces commit; below 0, earlier"


def commitments(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield the share of traces that commit, their thinking tokens until then, and the artefact of forced answers."""
    forced_curves = {_trace_key(context): context for context in contexts if context.table.estimand is Estimand.FORCED}
    seed = int(rng.integers(2**63))
    for context in contexts:
        if context.table.estimand is Estimand.RESAMPLED:
            yield from _commitment(context, forced_curves.get(_trace_key(context)), np.random.default_rng(seed))


def _trace_key(context: CurveContext) -> tuple[str, ...]:
    return (context.table.axis, context.table.task, context.table.arm, context.table.scorer)


def _commitment(
    context: CurveContext, forced_curve: CurveContext | None, rng: np.random.Generator
) -> Iterator[Finding]:
    resamples = context.analysis.resamples
    if resamples is None:
        yield replace(context.finding("commitment", "committed", At()), reason=UNKNOWN)
        return
    commits, tokens = _commitment_points(context, resamples)
    weights = question_weights(len(context.table.questions), rng=rng)
    share = mean_intervals(question_means(commits[:, :, None]), weights, level=context.level)
    finding = context.estimate(
        "commitment", "committed", At(), share, (0,), unknown="no trace has two rungs with resamples"
    )
    yield replace(finding, limits=(*finding.limits, ONE_TEST_EACH, FINEST))
    token_means = mean_intervals(question_means(tokens[:, :, None]), weights, level=context.level, support=COUNT)
    finding = context.estimate(
        "commitment", "commitment_tokens", At(), token_means, (0,), unknown="no trace was found to commit"
    )
    yield replace(finding, limits=(*finding.limits, COMMITTED_ONLY, FINEST))
    if forced_curve is not None and forced_curve.rungs > 1:
        yield _artefact(context, forced_curve, tokens, rng)


def _commitment_points(context: CurveContext, resamples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (question, draw) whether the trace commits, and its thinking tokens at the next rung; NaN if unknown."""
    table = context.table
    commits = np.full(table.values.shape[:2], np.nan)
    tokens = commits.copy()
    for q, d in np.argwhere(table.observed.any(axis=2)):
        rungs = np.flatnonzero(~np.isnan(table.values[q, d]))
        if len(rungs) < 2:
            continue
        counts = np.round(table.values[q, d, rungs] * resamples)
        result = commitment_step(counts, resamples)
        commits[q, d] = result.committed
        if result.step is not None:
            tokens[q, d] = table.thinking_tokens[q, d, rungs[result.step]]
    return commits, tokens


def _artefact(
    context: CurveContext, forced_curve: CurveContext, tokens: NDArray[np.float64], rng: np.random.Generator
) -> Finding:
    """Return the tokens by which forced answers settle later than the same traces commit."""
    table = forced_curve.table
    has_codes = bool((table.answers >= 0).any())
    lock = forced_answer_lock(table.answers if has_codes else np.where(np.isnan(table.values), -1, table.values))
    is_settled = ~np.isnan(lock.rung) & ~lock.is_censored
    rung = np.where(is_settled, lock.rung, 0).astype(np.int64)
    lock_tokens = np.where(
        is_settled, np.take_along_axis(table.thinking_tokens, rung[:, :, None], axis=2)[:, :, 0], np.nan
    )
    lock_by_trace = _align(context, forced_curve, lock_tokens)
    artefact = forcing_artefact(lock_by_trace, tokens, rng=rng, level=context.level)
    mean, low, high, error = (np.array([x]) for x in (artefact.mean, artefact.low, artefact.high, np.nan))
    interval = Intervals(mean, low, high, error, np.array([artefact.n_questions]))
    unknown = "no trace has both a settled forced answer and a commitment"
    finding = context.estimate("commitment", "forcing_artefact", At(), interval, (0,), unknown=unknown)
    left_out = f"{artefact.n_left_out} traces without one of the two are left out"
    return replace(finding, limits=(*finding.limits, FORCED_LATER, left_out))


def _align(context: CurveContext, other: CurveContext, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (question, draw) values of another curve in the order of this one; NaN where a trace is missing."""
    question = {name: i for i, name in enumerate(other.table.questions)}
    draw = {name: i for i, name in enumerate(other.table.draws)}
    result = np.full(context.table.values.shape[:2], np.nan)
    for q, d in np.ndindex(*result.shape):
        at = question.get(context.table.questions[q]), draw.get(context.table.draws[d])
        if at[0] is not None and at[1] is not None:
            result[q, d] = values[at[0], at[1]]
    return result
