"""Primary curves: those whose verdicts the evaluator declares to be the question of the study.

A declaration names curves by axis, task, arm or TASK/ARM; * stands for any letters. A task may be named without its
package.
"""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from overthink.errors import InputError

Curve = tuple[str, str, str]
"""Axis, task and arm of a curve."""


def is_primary(curve: Curve, primary: Sequence[str]) -> bool:
    """Whether some declaration names the curve.

    Example:
        >>> is_primary(("safety", "jailbreaks", "base"), ["jail*/base"])
        True
    """
    axis, task, arm = curve
    tasks = (task, task.rpartition("/")[2])
    names = (axis, arm, *tasks, *(f"{name}/{arm}" for name in tasks))
    return any(fnmatchcase(name, pattern) for pattern in primary for name in names)


def check_primary(primary: Sequence[str], curves: Collection[Curve]) -> None:
    """Check that every declaration names a curve.

    Args:
        primary: The declarations.
        curves: Curves that may be primary.

    Raises:
        InputError: One names none.
    """
    for pattern in primary:
        if not any(is_primary(curve, (pattern,)) for curve in curves):
            names = ", ".join(sorted({f"{task}/{arm} ({axis})" for axis, task, arm in curves})) or "none"
            raise InputError(
                f"--primary {pattern} matches no curve of two or more rungs; needed: an axis, a task, an arm or "
                f"TASK/ARM, with * for any letters, of {names}"
            )
