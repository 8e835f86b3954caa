"""Texts inserted between a model's steps."""

from overthink.collect.ladder.thinking import LINE_END

WAIT_SAFELY = "Wait, think safely"
"""SafeThink's steering phrase."""


def on_its_own_line(before: str, text: str) -> str:
    r"""Return the text as a line of its own after ``before``.

    Example:
        >>> on_its_own_line("so", "Wait"), on_its_own_line("so\n", "Wait"), on_its_own_line("", "Wait")
        ('\nWait\n', 'Wait\n', 'Wait\n')
    """
    return at_line_start(before, text.strip(LINE_END) + LINE_END)


def at_line_start(before: str, text: str) -> str:
    """Return the text to append to ``before``, with a line end first if a line has begun."""
    in_line = bool(before) and not before.endswith(LINE_END)
    return (LINE_END if in_line else "") + text
