"""A step that a budget cut, and what it becomes when it is gone on with."""

from dataclasses import replace

from overthink.collect.thinking import Path


def joined(path: Path, longer: Path) -> Path:
    r"""The longer path, with what it has beyond the other as part of the same step.

    Args:
        path: A path whose last step was cut.
        longer: The same, gone on with.

    Example:
        >>> from overthink.collect.continuation import Prefix
        >>> cut = Path(Prefix("first\nsec"), tokens=6, steps=("first\n", "sec"))
        >>> joined(cut, replace(cut, tokens=9, steps=(*cut.steps, "ond\n"))).steps
        ('first\n', 'second\n')
    """
    last = len(path.steps) - 1
    step = "".join(longer.steps[last : last + 2])
    return replace(longer, steps=(*longer.steps[:last], step, *longer.steps[last + 2 :]))
