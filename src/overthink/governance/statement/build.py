"""Collect the facts of a statement from plan, results and evidence; everything else in it is generated from them.

Decisions of the analysis that are not those of the plan are facts, too: each is a deviation that a statement names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overthink.analysis.k_scale import KScale
from overthink.data.hypothesis import Part, hypothesis_text
from overthink.data.results.study import Results
from overthink.errors import InputError
from overthink.governance.statement.curves import curves
from overthink.governance.statement.generate import generate
from overthink.governance.statement.mitigations import arm_claims
from overthink.governance.statement.oversight import oversight_claims
from overthink.governance.statement.schema import Decision, DecisionName, Evidence, Stated, Statement
from overthink.governance.statement.setting import Setting
from overthink.governance.statement.wording import plain
from overthink.plan.analysis import Analysis
from overthink.plan.arms import BASE
from overthink.plan.study import Plan


@dataclass(frozen=True, slots=True)
class Provenance:
    """Creation time and sources of a statement.

    Attributes:
        created: ISO 8601 with time zone.
        evidence: Hashes of the files that the statement is computed from.
        stated: Facts stated by the evaluator that findings do not contain.
        changed: Decisions of the analysis that are not those of the plan.
    """

    created: str
    evidence: Evidence
    stated: Stated
    changed: tuple[Decision, ...] = ()


def make_statement(results: Results, setting: Setting, provenance: Provenance, scale: KScale) -> Statement:
    """Return the statement of a study, or of analysed logs and tables.

    Args:
        results: Results of the study.
        setting: How its rows were made: by its plan, or as far as logs and tables state it.
        provenance: Creation time, evidence and the evaluator's facts.
        scale: The one reference of K (thinking) of the study.

    Raises:
        InputError: The results hold no curve, or a note is about a claim that the statement does not have.
    """
    study_curves = curves(results, setting, scale)
    facts = Statement(
        created=provenance.created,
        model=setting.model,
        stated=provenance.stated,
        evidence=provenance.evidence,
        elicitation=setting.elicitation,
        curves=study_curves,
        changed_decisions=provenance.changed,
        arms_compared=arm_claims(study_curves, results),
        oversight=oversight_claims(study_curves, results),
    )
    statement = generate(facts)
    unknown = sorted(provenance.stated.notes.keys() - statement.claim_ids)
    if unknown:
        known = ", ".join(sorted(statement.claim_ids))
        raise InputError(f"notes: no claim is called {unknown[0]}; needed: one of {known}, or note for the whole")
    return statement


NONE = "none"
UNPLANNED = "not known: there is no plan"
_LENGTH = 300
"""Characters of a decision that are shown."""


def changed_decisions(plan: Plan | None, analysis: Analysis, seed: int) -> tuple[Decision, ...]:
    """Return every decision of an analysis that its plan does not have; level and margin stand with their curves.

    Without a plan, that is every decision but the seed that is not the default: who made it saw the data, maybe.

    Args:
        plan: Plan of the study; None without one.
        analysis: Decisions of the analysis.
        seed: Seed of its bootstrap.
    """
    if plan is None:
        return _without_plan(analysis)
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
    return _decisions(rows)


def _without_plan(analysis: Analysis) -> tuple[Decision, ...]:
    rows: dict[DecisionName, str] = {
        "primary curves": _names(analysis.primary),
        "hypothesis": _hypothesis(analysis.hypothesis, analysis.parts),
        "thinking at K = 1": _number(analysis.k_reference),
        "reference arm": analysis.reference or NONE,
        "draws that stopped at": "the first success" if analysis.stopping == "first_success" else NONE,
    }
    return _decisions({what: (used, UNPLANNED) for what, used in rows.items() if used != NONE})


def _decisions(rows: Mapping[DecisionName, tuple[str, str]]) -> tuple[Decision, ...]:
    """Return the decisions, used and planned, that differ."""
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
