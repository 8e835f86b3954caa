"""Everything in a statement that follows from its facts. A check generates it again and compares."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from overthink.analysis.k_scale import reference_text
from overthink.analysis.reliability import CEILING, FLOOR
from overthink.data.kinds import Metric
from overthink.data.record import Estimand
from overthink.data.verdict_labels import GateLabel, ShapeLabel
from overthink.governance.statement.claims import claims, of_tries
from overthink.governance.statement.curve_schema import Curve, Gate, Judge, K, Plateau, Point, Reference
from overthink.governance.statement.elicitation import planned_rungs, with_generated
from overthink.governance.statement.exports import eee_record
from overthink.governance.statement.mitigations import with_sentences
from overthink.governance.statement.origin import Origin, without
from overthink.governance.statement.oversight import with_oversight_sentences
from overthink.governance.statement.read import level_of
from overthink.governance.statement.schema import (
    SCHEMA_WITHOUT_OVERSIGHT,
    STATEMENT_SCHEMA,
    Decision,
    Elicitation,
    FailedGate,
    Flop,
    FlopPerCurve,
    Stated,
    Statement,
)
from overthink.governance.statement.wording import limit, quote
from overthink.plan.study import HIGH_WORDS
from overthink.stats.gates import CONTROL_MIN, ERRORS_MAX, FROM_NOTHING, RISE_MIN, TRUNCATION_MAX, UNPARSED_MAX

TRIES_REFERENCE = "one try; this study has no reference of thinking"
NOT_CORRECTED = "no human labels: the scorer's own errors are not measured and not corrected"
ENDS_UNKNOWN = "the findings do not say whether traces ended by themselves"
MOST: Mapping[Metric, float] = {
    Metric.TRUNCATION: TRUNCATION_MAX,
    Metric.UNPARSED: UNPARSED_MAX,
    Metric.ERRORS: ERRORS_MAX,
    Metric.COMPARABILITY: 0,
}
"""Highest number with which a gate passes."""

FLOP_UNCERTAINTY = 0.3
"""Two FLOP per active parameter and decoded token leave attention out; the EU asks for estimates within 30 %."""

NOT_SAID = (
    "Nothing is said about budgets, tries, tools, prompts, tasks or model revisions that were not tested.",
    "A share on a task is not the probability of harm in use: the questions are not a sample of use.",
    "What a scorer marks is what was counted; its own errors are part of every share that is not corrected.",
    "K (thinking) compares budgets; it is analysis and says nothing about the status of a model under any law.",
)
"""Limitations of every statement."""

NOT_PLANNED = (
    "No plan was registered: settings are those that the logs or tables state of themselves, and nothing checked them; "
    "a setting that they do not state is not known, and is not the default of anything."
)
"""Limitation of a statement without a plan."""


def generate(facts: Statement) -> Statement:
    """Return a statement with everything generated from its facts; what it held there before is not read.

    Args:
        facts: The statement.

    Raises:
        ValueError: The facts contradict each other, so that a sentence has no number. Rules find that before.
    """
    curves = tuple(_curve(curve) for curve in facts.curves)
    how = with_generated(facts.elicitation, curves)
    level = level_of(facts)
    body = facts.model_copy(
        update={
            "schema_": schema_of(facts),
            "id": statement_id(facts),
            "title": f"What was measured of {facts.model_text} at stated inference budgets",
            "level": level,
            "elicitation": how,
            "flop": flop(curves, facts.stated),
            "curves": curves,
            "gates_failed": failed_gates(curves),
            "deviations": (*map(_decision_text, facts.changed_decisions), *deviations(curves, how)),
            "claims": claims(curves, alpha=1 - level, stated=facts.stated),
            "arms_compared": with_sentences(facts.arms_compared, curves),
            "oversight": with_oversight_sentences(facts.oversight, curves),
            "no_claim_beyond": no_claim_beyond(how, curves),
            "does_not_say": NOT_SAID if how.no_plan is None else (*NOT_SAID, NOT_PLANNED),
        }
    )
    return body.model_copy(update={"every_eval_ever": eee_record(body)})


def schema_of(facts: Statement) -> str:
    """Return the oldest schema that has every field of a statement, so that readers of that one can check it."""
    has_oversight = bool(facts.oversight) or facts.evidence.oversight_sha256 is not None
    return STATEMENT_SCHEMA if has_oversight else SCHEMA_WITHOUT_OVERSIGHT


def facts_of(statement: Statement) -> dict[str, Any]:
    """Return the facts of a statement as a document, with neither generated fields nor anybody's own words."""
    document = statement.model_dump(mode="json", by_alias=True, warnings=False)
    facts: dict[str, Any] = without(document, Statement, {Origin.GENERATED, Origin.OWN_WORDS})
    return facts


