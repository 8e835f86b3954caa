"""What the evaluator decides about the analysis before looking at the results, primary curves among it.

A declaration names curves by axis, task, arm or TASK/ARM; * stands for any letters. A task may be named without its
package.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from overthink.adaptive.stopping import PrecisionTarget
from overthink.cost.units import ModelRoles, Unit
from overthink.data.hypothesis import Part
from overthink.data.ids import CurveKey
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
