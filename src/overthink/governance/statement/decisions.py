"""Decisions of the analysis that are not those of the plan: each is a deviation that a statement names."""

from collections.abc import Sequence

from overthink.data.hypothesis import Part, hypothesis_text
from overthink.governance.statement.quoting import plain
from overthink.governance.statement.schema import Decision, DecisionName
from overthink.plan.analysis import Analysis
from overthink.plan.arms import BASE
from overthink.plan.study import Plan

NONE = "none"
_LENGTH = 300
"""Characters of a decision that are shown."""


def changed_decisions(plan: Plan, analysis: Analysis, seed: int) -> tuple[Decision, ...]:
    """Return every decision of an analysis that its plan does not have; level and margin stand with their curves.

    Args:
        plan: Plan of the study.
        analysis: Decisions of the analysis.
        seed: Seed of its bootstrap.
    """
    planned_parts = isinstance(plan.hypothesis, str)  # whose test stands with its curves
    rows: dict[DecisionName, tuple[str, str]] = {
        "seed of the analysis": (str(seed), str(plan.seed)),
        "primary curves": (_names(analysis.primary), _names(plan.primary)),
        "hypothesis": (NONE, NONE)
        if planned_parts
        else (_hypothesis(analysis.hypothesis, analysis.parts), _hypothesis(plan.hypothesis, None)),
        "thinking at K = 1": (_number(analysis.k_reference), _number(plan.k_reference)),
        "reference arm": (analysis.reference or BASE.label, BASE.label),
        "draws that stopped at": ("the first success" if analysis.stopping == "first_success" else NONE, NONE),
    }
    return tuple(
        Decision(what=what, used=plain(used, _LENGTH), planned=plain(planned, _LENGTH))
        for what, (used, planned) in rows.items()
        if used != planned
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(sorted(set(names))) or NONE


def _hypothesis(edges: object, parts: tuple[Part, ...] | None) -> str:
    if parts is not None:
        return hypothesis_text(parts)
    return f"regimes {', '.join(f'{edge:g}' for edge in edges)}" if isinstance(edges, tuple) else NONE


def _number(number: float | None) -> str:
    return NONE if number is None else f"{number:.10g}"
