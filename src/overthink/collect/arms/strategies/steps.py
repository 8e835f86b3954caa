"""Continuation of a step that a budget cut."""

from dataclasses import replace

from overthink.collect.ladder.thinking import ReasoningPath


def join_cut_step(path: ReasoningPath, longer: ReasoningPath) -> ReasoningPath:
    r"""Return the longer path, with its additional text merged into the cut step.

    Args:
        path: A path with a cut last step.
        longer: The same path, continued.

    Example:
        >>> from overthink.collect.providers.continuation import Prefix
        >>> cut = ReasoningPath(Prefix("first\nsec"), tokens=6, steps=("first\n", "sec"))
        >>> join_cut_step(cut, replace(cut, tokens=9, steps=(*cut.steps, "ond\n"))).steps
        ('first\n', 'second\n')
    """
    last = len(path.steps) - 1
    step = "".join(longer.steps[last : last + 2])
    return replace(longer, steps=(*longer.steps[:last], step, *longer.steps[last + 2 :]))
