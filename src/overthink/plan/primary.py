"""Primary curves: those whose verdicts the evaluator declares to be the question of the study.

A declaration names curves by axis, task, arm or TASK/ARM; * stands for any letters. A task may be named without its
package.
"""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from overthink.data.curve_key import CurveKey
from overthink.errors import InputError


def is_primary(curve: CurveKey, primary: Sequence[str]) -> bool:
    """Whether some declaration names the curve.

    Example:
        >>> is_primary(CurveKey("safety", "jailbreaks", "base", "refusal", "forced"), ["jail*/base"])
        True
    """
    tasks = (curve.task, curve.task.rpartition("/")[2])
    names = (curve.axis, curve.arm, *tasks, *(f"{task}/{curve.arm}" for task in tasks))
    return any(fnmatchcase(name, pattern) for pattern in primary for name in names)


def check_primary(primary: Sequence[str], curves: Collection[CurveKey]) -> None:
    """Check that every declaration names a curve.

    Args:
        primary: The declarations.
        curves: Curves that may be primary.

    Raises:
        InputError: One names none.
    """
    for pattern in primary:
        if not any(is_primary(curve, (pattern,)) for curve in curves):
            names = ", ".join(sorted({f"{curve.task}/{curve.arm} ({curve.axis})" for curve in curves})) or "none"
            raise InputError(
                f"--primary {pattern} matches no curve of two or more rungs; needed: an axis, a task, an arm or "
                f"TASK/ARM, with * for any letters, of {names}"
            )
