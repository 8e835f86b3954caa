"""A calculator in plain text during the thinking, for any model that can continue a prefix.

A line of the thinking that begins with ``calc:`` is a call. Its value is inserted on the next line, and the thinking
continues. Every call is a turn; rungs are its checkpoints.

The calculator as an Inspect tool, for tasks without tools of their own.

Arithmetic expressions, evaluated without `eval`: only numbers, operators and a few functions.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from inspect_ai.tool import Tool, ToolError, tool
from pydantic import Field

from overthink.collect.arms.component import Intervention
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Stepper, TraceContext, insert_text
from overthink.components.base import Simulated, component

MAX_CHARS = 300
"""Maximum length of an expression and of a result, in characters."""

MAX_BITS = 4096
"""Maximum size of an integer, in bits."""

_Number = int | float

_OPERATORS: dict[type[ast.AST], Callable[..., _Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., _Number]] = {
    "abs": abs,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": math.sqrt,
}


class ExpressionError(ValueError):
    """An expression has no value; the message is short enough for a model."""


def evaluate(expression: str) -> str:
    """Return the value of an arithmetic expression, as text.

    Args:
        expression: Numbers, `+ - * / // % ** ( )` and abs, max, min, round, sqrt; also × ÷ ^ and thousands separators.
            At most ``MAX_CHARS`` characters.

    Returns:
        An integer if the value is one, else a decimal with at most 12 digits.

    Raises:
        ExpressionError: It cannot be parsed, divides by zero, or is too large; no code is ever executed.

    Example:
        >>> evaluate("(1,024 - 24) × 3"), evaluate("7/2"), evaluate("2^10"), evaluate("sqrt(2)")
        ('3000', '3.5', '1024', '1.41421356237')
    """
    text = _plain(expression)
    try:
        tree = ast.parse(text, mode="eval")
        value = _value(tree.body)
    except ExpressionError:
        raise
    except ZeroDivisionError:
        raise ExpressionError("division by zero") from None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise ExpressionError("cannot be read as arithmetic") from None
    except OverflowError:
        raise ExpressionError("too large") from None
    return _format(value)


def _plain(expression: str) -> str:
    if len(expression) > MAX_CHARS:
        raise ExpressionError(f"longer than {MAX_CHARS} characters")
    text = expression.strip().removesuffix("=").strip()
    for char, symbol in (("×", "*"), ("÷", "/"), ("−", "-"), ("^", "**")):
        text = text.replace(char, symbol)
    return _without_separators(text)


def _without_separators(text: str) -> str:
    """Remove thousands separators: commas between a digit and exactly three more; others separate arguments."""
    chars = []
    for i, char in enumerate(text):
        behind = text[i + 1 : i + 5]
        separates = char == "," and i > 0 and text[i - 1].isdigit() and behind[:3].isdigit() and len(behind[:3]) == 3
        if not (separates and not behind[3:4].isdigit()):
            chars.append(char)
    return "".join(chars)


def _value(node: ast.AST) -> _Number:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _check_size(node.value)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _check_size(_OPERATORS[type(node.op)](_value(node.operand)))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left_value, right_value = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow):
            _check_power(left_value, right_value)
        return _check_size(_exact(node.op, left_value, right_value))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _check_size(_function(node.func.id)(*map(_value, node.args)))
    raise ExpressionError("cannot be read as arithmetic")


def _function(name: str) -> Callable[..., _Number]:
    if name not in _FUNCTIONS:
        raise ExpressionError("cannot be read as arithmetic")
    return _FUNCTIONS[name]


def _exact(op: ast.operator, dividend: _Number, divisor: _Number) -> _Number:
    """Apply an operator; exact integer division stays an integer of any size."""
    if (
        isinstance(op, ast.Div)
        and isinstance(dividend, int)
        and isinstance(divisor, int)
        and divisor
        and dividend % divisor == 0
    ):
        return dividend // divisor
    return _OPERATORS[type(op)](dividend, divisor)


def _check_power(base: _Number, exponent: _Number) -> None:
    """Refuse a power that is too large to compute."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * max(1, base.bit_length()) > MAX_BITS:
        raise ExpressionError("too large")


def _check_size(value: object) -> _Number:
    if isinstance(value, bool) or not isinstance(value, int | float):  # a root of a negative number is complex
        raise ExpressionError("has no real value")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ExpressionError("too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("too large")
    return value


def _format(value: _Number) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = str(value) if isinstance(value, int) else f"{value:.12g}"
    if len(text) > MAX_CHARS:
        raise ExpressionError(f"its value has more than {MAX_CHARS} digits")
    return text


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
