"""Which answers a human should read: a random sample of each rung's, so that its labels can correct the judge."""

from collections.abc import Sequence

import numpy as np

from overthink.core.controls import ON_TRACE
from overthink.core.human_label import HumanLabel
from overthink.core.outcomes import Outcomes


def label_sample(outcomes: Sequence[Outcomes], *, per_rung: int, rng: np.random.Generator) -> tuple[HumanLabel, ...]:
    """Draw answers to be labelled, each rung of each curve by itself.

    Answers are drawn evenly over questions first, and draws within them: questions are the unit of every interval, and
    two labels of one question say less than labels of two. Answers without a value are not drawn: the judge gave them
    no mark to be corrected. Scorers of the same answers share their labels, so each answer is drawn for one of them.

    Args:
        outcomes: The curves.
        per_rung: Answers to draw at each rung; all of them where there are fewer.
        rng: Source of randomness.

    Returns:
        Places with a label of NaN: nobody has read them yet.

    Raises:
        ValueError: ``per_rung`` is less than 1.
    """
    if per_rung < 1:
        raise ValueError(f"per_rung is {per_rung}; needed: 1 or more")
    found: list[HumanLabel] = []
    seen: set[tuple[str, str, str]] = set()
    for table in outcomes:
        name = (table.task, table.arm, table.estimand.value)
        if name in seen or table.scorer.endswith(ON_TRACE):
            continue
        seen.add(name)
        for position, rung in enumerate(table.rungs):
            for question, draw in _places(table, position, per_rung, rng):
                place = (table.questions[question], table.draws[draw], rung.index)
                found.append(HumanLabel(*place, float("nan"), *name))
    return tuple(found)


def _places(table: Outcomes, rung: int, wanted: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(question, draw) positions: every question once before any is drawn twice."""
    known = ~np.isnan(table.values[:, :, rung])
    question, draw = np.nonzero(known)
    order = rng.permutation(len(question))
    question, draw = question[order], draw[order]
    # How often the question came before in this random order.
    grouped = np.argsort(question, kind="stable")
    starts = np.searchsorted(question[grouped], question[grouped], side="left")
    times = np.empty(len(question), dtype=np.int64)
    times[grouped] = np.arange(len(question)) - starts
    first = np.argsort(times, kind="stable")[:wanted]
    return sorted(zip(question[first].tolist(), draw[first].tolist(), strict=True))
