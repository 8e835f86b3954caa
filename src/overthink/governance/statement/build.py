"""Build a statement from results and plan. Everything else in it is stated by the evaluator.

It includes the elicitation of the study (tools, verifiers and rungs of its arms), and the methods that were not tried.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from overthink.analysis.k_scale import KScale
from overthink.data.kinds import GateLabel
from overthink.data.results.study import Results
from overthink.data.selectors import Selector
from overthink.governance.statement.claims import claims
from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.curves import curves, selectors
from overthink.governance.statement.exports import eee_record
from overthink.governance.statement.mitigations import arm_claims
from overthink.governance.statement.rules.prose import quote
from overthink.governance.statement.schema import (
    LADDERS,
    STATEMENT_SCHEMA,
    ArmTried,
    Elicitation,
    Evidence,
    FailedGate,
    Flop,
    FlopPerCurve,
    NotTried,
    Stated,
    Statement,
)
from overthink.plan.study import Plan

_ALWAYS = {
    "more_thinking": "thinking beyond the highest rung",
    "prompting": "other prompts, few-shot examples, personas or adversarial wording",
    "fine_tuning": "fine-tuning, also to remove refusals",
}


def not_tried(
    selectors: Sequence[str], *, has_budgets: bool, natural: bool, tries: int, tools: bool, loop: bool
) -> tuple[NotTried, ...]:
    """Return the elicitation methods that were not tried, given the selectors and the ladder of the study.

    Args:
        selectors: Selectors with a value.
        has_budgets: Whether thinking was cut at budgets; else the provider's effort levels were run.
        natural: Whether the model's answer after free thinking was also collected.
        tries: Maximum number of tries per question.
        tools: Whether an arm gave the model a tool.
        loop: Whether a loop of tool calls was run.
    """
    texts = dict(_ALWAYS) | {"more_tries": f"more than {tries:,} {'try' if tries == 1 else 'tries'} per question"}
    if loop:
        texts["more_thinking"] = "a longer loop than that of the highest checkpoint"
        texts["tools"] = "other tools, agents and scaffolding"
        texts["other_efforts"] = "other reasoning efforts and thinking budgets in each turn"
    if Selector.BEST not in selectors:
        texts["best_of_k"] = "picking the best of several tries with a verifier"
    if has_budgets:
        texts["tools"] = "agents, scaffolding and other tools" if tools else "tools, agents and scaffolding"
        texts["other_efforts"] = "the provider's own reasoning levels"
        if not natural:
            texts["unforced"] = "answers that the model gives when it ends its thinking by itself"
    return tuple(NotTried.model_validate({"what": what, "text": text}) for what, text in sorted(texts.items()))


TOOLS = ("calculator",)
"""Arm parts that give the model a tool."""

NO_THINKING_PARTS = ("zerothink", "lessthink")
"""Arm parts without thinking of their own, for which only the lowest rung is collected."""


def tools_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """Return the tools that the arms give the model."""
    return tuple(name for name in TOOLS if any(name in arm.parts for arm in arms))


def verifiers_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """Return the verifiers that the arms use while thinking."""
    names = (str(arm.settings["verifier"]) for arm in arms if "verifier" in arm.settings)
    return tuple(dict.fromkeys(names))


def planned_rungs(label: str, arms: Sequence[ArmTried], budgets: Sequence[int]) -> tuple[int, ...]:
    """Return the planned budgets of an arm."""
    no_thinking = any(part in NO_THINKING_PARTS for arm in arms if arm.label == label for part in arm.parts)
    return tuple(budgets[:1] if no_thinking else budgets)


FLOP_UNCERTAINTY = 0.3
"""Two FLOP per active parameter and decoded token leave attention out; the EU asks for estimates within 30 %."""

NOT_SAID = (
    "Nothing is said about budgets, tries, tools, prompts, tasks or model revisions that were not tested.",
    "A share on a task is not the probability of harm in use: the questions are not a sample of use.",
    "What a scorer marks is what was counted; its own errors are part of every share that is not corrected.",
    "K (thinking) compares budgets; it is analysis and says nothing about the status of a model under any law.",
)
"""Limitations of every statement."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Creation time and sources of a statement.

    Attributes:
        created: ISO 8601 with time zone.
        evidence: Hashes of the files that the statement is computed from.
        stated: Facts stated by the evaluator that findings do not contain.
    """

    created: str
    evidence: Evidence
    stated: Stated


def make_statement(results: Results, plan: Plan, provenance: Provenance, scale: KScale) -> Statement:
    """Return the statement of a study.

    Args:
        results: Results of the study.
        plan: Plan of the study.
        provenance: Creation time, evidence and the evaluator's facts.
        scale: The one reference of K (thinking) of the study.

    Raises:
        InputError: The results hold no curve.
    """
    study_curves = curves(results, plan, scale)
    elicitation = _elicitation(study_curves, plan)
    levels = [point.value.level for curve in study_curves for point in curve.points if point.value.level is not None]
    level = levels[0] if levels else plan.level  # an analysis may use another level than the plan
    body = Statement(
        schema=STATEMENT_SCHEMA,
        id=statement_id(provenance.evidence),
        created=provenance.created,
        title=f"What was measured of {quote(plan.model)} at stated inference budgets",
        model=plan.model,
        stated=provenance.stated,
        evidence=provenance.evidence,
        level=level,
        elicitation=elicitation,
        flop=flop(study_curves, provenance.stated),
        curves=study_curves,
        gates_failed=failed_gates(study_curves),
        deviations=deviations(study_curves, elicitation),
        claims=claims(study_curves, results, alpha=1 - level, stated=provenance.stated),
        arms_compared=arm_claims(study_curves, results),
        no_claim_beyond=no_claim_beyond(elicitation),
        does_not_say=NOT_SAID,
        every_eval_ever={},
    )
    return body.model_copy(update={"every_eval_ever": eee_record(body)})


def statement_id(evidence: Evidence) -> str:
    """Return the id of a statement: a hash of the hashes of its evidence."""
    hashes = f"{evidence.plan_sha256} {evidence.pool_sha256} {evidence.findings_sha256}"
    return hashlib.sha256(hashes.encode()).hexdigest()[:16]


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
            messages.append(f"{quote(curve.id)}: the hypothesis {tested or 'none'} was tested; planned: {stated}")
        if curve.n_draws != elicitation.draws:
            messages.append(f"{quote(curve.id)}: {curve.n_draws} draws with a value; planned: {elicitation.draws}")
        if elicitation.limit is not None and curve.n_questions < elicitation.limit:
            messages.append(
                f"{quote(curve.id)}: {curve.n_questions} questions with a value; planned: at most {elicitation.limit}"
            )
        if curve.estimand in ("forced", "effort", "checkpoint"):
            messages += _rungs_that_differ(curve, elicitation)
    return tuple(messages)


def _rungs_that_differ(curve: Curve, elicitation: Elicitation) -> list[str]:
    how = elicitation
    budgets = planned_rungs(curve.arm, how.arms, how.budgets or ())
    plan_rungs = list(map(str, budgets or how.efforts or how.turns or how.loop_tokens or ()))
    fields = {"effort": how.efforts, "turns": how.turns, "loop_tokens": how.loop_tokens}
    field = next((name for name, rungs in fields.items() if rungs is not None), "requested_tokens")
    rungs_found = [str(getattr(point, field)) for point in curve.points]
    if rungs_found == plan_rungs:
        return []
    return [f"{quote(curve.id)}: rungs {', '.join(rungs_found)} were measured; planned: {', '.join(plan_rungs)}"]


def no_claim_beyond(elicitation: Elicitation) -> str:
    """Return the bound of the whole statement as one sentence."""
    budgets, tries, loop = elicitation.budgets, elicitation.max_tries, elicitation.checkpoints
    if budgets is not None:
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


class _LadderText(NamedTuple):
    """Elicitation texts of a ladder: serial thinking, stop rule, and the reason for unknown tools."""

    serial: str
    stop: str
    tools: str | None


_LOOP_TOOLS = "the task's own tools, or a calculator where it brings none; which they are is in its logs"
_LOOP_ENDS = "a loop ends where the model calls no tool, or at the highest checkpoint"
_LADDER_TEXTS = {
    "budgets": _LadderText(
        "serial thinking up to each budget",
        "thinking ends at the budget or where the model ends it; an answer is then forced",
        None,
    ),
    "efforts": _LadderText(
        "serial thinking up to each budget",
        "the model ends its own thinking at the provider's level",
        "the task's own solver ran; whether it gave tools is in its logs",
    ),
    "turns": _LadderText(
        "turns of one loop up to each checkpoint",
        f"{_LOOP_ENDS}; its state after so many turns is scored",
        _LOOP_TOOLS,
    ),
    "loop_tokens": _LadderText(
        "turns of one loop up to each checkpoint",
        f"{_LOOP_ENDS}; its state before the turn that passes a checkpoint is scored",
        _LOOP_TOOLS,
    ),
}
"""Elicitation texts by the plan field of the ladder."""

_SANDBOX = "it runs in a sandbox, and that scoring leaves this as it is was stated, not checked"


def _elicitation(curves: Sequence[Curve], plan: Plan) -> Elicitation:
    chosen = selectors(curves)
    tries = max([many.k for curve in curves for point in curve.points for many in point.tries], default=1)
    ladder = next(name for name, field in LADDERS.items() if getattr(plan, field) is not None)
    has_budgets, text = plan.budgets is not None, _LADDER_TEXTS[LADDERS[ladder]]
    how = f"{text.serial}; tries in parallel, drawn independently and combined afterwards"
    if plan.until is not None:
        how += f"; draws came in waves that followed what earlier ones showed, at most {plan.most_draws} per question"
    stop = text.stop if plan.sandbox_scoring is None else f"{text.stop}; {_SANDBOX}"
    arms = tuple(ArmTried(label=arm.label, parts=arm.parts, settings=arm.settings) for arm in plan.arms)
    tools = tools_of(arms) if has_budgets else None
    verifiers = (*(["the task's own verifier score"] if Selector.BEST in chosen else []), *verifiers_of(arms))
    return Elicitation(
        ladder=ladder,
        budgets=plan.budgets,
        efforts=plan.efforts,
        turns=plan.turns,
        loop_tokens=plan.loop_tokens,
        arms=arms,
        draws=plan.draws,
        limit=plan.limit,
        selectors=chosen,
        max_tries=tries,
        verifier=", ".join(verifiers) or None,
        tools=tools,
        tools_reason=text.tools,
        serial_parallel=how,
        stop_rule=stop,
        answer_tokens=plan.answer_tokens,
        think_format=plan.think_format,
        answer_cue=plan.answer_cue,
        temperature=plan.temperature,
        top_p=plan.top_p,
        seed=plan.seed,
        controls=plan.controls,
        hypothesis=plan.hypothesis,
        planned_level=plan.level,
        planned_margin=plan.margin,
        not_tried=not_tried(
            chosen,
            has_budgets=has_budgets,
            natural="natural" in plan.controls,
            tries=tries,
            tools=bool(tools),
            loop=plan.checkpoints is not None,
        ),
    )
