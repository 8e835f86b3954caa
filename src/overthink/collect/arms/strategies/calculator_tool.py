"""The calculator as an Inspect tool, for tasks without tools of their own."""

from inspect_ai.tool import Tool, ToolError, tool

from overthink.collect.arms.strategies.arithmetic import ExpressionError, evaluate


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
