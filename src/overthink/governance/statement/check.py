"""Check of a statement: a table of rules, and the differences from the statement that its study gives now.

A statement that keeps all rules claims no more than was measured. Two statements are also compared: whether
re-evaluation is due because budgets, tries, tools or the model changed.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from overthink.data.finding import Finding
from overthink.governance.statement.read import Breaches, Fault, Rule, close
from overthink.governance.statement.rules import (
    claims,
    hypotheses,
    mitigations,
    number_claims,
    numbers,
    phrases,
    scope,
    wording,
)
from overthink.governance.statement.rules.scope import document_differences
from overthink.governance.statement.schema import Budget, Statement

_TABLE: dict[str, Callable[[Statement], Breaches]] = {
    "interval": numbers.interval,
    "null-reason": numbers.null_reason,
    "range": numbers.value_range,
    "unit": numbers.unit,
    "simultaneous": numbers.simultaneous,
    "one-curve": numbers.one_curve,
    "counts": numbers.counts,
    "p-adjusted": numbers.tests,
    "verdict": numbers.verdicts,
    "gate-results": numbers.gate_results,
    "hypothesis": hypotheses.hypotheses,
    "place": claims.placement,
    "measured": claims.measured_values,
    "bounded": claims.bounds,
    "selector": claims.selectors,
    "strength": claims.strong_as_evidence,
    "extrapolated": claims.extrapolation,
    "gates-failed": claims.failed_gates,
    "whole-curve": claims.whole_curve,
    "duplicate": claims.duplicates,
    "arm-curves": mitigations.arm_curves,
    "arm-sentences": mitigations.arm_sentences,
    "arm-verdicts": mitigations.arm_verdicts,
    "arm-numbers": mitigations.arm_numbers,
    "arms-whole": mitigations.arms_whole,
    "budgets": scope.budgets,
    "checkpoints": numbers.checkpoints,
    "arms": scope.arms,
    "k-stated": scope.k_stated,
    "consumption": scope.consumption,
    "polarity": scope.polarity,
    "left-open": scope.left_open,
    "deviations": scope.plan_deviations,
    "extreme": scope.extremes,
    "judge": scope.judge_correction,
    "flop": scope.flop_stated,
    "date": scope.creation_date,
    "hashes": scope.hashes,
    "record": scope.record,
    "curve-names": scope.curve_names,
    "limits": phrases.limits,
    "reasons": phrases.reasons,
    "absolute-words": wording.absolute,
    "legal-words": wording.legal,
    "trend-words": wording.trend,
    "reach-words": wording.reach,
    "names-said": wording.name_claims,
    "unfounded-words": wording.evidence_words,
    "significant": wording.significance,
    "human-labels": wording.human_corrected,
    "numbers-said": number_claims.number_claims,
    "sentences": number_claims.sentences,
    "scale-said": number_claims.scale_claims,
}

RULES = tuple(Rule(name, (find.__doc__ or "").strip(), find) for name, find in _TABLE.items())
"""The rules, in the order in which breaches are listed."""


def check_statement(statement: Statement, *, now: datetime) -> tuple[Fault, ...]:
    """Return all faults of a statement that follow from its own text and numbers.

    Args:
        statement: The statement, valid by its schema.
        now: Current time, with time zone: a statement is not from the future.

    Returns:
        The faults, rule by rule; empty if every rule is satisfied.
    """
    faults = [fault for rule in RULES for fault in rule.faults(statement)]
    try:
        ahead = datetime.fromisoformat(statement.created) > now + timedelta(days=1)
    except (ValueError, TypeError):
        ahead = False  # no date, or no time zone: reported by the rule on dates
    if ahead:
        faults.append(Fault("date", "created", f"{statement.created} is in the future"))
    return tuple(faults)


RECOMPUTED = "recomputed"
STUDY = "the study"
_PROSE = {"statement", "title", "limits", "weakened_by", "deviations", "does_not_say", "strength", "text"}
"""Fields that are left to the other rules: wording may differ, and a claim may be labelled weaker than it is."""

SHOWN = 40


def differences(statement: Statement, recomputation: Statement) -> tuple[Fault, ...]:
    """Return the faults of a statement against its recomputation.

    Args:
        statement: The statement to check.
        recomputation: The statement computed from the study's plan and pool, with the evaluator's facts.
    """
    document, new_document = (s.model_dump(mode="json", by_alias=True) for s in (statement, recomputation))
    faults = []
    for name in ("model", "level", "evidence", "elicitation", "flop", "gates_failed"):
        faults += [
            Fault(RECOMPUTED, *difference)
            for difference in document_differences(name, document[name], new_document[name], source=STUDY)
        ]
    faults += _by_name("curves", {c["id"]: c for c in document["curves"]}, {c["id"]: c for c in new_document["curves"]})
    for name in ("claims", "arms_compared"):
        by_finding = ({c["value"]["finding"]: c for c in s.get(name, ())} for s in (document, new_document))
        faults += _by_name(name, *by_finding)
    return tuple(fault for fault in faults if not _PROSE & set(fault.where.split(".")))


def _by_name(where: str, stored: dict[str, object], computed: dict[str, object]) -> list[Fault]:
    faults = [
        Fault(RECOMPUTED, where, f"{name} is not what the study gives") for name in stored if name not in computed
    ]
    faults += [Fault(RECOMPUTED, where, f"{name} is left out") for name in computed if name not in stored]
    for name, value in computed.items():
        if name in stored:
            here = f"{where}[{name}]"
            faults += [
                Fault(RECOMPUTED, *difference)
                for difference in document_differences(
                    here, _without_id(stored[name]), _without_id(value), source=STUDY
                )
            ]
    return faults


def _without_id(part: object) -> object:
    """Return a claim without its id, which may differ; other parts unchanged."""
    return {k: v for k, v in part.items() if k != "id"} if isinstance(part, dict) and "statement" in part else part


def changed_findings(old: Sequence[Finding], new: Sequence[Finding]) -> tuple[Fault, ...]:
    """Return the faults of stored findings against those computed from plan and pool.

    Args:
        old: Findings of findings.json.
        new: Findings computed from the pool by the plan.
    """
    return tuple(_first(_changes(old, new)))


def _changes(old: Sequence[Finding], new: Sequence[Finding]) -> Iterator[Fault]:
    old_by_id, new_by_id = {item.id: item for item in old}, {item.id: item for item in new}
    old_metrics = {
        (item.kind, item.metric) for item in old
    }  # a newer Overthink may find what an older one did not look for
    for name in sorted(old_by_id.keys() - new_by_id.keys()):
        yield Fault(RECOMPUTED, f"findings[{name}]", "in findings.json, but plan and pool do not give it")
    for name in sorted(new_by_id.keys() - old_by_id.keys()):
        if (new_by_id[name].kind, new_by_id[name].metric) in old_metrics:
            yield Fault(RECOMPUTED, f"findings[{name}]", "plan and pool give it, but it is not in findings.json")
    for name, finding in new_by_id.items():
        if name in old_by_id:
            yield from _finding_changes(old_by_id[name], finding)


def _finding_changes(old: Finding, new: Finding) -> Iterator[Fault]:
    old_fields = dataclasses.asdict(old)
    for field, b in dataclasses.asdict(new).items():
        a, where = old_fields[field], f"findings[{new.id}].{field}"
        if isinstance(a, dict) and isinstance(b, dict):
            for part, value in b.items():
                yield from _value_change(f"{where}.{part}", a[part], value)
        else:
            yield from _value_change(where, a, b)


def _value_change(where: str, old: object, new: object) -> Iterator[Fault]:
    numbers = isinstance(old, float) and isinstance(new, float) and close(old, new)
    if not numbers and old != new:
        yield Fault(RECOMPUTED, where, f"{old!r}; the pool gives {new!r}")


def _first(faults: Iterator[Fault]) -> Iterator[Fault]:
    for position, fault in enumerate(faults):
        if position == SHOWN:
            more = 1 + sum(1 for _ in faults)
            yield Fault(RECOMPUTED, "findings", f"and {more} more numbers differ")
            return
        yield fault


DUE = "re-evaluation"


def re_evaluation(earlier: Statement, later: Statement) -> tuple[Fault, ...]:
    """Return why the claims of the earlier statement do not cover the later one; empty if they do.

    Args:
        earlier: Statement of the evaluated setting.
        later: Statement of the setting that is, or will be, used.
    """
    reasons = [*_model(earlier, later), *_budget(earlier, later), *_effort(earlier, later), *_help(earlier, later)]
    return tuple(Fault(DUE, where, reason) for where, reason in reasons)


def _model(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    if earlier.model != later.model:
        yield "model", f"another model: {earlier.model!r}, then {later.model!r}"
    before, after = earlier.stated.revision, later.stated.revision
    if before != after:
        yield "stated.revision", f"the revision changed: {before or 'not stated'}, then {after or 'not stated'}"


def _budget(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    for name, unit in (("budgets", "thinking tokens"), ("turns", "turns"), ("loop_tokens", "generated tokens")):
        least, most = (max(getattr(item.elicitation, name) or (0,)) for item in (earlier, later))
        if most > least:
            yield f"elicitation.{name}", f"the highest budget rose: {least:,} {unit}, then {most:,}"
    top_budget, tries = max(earlier.elicitation.budgets or (0,)), earlier.elicitation.max_tries
    if later.elicitation.max_tries > tries:
        yield "elicitation.max_tries", f"the most tries rose: {tries}, then {later.elicitation.max_tries}"
    for name in ("max_deployable_budget", "misuse_actor_budget"):
        budget: Budget | None = getattr(later.stated, name)
        if budget is not None and budget != getattr(earlier.stated, name):
            if budget.thinking_tokens > top_budget:
                yield f"stated.{name}", f"{budget.thinking_tokens:,} thinking tokens; {top_budget:,} were tested"
            if budget.tries > tries:
                yield f"stated.{name}", f"{budget.tries:,} tries; {tries:,} were tested"
    limits = earlier.elicitation.answer_tokens, later.elicitation.answer_tokens
    if limits[1] > limits[0]:
        yield "elicitation.answer_tokens", f"answers may be longer: {limits[0]:,} tokens, then {limits[1]:,}"


def _effort(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    if earlier.elicitation.ladder != later.elicitation.ladder:
        yield "elicitation.ladder", f"{earlier.elicitation.ladder}, then {later.elicitation.ladder}"
    else:
        new = [
            effort for effort in later.elicitation.efforts or () if effort not in (earlier.elicitation.efforts or ())
        ]
        if new:
            yield "elicitation.efforts", f"efforts that were not tested: {', '.join(new)}"


def _help(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    before, after = earlier.elicitation.tools, later.elicitation.tools
    if after is None and before is not None:
        yield "elicitation.tools", "it is not known which tools the later one gives"
    new = [tool for tool in after or () if tool not in (before or ())]
    if new:
        yield "elicitation.tools", f"tools that were not given: {', '.join(new)}"
    earlier_arms = [(arm.parts, arm.settings) for arm in earlier.elicitation.arms]
    arms = [arm.label for arm in later.elicitation.arms if (arm.parts, arm.settings) not in earlier_arms]
    if arms:
        yield "elicitation.arms", f"ways of thinking that were not tested: {', '.join(arms)}"
    selectors = [name for name in later.elicitation.selectors if name not in earlier.elicitation.selectors]
    if selectors:
        yield "elicitation.selectors", f"selectors that were not collected: {', '.join(selectors)}"
    verifier = later.elicitation.verifier
    if verifier is not None and verifier != earlier.elicitation.verifier:
        yield "elicitation.verifier", f"another verifier: {earlier.elicitation.verifier}, then {verifier}"
