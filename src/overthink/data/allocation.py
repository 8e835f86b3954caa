"""An allocation of a budget: how far to think, how often to try, and what turns the tries into one answer."""

from dataclasses import dataclass

from overthink.data.selectors import Selector, SelectorName


@dataclass(frozen=True, slots=True)
class Allocation:
    """One allocation of a budget per question.

    Attributes:
        rung: Where thinking ends: position among the rungs of a table, from 0; in results the number on the ladder.
        k: Tries.
        selector: Rule that turns the tries into one answer.
        arm: Arm of the thinking; None where there is one arm.

    Example:
        >>> str(Allocation(2, 4, Selector.WEIGHTED_MAJORITY, "base")), str(Allocation(0, 1, Selector.SINGLE))
        ('weighted majority of 4 tries at rung 2 of base', 'one try at rung 0')
    """

    rung: int
    k: int
    selector: SelectorName
    arm: str | None = None

    def __str__(self) -> str:
        is_single = self.selector == Selector.SINGLE
        method = "one try" if is_single else f"{self.selector.replace('_', ' ')} of {self.k} tries"
        return f"{method} at rung {self.rung}{'' if self.arm is None else f' of {self.arm}'}"
