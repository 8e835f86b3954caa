"""A calculator that a model may call while it thinks, in plain text, so that any model that can go on can use it.

A line of the thinking that begins with ``calc:`` is a call. Its value is written on the next line, as text of ours, and
thinking goes on. Every call is a turn; rungs are its checkpoints.
"""

import re
from dataclasses import replace

from overthink.collect.part import Part, Setting, Settings
from overthink.collect.thinking import LINE_END, Means, Path, Stepper, written
from overthink.collect.tools.arithmetic import ExpressionError, evaluate
from overthink.plan import Plan

INSTRUCTION = "I can compute: a line such as `calc: 12 * 7` is answered on the next line.\n"
"""What the model is told, in its own voice, at the beginning of its thinking."""

_CALL = re.compile(r"\s*calc\s*:\s*(?P<expression>[^\n]+?)\s*$", re.IGNORECASE)


class Calculator:
    """Answers the calls of a model's thinking.

    Attributes:
        opening: What tells the model of it.
        looks_at_steps: It reads every step.
        calls: Most calls of one trace; a model that calls for ever has to go on without.
    """

    looks_at_steps = True

    def __init__(self, calls: int) -> None:
        self.opening = INSTRUCTION
        self.calls = calls

    def around(self, stepper: Stepper, means: Means) -> Stepper:
        """The stepper with the calculator behind it, for one trace."""

        async def answered(path: Path, room: int, *, branch: str = "", cue: str = "") -> Path:
            longer = await stepper(path, room, branch=branch, cue=cue)
            call = _CALL.fullmatch(longer.steps[-1].rstrip("\n")) if longer.steps else None
            if call is None or longer.ended or not longer.steps[-1].endswith(LINE_END):
                return longer
            made = sum(_CALL.fullmatch(step.partition(LINE_END)[0]) is not None for step in longer.steps)
            result = _result(call["expression"]) if made <= self.calls else f"no more than {self.calls} calls"
            behind = await written(means.continuation, longer, f"{result}{LINE_END}")
            return replace(behind, steps=(*longer.steps[:-1], longer.steps[-1] + behind.steps[-1]))

        return answered


def _result(expression: str) -> str:
    try:
        return f"= {evaluate(expression)}"
    except ExpressionError as failure:
        return f"error: {failure}"


def _make(settings: Settings, plan: Plan) -> Calculator:
    return Calculator(int(settings["calls"]))


PART = Part(
    name="calculator",
    role="intervention",
    means="a line `calc: EXPRESSION` of its thinking is answered by a calculator",
    make=_make,
    settings={"calls": Setting(int, "most calls of a trace", least=1, most=1000)},
    simulated={"calls": 8},
)
