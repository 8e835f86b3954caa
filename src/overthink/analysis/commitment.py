"""Commitment points of traces, measured by resampling the rest of a trace, compared with its forced answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import CurveContext
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Estimand
from overthink.data.results.beside import CommitmentResult
from overthink.data.verdict_labels import CommitmentLabel
from overthink.stats.bootstrap import COUNT, Intervals, mean_intervals, question_weights
from overthink.stats.commitment import COMMITMENT_ALPHA, DEPARTURE, commitment_steps
from overthink.stats.curve import question_means
from overthink.stats.reliability import forced_answer_lock, forcing_artefact

UNKNOWN = "the number of resamples per rung is not known: analyse the study, not its pool"
ONE_TEST_EACH = f"every trace is tested at {COMMITMENT_ALPHA:.0%}: in so many without a change is one shown"
NOT_FOUND = "a change that is not shown may still be there: few resamples or few rungs show only large changes"
SETTLED = f"no later rung is shown to be more than {100 * DEPARTURE:.0f} points from the mean after the change"
FINEST = "a commitment is seen at the lowest rung behind it: as fine as the ladder"
COMMITTED_ONLY = "over the traces that commit"
FORCED_LATER = "tokens by which forced answers settle later than traces commit; below 0, earlier"


def commitments(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[CommitmentResult]:
    """Yield the share of traces that commit, their thinking tokens until then, and the artefact of forced answers."""
    by_key = {context.key: context for context in contexts}
    seed = int(rng.integers(2**63))
    for context in contexts:
        if context.table.estimand is Estimand.RESAMPLED:
            forced_curve = by_key.get(context.key._replace(estimand=Estimand.FORCED))
            yield _commitment(context, forced_curve, np.random.default_rng(seed))


def _commitment(context: CurveContext, forced_curve: CurveContext | None, rng: np.random.Generator) -> CommitmentResult:
    resamples = context.analysis.resamples
    if resamples is None:
        unknown = replace(context.finding(Kind.COMMITMENT, Metric.COMMITTED, At()), reason=UNKNOWN)
        return CommitmentResult(context.key, {Metric.COMMITTED: unknown})
    labels, tokens, scale = _commitment_points(context, resamples, rng)
    weights = question_weights(len(context.table.questions), rng=rng)
    pooled = f"rungs vary {scale:.2g} times as much as their resamples explain, pooled over the traces"
    by_metric: dict[Metric, Finding] = {}
    for metric, label, limit in (
        (Metric.COMMITTED, CommitmentLabel.COMMITTED, SETTLED),
        (Metric.NOT_SETTLED, CommitmentLabel.NOT_SETTLED, SETTLED),
        (Metric.NO_CHANGE_SHOWN, CommitmentLabel.NO_CHANGE, NOT_FOUND),
    ):
        shares = np.where(labels == "", np.nan, labels == label)
        share = mean_intervals(question_means(shares[:, :, None]), weights, level=context.level)
        finding = context.estimate(
            Kind.COMMITMENT, metric, At(), share, (0,), unknown="no trace has two rungs with resamples"
        )
        by_metric[metric] = replace(
            finding, label=label, limits=(*finding.limits, limit, pooled, ONE_TEST_EACH, FINEST)
        )
    token_means = mean_intervals(question_means(tokens[:, :, None]), weights, level=context.level, support=COUNT)
    finding = context.estimate(
        Kind.COMMITMENT, Metric.COMMITMENT_TOKENS, At(), token_means, (0,), unknown="no trace is shown to commit"
    )
    return CommitmentResult(
        context.key,
        by_metric,
        tokens=replace(finding, limits=(*finding.limits, COMMITTED_ONLY, FINEST)),
        artefact=None
        if forced_curve is None or forced_curve.rungs < 2
        else _artefact(context, forced_curve, tokens, rng),
    )


def _commitment_points(
    context: CurveContext, resamples: int, rng: np.random.Generator
) -> tuple[NDArray[np.str_], NDArray[np.float64], float]:
    """Return (question, draw) labels of the traces, the tokens where they commit, and the over-dispersion of all.

    The label is empty, and the tokens are NaN, where they are unknown.
    """
    table = context.table
    labels = np.full(table.values.shape[:2], "", dtype="U32")
    tokens = np.full(table.values.shape[:2], np.nan)
    traces = {
        (int(q), int(d)): np.flatnonzero(~np.isnan(table.values[q, d]))
        for q, d in np.argwhere(table.observed.any(axis=2))
    }
    traces = {place: rungs for place, rungs in traces.items() if len(rungs) > 1}
    counts = [np.round(table.values[(*place, rungs)] * resamples) for place, rungs in traces.items()]
    results = commitment_steps(counts, resamples, rng=rng)
    for (place, rungs), result in zip(traces.items(), results, strict=True):
        labels[place] = result.label.value
        if result.committed and result.step is not None:
            tokens[place] = table.thinking_tokens[(*place, rungs[result.step])]
    return labels, tokens, results[0].scale if results else 1.0


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
    finding = context.estimate(Kind.COMMITMENT, Metric.FORCING_ARTEFACT, At(), interval, (0,), unknown=unknown)
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
