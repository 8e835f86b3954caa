"""Process against outcome supervision: the same verifier budget spent on scores of steps, or of whole answers.

A verifier of steps mostly reads more for one answer, so at equal tokens it judges fewer tries. Both select from the
same tries of the same questions; what they select is compared at equal verifier tokens, paired by question.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.attempt import answer_verifier_tokens
from overthink.core.curve import k_grid
from overthink.core.interval import CHANGE, Intervals, mean_intervals
from overthink.core.outcomes import VERDICTS, Outcomes
from overthink.core.record import Verdict
from overthink.core.subsets import expected_of_best

Array = NDArray[np.float64]

VALUE = "value"
PROXIES = ("thinking_tokens", "answer_tokens", "parse_rate", "natural_agreement")
"""What is at hand of how legible an answer is: how long it and its thinking are, whether it could be read, and whether
its verdict is that of the answer which the model gave when nobody forced it."""

_UNREADABLE = (Verdict.UNPARSED, Verdict.TRUNCATED, Verdict.ERRORED)
_COUNTS = ("thinking_tokens", "answer_tokens")


@dataclass(frozen=True, slots=True, eq=False)
class Supervised:
    """The comparison at one rung and one budget of verifier tokens.

    Attributes:
        rung: Position on axis 2 of the tables.
        budget: Verifier tokens for each question, the same for both.
        tries: How many tries the scores of steps, and those of answers, can judge with it.
        capped: One of the two has no more tries to judge, and leaves some of the budget.
        selected: By what is measured, "value" first: the means of what the two select, steps first.
        difference: By what is measured: steps minus answers, over questions.
    """

    rung: int
    budget: float
    tries: tuple[int, int]
    capped: bool
    selected: Mapping[str, tuple[float, float]]
    difference: Mapping[str, Intervals]


def process_against_outcome(
    process: Outcomes,
    outcome: Outcomes,
    *,
    weights: Array,
    level: float,
    natural: Outcomes | None = None,
) -> tuple[Supervised, ...]:
    """Compare what two verifiers select, at equal verifier tokens.

    For every number of tries that the dearer verifier can judge, the other judges as many as cost no more.

    Args:
        process: The tries with the scores of their steps.
        outcome: The same tries with the scores of their answers.
        weights: (resample, question) from :func:`~overthink.core.interval.question_weights`.
        level: Confidence level.
        natural: The same traces' own answers, which nobody forced; None where there are none.

    Returns:
        One comparison per rung and budget; none for a rung whose verifier tokens are unknown or 0.

    Raises:
        ValueError: The two tables are not of the same tries.
    """
    _check_same(process, outcome)
    costs = [_cost(process), _cost(outcome)]
    measured = _measured(process, natural)
    found = []
    for rung in range(len(process.rungs)):
        cost = [float(own[rung]) for own in costs]
        most = [_tries(one, rung) for one in (process, outcome)]
        if not (min(cost) > 0 and np.isfinite(cost).all() and min(most) >= 1):
            continue
        dear = int(np.argmax(cost))
        for k in k_grid(most[dear]).tolist():
            budget = k * cost[dear]
            other = int(budget // cost[1 - dear])
            tries = (k, min(other, most[1])) if dear == 0 else (min(other, most[0]), k)
            selected = {
                name: [_selected(table, column, rung, n) for table, n in zip((process, outcome), tries, strict=True)]
                for name, column in measured.items()
            }
            found.append(
                Supervised(
                    rung=rung,
                    budget=budget,
                    tries=tries,
                    capped=other > most[1 - dear],
                    selected={name: (_mean(steps), _mean(answers)) for name, (steps, answers) in selected.items()},
                    difference={
                        name: _difference(steps, answers, weights, level, is_count=name in _COUNTS)
                        for name, (steps, answers) in selected.items()
                    },
                )
            )
    return tuple(found)


def _check_same(a: Outcomes, b: Outcomes) -> None:
    for name in ("axis", "task", "scorer", "arm", "estimand", "questions", "draws", "rungs"):
        if getattr(a, name) != getattr(b, name):
            raise ValueError(f"the tables differ in {name}; needed: the same tries, scored by two verifiers")
    if not np.array_equal(a.values, b.values, equal_nan=True):
        raise ValueError("the tables hold other values; needed: the same tries, scored by two verifiers")


def _cost(table: Outcomes) -> Array:
    """Verifier tokens of one try, (rung,): mean over the tries that have a score."""
    tokens = np.where(np.isnan(table.verifier_score), np.nan, answer_verifier_tokens(table))
    known = ~np.isnan(tokens)
    scored = ~np.isnan(table.verifier_score)
    total, count = np.where(known, tokens, 0.0).sum(axis=(0, 1)), known.sum(axis=(0, 1))
    complete = known.sum(axis=(0, 1)) == scored.sum(axis=(0, 1))  # an unknown bill is not a cheap one
    return np.asarray(np.where(complete & (count > 0), total / np.maximum(count, 1), np.nan))


def _tries(table: Outcomes, rung: int) -> int:
    """Tries that every question with a score has."""
    usable = (~np.isnan(table.verifier_score[:, :, rung]) & ~np.isnan(table.values[:, :, rung])).sum(axis=1)
    return int(usable[usable > 0].min(initial=np.iinfo(np.int64).max)) if (usable > 0).any() else 0


def _measured(table: Outcomes, natural: Outcomes | None) -> dict[str, Array]:
    """What is compared, (question, draw, rung) each."""
    unreadable = [VERDICTS.index(verdict) for verdict in _UNREADABLE]
    judged = table.verdicts >= 0
    measured = {
        VALUE: table.values,
        "thinking_tokens": table.thinking_tokens,
        "answer_tokens": table.answer_tokens,
        "parse_rate": np.where(judged, ~np.isin(table.verdicts, unreadable), np.nan),
    }
    if natural is not None:
        measured["natural_agreement"] = _agreement(table, natural)
    return measured


def _agreement(table: Outcomes, natural: Outcomes) -> Array:
    """Whether each forced verdict is that of the trace's own answer; NaN where it gave none."""
    agreed = np.full(table.values.shape, np.nan)
    rows = {question: i for i, question in enumerate(natural.questions)}
    columns = {draw: i for i, draw in enumerate(natural.draws)}
    for i, question in enumerate(table.questions):
        for j, draw in enumerate(table.draws):
            if question in rows and draw in columns:
                cell = rows[question], columns[draw], 0
                if not np.isnan(natural.values[cell]):
                    same = table.verdicts[i, j] == natural.verdicts[cell]
                    agreed[i, j] = np.where(table.verdicts[i, j] >= 0, same, np.nan)
    return agreed


def _selected(table: Outcomes, column: Array, rung: int, tries: int) -> Array:
    """Expected worth of the best-scored of so many tries, (question,)."""
    score = np.where(np.isnan(table.values[:, :, rung]), np.nan, table.verifier_score[:, :, rung])
    return expected_of_best(score, column[:, :, rung], np.array([tries]))[:, 0]


def _mean(cells: Array) -> float:
    known = cells[~np.isnan(cells)]
    return float(known.mean()) if known.size else float("nan")


def _difference(steps: Array, answers: Array, weights: Array, level: float, *, is_count: bool) -> Intervals:
    support = (-np.inf, np.inf) if is_count else CHANGE
    return mean_intervals(steps - answers, weights, level=level, support=support)
