"""What the arms of a study say of its elicitation: tools they gave, verifiers they asked, rungs they have."""

from collections.abc import Sequence

from overthink.govern.statement import ArmTried

TOOLS = ("calculator",)
"""Parts of arms that give the model a tool."""

AT_ONCE = ("zerothink", "lessthink")
"""Parts of arms that think nothing of their own, so that only the lowest rung is collected."""


def tools_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """The tools that some arm gave."""
    return tuple(name for name in TOOLS if any(name in arm.parts for arm in arms))


def verifiers_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """The verifiers that some arm asked on the way."""
    named = (str(arm.settings["verifier"]) for arm in arms if "verifier" in arm.settings)
    return tuple(dict.fromkeys(named))


def planned_rungs(label: str, arms: Sequence[ArmTried], budgets: Sequence[int]) -> tuple[int, ...]:
    """The budgets at which an arm was to be collected."""
    at_once = any(part in AT_ONCE for arm in arms if arm.label == label for part in arm.parts)
    return tuple(budgets[:1] if at_once else budgets)
