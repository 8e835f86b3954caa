"""Governance sections of a report: thresholds on its K axis, calculator results, elicitation not tried.

Registry, calculators and the list of elicitation methods are in `govern`; `present` lays the sections out.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from overthink.cost.model_shape import SourcedShape
from overthink.data.record import Estimand
from overthink.data.results.study import Results
from overthink.data.selectors import Selector
from overthink.governance.statement.elicitation import TOOLS, not_tried
from overthink.governance.statement.generate import NOT_SAID
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
    results: Results,
    assumptions: Assumptions,
    *,
    seed: int,
    shape: SourcedShape | None = None,
) -> About:
    """Return `about` with thresholds, appendix, and elicitation that was not tried.

    Args:
        about: Of the report; its date is the date of the thresholds unless one is assumed.
        results: Results of the analysis.
        assumptions: Assumptions about the model.
        seed: Seed of the calculators' draws over ranges.
        shape: Shape of the model under test; None if unknown.

    Raises:
        InputError: An assumption is out of its bounds.
    """
    ranges = tested_ranges(results, about.k_scale)
    gain_curve = measured_curve(ranges) if "family" in assumptions.inputs else None
    facts = StudyFacts(
        tested_ranges=ranges,
        assumptions=assumptions,
        rates=None if about.estimate is None else about.estimate.rates,
        day=assumptions.day or datetime.fromisoformat(about.created_at).date(),
        measured_inputs={"measured": _pairs(gain_curve)} if isinstance(gain_curve, TestedRange) else {},
        shape=shape,
    )
    answers = calculations(facts, seed=seed)
    return replace(
        about,
        thresholds=thresholds_on_curve(facts, answers.get(EFFECTIVE_COMPUTE_NAME), gain_curve=gain_curve),
        appendix=appendix(answers, facts),
        not_tried=_not_tried(results, about.plan),
        never_said=NOT_SAID,
    )


def _pairs(curve: TestedRange) -> str:
    """Return a measured curve as text input of the effective-compute calculator."""
    return ",".join(f"{k!r}:{value!r}" for k, value in zip(curve.k, curve.value, strict=True))


def _not_tried(results: Results, plan: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return elicitation methods without a finding; budgets and tries are omitted, as the page states their range."""
    if not results.curves:
        return ()
    by_selector = [
        (name, by_k) for curve in results.curves for rung in curve.rungs for name, by_k in rung.tries.items()
    ]
    estimands = {curve.key.estimand for curve in results.curves}
    options = not_tried(
        tuple({Selector.SINGLE} | {name for name, _ in by_selector}),
        has_budgets=Estimand.FORCED in estimands,
        natural=Estimand.NATURAL in estimands,
        tries=max((k for _, by_k in by_selector for k in by_k), default=1),
        loop=any((plan or {}).get(name) is not None for name in ("turns", "loop_tokens")),
        tools=any(part in TOOLS for arm in (plan or {}).get("arms", ()) for part in arm["parts"]),
    )
    return tuple(option.text for option in options if option.what not in ("more_thinking", "more_tries"))