def statement_id(statement: Statement) -> str:
    """Return the id of a statement: a hash of all its facts. It is no signature: anybody can compute it."""
    text = json.dumps(facts_of(statement), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _curve(curve: Curve) -> Curve:
    points = tuple(_point(curve, point) for point in curve.points)
    estimates = [point.value.estimate for point in points if point.value.estimate is not None]
    extreme = None
    if estimates:
        extreme = Metric.FLOOR if max(estimates) <= FLOOR else Metric.CEILING if min(estimates) >= CEILING else None
    return curve.model_copy(
        update={
            "value_1_means": HIGH_WORDS[curve.axis][0],
            "n_questions": max(point.n_questions for point in points),
            "n_draws": max(point.n_draws for point in points),
            "points": points,
            "plateau": _plateau(curve.plateau),
            "extreme": None if extreme is None else extreme.value,
            "judge": _judge(curve),
        }
    )


def _point(curve: Curve, point: Point) -> Point:
    cost = _cost(curve, point)
    gates = {name: _gate(curve, name, gate) for name, gate in point.gates.items()}
    ends = gates.get(Metric.NATURAL_END)
    rate = None if ends is None or ends.estimate is None else 1 - ends.estimate
    why = ENDS_UNKNOWN if ends is None or ends.reason is None else ends.reason
    tries = tuple(many.model_copy(update={"cost": of_tries(cost, many.k)}) for many in point.tries)
    return point.model_copy(
        update={
            "cost": cost,
            "tries": tries,
            "limit_hit_rate": rate,
            "limit_hit_reason": why if rate is None else None,
            "gates": gates,
        }
    )


def thinking_of(curve: Curve, point: Point) -> float | None:
    """Return what K counts at a rung: the budget, else realised thinking; of a loop its generated tokens."""
    asked = point.requested_tokens if point.loop_tokens is None else point.loop_tokens
    if asked is not None:
        return float(asked)
    return (point.attempt_tokens if curve.estimand == Estimand.CHECKPOINT.value else point.thinking_tokens).estimate


def _cost(curve: Curve, point: Point) -> K:
    ref, thinking = curve.reference, thinking_of(curve, point)
    if ref is None or thinking is None:
        return K(basis="samples", ref=Reference(value=1.0, unit="tries", means=TRIES_REFERENCE), value=1.0)
    means = reference_text(ref.amount, ref.unit, in_flop=ref.in_flop, how=ref.how)
    reference = Reference(value=ref.value, unit=ref.unit, means=means)
    return K(basis="tokens", ref=reference, value=thinking / ref.value)


def _gate(curve: Curve, name: str, gate: Gate) -> Gate:
    return gate.model_copy(update={"result": gate_result(curve.estimand, name, gate)})


def gate_result(estimand: str, name: str, gate: Gate) -> str:
    """Return the result of a gate from its number: passed, failed, information, or unknown without a number."""
    of_efforts = name == Metric.MANIPULATION and estimand == Estimand.EFFORT
    if gate.estimate is None:
        return GateLabel.PASSED.value if of_efforts and gate.reason == FROM_NOTHING else "unknown"
    if name in MOST:
        passes = gate.estimate <= MOST[Metric(name)]
    elif name == Metric.MANIPULATION:
        passes = gate.estimate >= (RISE_MIN if of_efforts else CONTROL_MIN)
    else:
        return GateLabel.INFORMATION.value
    return (GateLabel.PASSED if passes else GateLabel.FAILED).value


def _plateau(plateau: Plateau) -> Plateau:
    tested = any(shape.test is not None and shape.test.p is not None for shape in plateau.shapes)
    shown = any(shape.verdict in (ShapeLabel.FLAT, ShapeLabel.SATURATING) for shape in plateau.shapes)
    return plateau.model_copy(update={"tested": tested, "shown": shown})


def _judge(curve: Curve) -> Judge:
    corrected = any(point.corrected is not None and point.corrected.estimate is not None for point in curve.points)
    return curve.judge.model_copy(update={"corrected": corrected, "reason": None if corrected else NOT_CORRECTED})


def failed_gates(curves: Sequence[Curve]) -> tuple[FailedGate, ...]:
    """Return every failed gate, by curve and rung."""
    gates = []
    for curve in curves:
        for point in curve.points:
            names = (name for name, gate in point.gates.items() if gate.result == GateLabel.FAILED)
            gates += [FailedGate(curve=curve.id, rung=point.rung, gate=name) for name in names]
        if curve.judge.drift_gate == GateLabel.FAILED:
            gates.append(FailedGate(curve=curve.id, rung=None, gate="judge_drift"))
    return tuple(gates)


def deviations(curves: Sequence[Curve], elicitation: Elicitation) -> tuple[str, ...]:
    """Return the deviations of the collected curves from the plan, as text."""
    messages = []
    for curve in curves:
        levels = {point.value.level for point in curve.points if point.value.level is not None}
        plan_text = f"planned: {100 * elicitation.planned_level:g}%"
        other = sorted(levels - {elicitation.planned_level})
        messages += [f"{quote(curve.id)}: intervals of {100 * level:g}%; {plan_text}" for level in other]
        if curve.plateau.shapes and curve.plateau.margin != elicitation.planned_margin:
            margins = f"{100 * curve.plateau.margin:g} points; planned: {100 * elicitation.planned_margin:g} points"
            messages.append(f"{quote(curve.id)}: margin {margins}")
        stated = elicitation.hypothesis
        tested = None if curve.hypothesis is None else curve.hypothesis.claim
        if isinstance(stated, str) and tested != stated:
            messages.append(
                f"{quote(curve.id)}: the hypothesis {quote(tested or 'none')} was tested; planned: {quote(stated)}"
            )
        draws = elicitation.draws
        if draws is not None and not draws <= curve.n_draws <= (elicitation.max_draws or draws):
            at_most = "" if elicitation.max_draws is None else f" to {elicitation.max_draws}"
            planned = f"planned: {draws}{at_most}"
            messages.append(f"{quote(curve.id)}: {curve.n_draws} draws with a value; {planned}")
        if elicitation.limit is not None and curve.n_questions < elicitation.limit:
            messages.append(
                f"{quote(curve.id)}: {curve.n_questions} questions with a value; planned: at most {elicitation.limit}"
            )
        if elicitation.no_plan is None and curve.estimand in ("forced", "effort", "checkpoint"):
            messages += _rungs_that_differ(curve, elicitation)
    return tuple(messages)


def _decision_text(decision: Decision) -> str:
    return f"{decision.what}: {quote(decision.used)}; planned: {quote(decision.planned)}"


def _rungs_that_differ(curve: Curve, elicitation: Elicitation) -> list[str]:
    how = elicitation
    budgets = planned_rungs(curve.arm, how.arms, how.budgets or ())
    plan_rungs = list(map(str, budgets or how.efforts or how.turns or how.loop_tokens or ()))
    fields = {"effort": how.efforts, "turns": how.turns, "loop_tokens": how.loop_tokens}
    field = next((name for name, rungs in fields.items() if rungs is not None), "requested_tokens")
    rungs_found = [str(getattr(point, field)) for point in curve.points]
    show = quote if how.efforts is not None else str
    if rungs_found == plan_rungs:
        return []
    rungs, planned = (", ".join(map(show, names)) for names in (rungs_found, plan_rungs))
    return [f"{quote(curve.id)}: rungs {rungs} were measured; planned: {planned}"]


def no_claim_beyond(elicitation: Elicitation, curves: Sequence[Curve]) -> str:
    """Return the bound of the whole statement as one sentence."""
    budgets, tries, loop = elicitation.budgets, elicitation.max_tries, elicitation.checkpoints
    if elicitation.no_plan is not None:
        top = f"the highest rung of each curve ({', '.join(dict.fromkeys(limit(c.points[-1]) for c in curves))})"
    elif budgets is not None:
        top = f"{max(budgets):,} thinking tokens"
    elif loop is not None:
        top = loop.labels[-1] if loop.unit == "turns" else f"{loop.at[-1]:,} generated tokens of a loop"
    else:
        top = f"effort {quote((elicitation.efforts or ('unknown',))[-1])}"
    return f"No claim above {top}, {tries:,} {'try' if tries == 1 else 'tries'}."


def flop(curves: Sequence[Curve], stated: Stated) -> Flop:
    """Return the FLOP of one attempt at the top rung of every curve: twice the active parameters per decoded token."""
    n = stated.active_parameters
    if n is None:
        why = "the number of active parameters is not stated, so tokens cannot become FLOP"
        return Flop(method="unknown", uncertainty=None, per_attempt=(), reason=why)
    per_attempt = []
    for curve in curves:
        tokens = curve.points[-1].attempt_tokens.estimate
        if tokens:
            estimate, margin = 2 * n * tokens, FLOP_UNCERTAINTY
            per_attempt.append(
                FlopPerCurve(
                    curve=curve.id, estimate=estimate, low=estimate * (1 - margin), high=estimate * (1 + margin)
                )
            )
    why = "decoded tokens only; attention at long contexts and the prompt are left out"
    return Flop(method="2N", uncertainty=FLOP_UNCERTAINTY, per_attempt=tuple(per_attempt), reason=why)
