"""Human labels of single answers, and their position in the table of a curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.outcomes import Outcomes

Place = tuple[str, str, str, int, int]
"""Position of an answer: task, arm, question, draw, rung."""

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
    """

    question: str
    draw: int
    rung: int
    label: float
    task: str | None = None
    arm: str | None = None
    estimand: str | None = None

    @property
    def position(self) -> AnswerPosition:
        """Position of the answer."""
        return str(self.task), str(self.arm), str(self.estimand), self.question, self.draw, self.rung

    def matches(self, outcomes: Outcomes) -> bool:
        """Whether the label's task, arm and estimand, as far as they are given, are those of the table."""
        return (
            self.task in (None, outcomes.task)
            and self.arm in (None, outcomes.arm)
            and self.estimand in (None, outcomes.estimand.value)
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
