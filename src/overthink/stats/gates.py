"""Gates: validity checks of a rung, made before its curve is interpreted.

=============  =====================================================  =======================================
gate           estimate                                               passes
=============  =====================================================  =======================================
manipulation   forced budgets: share of the traces still thinking     at least ``CONTROL_MIN``
               whose thinking tokens match the request
               effort: mean reasoning tokens over those of the rung   at least ``RISE_MIN``
               below, paired by question
natural_end    share of traces that had ended by themselves           never asked: it is information
truncation     share of answers that hit their allowance              at most ``TRUNCATION_MAX``
unparsed       share of answers that no verdict could be read from    at most ``UNPARSED_MAX``
errors         share of rows that failed, or are missing although     at most ``ERRORS_MAX``
               other questions have as many draws at the rung
comparability  number of settings in which the runs are not those     0
               of the lowest rung
=============  =====================================================  =======================================

A gate sees the rows for which its input is known, and says of how many. One whose inputs are unknown has neither passed
nor failed: its estimate is None, with the reason. A model that stops by itself is no fault of the measurement, so
natural ends have an estimate and neither pass nor fail. What they rule out is a claim that nothing changes: traces that
had ended have identical answers from there on, see :func:`had_ended`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.data.conditions import INCOMPLETE, differences, setting_words, settings_in
from overthink.data.kinds import Metric
from overthink.data.outcomes import VERDICTS, Outcomes
from overthink.data.phrases import Reason, quotation
from overthink.data.record import Estimand, Verdict
from overthink.stats.curve import question_means

CONTROL_MIN = 0.90
"""Minimum share of traces that thought as long as requested (s1 calls this share "control")."""

MATCH_RELATIVE = 0.10
"""Maximum deviation of thinking from the request, relative to it."""

MATCH_TOKENS = 8
"""Deviation from the request that is always allowed, in tokens: a delimiter, a multi-byte character."""

RISE_MIN = 1.10
"""Minimum ratio of the reasoning tokens of an effort rung to those of the rung below."""

NATURAL_END_MAX = 0.50
"""Beyond this, most traces never meet a higher budget: that nothing changes from there on shows where the model stops,
not what the budget does."""

TRUNCATION_MAX = 0.05
"""A cut answer is often scored as wrong or as compliance, and cuts become more frequent with the budget."""

UNPARSED_MAX = 0.10
"""What a scorer cannot read it counts as wrong or as safe; neither was observed."""

ERRORS_MAX = 0.05
"""Failed rows are left out, missing ones were; more than a few would leave a selected set of questions and draws."""

BUDGET_UNKNOWN = Reason("the budget asked for is unknown")
TOKENS_UNKNOWN = Reason("thinking tokens are unknown")
CONDITIONS_UNKNOWN = Reason("the source does not state all settings of its runs")
UNLIKE = Reason("the runs are not alike: {difference}", difference=quotation())
UNLIKE_MORE = Reason(
    "the runs are not alike: {difference}; other settings that differ: {names}",
    difference=quotation(),
    names=quotation(),
)
ENDS_UNKNOWN = Reason("it is unknown which traces ended by themselves")
CUTS_UNKNOWN = Reason("it is unknown which answers were cut")
VERDICTS_UNKNOWN = Reason("verdicts are unknown")
ALL_ENDED = Reason("every trace had ended by itself before this budget")
ROWS_MISSING = Reason(
    "{missing:d} rows are missing at this rung, where other questions have more draws; if the draws of each question "
    "were set beforehand, say stopping=fixed"
)
JUDGE_CHANGES = Reason(
    "the judge changes: {n:d} answers of this rung have no score by {scorer}, and one by {others} instead; let one "
    "judge score all of them, or, if the names are of one judge, use one of them for both",
    scorer=quotation(),
    others=quotation(),
)
LOWEST = Reason("the lowest rung has no rung to rise from")
RATIO_UNKNOWN = Reason("the ratio to the rung below is unknown: no token counts there")
FROM_NOTHING = Reason("the rung below used no reasoning tokens; this one does")
"""Reason of an effort rung that passes without a ratio."""

NOT_APPLICABLE = (LOWEST, ALL_ENDED)
"""Reasons of gates that have nothing to check at a rung, in contrast to those that cannot see it."""

FORCED_BUDGETS = (Estimand.FORCED, Estimand.TRUNCATED)
"""Estimands whose budget cuts the trace. A sham is none: it is applied where the trace had ended by itself."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate at one rung.

    ``passed`` is None where it could not be checked, and ``reason`` says why; and where the estimate is information.
    ``n_seen`` of ``n_rows`` rows had what it looks at; None for a gate that does not look at rows one by one.
    """

    name: str
    rung: int
    estimate: float | None
    passed: bool | None
    reason: str | None = None
    n_seen: int | None = None
    n_rows: int | None = None


def gates(outcomes: Outcomes, *, uneven: bool = False) -> tuple[GateResult, ...]:
    """Every gate that applies to this estimand, rung by rung.

    Natural ends are reported only for forced budgets; truncation is no gate where the cut is the treatment. Runs are
    compared where no plan made them all, and there is something to compare.

    Args:
        outcomes: The table.
        uneven: Whether questions have unlike numbers of draws by design: they were set beforehand, decided in waves, or
            ended at the first success.

    Returns:
        Gates in the order of the ladder. ``rung`` is the position on axis 2.
    """
    checks: list[GateResult] = []
    missing = np.zeros(len(outcomes.rungs), dtype=np.int64) if uneven else missing_rows(outcomes)
    for rung in range(len(outcomes.rungs)):
        if outcomes.estimand in FORCED_BUDGETS:
            checks.append(_control(outcomes, rung))
            checks.append(_natural_end(outcomes, rung))
        elif outcomes.estimand is Estimand.EFFORT:
            checks.append(_rise(outcomes, rung))
        if outcomes.estimand is not Estimand.TRUNCATED:
            checks.append(_truncation(outcomes, rung))
        checks.append(_verdict_share(outcomes, rung, "unparsed", Verdict.UNPARSED, UNPARSED_MAX))
        checks.append(_errors(outcomes, rung, int(missing[rung])))
        checks += _comparability(outcomes, rung)
    return tuple(checks)


def with_judges(
    results: Sequence[GateResult], outcomes: Outcomes, others: Sequence[Outcomes]
) -> tuple[GateResult, ...]:
    """Return the gates; failed ones of errors say so where the answers without a score have one by another judge.

    Args:
        results: Gates of the table.
        outcomes: The table.
        others: Tables of other scorers of the same task and arm.

    Example:
        >>> from overthink.data.outcomes import from_frame
        >>> from overthink.data.pool import pool_of
        >>> from overthink.data.record import Axis, RungRecord
        >>> rows = [RungRecord("s", "base", Axis.CAPABILITY, "sums", "ab"[(i + j) % 3 == 0], f"q{i}", j, 0,
        ...                    Estimand.EFFORT, value=1.0, verdict=Verdict.CORRECT) for i in range(9) for j in range(2)]
        >>> first, second = from_frame(pool_of(rows))
        >>> with_judges(gates(first), first, [second])[-1].reason[:65]
        'the judge changes: 6 answers of this rung have no score by `a`, a'
    """
    return tuple(
        replace(gate, reason=_other_judges(outcomes, others, gate.rung) or gate.reason)
        if (gate.name, gate.passed) == (Metric.ERRORS, False)
        else gate
        for gate in results
    )


def _other_judges(outcomes: Outcomes, others: Sequence[Outcomes], rung: int) -> str | None:
    """Return the reason of errors that are answers of other judges; None where these do not stand in for this one."""
    own, failed = (outcomes.observed & mark for mark in (~outcomes.failed, outcomes.failed))
    scored = [_scored(other, outcomes, rung) for other in others]
    names = [other.scorer for other, answers in zip(others, scored, strict=True) if answers.any()]
    if not names:
        return None
    by_others = np.logical_or.reduce([_on_draws(*pair, outcomes) for pair in zip(scored, others, strict=True)])
    n = int((failed[:, :, rung] & by_others).sum())
    if not failed[:, :, rung].any():  # a table has no rows of what another judge scored
        alone = own[:, :, rung].sum(axis=1)
        together = alone + np.sum([answers.sum(axis=1) for answers in scored], axis=0)
        missing, rest = (int((draws.max(initial=0) - draws).sum()) for draws in (alone, together))
        n = missing - rest
    elif n <= (own[:, :, rung] & by_others).sum():
        n = 0
    return JUDGE_CHANGES.text(n=n, scorer=outcomes.scorer, others=" and ".join(names)) if n > 0 else None


def _scored(other: Outcomes, outcomes: Outcomes, rung: int) -> NDArray[np.bool_]:
    """Return which answers of a rung have a score in another table, by the questions of this one and its own draws."""
    result = np.zeros((len(outcomes.questions), len(other.draws)), dtype=bool)
    place = next((i for i, each in enumerate(other.rungs) if each.index == outcomes.rungs[rung].index), None)
    if place is not None:
        _, here, there = np.intersect1d(outcomes.questions, other.questions, return_indices=True)
        result[here] = (other.observed & ~other.failed)[there, :, place]
    return result


def _on_draws(answers: NDArray[np.bool_], other: Outcomes, outcomes: Outcomes) -> NDArray[np.bool_]:
    """Return marks of the draws of another table by the draws of this one."""
    result = np.zeros((len(answers), len(outcomes.draws)), dtype=bool)
    _, here, there = np.intersect1d(outcomes.draws, other.draws, return_indices=True)
    result[:, here] = answers[:, there]
    return result


def missing_rows(outcomes: Outcomes) -> NDArray[np.int64]:
    """Return how many rows would have to be added for all questions to have equally many draws at a rung, (rung,).

    A plan that made the rungs has a row for each of its draws, failed ones too: 0 there.

    Example:
        >>> from overthink.data.outcomes import from_frame
        >>> from overthink.data.pool import pool_of
        >>> from overthink.data.record import Axis, RungRecord
        >>> rows = [RungRecord("s", "base", Axis.CAPABILITY, "sums", "match", question, draw, 0, Estimand.EFFORT)
        ...         for question, draw in (("a", 0), ("a", 1), ("b", 0))]
        >>> missing_rows(from_frame(pool_of(rows))[0]).tolist()
        [1]
    """
    draws = outcomes.observed.sum(axis=1)
    stated = [rung.conditions is not None for rung in outcomes.rungs]
    return np.asarray((draws.max(axis=0, initial=0) - draws).sum(axis=0) * stated, dtype=np.int64)


def had_ended(outcomes: Outcomes) -> NDArray[np.bool_]:
    """Rungs by which over half of the traces had ended by themselves, (rung,).

    From such a rung on most answers are the same ones, so that equality between it and a higher rung shows nothing.
    False where the ends are unknown, and where no budget is forced.

    Args:
        outcomes: The table.
    """
    n_rungs = len(outcomes.rungs)
    if outcomes.estimand not in FORCED_BUDGETS:
        return np.zeros(n_rungs, dtype=bool)
    ends = [outcomes.natural_end[:, :, rung] for rung in range(n_rungs)]
    known_ends = [end[~np.isnan(end)] for end in ends]
    return np.array([bool(end.size) and float(end.mean()) > NATURAL_END_MAX for end in known_ends])


def effort_ratio(outcomes: Outcomes, rung: int, from_rung: int) -> float:
    """Mean reasoning tokens at one rung over those at another, over the questions known at both.

    Generated tokens stand in where reasoning tokens are unknown at either rung. Infinite where only the lower
    rung used none; NaN where neither is known.
    """
    for tokens in (outcomes.thinking_tokens, outcomes.generated_tokens):
        mean = question_means(tokens)
        both = ~np.isnan(mean[:, rung]) & ~np.isnan(mean[:, from_rung])
        if both.any():
            below, above = mean[both, from_rung].mean(), mean[both, rung].mean()
            if below == 0:
                return 1.0 if above == 0 else float("inf")
            return float(above / below)
    return float("nan")


def effort_moved(outcomes: Outcomes) -> float:
    """Largest ratio of reasoning tokens at a rung to those at the lowest; NaN where unknown.

    An effort sweep where this stays below ``RISE_MIN`` is a no-op.
    """
    ratios = [effort_ratio(outcomes, rung, 0) for rung in range(1, len(outcomes.rungs))]
    return float(np.nanmax(ratios)) if ratios and not np.isnan(ratios).all() else float("nan")


def _control(outcomes: Outcomes, rung: int) -> GateResult:
    requested = outcomes.rungs[rung].requested_tokens
    if requested is None:
        return GateResult("manipulation", rung, None, None, BUDGET_UNKNOWN)
    thinking_tokens = _of_attempts(outcomes, outcomes.thinking_tokens, rung)
    natural_end = _of_attempts(outcomes, outcomes.natural_end, rung)
    if np.isnan(thinking_tokens).all():
        return GateResult("manipulation", rung, None, None, TOKENS_UNKNOWN)
    if np.isnan(natural_end).all():
        return GateResult("manipulation", rung, None, None, ENDS_UNKNOWN)
    thinking = (natural_end == 0) & ~np.isnan(thinking_tokens)
    if not thinking.any():
        return GateResult("manipulation", rung, None, None, ALL_ENDED)
    slack = max(MATCH_TOKENS, MATCH_RELATIVE * requested)
    control = float((np.abs(thinking_tokens[thinking] - requested) <= slack).mean())
    n_seen = int((~np.isnan(thinking_tokens) & ~np.isnan(natural_end)).sum())
    return GateResult(
        "manipulation", rung, control, control >= CONTROL_MIN, n_seen=n_seen, n_rows=_n_attempts(outcomes, rung)
    )


def _rise(outcomes: Outcomes, rung: int) -> GateResult:
    if rung == 0:
        return GateResult("manipulation", rung, None, None, LOWEST)
    ratio = effort_ratio(outcomes, rung, rung - 1)
    if np.isnan(ratio):
        return GateResult("manipulation", rung, None, None, RATIO_UNKNOWN)
    if np.isinf(ratio):
        return GateResult("manipulation", rung, None, True, FROM_NOTHING)
    return GateResult("manipulation", rung, ratio, ratio >= RISE_MIN)


def _natural_end(outcomes: Outcomes, rung: int) -> GateResult:
    natural_end = _of_attempts(outcomes, outcomes.natural_end, rung)
    share = _share("natural_end", rung, natural_end, 1.0, ENDS_UNKNOWN, n_rows=_n_attempts(outcomes, rung))
    return replace(share, passed=None)


def _truncation(outcomes: Outcomes, rung: int) -> GateResult:
    cut = _of_attempts(outcomes, outcomes.truncated, rung)
    verdict = outcomes.verdicts[:, :, rung]
    cut = np.where(verdict == VERDICTS.index(Verdict.TRUNCATED), 1.0, cut)
    return _share("truncation", rung, cut, TRUNCATION_MAX, CUTS_UNKNOWN, n_rows=_n_attempts(outcomes, rung))


def _verdict_share(outcomes: Outcomes, rung: int, name: str, verdict: Verdict, most: float) -> GateResult:
    codes = outcomes.verdicts[:, :, rung]
    is_it = np.where(codes < 0, np.nan, codes == VERDICTS.index(verdict))
    n_rows = int(outcomes.observed[:, :, rung].sum())
    return _share(name, rung, is_it, most, VERDICTS_UNKNOWN, n_rows=n_rows)


def _errors(outcomes: Outcomes, rung: int, missing: int) -> GateResult:
    """Return the gate of rows that failed; missing ones count as such, and as seen."""
    failed = _verdict_share(outcomes, rung, "errors", Verdict.ERRORED, ERRORS_MAX)
    if not missing:
        return failed
    n_seen, n_rows = (failed.n_seen or 0) + missing, int(outcomes.observed[:, :, rung].sum()) + missing
    share = ((failed.estimate or 0.0) * (failed.n_seen or 0) + missing) / (n_seen if failed.n_seen else n_rows)
    if share > ERRORS_MAX:
        reason = ROWS_MISSING.text(missing=missing)
        return GateResult("errors", rung, share, False, reason, n_seen=n_seen, n_rows=n_rows)
    return failed if failed.estimate is None else replace(failed, estimate=share, n_seen=n_seen, n_rows=n_rows)


def _share(name: str, rung: int, marks: NDArray[np.float64], most: float, unknown: str, *, n_rows: int) -> GateResult:
    known_marks = marks[~np.isnan(marks)]
    if not known_marks.size:
        return GateResult(name, rung, None, None, unknown)
    share = float(known_marks.mean())
    return GateResult(name, rung, share, share <= most, n_seen=known_marks.size, n_rows=n_rows)


def _n_attempts(outcomes: Outcomes, rung: int) -> int:
    """Return the number of rows that did not fail; a failed one has no answer to look at."""
    return int((outcomes.observed & ~outcomes.failed)[:, :, rung].sum())


def _of_attempts(outcomes: Outcomes, marks: NDArray[np.float64], rung: int) -> NDArray[np.float64]:
    """Return marks of the rows of a rung, (question, draw); NaN for a failed row, which is none of those counted."""
    return np.where(outcomes.failed[:, :, rung], np.nan, marks[:, :, rung])


def _comparability(outcomes: Outcomes, rung: int) -> Iterator[GateResult]:
    """Yield whether the runs of a rung are those of the lowest in everything but the ladder's own setting.

    The lowest rung is the one to compare with, so that any two rungs that differ have a failed gate between them.
    """
    lowest, here = outcomes.rungs[0], outcomes.rungs[rung]
    if lowest.conditions is None or here.conditions is None:
        return
    places = [here] if rung == 0 else [lowest, here]
    texts = [[text for text in place.conditions or () if text is not None] for place in places]
    unlike = [difference for difference in differences(texts) if difference.name != INCOMPLETE]
    if unlike:
        shown = unlike[0].text([place.name for place in places])
        others = ", ".join(setting_words(difference.name) for difference in unlike[1:])
        reason = UNLIKE_MORE.text(difference=shown, names=others) if others else UNLIKE.text(difference=shown)
        yield GateResult(Metric.COMPARABILITY, rung, float(len(unlike)), False, reason)
    elif len(outcomes.rungs) > 1:
        whole = all(INCOMPLETE not in settings_in(text) for rung_texts in texts for text in rung_texts)
        is_known = whole and all(None not in (place.conditions or ()) for place in places)
        yield (
            GateResult(Metric.COMPARABILITY, rung, 0.0, True)
            if is_known
            else GateResult(Metric.COMPARABILITY, rung, None, None, CONDITIONS_UNKNOWN)
        )
