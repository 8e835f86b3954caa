"""A calculator in plain text during the thinking, for any model that can continue a prefix.

A line of the thinking that begins with ``calc:`` is a call. Its value is inserted on the next line, and the thinking
continues. Every call is a turn; rungs are its checkpoints.

The calculator as an Inspect tool, for tasks without tools of their own.
"""

import re
from dataclasses import replace

from inspect_ai.tool import Tool, ToolError, tool

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.strategies.arithmetic import ExpressionError, evaluate
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Stepper, TraceContext, insert_text
from overthink.plan.study import Plan

INSTRUCTION = "I can compute: a line such as `calc: 12 * 7` is answered on the next line.\n"
"""Instruction at the beginning of the thinking, in the model's own voice."""

_CALL = re.compile(r"\s*calc\s*:\s*(?P<expression>[^\n]+?)\s*$", re.IGNORECASE)


class CalculatorIntervention:
    """Answers calculator calls in a model's thinking.

    Attributes:
        prefix_text: Instruction for the model.
        looks_at_steps: It reads every step.
        calls: Maximum number of calls per trace.
    """

    looks_at_steps = True

    def __init__(self, calls: int) -> None:
        self.prefix_text = INSTRUCTION
        self.calls = calls

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


def _make(settings: Settings, plan: Plan) -> CalculatorIntervention:
    return CalculatorIntervention(int(settings["calls"]))


CALCULATOR = Component(
    name="calculator",
    role="intervention",
    description="a line `calc: EXPRESSION` of its thinking is answered by a calculator",
    make=_make,
    settings={"calls": Option(int, "most calls of a trace", least=1, most=1000)},
    simulated_defaults={"calls": 8},
)


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
