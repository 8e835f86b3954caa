"""Governance sections of a report: thresholds on its K axis, calculator results, elicitation not tried.

Registry, calculators and the list of elicitation methods are in `govern`; `present` lays the sections out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from overthink.cost.model_shape import SourcedShape
from overthink.data.finding import Finding
from overthink.data.kinds import Kind
from overthink.data.record import Estimand
from overthink.data.selectors import Selector
from overthink.governance.statement.build import NOT_SAID, TOOLS, not_tried
from overthink.reports import About
from overthink.storage.json_documents import Assumptions
from overthink.workflows.appendix import (
    EFFECTIVE_COMPUTE_NAME,
    StudyFacts,
    TestedRange,
    appendix,
    calculations,
    tested_ranges,
)
from overthink.workflows.thresholds import measured_curve, thresholds_on_curve


def governance_sections(
    about: About,
    findings: Sequence[Finding],
    assumptions: Assumptions,
    *,
    seed: int,
    shape: SourcedShape | None = None,
) -> About:
    """Return `about` with thresholds, appendix, and elicitation that was not tried.

    Args:
        about: Of the report; its date is the date of the thresholds unless one is assumed.
        findings: All findings.
        assumptions: Assumptions about the model.
        seed: Seed of the calculators' draws over ranges.
        shape: Shape of the model under test; None if unknown.

    Raises:
        InputError: An assumption is out of its bounds.
    """
    ranges = tested_ranges(findings, about.k_scale)
    gain_curve = measured_curve(ranges) if "family" in assumptions.inputs else None
    facts = StudyFacts(
        tested_ranges=ranges,
        assumptions=assumptions,
        rates=None if about.estimate is None else about.estimate.rates,
        day=assumptions.day or datetime.fromisoformat(about.created_at).date(),
        measured_inputs={"measured": _pairs(gain_curve)} if isinstance(gain_curve, TestedRange) else {},
        shape=shape,
    )
    results = calculations(facts, seed=seed)
    return replace(
        about,
        thresholds=thresholds_on_curve(facts, results.get(EFFECTIVE_COMPUTE_NAME), gain_curve=gain_curve),
        appendix=appendix(results, facts),
        not_tried=_not_tried(findings, about.plan),
        never_said=NOT_SAID,
    )


def _pairs(curve: TestedRange) -> str:
    """Return a measured curve as text input of the effective-compute calculator."""
    return ",".join(f"{k!r}:{value!r}" for k, value in zip(curve.k, curve.value, strict=True))


def _not_tried(findings: Sequence[Finding], plan: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return elicitation methods without a finding; budgets and tries are omitted, as the page states their range."""
    values = [finding for finding in findings if finding.kind == Kind.VALUE]
    if not values:
        return ()
    selectors = {finding.at.selector or Selector.SINGLE for finding in values}
    estimands = {finding.estimand for finding in values}
    options = not_tried(
        tuple(selectors),
        has_budgets=Estimand.FORCED in estimands,
        natural=Estimand.NATURAL in estimands,
        tries=max(finding.at.k or 1 for finding in values),
        loop=any((plan or {}).get(name) is not None for name in ("turns", "loop_tokens")),
        tools=any(part in TOOLS for arm in (plan or {}).get("arms", ()) for part in arm["parts"]),
    )
    return tuple(option.text for option in options if option.what not in ("more_thinking", "more_tries"))
