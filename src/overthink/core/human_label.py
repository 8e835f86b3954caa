"""Human labels of single answers, and their place in the table of a curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.outcomes import Outcomes

Place = tuple[str, str, str, int, int]
"""Where an answer is: task, arm, question, draw, rung."""

AnswerAt = tuple[str, str, str, str, int, int]
"""The same with the estimand, which tells apart what stands at one rung: task, arm, estimand, question, draw, rung."""


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """What a human said of one answer.

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
    def at(self) -> AnswerAt:
        """Where the answer is."""
        return str(self.task), str(self.arm), str(self.estimand), self.question, self.draw, self.rung

    def is_of(self, outcomes: Outcomes) -> bool:
        """Whether the label's task, arm and estimand, as far as they are said, are those of the table."""
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
    for one in labels:
        if one.is_of(outcomes) and one.question in question and one.draw in draw and one.rung in rung:
            table[question[one.question], draw[one.draw], rung[one.rung]] = one.label
    return table
