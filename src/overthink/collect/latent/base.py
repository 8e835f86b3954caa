"""Base of latent models: what one is given, what it gives back, and the checks between."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overthink.components.base import Component, Statement, failure_text
from overthink.errors import InputError
from overthink.paths import is_text

State = NDArray[np.floating]
"""State of one latent step: (width,) finite numbers."""

MOST_STEPS = 64


@dataclass(frozen=True, slots=True)
class LatentQuestion:
    """A question for a latent model.

    Attributes:
        id: Its id, unique in the task.
        text: Its text, as the model reads it.
        target: The right answer.
    """

    id: str
    text: str
    target: str


def _are_questions(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(
        isinstance(question, LatentQuestion)
        and all(
            isinstance(text, str) and text and is_text(text) for text in (question.id, question.text, question.target)
        )
        for question in value
    )


class LatentModel(Component):
    """Thinks in states instead of text, as Coconut and CODI do; named by `overthink latent`.

    It holds nothing between calls that decides an answer: the same question, states and seed give the same state, or
    the same answer. What it was handed may not be what it gave: that is the intervention.

    Attributes:
        steps: Latent steps before the answer: the highest budget.
    """

    role: ClassVar[str] = "latent model"
    statements: ClassVar[Mapping[str, Statement]] = {
        "questions": Statement("a list of LatentQuestion, each with an id, a text and a target", _are_questions),
        "is_right": Statement("true or false", lambda value: isinstance(value, bool | np.bool_)),
    }

    steps: int = Field(ge=1, le=MOST_STEPS, description="latent steps before the answer")

    @abstractmethod
    def questions(self) -> Sequence[LatentQuestion]:
        """Return the questions of the task."""

    @abstractmethod
    def step(self, question: LatentQuestion, states: Sequence[State], seed: int) -> State:
        """Return the state of the next latent step, a vector of finite numbers, always of the same width.

        Args:
            question: The question.
            states: States of all steps before it, of which one or more may have been changed.
            seed: Seed of the draw, for a model that samples.
        """

    @abstractmethod
    def answer(self, question: LatentQuestion, states: Sequence[State], seed: int) -> str:
        """Return the answer behind these states, from none to :attr:`steps` of them.

        Args:
            question: The question.
            states: States of all steps before the answer.
            seed: Seed of the draw.
        """

    def is_right(self, question: LatentQuestion, answer: str) -> bool:
        """Return whether an answer is right; by default, whether it is the target but for case and white space."""
        return answer.strip().casefold() == question.target.strip().casefold()


class LatentCalls:
    """Calls of a latent model, whose replies are checked.

    Args:
        model: The model.
        label: Its name in messages.
    """

    def __init__(self, model: LatentModel, label: str) -> None:
        self.model = model
        self._label = label
        self._width: int | None = None

    def state(self, question: LatentQuestion, states: Sequence[State], seed: int) -> State:
        """Return the state of the next step.

        Raises:
            InputError: The model raised an error, or its state is no vector of finite numbers of one width.
        """
        where = f"{self._label}: step {len(states) + 1} of question {question.id!r:.60}"
        try:
            reply = np.asarray(self.model.step(question, tuple(states), seed))
        except InputError:
            raise
        except (Exception, SystemExit) as fault:
            raise InputError(f"{where} raised {failure_text(fault)}; needed: a NumPy vector") from fault
        if reply.ndim != 1 or not reply.size or not np.issubdtype(reply.dtype, np.floating):
            raise InputError(
                f"{where} gave an array of {reply.dtype} of shape {reply.shape}; needed: floats of shape (width,), as "
                "tensor.float().cpu().numpy() of one position's hidden state"
            )
        if self._width not in (None, reply.size):
            raise InputError(f"{where} gave {reply.size} numbers, and {self._width} before; needed: one width for all")
        if not np.isfinite(reply).all():
            count = int((~np.isfinite(reply)).sum())
            raise InputError(f"{where} gave {count} NaN or infinite of {reply.size} numbers; needed: finite ones")
        self._width = reply.size
        state = reply.copy()
        state.setflags(write=False)
        return state

    def answer(self, question: LatentQuestion, states: Sequence[State], seed: int) -> str:
        """Return the answer behind some states.

        Raises:
            InputError: The model raised an error, or its answer is no text.
        """
        where = f"{self._label}: the answer to question {question.id!r:.60} behind {len(states)} steps"
        try:
            reply = self.model.answer(question, tuple(states), seed)
        except InputError:
            raise
        except (Exception, SystemExit) as fault:
            raise InputError(f"{where} raised {failure_text(fault)}; needed: a text") from fault
        if not isinstance(reply, str):
            raise InputError(f"{where} is {reply!r:.60}, {type(reply).__name__}; needed: a text")
        if not is_text(reply):
            raise InputError(f"{where} holds half a surrogate pair: {reply!r:.60}; needed: Unicode text")
        return reply.strip()
