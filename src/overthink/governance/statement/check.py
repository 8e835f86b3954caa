"""Table of all rules for statements; a statement that satisfies them claims no more than was measured."""

from collections.abc import Callable
from datetime import datetime, timedelta

from overthink.governance.statement.read import Breaches, Fault, Rule
from overthink.governance.statement.rules import claims, numbers, scope
from overthink.governance.statement.rules import number_claims as said
from overthink.governance.statement.rules import numbers as loops
from overthink.governance.statement.rules import wording as words
from overthink.governance.statement.schema import Statement

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
    "place": claims.placement,
    "measured": claims.measured_values,
    "bounded": claims.bounds,
    "selector": claims.selectors,
    "strength": claims.strong_as_evidence,
    "extrapolated": claims.extrapolation,
    "gates-failed": claims.failed_gates,
    "whole-curve": claims.whole_curve,
    "duplicate": claims.duplicates,
    "budgets": scope.budgets,
    "checkpoints": loops.checkpoints,
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
    "absolute-words": words.absolute,
    "legal-words": words.legal,
    "trend-words": words.trend,
    "reach-words": words.reach,
    "names-said": words.name_claims,
    "unfounded-words": words.evidence_words,
    "significant": words.significance,
    "human-labels": words.human_corrected,
    "numbers-said": said.number_claims,
    "sentences": said.sentences,
    "scale-said": said.scale_claims,
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
