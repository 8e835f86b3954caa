"""Every phrase of the findings that reach a statement: limits, and reasons.

A phrase stands where it is used. What a module of this list defines is here by that alone.
"""

from importlib import import_module

from overthink.data.phrases import Limit, Reason, phrases_of

WRITERS = {
    "analysis": (
        *("adaptive", "arm_pairs", "arms", "equal_terms", "families", "gaps", "hypotheses", "judge", "ledger"),
        *("mitigations", "request", "shapes", "values", "withheld"),
        *("oversight.encoded", "oversight.faithfulness", "oversight.latent", "oversight.monitors"),
        *("oversight.judges", "oversight.monitorability", "oversight.perturbation_curve"),
        *("oversight.probes", "oversight.red_team"),
    ),
    "cost": ("mitigation",),
    "data": ("hypothesis", "verifier_scores"),
    "stats": (
        *("curve", "divergence", "first_success", "gates", "judge_correction", "judge_error", "regimes", "shape"),
        *("oversight.control", "oversight.encoded", "oversight.latent", "oversight.monitorability"),
        *("oversight.necessity", "oversight.probe", "oversight.recovered", "oversight.scores", "oversight.tpr_at_fpr"),
    ),
}
"""Modules that write limits or reasons of findings that reach a statement, by package."""

# By name: functions of the package are called like two of its modules.
_MODULES = [import_module(f"overthink.{package}.{name}") for package, names in WRITERS.items() for name in names]

LIMITS = phrases_of(Limit, _MODULES)
REASONS = phrases_of(Reason, _MODULES)
