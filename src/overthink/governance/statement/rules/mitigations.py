"""Rules for what a statement says of arms: sentences, verdicts, numbers, and that none is left out."""

from collections.abc import Iterator, Mapping

from overthink.data.decisions import placebo_label, placebo_of
from overthink.data.finding_ids import FindingClaim, claim_of
from overthink.data.kinds import Kind, Metric
from overthink.data.verdict_labels import HELPS, MitigationLabel, ReadingLabel
from overthink.governance.statement.claim_schema import ArmClaim
from overthink.governance.statement.curve_schema import Curve, Point
from overthink.governance.statement.read import Breaches, by_id, close, level_of
from overthink.governance.statement.rules.curves import failures_at
from overthink.governance.statement.schema import Statement

SIGNS: Mapping[str, int] = {
    **dict.fromkeys(HELPS, 1),
    MitigationLabel.THINKS_LESS: 1,
    MitigationLabel.WORSENS: -1,
    ReadingLabel.HELPS: 1,
    ReadingLabel.HELPS_PARTLY: 1,
    ReadingLabel.THINKS_LESS: 1,
    ReadingLabel.HARMS: -1,
}
"""Sign of the difference that a verdict claims; verdicts that claim nothing are not there."""

TYPES = {"mitigation": frozenset(MitigationLabel), "reading": frozenset(ReadingLabel)}
METRICS = {"mitigation": Metric.EQUAL_THINKING, "reading": Metric.AGAINST_PLACEBO}


def _claims(statement: Statement) -> Iterator[tuple[str, ArmClaim, Curve, Curve]]:
    """Yield every claim with its path and its curves, if both are in the statement."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.arms_compared):
        if claim.curve in curves and claim.against in curves:
            yield f"arms_compared.{i}", claim, curves[claim.curve], curves[claim.against]


def arm_curves(statement: Statement) -> Breaches:
    """A claim on an arm is of two safety curves of one task; a placebo is only the measure of its own arm."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.arms_compared):
        for field in ("curve", "against"):
            if getattr(claim, field) not in curves:
                yield f"arms_compared.{i}.{field}", f"no curve {getattr(claim, field)!r} in the statement"
    for where, claim, curve, against in _claims(statement):
        if curve.axis != "safety" or _task(curve) != _task(against) or curve.arm == against.arm:
            yield where, f"{curve.id} and {against.id} are not two arms on one safety task"
        wrong = against.arm != placebo_label(curve.arm) if claim.type == "reading" else placebo_of(against.arm)
        if wrong or placebo_of(curve.arm) is not None:
            yield where, f"a {claim.type} of {curve.arm!r} against {against.arm!r}"
        if claim_of(claim.value.finding, curve.id) != FindingClaim(Kind.MITIGATION, METRICS[claim.type]):
            yield f"{where}.value.finding", f"{claim.value.finding!r} is no {claim.type} of {curve.id}"


def arm_verdicts(statement: Statement) -> Breaches:
    """A verdict on an arm is of its list, and is shown by an adjusted p-value and the sign of the difference."""
    alpha = 1 - level_of(statement)
    for where, claim, _, _ in _claims(statement):
        if claim.verdict not in TYPES[claim.type]:
            yield f"{where}.verdict", f"{claim.verdict!r} is no verdict on a {claim.type}"
        sign = SIGNS.get(claim.verdict)
        if sign is None:
            continue
        p = None if claim.test is None else claim.test.p_adjusted
        if p is None or p > alpha + 1e-9:
            yield f"{where}.verdict", f"{claim.verdict!r} with adjusted p {p}; needed: at most {alpha:.3g}"
        if claim.value.estimate is None or sign * claim.value.estimate <= 0:
            yield f"{where}.verdict", f"{claim.verdict!r} with a difference of {claim.value.estimate}"


def arm_numbers(statement: Statement) -> Breaches:
    """The difference of two arms is that of their curves at its budget, and the gates that failed there are named."""
    for where, claim, curve, against in _claims(statement):
        for field in ("n_questions", "n_draws"):
            most = min(max(getattr(point, field) for point in one.points) for one in (curve, against))
            if getattr(claim, field) > most:
                yield f"{where}.{field}", f"{getattr(claim, field)}; both curves have {most} at most"
        both = [_point(one, claim.requested_tokens) for one in (curve, against)]
        points = [point for point in both if point is not None]
        if claim.value.estimate is not None and len(points) < len(both):
            yield f"{where}.holds_for_thinking_tokens<=", f"{claim.requested_tokens}: not a rung of both curves"
            continue
        shares = [point.value.estimate for point in points if point.n_questions == claim.n_questions]
        if claim.value.estimate is not None and len(shares) == len(both) and None not in shares:
            own = (shares[0] or 0.0) - (shares[1] or 0.0)
            if not close(claim.value.estimate, own):
                yield f"{where}.value.estimate", f"{claim.value.estimate}; the curves differ by {own:.4f}"
        failed = [failures_at(one, [point]) for one, point in zip((curve, against), both, strict=True) if point]
        missing = set().union(*failed) - set(claim.gates_failed)
        if missing and claim.value.estimate is not None:
            yield f"{where}.gates_failed", f"left out: {', '.join(sorted(missing))}"


def arms_whole(statement: Statement) -> Breaches:
    """No arm is picked: if one is claimed, so is every other arm of the task, and every placebo that was run."""
    pairs = [(claim.type, claim.curve, claim.against) for claim in statement.arms_compared]
    if len(set(pairs)) < len(pairs):
        yield "arms_compared", "one arm is claimed twice against the same"
    claims = {(claim.type, claim.curve) for claim in statement.arms_compared}
    references = {claim.against for claim in statement.arms_compared if claim.type == "mitigation"}
    named = {name for claim in statement.arms_compared for name in (claim.curve, claim.against)}
    tasks = {_task(curve) for curve in statement.curves if curve.id in named}
    for task in tasks:
        if not any(_task(curve) == task and curve.id in references for curve in statement.curves):
            yield "arms_compared", f"what arms do on {task[1]} against a reference is left out"
    arms = {(_task(curve), curve.arm): curve.id for curve in statement.curves}
    for curve in statement.curves:
        of = placebo_of(curve.arm)
        is_due = bool(references) and of is None and _task(curve) in tasks and curve.id not in references
        if is_due and ("mitigation", curve.id) not in claims:
            yield "arms_compared", f"the arm {curve.id} is left out"
        own = arms.get((_task(curve), of or ""))
        if own is not None and curve.axis == "safety" and ("reading", own) not in claims:
            yield "arms_compared", f"what the reading of {of} does is left out, and its placebo was run"


def _task(curve: Curve) -> tuple[object, ...]:
    return curve.axis, curve.task, curve.scorer, curve.estimand


def _point(curve: Curve, tokens: int | None) -> Point | None:
    """Return the rung of a budget; the only rung of an arm that answers at once stands for every budget."""
    if [point.requested_tokens for point in curve.points] == [0]:
        return curve.points[0]
    return next((point for point in curve.points if point.requested_tokens == tokens), None)
