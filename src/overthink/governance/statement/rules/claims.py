"""Rules for claims: a hypothesis follows from its parts; what is said of arms has its sentence, verdict and numbers."""

from collections.abc import Iterator, Mapping

from overthink.data.decisions import placebo_label, placebo_of
from overthink.data.hypothesis import Part, hypothesis_text, regimes_and_parts
from overthink.data.ids import FindingClaim, claim_of
from overthink.data.kinds import Kind, Metric
from overthink.data.verdict_labels import HELPS, HypothesisLabel, MitigationLabel, ReadingLabel
from overthink.governance.statement.claim_schema import ArmClaim
from overthink.governance.statement.curve_schema import Curve, Hypothesis, HypothesisPart, Point, Test
from overthink.governance.statement.read import Breaches, by_id, close, level_of
from overthink.governance.statement.rules.curves import failures_at
from overthink.governance.statement.schema import Statement

_OF_PARTS = frozenset(HypothesisLabel) - {HypothesisLabel.CONFIRMED}
_CLAIMS = (HypothesisLabel.SHOWN, HypothesisLabel.CONFIRMED, HypothesisLabel.CONTRADICTED)


def hypotheses(statement: Statement) -> Breaches:
    """A hypothesis is the planned one if registered; its verdicts follow from its parts, p-values and points."""
    planned = statement.elicitation.hypothesis
    for i, curve in enumerate(statement.curves):
        where, hypothesis = f"curves.{i}.hypothesis", curve.hypothesis
        if hypothesis is None:
            if isinstance(planned, str) and len(curve.points) > 1:
                yield where, f"missing; the plan has the hypothesis {planned}"
            continue
        try:
            _, parts = regimes_and_parts(hypothesis.claim)
        except ValueError as failure:
            yield f"{where}.claim", str(failure)
            continue
        if parts is None or hypothesis_text(parts) != hypothesis.claim:
            yield f"{where}.claim", f"{hypothesis.claim!r} has no directions, or another spelling"
            continue
        if hypothesis.registered and hypothesis.claim != planned:
            yield f"{where}.registered", f"{hypothesis.claim!r} is not the hypothesis of the plan, {planned!r}"
        yield from _whole(where, hypothesis, alpha=1 - level_of(statement))
        if hypothesis.parts:
            yield from _parts(where, curve, hypothesis, parts, alpha=1 - level_of(statement))


def _whole(where: str, hypothesis: Hypothesis, *, alpha: float) -> Breaches:
    labels = [part.verdict for part in hypothesis.parts]
    if not labels:
        if hypothesis.verdict != HypothesisLabel.NOT_SHOWN or hypothesis.reason is None:
            yield f"{where}.verdict", f"{hypothesis.verdict!r} without parts; needed: not_shown, with a reason"
        return
    is_claimed = hypothesis.verdict in _CLAIMS
    if is_claimed and not _is_shown(hypothesis.test, alpha):
        yield f"{where}.verdict", f"{hypothesis.verdict!r} without an adjusted p of at most {alpha:.3g}"
    follows = {
        HypothesisLabel.CONFIRMED: all(label == HypothesisLabel.SHOWN for label in labels),
        HypothesisLabel.CONTRADICTED: HypothesisLabel.CONTRADICTED in labels,
        HypothesisLabel.HAD_ENDED: HypothesisLabel.HAD_ENDED in labels,
        HypothesisLabel.NOT_SHOWN: True,
    }
    if not follows.get(HypothesisLabel(hypothesis.verdict), False):
        yield f"{where}.verdict", f"{hypothesis.verdict!r} does not follow from its parts: {', '.join(labels)}"
    if hypothesis.verdict != HypothesisLabel.CONTRADICTED and HypothesisLabel.CONTRADICTED in labels:
        yield f"{where}.verdict", f"{hypothesis.verdict!r}; a part is contradicted"


def _parts(
    where: str, curve: Curve, hypothesis: Hypothesis, parts: tuple[Part, ...], *, alpha: float
) -> Iterator[tuple[str, str]]:
    claims = [part.claim for part in hypothesis.parts]
    if claims != [str(part) for part in parts]:
        yield f"{where}.parts", f"{', '.join(claims)}; the claim has {hypothesis.claim}"
    points = {point.rung: point for point in curve.points}
    for n, part in enumerate(hypothesis.parts):
        here = f"{where}.parts.{n}"
        if part.verdict not in _OF_PARTS:
            yield f"{here}.verdict", f"{part.verdict!r} is no verdict on a part"
        if part.verdict in _CLAIMS and not _is_shown(part.test, alpha):
            yield f"{here}.verdict", f"{part.verdict!r} without an adjusted p of at most {alpha:.3g}"
        start = hypothesis.parts[n - 1].rung if n else part.from_rung
        if part.from_rung not in points or part.rung not in points or part.from_rung >= part.rung:
            yield f"{here}.rung", f"rungs {part.from_rung} to {part.rung} are none of the curve"
        elif part.from_rung != start:
            yield f"{here}.from_rung", f"{part.from_rung}; the part before ends at {start}"
        else:
            yield from _change(here, curve, part)


def _change(where: str, curve: Curve, part: HypothesisPart) -> Breaches:
    """The change of a part is that of its points, where all rest on the same questions."""
    first, last = (next(p for p in curve.points if p.rung == rung) for rung in (part.from_rung, part.rung))
    sizes = {first.n_questions, last.n_questions, part.n_questions}
    values = (first.value.estimate, last.value.estimate)
    is_corrected = any(point.corrected is not None for point in curve.points)
    if is_corrected or len(sizes) > 1 or None in (*values, part.change.estimate):
        return
    change = (values[1] or 0.0) - (values[0] or 0.0)
    if not close(part.change.estimate, change):
        yield f"{where}.change.estimate", f"{part.change.estimate}; its points differ by {change:.4f}"


def _is_shown(test: Test | None, alpha: float) -> bool:
    return test is not None and test.p_adjusted is not None and test.p_adjusted <= alpha + 1e-9


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
