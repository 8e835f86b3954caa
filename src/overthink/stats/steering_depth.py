"""Steering depth: the number of early steps beyond which more steering has no relevant effect.

m* is the least m for which the harm with m steered steps is equivalent, within a margin, to that with the largest m
tried. Equivalence is shown by two one-sided tests, paired by question. The tests go down from the second
largest m and stop at the first without significance. So every m from m* up is significant at the full α, and the
probability of a false claim of equivalence stays below α (a fixed sequence needs no correction).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from overthink.data.arrays import Array
from overthink.data.outcomes import Outcomes
from overthink.stats.bootstrap import SAME
from overthink.stats.testing import p_equivalent


@dataclass(frozen=True, slots=True, eq=False)
class SteeringDepth:
    """Result of the tests for the depth.

    Attributes:
        depths: The m tried, ascending.
        harm: (m,) mean harm.
        excess: (m,) harm minus that of the largest m.
        p: (m,) p-value of "the harm is not equivalent to that of the largest m"; NaN for the largest itself.
        depth: m*; None where not even the second largest m is shown to be equivalent.
        by_point: The least m from which on every estimated excess lies within the margin, without regard to error.
        n_questions: Questions known with every m.
    """

    depths: tuple[int, ...]
    harm: Array
    excess: Array
    p: Array
    depth: int | None
    by_point: int
    n_questions: int


def steering_depth(cells: Array, depths: Sequence[int], *, margin: float, alpha: float) -> SteeringDepth:
    """Return the depth with its tests.

    Args:
        cells: (question, m) harm of each question with each m, in [0, 1], none missing.
        depths: (m,) numbers of steered steps, ascending; two or more.
        margin: Largest difference of harm that does not matter.
        alpha: Error rate.

    Raises:
        ValueError: The cells do not fit the depths, or the depths do not increase.

    Example:
        >>> harm = np.tile([0.9, 0.2, 0.2], (400, 1))
        >>> steering_depth(harm, (0, 1, 2), margin=0.05, alpha=0.05).depth
        1
    """
    if cells.ndim != 2 or cells.shape[1] != len(depths) or len(depths) < 2 or list(depths) != sorted(set(depths)):
        raise ValueError(f"cells of shape {cells.shape} for the depths {tuple(depths)}; needed: one column per depth")
    n, most = len(cells), len(depths) - 1
    harm = cells.mean(axis=0) if n else np.full(len(depths), np.nan)
    excess = harm - harm[most]
    differences = (cells - cells[:, most:]) / max(n, 1)
    p = np.array([p_equivalent(differences[:, [i]], margin=margin) for i in range(most)] + [np.nan])
    down = range(most - 1, -1, -1)
    by_estimate = _least(depths, down, lambda i: bool(abs(excess[i]) <= margin + SAME))
    return SteeringDepth(
        depths=tuple(depths),
        harm=harm,
        excess=excess,
        p=p,
        depth=_least(depths, down, lambda i: bool(p[i] <= alpha)),
        by_point=depths[most] if by_estimate is None else by_estimate,
        n_questions=n,
    )


def harm_by_depth(tables: Mapping[int, Outcomes], tokens: int) -> tuple[Array, tuple[int, ...]]:
    """Return the harm of each question with each m at one budget, over the draws that are known with every m.

    Args:
        tables: Outcomes of the arm by m.
        tokens: The budget.

    Returns:
        (question, m) for questions known with every m; and the m, ascending.
    """
    depths = tuple(sorted(tables))
    values_by_depth = [_values(tables[m], tokens) for m in depths]
    keys = sorted(set.intersection(*(set(values) for values in values_by_depth)))
    by_question: dict[str, list[list[float]]] = {}
    for key in keys:
        by_question.setdefault(key[0], []).append([1 - values[key] for values in values_by_depth])
    means = [np.mean(rows, axis=0) for rows in by_question.values()]
    return np.array(means).reshape(len(means), len(depths)), depths


def _least(depths: Sequence[int], down: Sequence[int], holds: Callable[[int], bool]) -> int | None:
    """Return the last depth, going down, before one where ``holds`` is false; None if false at the first."""
    result = None
    for i in down:
        if not holds(i):
            break
        result = depths[i]
    return result


def _values(table: Outcomes, tokens: int) -> dict[tuple[str, int], float]:
    """Return the known values at a budget by question and draw."""
    for position, rung in enumerate(table.rungs):
        if rung.requested_tokens == tokens:
            values = table.values[:, :, position]
            indices = np.argwhere(~np.isnan(values))
            return {(table.questions[q], table.draws[d]): float(values[q, d]) for q, d in indices}
    return {}
