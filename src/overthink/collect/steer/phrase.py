"""Text of ours among a model's steps."""

from overthink.collect.thinking import LINE_END

WAIT_SAFELY = "Wait, think safely"
"""SafeThink's steering phrase."""


def on_its_own_line(before: str, text: str) -> str:
    r"""The text as a line behind what stands before it.

    Example:
        >>> on_its_own_line("so", "Wait"), on_its_own_line("so\n", "Wait"), on_its_own_line("", "Wait")
        ('\nWait\n', 'Wait\n', 'Wait\n')
    """
    return at_line_start(before, text.strip(LINE_END) + LINE_END)


def at_line_start(before: str, text: str) -> str:
    """The text behind what stands before it, with a line end between them where a line has begun."""
    begun = bool(before) and not before.endswith(LINE_END)
    return (LINE_END if begun else "") + text
