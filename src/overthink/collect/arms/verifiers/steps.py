"""Splitting of thinking text into steps."""

from overthink.collect.ladder.thinking import LINE_END


def steps_of(thought: str) -> tuple[str, ...]:
    r"""Return the lines of a text as steps, as in stepwise thinking; their concatenation is the text.

    Empty lines belong to the following step. A cut last line is a step too.

    Example:
        >>> steps_of("2+2 is 4.\n\nSo 4\n")
        ('2+2 is 4.\n', '\nSo 4\n')
        >>> "".join(steps_of("a\n\nb")) == "a\n\nb" and steps_of("") == ()
        True
    """
    steps: list[str] = []
    empty = ""
    for line in thought.split(LINE_END):
        piece = line + LINE_END
        if line.strip():
            steps.append(empty + piece)
            empty = ""
        else:
            empty += piece
    if steps:
        steps[-1] += empty
    elif thought:
        steps.append(empty)
    if steps:
        steps[-1] = steps[-1].removesuffix(LINE_END)  # added by the split
    return tuple(steps)
