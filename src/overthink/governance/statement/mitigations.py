"""What a statement says of arms, generated from the findings at equal thinking and against placebos."""

from collections.abc import Iterator, Mapping, Sequence

from overthink.data.arm_labels import MitigationLabel, ReadingLabel
from overthink.data.curve_key import CurveKey
from overthink.data.decisions import placebo_label
from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.results.study import Results
from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.curves import as_test, number
from overthink.governance.statement.mitigation_schema import ArmClaim
from overthink.governance.statement.rules.prose import interval, p_value, points, quote

AGAINST = "against "
MAX_LIMITS = 12
UNCLAIMED = (MitigationLabel.UNTESTABLE, MitigationLabel.NO_EFFECT, ReadingLabel.NO_EFFECT)
"""Labels that claim nothing, whose test is not quoted."""


def arm_claims(curves: Sequence[Curve], results: Results) -> tuple[ArmClaim, ...]:
    """Return what the findings say of arms, in their order: against the reference, then against placebos.

    Args:
        curves: The curves of the statement, in the order of the results.
        results: Results of the study.
    """
    by_id = {curve.id: curve for curve in curves}
    by_key = {result.key: curve for curve, result in zip(curves, results.curves, strict=True)}
    own = [finding for finding in results.arms if finding.kind == Kind.MITIGATION]
    drafts = [
        draft
        for metric in (Metric.EQUAL_THINKING, Metric.AGAINST_PLACEBO)
        for finding in own
        if finding.metric == metric
        for draft in _claims(finding, own, by_key)
    ]
    claims = (draft.model_copy(update={"id": f"m{i}"}) for i, draft in enumerate(drafts, start=1))
    return tuple(claim.model_copy(update={"statement": sentence(claim, by_id)}) for claim in claims)


def _claims(finding: Finding, own: Sequence[Finding], by_key: Mapping[CurveKey, Curve]) -> Iterator[ArmClaim]:
    """Yield the claim of a finding, without its sentence; none where the other curve is not in the statement."""
    is_reading = finding.metric == Metric.AGAINST_PLACEBO
    curve = by_key[finding.key]
    arm = placebo_label(finding.arm) if is_reading else _reference(finding)
    against = next((other for other in by_key.values() if other.arm == arm and _task(other) == _task(curve)), None)
    if against is None:
        return
    thinking = {item.metric: item.estimate for item in own if item.key == finding.key}
    yield ArmClaim.model_validate(
        {
            "id": "m",
            "type": "reading" if is_reading else "mitigation",
            "curve": curve.id,
            "against": against.id,
            "statement": "-",
            "requested_tokens": finding.at.requested_tokens,
            "value": number(finding, unit="difference of shares"),
            "verdict": str(finding.label),
            "margin": curve.plateau.margin,
            "arm_thinking": None if is_reading else thinking.get(Metric.ARM_THINKING),
            "against_thinking": None if is_reading else thinking.get(Metric.REFERENCE_THINKING),
            "n_questions": finding.n_questions,
            "n_draws": finding.n_draws,
            "test": as_test(finding),
            "gates_failed": finding.gates_failed,
            "limits": finding.limits[:MAX_LIMITS],
        }
    )


def _reference(finding: Finding) -> str | None:
    return next((limit.removeprefix(AGAINST) for limit in finding.limits if limit.startswith(AGAINST)), None)


def _task(curve: Curve) -> tuple[object, ...]:
    return curve.axis, curve.task, curve.scorer, curve.estimand


def sentence(claim: ArmClaim, curves: Mapping[str, Curve]) -> str:
    """Return the sentence of a claim from its other fields.

    Args:
        claim: The claim; its own sentence is not read.
        curves: The curves of the statement by id.
    """
    curve, against = curves[claim.curve], curves[claim.against]
    other = f"reference {quote(against.arm)}" if claim.type == "mitigation" else "placebo, which acts and reads nothing"
    at = "" if claim.requested_tokens is None else f", at a budget of {claim.requested_tokens:,} thinking tokens"
    start = (
        f"On {quote(curve.task)}, scorer {quote(curve.scorer or 'unnamed')}{at}, arm {quote(curve.arm)} against its "
    )
    text = f"{start}{other}: {claim.verdict}"
    value = claim.value
    if value.estimate is None:
        return f"{text} ({value.reason})."
    text += f" ({value.reason})" if value.reason and value.low is not None else ""
    p = None if claim.test is None or claim.verdict in UNCLAIMED else claim.test.p_adjusted
    adjusted = "" if p is None else f", adjusted {p_value(p)}"
    text += f"; the share scored safe differs by {points(value.estimate)} ({interval(value)}{adjusted})"
    if claim.arm_thinking is not None and claim.against_thinking is not None:
        text += f"; thinking of {claim.arm_thinking:,.0f} and {claim.against_thinking:,.0f} tokens was realised"
    failed = f"; a gate failed: {', '.join(claim.gates_failed)}" if claim.gates_failed else ""
    return f"{text}{failed}."
