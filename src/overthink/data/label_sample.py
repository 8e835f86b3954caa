"""Random sample of the answers of each rung for human labels, which can then correct the judge."""

from collections.abc import Sequence

import numpy as np

from overthink.stats.controls import ON_TRACE
from overthink.data.labels import HumanLabel
from overthink.data.outcomes import Outcomes


def label_sample(outcomes: Sequence[Outcomes], *, per_rung: int, rng: np.random.Generator) -> tuple[HumanLabel, ...]:
    """Sample answers to be labelled, each rung of each curve by itself.

    Answers are drawn evenly over questions first, and draws within them: questions are the unit of every interval, and
    two labels of one question say less than labels of two. Answers without a value are not drawn: the judge gave them
    no mark to be corrected. Scorers of the same answers share their labels, so each answer is drawn for one of them.

    Args:
        outcomes: The curves.
        per_rung: Answers to draw at each rung; all of them where there are fewer.
        rng: Source of randomness.

    Returns:
        Positions with a label of NaN: not labelled yet.

    Raises:
        ValueError: ``per_rung`` is less than 1.
    """
    if per_rung < 1:
        raise ValueError(f"per_rung is {per_rung}; needed: 1 or more")
    sample: list[HumanLabel] = []
    sampled_curves: set[tuple[str, str, str]] = set()
    for table in outcomes:
        curve = (table.task, table.arm, table.estimand.value)
        if curve in sampled_curves or table.scorer.endswith(ON_TRACE):
            continue
        sampled_curves.add(curve)
        for position, rung in enumerate(table.rungs):
            for question, draw in _places(table, position, per_rung, rng):
                answer_position = (table.questions[question], table.draws[draw], rung.index)
                sample.append(HumanLabel(*answer_position, float("nan"), *curve))
    return tuple(sample)


def _places(table: Outcomes, rung: int, n_wanted: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(question, draw) positions: every question once before any is drawn twice."""
    is_known = ~np.isnan(table.values[:, :, rung])
    question, draw = np.nonzero(is_known)
    order = rng.permutation(len(question))
    question, draw = question[order], draw[order]
    # How often the question came before in this random order.
    by_question = np.argsort(question, kind="stable")
    starts = np.searchsorted(question[by_question], question[by_question], side="left")
    times = np.empty(len(question), dtype=np.int64)
    times[by_question] = np.arange(len(question)) - starts
    first = np.argsort(times, kind="stable")[:n_wanted]
    return sorted(zip(question[first].tolist(), draw[first].tolist(), strict=True))
