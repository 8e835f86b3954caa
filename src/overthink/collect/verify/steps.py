"""Where a text that was thought in one piece has its steps."""

from overthink.collect.thinking import LINE_END


def steps_of(thought: str) -> tuple[str, ...]:
    r"""The lines of a text, as a model that thinks step by step would have written them; nothing is lost.

    Lines that hold nothing belong to the step behind them. What was cut within a line is a step too.

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
        steps[-1] = steps[-1].removesuffix(LINE_END)  # the one that splitting has added
    return tuple(steps)
