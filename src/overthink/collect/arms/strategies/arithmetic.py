"""Arithmetic expressions, evaluated without `eval`: only numbers, operators and a few functions."""

import ast
import math
import operator
from collections.abc import Callable

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
