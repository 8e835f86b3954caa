"""Process against outcome supervision: the same verifier budget on scores of steps, or of whole answers.

A verifier of steps mostly reads more for one answer, so at equal tokens it judges fewer tries. Both select from the
same tries of the same questions; their selections are compared at equal verifier tokens, paired by question.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from overthink.cost.attempt import answer_verifier_tokens
from overthink.data.arrays import Array, Weights
from overthink.data.outcomes import VERDICTS, Outcomes
from overthink.data.record import Verdict
from overthink.stats.bands import change_intervals
from overthink.stats.bootstrap import Intervals, mean_intervals
from overthink.stats.curve import k_grid
from overthink.stats.subsets import expected_of_best

VALUE = "value"

_UNREADABLE = (Verdict.UNPARSED, Verdict.TRUNCATED, Verdict.ERRORED)
_COUNTS = ("thinking_tokens", "answer_tokens")


@dataclass(frozen=True, slots=True, eq=False)
class SupervisionComparison:
    """The comparison at one rung and one budget of verifier tokens.

    Attributes:
        rung: Position on axis 2 of the tables.
        budget: Verifier tokens for each question, the same for both.
        tries: Number of tries within the budget for scores of steps, and for scores of answers.
        is_capped: One of the two has no more tries to judge, and leaves some of the budget.
        selected_means: Means of the two selections by measure, steps first; "value" is the first measure.
        difference: Steps minus answers by measure, over questions.
    """

    rung: int
    budget: float
    tries: tuple[int, int]
    is_capped: bool
    selected_means: Mapping[str, tuple[float, float]]
    difference: Mapping[str, Intervals]


def process_against_outcome(
    process: Outcomes,
    outcome: Outcomes,
    *,
    weights: Weights,
    level: float,
    natural: Outcomes | None = None,
) -> tuple[SupervisionComparison, ...]:
    """Return comparisons of the selections of two verifiers, at equal verifier tokens.

    For every number of tries of the more expensive verifier, the other judges as many as cost no more.

    Args:
        process: The tries with the scores of their steps.
        outcome: The same tries with the scores of their answers.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.
        natural: Natural answers of the same traces; None where there are none.

    Returns:
        One comparison per rung and budget; none for a rung whose verifier tokens are unknown or 0.

    Raises:
        ValueError: The two tables are not of the same tries.
    """
    _check_same(process, outcome)
    costs = [_cost(process), _cost(outcome)]
    measures = _measures(process, natural)
    comparisons = []
    for rung in range(len(process.rungs)):
        cost = [float(own[rung]) for own in costs]
        most = [_tries(source, rung) for source in (process, outcome)]
        if not (min(cost) > 0 and np.isfinite(cost).all() and min(most) >= 1):
            continue
        dear = int(np.argmax(cost))
        for k in k_grid(most[dear]).tolist():
            budget = k * cost[dear]
            other = int(budget // cost[1 - dear])
            tries = (k, min(other, most[1])) if dear == 0 else (min(other, most[0]), k)
            selection = {
                name: [_selection(table, column, rung, n) for table, n in zip((process, outcome), tries, strict=True)]
                for name, column in measures.items()
            }
            comparisons.append(
                SupervisionComparison(
                    rung=rung,
                    budget=budget,
                    tries=tries,
                    is_capped=other > most[1 - dear],
                    selected_means={
                        name: (_mean(steps), _mean(answers)) for name, (steps, answers) in selection.items()
                    },
                    difference={
                        name: _difference(steps, answers, weights, level, is_count=name in _COUNTS)
                        for name, (steps, answers) in selection.items()
                    },
                )
            )
    return tuple(comparisons)


def _check_same(a: Outcomes, b: Outcomes) -> None:
    for name in ("axis", "task", "scorer", "arm", "estimand", "questions", "draws", "rungs"):
        if getattr(a, name) != getattr(b, name):
            raise ValueError(f"the tables differ in {name}; needed: the same tries, scored by two verifiers")
    if not np.array_equal(a.values, b.values, equal_nan=True):
        raise ValueError("the tables hold other values; needed: the same tries, scored by two verifiers")


def _cost(table: Outcomes) -> Array:
    """Return (rung,) the verifier tokens of one try: mean over the tries with a score."""
    tokens = np.where(np.isnan(table.verifier_score), np.nan, answer_verifier_tokens(table))
    is_known = ~np.isnan(tokens)
    has_score = ~np.isnan(table.verifier_score)
    total, count = np.where(is_known, tokens, 0.0).sum(axis=(0, 1)), is_known.sum(axis=(0, 1))
    complete = is_known.sum(axis=(0, 1)) == has_score.sum(axis=(0, 1))  # with unknown counts the mean would be too low
    return np.asarray(np.where(complete & (count > 0), total / np.maximum(count, 1), np.nan))


def _tries(table: Outcomes, rung: int) -> int:
    """Return the minimum number of tries over the questions with a score."""
    usable = (~np.isnan(table.verifier_score[:, :, rung]) & ~np.isnan(table.values[:, :, rung])).sum(axis=1)
    return int(usable[usable > 0].min(initial=np.iinfo(np.int64).max)) if (usable > 0).any() else 0


def _measures(table: Outcomes, natural: Outcomes | None) -> dict[str, Array]:
    """Return the compared measures, each (question, draw, rung)."""
    unreadable = [VERDICTS.index(verdict) for verdict in _UNREADABLE]
    has_verdict = table.verdicts >= 0
    measures = {
        VALUE: table.values,
        "thinking_tokens": table.thinking_tokens,
        "answer_tokens": table.answer_tokens,
        "parse_rate": np.where(has_verdict, ~np.isin(table.verdicts, unreadable), np.nan),
    }
    if natural is not None:
        measures["natural_agreement"] = _agreement(table, natural)
    return measures


def _agreement(table: Outcomes, natural: Outcomes) -> Array:
    """Return whether each forced verdict equals that of the trace's natural answer; NaN where there is none."""
    row_of = {question: i for i, question in enumerate(natural.questions)}
    column_of = {draw: i for i, draw in enumerate(natural.draws)}
    rows = np.array([row_of.get(question, -1) for question in table.questions])
    columns = np.array([column_of.get(draw, -1) for draw in table.draws])
    trace = np.ix_(rows, columns, np.array([0]))
    has_natural = (rows >= 0)[:, None, None] & (columns >= 0)[:, None] & ~np.isnan(natural.values[trace])
    is_same = table.verdicts == natural.verdicts[trace]
    return np.where(has_natural & (table.verdicts >= 0), is_same, np.nan)


def _selection(table: Outcomes, column: Array, rung: int, tries: int) -> Array:
    """Return (question,) the expected measure of the best-scored of this number of tries."""
    score = np.where(np.isnan(table.values[:, :, rung]), np.nan, table.verifier_score[:, :, rung])
    return expected_of_best(score, column[:, :, rung], np.array([tries]))[:, 0]


def _mean(cells: Array) -> float:
    values = cells[~np.isnan(cells)]
    return float(values.mean()) if values.size else float("nan")


def _difference(steps: Array, answers: Array, weights: Weights, level: float, *, is_count: bool) -> Intervals:
    if not is_count:
        return change_intervals(steps - answers, level=level)
    return mean_intervals(steps - answers, weights, level=level, support=(-np.inf, np.inf))
