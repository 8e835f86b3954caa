"""Check that guards do not grade: a guard would find safe again what it let pass."""

from collections.abc import Iterable, Sequence

from overthink.plan.arms import ArmPlan
from overthink.collect.arms.interventions.guards import names_of_guard
from overthink.errors import InputError


def refuse_guards_that_judge(arms: Sequence[ArmPlan], graders: Iterable[str], *, model: str) -> None:
    """Check that no guard of an arm also grades answers.

    Models are equal if the last parts of their names are: another server is not another model.

    Args:
        arms: The arms, with all settings.
        graders: Names of the grading models.
        model: The model under test.

    Raises:
        InputError: A guard grades, and its arm does not allow it.
    """
    judging = {_itself(name): name for name in graders}
    for arm in arms:
        if "guard" not in arm.settings:
            continue
        for guard in names_of_guard(str(arm.settings["guard"]), model=model):
            judge = judging.get(_itself(guard))
            if judge is not None and _itself(str(arm.settings.get("may_judge", ""))) != _itself(guard):
                raise InputError(
                    f"arm {arm.label}: {guard} guards the thinking, and {judge} grades the answers. A guard that "
                    "steers finds its own work safe, so its judgement measures nothing; name another model with "
                    f"--grader or guard=, or accept it by name with may_judge={guard}"
                )


def _itself(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].casefold()
