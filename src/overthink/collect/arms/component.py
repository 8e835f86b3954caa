"""Components of an arm: strategies and interventions, each a declared class with its settings as fields."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from inspect_ai.model import ChatMessage

from overthink.collect.ladder.thinking import Stepper, Thinker, TraceContext
from overthink.components.base import Component, Statement, is_texts
from overthink.plan.study import Plan


@dataclass(frozen=True, slots=True)
class StepperSetup:
    """A stepper with all interventions of an arm applied.

    Attributes:
        stepper: Takes a step, wrapped in every intervention.
        prefix_text: Text that they insert at the beginning of the thinking.
        is_plain: No intervention looks at steps, so the model may think in one segment.
    """

    stepper: Stepper
    prefix_text: str
    is_plain: bool


class ArmPart(Component):
    """Base of strategies and interventions.

    Attributes:
        answers_at_once: It does no thinking, so only the lowest rung is collected.
        reads_probabilities: It needs next-token probabilities, which not every server returns.
        decides: What it decides by what it reads: at which "steps" it acts, or which of several "candidates" goes on;
            "" for one that acts whatever it reads, which has no placebo.
    """

    answers_at_once: ClassVar[bool] = False
    reads_probabilities: ClassVar[bool] = False
    decides: ClassVar[Literal["", "steps", "candidates"]] = ""
    statements: ClassVar[Mapping[str, Statement]] = {
        "max_decode_factor": Statement(
            "a number from 0 upwards",
            lambda value: isinstance(value, int | float) and math.isfinite(value) and value >= 0,
        ),
        "max_segments": Statement(
            "a whole number from 0 upwards, or None", lambda value: value is None or (type(value) is int and value >= 0)
        ),
        "inserted_texts": Statement("texts", is_texts),
        "models": Statement("names of models", is_texts),
        "open": Statement("the component", lambda value: isinstance(value, Component)),
    }

    @property
    def max_decode_factor(self) -> float:
        """Maximum decoded tokens, relative to the plain ladder."""
        return 1.0

    @property
    def max_segments(self) -> int | None:
        """Maximum number of thinking segments beyond one per rung; None if it thinks in steps."""
        return None

    @property
    def inserted_texts(self) -> tuple[str, ...]:
        """Texts that it may insert into the thinking at most; known if it thinks in segments."""
        return ()

    @property
    def models(self) -> tuple[str, ...]:
        """Models that it calls besides the model under test."""
        return ()

    def open(self, plan: Plan) -> Self:
        """Return the component with its models opened, for a plan; by default itself.

        Raises:
            InputError: It is impossible in this plan, or a model cannot be opened.
        """
        return self


class Strategy(ArmPart):
    """A strategy for spending thinking tokens; one per arm."""

    role: ClassVar[str] = "strategy"

    @abstractmethod
    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""


class Intervention(ArmPart):
    """A safety intervention on a model's steps.

    Attributes:
        looks_at_steps: Whether it works on single steps.
    """

    role: ClassVar[str] = "intervention"
    looks_at_steps: ClassVar[bool] = True

    @property
    def prefix_text(self) -> str:
        """Text inserted at the beginning of the thinking; "" for none."""
        return ""

    def prompt(self, messages: Sequence[ChatMessage], facts: Mapping[str, Any]) -> list[ChatMessage]:
        """Return the messages that the model gets; by default those of the task.

        Args:
            messages: Messages of the task.
            facts: Metadata of the question.

        Raises:
            InputError: The task is none that it can change.
        """
        return list(messages)

    def simulated_answers(self, facts: Mapping[str, Any]) -> dict[str, str]:
        """Return the good and the bad answer of a simulated model, where they are not those of the task."""
        return {}

    @abstractmethod
    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper of one trace, wrapped in the intervention."""
