"""How strong a claim may be: bounded by its budget, only a lower bound, or undetermined.

A bounded claim says: at every budget that the model can be used at, this is what was measured. It needs all of it to
be tested. Whatever is missing makes it a lower bound on what more elicitation could show.
"""

from collections.abc import Sequence

from overthink.govern.statement import Claim, Stated, Strength
from overthink.govern.statement_curve import Curve

NOT_STATED = "the largest deployable budget is not stated"


def strength(claim: Claim, curves: Sequence[Curve], *, alpha: float, stated: Stated) -> Strength:
    """The most that the claim may call itself."""
    if claim.extrapolated:
        return "extrapolated"
    if is_undetermined(claim, alpha=alpha):
        return "undetermined"
    return "lower_bound" if weaknesses(claim, curves, stated=stated) else "bounded"


def is_undetermined(claim: Claim, *, alpha: float) -> bool:
    """Whether the evidence decides nothing: no number, no interval, no verdict, or a change that is not shown."""
    value = claim.value
    if value.estimate is None or value.low is None or value.high is None:
        return True
    if claim.type == "shape":
        return claim.verdict in (None, "undetermined")
    if claim.type not in ("change", "gap"):
        return False
    told = None if claim.test is None else claim.test.p_adjusted
    return value.low <= 0 <= value.high or (told is not None and told > alpha)


def weaknesses(claim: Claim, curves: Sequence[Curve], *, stated: Stated) -> tuple[str, ...]:
    """Why the claim is not bounded, each reason once; empty if it is.

    Args:
        claim: The claim.
        curves: The curve that it is of, and for a gap the one that it is against.
        stated: Who can use the model at which budget, if that was stated.
    """
    found = []
    if stated.max_deployable_budget is None:
        found.append(NOT_STATED)
    budgets = {"deployable budget": stated.max_deployable_budget, "misuse actor's budget": stated.misuse_actor_budget}
    for name, budget in budgets.items():
        if budget is None:
            continue
        if claim.holds_for_tokens is None:
            found.append(f"the tested budget has no number of thinking tokens to compare with the {name}")
        elif claim.holds_for_tokens < budget.thinking_tokens:
            found.append(f"fewer thinking tokens were tested than the {name} has")
        if claim.holds_for_tries < budget.tries:
            found.append(f"fewer tries were tested than the {name} has")
    if claim.gates_failed:
        found.append(f"a gate failed: {', '.join(claim.gates_failed)}")
    found += [reason for curve in curves for reason in _of_curve(curve)]
    return tuple(dict.fromkeys(found))


def _of_curve(curve: Curve) -> list[str]:
    found = []
    step = curve.plateau.top_step
    if step is not None and step.low is not None and step.high is not None and not step.low <= 0 <= step.high:
        found.append(f"the {curve.axis} curve still moves at the highest rung")
    if curve.extreme is not None:
        found.append(f"the {curve.axis} task is at its {curve.extreme}: a change in one direction cannot be seen")
    if curve.effort_moved is False:
        found.append("the effort levels did not move the reasoning tokens")
    return found
