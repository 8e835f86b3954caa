"""Arms of one study that differ in a single decision, so that what the decision does can be read from them."""

from collections.abc import Sequence

from overthink.arm_plan import BASE, ArmPlan, Value

STEERS, DEPTH = "safethink", "m"
"""The part that steers early steps, and its setting that says how many."""


def depth_families(arms: Sequence[ArmPlan]) -> tuple[tuple[tuple[int, str], ...], ...]:
    """Arms that differ only in how many steps they steer, by that number; 0 is the arm that leaves steering out.

    Args:
        arms: The arms of a study.

    Returns:
        Families of two or more: m and the arm's label, by ascending m.

    Example:
        >>> steered = [ArmPlan(label=f"m{m}", parts=("safethink",), settings={"m": m}) for m in (1, 2)]
        >>> depth_families([BASE, *steered])
        (((0, 'base'), (1, 'm1'), (2, 'm2')),)
    """
    families: dict[tuple[tuple[str, ...], frozenset[tuple[str, Value]]], dict[int, str]] = {}
    for arm in arms:
        if STEERS in arm.parts and DEPTH in arm.settings:
            rest = frozenset((name, value) for name, value in arm.settings.items() if name != DEPTH)
            families.setdefault((arm.parts, rest), {})[int(arm.settings[DEPTH])] = arm.label
    for (parts, rest), family in families.items():
        plain = tuple(part for part in parts if part != STEERS) or BASE.parts
        for arm in arms:
            if arm.parts == plain and frozenset(arm.settings.items()) <= rest:
                family.setdefault(0, arm.label)
    return tuple(tuple(sorted(family.items())) for family in families.values() if len(family) > 1)
