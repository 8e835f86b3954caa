"""A calculator in plain text during the thinking, for any model that can continue a prefix.

A line of the thinking that begins with ``calc:`` is a call. Its value is inserted on the next line, and the thinking
continues. Every call is a turn; rungs are its checkpoints.

The calculator as an Inspect tool, for tasks without tools of their own.
"""

import re
from dataclasses import replace
from typing import Annotated

from inspect_ai.tool import Tool, ToolError, tool
from pydantic import Field

from overthink.collect.arms.component import Intervention
from overthink.collect.arms.strategies.arithmetic import ExpressionError, evaluate
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Stepper, TraceContext, insert_text
from overthink.components.base import Simulated, component

INSTRUCTION = "I can compute: a line such as `calc: 12 * 7` is answered on the next line.\n"
"""Instruction at the beginning of the thinking, in the model's own voice."""

_CALL = re.compile(r"\s*calc\s*:\s*(?P<expression>[^\n]+?)\s*$", re.IGNORECASE)


@component("calculator")
class CalculatorIntervention(Intervention):
    """A line `calc: EXPRESSION` of its thinking is answered by a calculator."""

    calls: Annotated[int, Simulated(8)] = Field(ge=1, le=1000, description="most calls of a trace")

    @property
    def prefix_text(self) -> str:
        """Instruction for the model."""
        return INSTRUCTION

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper of one trace, with calls answered."""

        async def calculator_step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            longer = await stepper(path, room, branch=branch, cue=cue)
            call = _CALL.fullmatch(longer.steps[-1].rstrip("\n")) if longer.steps else None
            if call is None or longer.ended or not longer.steps[-1].endswith(LINE_END):
                return longer
            n_calls = sum(_CALL.fullmatch(step.partition(LINE_END)[0]) is not None for step in longer.steps)
            result = _result(call["expression"]) if n_calls <= self.calls else f"no more than {self.calls} calls"
            behind = await insert_text(context.continuation, longer, f"{result}{LINE_END}")
            return replace(behind, steps=(*longer.steps[:-1], longer.steps[-1] + behind.steps[-1]))

        return calculator_step


def _result(expression: str) -> str:
    try:
        return f"= {evaluate(expression)}"
    except ExpressionError as failure:
        return f"error: {failure}"


@tool
def calculator() -> Tool:
    """The value of an arithmetic expression; nothing is ever executed, and no file or network is reached."""

    async def execute(expression: str) -> str:
        """Compute the value of an arithmetic expression.

        Args:
            expression: Numbers, + - * / // % ** ( ), and the functions abs, max, min, round and sqrt.
        """
        try:
            return evaluate(expression)
        except ExpressionError as failure:
            raise ToolError(str(failure)) from None  # the model reads why, and may try again

    return execute
