"""What the evaluator decides about the analysis before the results: primary curves, the reference of K, and the rest.

Primary curves: those whose verdicts the evaluator declares to be the question of the study.

A declaration names curves by axis, task, arm or TASK/ARM; * stands for any letters. A task may be named without its
package.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from overthink.adaptive.stopping import PrecisionTarget
from overthink.cost.units import ModelRoles, Unit
from overthink.data.curve_key import CurveKey
from overthink.data.hypothesis import Part
from overthink.data.labels import HumanLabel
from overthink.data.verifier_scores import VerifierRun
from overthink.errors import InputError
from overthink.plan.arms import ProtocolArm
from overthink.plan.selectors import SelectorPlan
from overthink.stats.first_success import STOPPINGS

MARGIN = 0.05
"""Default margin: differences up to five points count as none."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Decisions of the evaluator before the data are analysed.

    Attributes:
        level: Confidence level of the intervals; 1 - level is the error rate of every verdict.
        margin: Largest difference that does not matter; it defines "flat".
        hypothesis: Boundaries of the regimes in thinking tokens, such as (2000, 8000); None for none.
        primary: Primary curves, each named by axis, task, arm or TASK/ARM, with * for any letters: a family of their
            own. Empty: all curves are one family.
        primary_registered: They were declared before the data were collected.
        parts: Parts of a hypothesis with directions; None for none.
        selectors: Selectors from outside.
        k_reference: Thinking tokens at K (thinking) = 1, or FLOP where the unit is FLOP; None for the lowest thinking
            budget that all curves have.
        registered: The hypothesis was pre-registered, before the data were collected.
        stopping: "fixed" if the number of tries was set beforehand, "first_success" if sampling stopped at the first
            success; None to infer it from the counts.
        human: Human labels; None for none.
        aim: Precision target of adaptive sampling; None where the number of draws was set beforehand.
        resamples: Resamples of the rest of a trace per rung; None if there are none or their number is unknown.
        reference: The reference arm of comparisons; None for ``base`` where there is one.
        verified: Verifier runs that scored answers after collection; each names its arms.
        counterparts: Arms with a reference of their own, (arm, reference), in comparisons question by question.
        other_measures: What measures an arm in another way than its reference, as (arm, task, condition): a scorer, a
            grader, the questions.
        other_models: Arms of another model than the reference's, so that a difference may be the models'.
        steered: Families of arms that differ only in the number of steered early steps: (number, label) of each arm.
        protocols: Arms in which others argue before the model judges, with their thinking budget.
        parties: Models by role, with sizes and prices, by arm; costs of other arms are in tokens and seconds alone.
        unit: Unit of total compute and of budgets.
        flop_per_byte: Peak FLOP/s of the hardware over its memory bandwidth; None leaves effective FLOP unknown.

    Raises:
        ValueError: The level or the margin is not between 0 and 1, or ``stopping`` is unknown.
    """

    level: float
    margin: float = MARGIN
    hypothesis: tuple[float, ...] | None = None
    registered: bool = False
    stopping: str | None = None
    human: tuple[HumanLabel, ...] | None = None
    aim: PrecisionTarget | None = None
    resamples: int | None = None
    reference: str | None = None
    counterparts: tuple[tuple[str, str], ...] = ()
    other_measures: tuple[tuple[str, str, str], ...] = ()
    other_models: tuple[str, ...] = ()
    verified: tuple[VerifierRun, ...] = ()
    steered: tuple[tuple[tuple[int, str], ...], ...] = ()
    protocols: tuple[ProtocolArm, ...] = ()
    parties: Mapping[str, ModelRoles] = field(default_factory=dict)
    unit: Unit = Unit.TOKENS
    flop_per_byte: float | None = None
    primary: tuple[str, ...] = ()
    primary_registered: bool = False
    parts: tuple[Part, ...] | None = None
    k_reference: float | None = None
    selectors: tuple[SelectorPlan, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; needed: between 0 and 1, such as 0.95")
        if not 0 < self.margin < 1:
            raise ValueError(f"margin is {self.margin}; needed: between 0 and 1, such as 0.05")
        if self.stopping not in STOPPINGS:
            raise ValueError(f"stopping is {self.stopping!r}; needed: 'fixed', 'first_success' or None")

    @property
    def alpha(self) -> float:
        """Error rate of each verdict: 1 - level."""
        return 1 - self.level


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


OPTION = "--k-reference"
LOWEST: Literal["lowest"] = "lowest"
"""The word for the lowest thinking budget that all curves have, where an earlier analysis stated a reference."""
_DO = f"give a thinking budget above 0, or {LOWEST} for the lowest one that all curves have"


def read_k_reference(text: str) -> float | Literal["lowest"]:
    """Return the reference in thinking tokens, or in FLOP where a study counts FLOP; 2k is 2,000.

    Raises:
        InputError: The text is no number, or :func:`reference_fault` finds a fault.

    Example:
        >>> read_k_reference("2k")
        2000.0
    """
    if text == LOWEST:
        return LOWEST
    digits, factor = (text[:-1], 1000) if text[-1:] in ("k", "K") else (text, 1)
    try:
        number = float(digits) * factor
    except ValueError:
        raise InputError(
            f"{OPTION} {text} cannot be read; needed: thinking tokens, as 512 or 2k, or FLOP, as 1e13; or {LOWEST}"
        ) from None
    return checked_reference(number)


def checked_reference(number: float) -> float:
    """Return the reference.

    Raises:
        InputError: :func:`reference_fault` finds a fault.
    """
    if (fault := reference_fault(number)) is not None:
        raise InputError(fault)
    return number


def reference_fault(
    number: float, *, top: float | None = None, unit: str = "thinking tokens", least: float = 1.0
) -> str | None:
    """Return why a number cannot be the reference; None if it can.

    Args:
        number: The reference.
        top: Most thinking of any curve, in the unit; None if unknown.
        unit: Unit of all three.
        least: What one token of thinking takes, in the unit.

    Example:
        >>> reference_fault(512, top=4096) is None
        True
    """
    if number == 0:
        return f"{OPTION} 0 is a direct answer, and no thinking is a multiple of none; {_DO}"
    if not (math.isfinite(number) and number > 0):
        return f"{OPTION} {number:g} is not a positive number; {_DO}"
    do = _DO if least == 1.0 else f"give {unit} from {_words(least)} upwards, or {LOWEST}"
    if number < least:
        return f"{OPTION} {_words(number)} is less than one token of thinking, {_words(least)} {unit}; {do}"
    if top is not None and number > top:
        most = f"the most is {_words(top)} {unit}" if top > 0 else "no rung of it thinks"
        return f"{OPTION} {_words(number)} is beyond the ladder: {most}; {do}"
    return None


def _words(number: float) -> str:
    return f"{number:,.0f}" if 1 <= number < 1e9 else f"{number:.3g}"


def k_refusal(number: float, reason: str) -> str:
    """Return the message for a stated reference without a K axis to stand on, or with a fault of its own."""
    if reason.startswith(OPTION):
        return reason
    why = reason.partition(f"; {OPTION}")[0]
    do = f"leave it out, or give {LOWEST} where an earlier analysis stated it"
    return f"{OPTION} {_words(number)} has no axis to stand on: {why}; {do}"
