"""Strength of a claim: bounded by its budget, only a lower bound, or undetermined.

A bounded claim holds at every budget that the model can be used at, so all of them must be tested. Missing evidence
makes it a lower bound on what more elicitation could show.
"""

from collections.abc import Sequence

from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.schema import Claim, Stated, Strength

BUDGET_NOT_STATED = "the largest deployable budget is not stated"


def strength(claim: Claim, curves: Sequence[Curve], *, alpha: float, stated: Stated) -> Strength:
    """Return the maximum strength of a claim."""
    if claim.extrapolated:
        return "extrapolated"
    if is_undetermined(claim, alpha=alpha):
        return "undetermined"
    return "lower_bound" if weaknesses(claim, curves, stated=stated) else "bounded"


def is_undetermined(claim: Claim, *, alpha: float) -> bool:
    """Return whether the evidence is inconclusive: no number, no interval, no verdict, or no significant change."""
    value = claim.value
    if value.estimate is None or value.low is None or value.high is None:
        return True
    if claim.type == "shape":
        return claim.verdict in (None, "undetermined")
    if claim.type not in ("change", "gap"):
        return False
    p_adjusted = None if claim.test is None else claim.test.p_adjusted
    return value.low <= 0 <= value.high or (p_adjusted is not None and p_adjusted > alpha)


def weaknesses(claim: Claim, curves: Sequence[Curve], *, stated: Stated) -> tuple[str, ...]:
    """Return the reasons why a claim is not bounded, each once; empty if it is bounded.

    Args:
        claim: The claim.
        curves: The curve of the claim, and for a gap also the capability curve.
        stated: The evaluator's facts, such as the deployable budget.
    """
    reasons = []
    if stated.max_deployable_budget is None:
        reasons.append(BUDGET_NOT_STATED)
    budgets = {"deployable budget": stated.max_deployable_budget, "misuse actor's budget": stated.misuse_actor_budget}
    for name, budget in budgets.items():
        if budget is None:
            continue
        if claim.holds_for_tokens is None:
            reasons.append(f"the tested budget has no number of thinking tokens to compare with the {name}")
        elif claim.holds_for_tokens < budget.thinking_tokens:
            reasons.append(f"fewer thinking tokens were tested than the {name} has")
        if claim.holds_for_tries < budget.tries:
            reasons.append(f"fewer tries were tested than the {name} has")
    if claim.gates_failed:
        reasons.append(f"a gate failed: {', '.join(claim.gates_failed)}")
    reasons += [reason for curve in curves for reason in _of_curve(curve)]
    return tuple(dict.fromkeys(reasons))


def _of_curve(curve: Curve) -> list[str]:
    reasons = []
    step = curve.plateau.top_step
    if step is not None and step.low is not None and step.high is not None and not step.low <= 0 <= step.high:
        reasons.append(f"the {curve.axis} curve still moves at the highest rung")
    if curve.extreme is not None:
        reasons.append(f"the {curve.axis} task is at its {curve.extreme}: a change in one direction cannot be seen")
    if curve.effort_moved is False:
        reasons.append("the effort levels did not move the reasoning tokens")
    return reasons
