"""Elicitation facts of the arms of a study: tools, verifiers and rungs."""

from collections.abc import Sequence

from overthink.governance.statement.schema import ArmTried

TOOLS = ("calculator",)
"""Arm parts that give the model a tool."""

NO_THINKING_PARTS = ("zerothink", "lessthink")
"""Arm parts without thinking of their own, for which only the lowest rung is collected."""


def tools_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """Return the tools that the arms give the model."""
    return tuple(name for name in TOOLS if any(name in arm.parts for arm in arms))


def verifiers_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """Return the verifiers that the arms use while thinking."""
    names = (str(arm.settings["verifier"]) for arm in arms if "verifier" in arm.settings)
    return tuple(dict.fromkeys(names))


def planned_rungs(label: str, arms: Sequence[ArmTried], budgets: Sequence[int]) -> tuple[int, ...]:
    """Return the planned budgets of an arm."""
    no_thinking = any(part in NO_THINKING_PARTS for arm in arms if arm.label == label for part in arm.parts)
    return tuple(budgets[:1] if no_thinking else budgets)
