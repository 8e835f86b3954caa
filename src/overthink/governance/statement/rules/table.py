"""The table of rules that the facts of a statement keep. What is generated from facts needs none: it is made again."""

from collections.abc import Callable

from overthink.governance.statement.read import Breaches, Rule
from overthink.governance.statement.rules import curves, hypotheses, mitigations, numbers, oversight, scope, whole
from overthink.governance.statement.schema import Statement

_TABLE: dict[str, Callable[[Statement], Breaches]] = {
    # every number by itself
    "interval": numbers.interval,
    "null-reason": numbers.null_reason,
    "range": numbers.value_range,
    "unit": numbers.unit,
    "simultaneous": numbers.simultaneous,
    "p-adjusted": numbers.adjusted,
    # the numbers of a curve together
    "one-curve": curves.one_curve,
    "counts": curves.counts,
    "verdict": curves.verdicts,
    "change": curves.changes_tested,
    "turns": curves.turns,
    "gates": curves.gate_names,
    "gates-failed": curves.failed_gates,
    "gap": curves.gaps_measured,
    "hypothesis": hypotheses.hypotheses,
    # texts of findings: a rule that each limit and each reason is a text that Overthink writes has its place here
    # what must not be left out
    "names": whole.names,
    "limits": whole.limits,
    "quantiles": whole.quantiles,
    "tries": whole.tries,
    "changes": whole.changes,
    "gaps": whole.gaps,
    # texts taken over from findings
    "limit-texts": numbers.limits,
    "reason-texts": numbers.reasons,
    # arms
    "arm-curves": mitigations.arm_curves,
    "arm-verdicts": mitigations.arm_verdicts,
    "arm-numbers": mitigations.arm_numbers,
    "arms-whole": mitigations.arms_whole,
    # oversight
    "oversight-names": oversight.oversight_names,
    "oversight-verdicts": oversight.oversight_verdicts,
    "oversight-numbers": oversight.oversight_numbers,
    "oversight-whole": oversight.oversight_whole,
    # the setting
    "settings": scope.settings,
    "test-names": scope.test_names,
    "budgets": scope.budgets,
    "checkpoints": scope.checkpoints,
    "efforts": scope.efforts,
    "arms": scope.arms,
    "k-stated": scope.k_stated,
    "consumption": scope.consumption,
    "polarity": scope.polarity,
    "date": scope.creation_date,
}

RULES = tuple(Rule(name, (find.__doc__ or "").strip(), find) for name, find in _TABLE.items())
"""The rules, in the order in which breaches are listed."""
