"""Which plans can be collected in shards: those whose traces need none of another question."""

from overthink.errors import InputError
from overthink.plan.study import Plan


def refuse_shards(plan: Plan) -> None:
    """Raise an error unless shards of a plan give together what one run of it gives.

    Raises:
        InputError: A trace depends on those of other questions, or is read from the logs of the whole study.
    """
    placebo = next((arm.label for arm in plan.arms if arm.placebo_of is not None), None)
    if placebo is not None:
        raise InputError(
            f"--arms {placebo} acts as its arm did on a question drawn from all of the study, and a shard has its own "
            "alone; leave the placebo out, or run the study in one process"
        )
    if plan.efforts is not None:
        raise InputError(
            "--efforts are read from the logs of the whole study, which shards do not have; give --budgets, or run the "
            "study in one process"
        )
