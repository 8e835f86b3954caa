"""Human labels of single answers, and their position in the table of a curve.

Random sample of the answers of each rung for human labels, which can then correct the judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.outcomes import Outcomes
from overthink.data.record import ON_TRACE

AnswerPosition = tuple[str, str, str, str, int, int]
"""Position of an answer with the estimand: task, arm, estimand, question, draw, rung."""


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """Human label of one answer.

    Attributes:
        question: Question id.
        draw: Draw number.
        rung: Position on the ladder.
        label: 1 = correct, safe or answered, by axis; 0 = not; between = graded.
        task: Task name; None for the only one.
        arm: Arm; None for the only one.
        estimand: Estimand; None for the only one.
        axis: Axis, where a task is read on several; None for the only one.
    """

    question: str
    draw: int
    rung: int
    label: float
    task: str | None = None
    arm: str | None = None
    estimand: str | None = None
    axis: str | None = None

    @property
    def position(self) -> AnswerPosition:
        """Position of the answer."""
        return str(self.task), str(self.arm), str(self.estimand), self.question, self.draw, self.rung

    def matches(self, outcomes: Outcomes) -> bool:
        """Whether the label's task, arm, estimand and axis, as far as they are given, are those of the table."""
        return (
            self.task in (None, outcomes.task)
            and self.arm in (None, outcomes.arm)
            and self.estimand in (None, outcomes.estimand.value)
            and self.axis in (None, outcomes.axis)
        )


def label_table(outcomes: Outcomes, labels: Sequence[HumanLabel]) -> NDArray[np.float64]:
    """The labels of one curve, (question, draw, rung); NaN where there is none.

    Args:
        outcomes: The curve.
        labels: Labels of any curves.
    """
    places = (outcomes.questions, outcomes.draws, tuple(rung.index for rung in outcomes.rungs))
    question, draw, rung = ({name: i for i, name in enumerate(axis)} for axis in places)
    table = np.full(outcomes.values.shape, np.nan)
    for label in labels:
        if label.matches(outcomes) and label.question in question and label.draw in draw and label.rung in rung:
            table[question[label.question], draw[label.draw], rung[label.rung]] = label.label
    return table


def label_sample(outcomes: Sequence[Outcomes], *, per_rung: int, rng: np.random.Generator) -> tuple[HumanLabel, ...]:
    """Sample answers to be labelled, each rung of each curve by itself.

    Answers are drawn evenly over questions first, and draws within them: questions are the unit of every interval, and
    two labels of one question say less than labels of two. Answers without a value are not drawn: the judge gave them
    no mark to be corrected. Scorers of the same answers share their labels, so each answer is drawn for one of them; of
    a task that is read on several axes, for one of each axis, which the label then names.

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
    judged = [table for table in outcomes if not table.scorer.endswith(ON_TRACE)]
    axes: dict[tuple[str, str, str], dict[str, Outcomes]] = {}
    for table in judged:
        axes.setdefault((table.task, table.arm, table.estimand.value), {}).setdefault(str(table.axis), table)
    for curve, axis, table in ((curve, axis, table) for curve, own in axes.items() for axis, table in own.items()):
        stated_axis = axis if len(axes[curve]) > 1 else None
        for position, rung in enumerate(table.rungs):
            for question, draw in _places(table, position, per_rung, rng):
                answer_position = (table.questions[question], table.draws[draw], rung.index)
                sample.append(HumanLabel(*answer_position, float("nan"), *curve, stated_axis))
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
