"""Families of arms that differ in a single setting, so that the setting's effect can be estimated."""

from collections.abc import Sequence

from overthink.plan.arms import BASE, ArmPlan, SettingValue

STEERING_PART, DEPTH_SETTING = "safethink", "m"
"""Component that steers early steps, and its setting for the number of steps."""


def depth_families(arms: Sequence[ArmPlan]) -> tuple[tuple[tuple[int, str], ...], ...]:
    """Return families of arms that differ only in the number of steered steps; 0 is the arm without steering.

    Args:
        arms: The arms of a study.

    Returns:
        Families of two or more arms: m and the arm's label, by ascending m.

    Example:
        >>> steered = [ArmPlan(label=f"m{m}", parts=("safethink",), settings={"m": m}) for m in (1, 2)]
        >>> depth_families([BASE, *steered])
        (((0, 'base'), (1, 'm1'), (2, 'm2')),)
    """
    families: dict[tuple[tuple[str, ...], frozenset[tuple[str, SettingValue]]], dict[int, str]] = {}
    for arm in arms:
        if STEERING_PART in arm.parts and DEPTH_SETTING in arm.settings:
            rest = frozenset((name, value) for name, value in arm.settings.items() if name != DEPTH_SETTING)
            families.setdefault((arm.parts, rest), {})[int(arm.settings[DEPTH_SETTING])] = arm.label
    for (parts, rest), family in families.items():
        plain = tuple(part for part in parts if part != STEERING_PART) or BASE.parts
        for arm in arms:
            if arm.parts == plain and frozenset(arm.settings.items()) <= rest:
                family.setdefault(0, arm.label)
    return tuple(tuple(sorted(family.items())) for family in families.values() if len(family) > 1)
