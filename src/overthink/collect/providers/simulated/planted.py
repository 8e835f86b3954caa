"""The planted truth of a simulated model: the expected value of a forced rung, over the questions of a study.

A forced answer at a budget b is that of min(N, b) thinking tokens, where the trace ends by itself after N, a geometric
number; it is carried up the ladder from there. So the value of a rung is the mean over questions q and over N of
p(q, min(N, b)), a finite sum.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from overthink.collect.providers.simulated.model import SimulatedModel

_BLOCK = 1 << 20
"""Probabilities that are computed at once, at most."""


def planted_obstacle(model: SimulatedModel) -> str:
    """Return why the value of a forced rung on the plain ladder is not a function of its budget; empty where it is."""
    if model.step_gain:
        return "with step_gain, the steps of a trace move its answers"
    if model.commit_step is not None:
        return "with commit_step, the steps of a trace settle its answers"
    if model.unparsed or model.truncated:
        return "with unparsed or truncated answers, the task's scorer decides what an answer without content is worth"
    return ""


def planted_values(
    model: SimulatedModel, axis: str, questions: Sequence[str], budgets: Sequence[int]
) -> NDArray[np.float64]:
    """Return the expected value of a forced answer at each budget, shape (budget,); exact for these questions.

    Args:
        model: A model without :func:`planted_obstacle`.
        axis: Name of the axis.
        questions: Ids of the questions, at least one.
        budgets: Thinking tokens, ascending.

    Example:
        >>> model = SimulatedModel(capability="0:0.2,64:0.6", question_sd=0.0)
        >>> planted_values(model, "capability", ["q1", "q2"], [0, 64]).round(6).tolist()
        [0.2, 0.6]
    """
    difficulties = np.array([model.difficulty(axis, question) for question in questions])

    def mean(tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        centre = logit(model.curve(axis)(tokens))
        return np.asarray(expit(centre[:, None] + model.question_sd * difficulties).mean(axis=1))

    at_budget = mean(np.array(budgets, dtype=np.int64))
    if not model.hazard:
        return at_budget
    every, size = np.arange(max(budgets)), max(1, _BLOCK // len(questions))
    ended = [mean(every[start : start + size]) for start in range(0, len(every), size)]
    weights = model.hazard * (1.0 - model.hazard) ** every
    before = np.concatenate([[0.0], np.cumsum(weights * np.concatenate([[], *ended]))])
    return np.asarray(before[list(budgets)] + (1.0 - model.hazard) ** np.array(budgets) * at_budget)
