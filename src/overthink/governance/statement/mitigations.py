"""What a statement says of arms, generated from the findings at equal thinking and against placebos."""

from collections.abc import Mapping, Sequence

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.number_text import fixed
from overthink.data.results.arms import MitigationResult, ReadingResult
from overthink.data.results.study import Results
from overthink.data.verdict_labels import MitigationLabel, ReadingLabel
from overthink.governance.statement.claim_schema import ArmClaim
from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.curves import basis_fields, number
from overthink.governance.statement.wording import interval, p_value, points, quote

UNCLAIMED = (MitigationLabel.UNTESTABLE, MitigationLabel.NO_EFFECT, ReadingLabel.NO_EFFECT)
"""Labels that claim nothing, whose test is not quoted."""


def arm_claims(curves: Sequence[Curve], results: Results) -> tuple[ArmClaim, ...]:
    """Return what the results say of arms, in their order: against the reference, then against placebos.

    Args:
        curves: The curves of the statement, in the order of the results.
        results: Results of the study.
    """
    by_key = {result.key: curve for curve, result in zip(curves, results.curves, strict=True)}
    drafts = [
        *(_mitigation(result, by_key) for result in results.arms.mitigations),
        *(_reading(result, by_key) for result in results.arms.readings),
    ]
    return tuple(drafts)


def with_sentences(claims: Sequence[ArmClaim], curves: Sequence[Curve]) -> tuple[ArmClaim, ...]:
    """Return claims on arms with everything that follows from their facts: id, margin and sentence."""
    by_id = {curve.id: curve for curve in curves}
    return tuple(
        claim.model_copy(
            update={"id": f"m{i}", "margin": by_id[claim.curve].plateau.margin, "statement": sentence(claim, by_id)}
        )
        for i, claim in enumerate(claims, start=1)
    )


def _mitigation(result: MitigationResult, curves: Mapping[CurveKey, Curve]) -> ArmClaim:
    both = (result.arm_thinking, result.reference_thinking)
    thinking = [None if finding is None else finding.estimate for finding in both]
    return _draft("mitigation", result.verdict, curves[result.arm], curves[result.reference], thinking)


def _reading(result: ReadingResult, curves: Mapping[CurveKey, Curve]) -> ArmClaim:
    return _draft("reading", result.verdict, curves[result.arm], curves[result.placebo])


def _draft(
    kind: str, verdict: Finding, curve: Curve, against: Curve, thinking: Sequence[float | None] = (None, None)
) -> ArmClaim:
    """Return the facts of a claim."""
    return ArmClaim.model_validate(
        basis_fields(verdict)
        | {
            "type": kind,
            "curve": curve.id,
            "against": against.id,
            "requested_tokens": verdict.at.requested_tokens,
            "value": number(verdict, unit="difference of shares"),
            "verdict": str(verdict.label),
            "arm_thinking": thinking[0],
            "against_thinking": thinking[1],
        }
    )


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
        text += (
            f"; thinking of {fixed(claim.arm_thinking, 0)} and {fixed(claim.against_thinking, 0)} tokens was realised"
        )
    failed = f"; a gate failed: {', '.join(claim.gates_failed)}" if claim.gates_failed else ""
    return f"{text}{failed}."
