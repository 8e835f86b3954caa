"""What a report says beyond its findings: thresholds on its K axis, calculators that can be filled, what was not tried.

The registry, the calculators and the list of what was not tried are govern's; present lays out what it is handed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from overthink.appendix import EFFECTIVE_COMPUTE, Known, appendix, calculations
from overthink.core.finding import Finding
from overthink.core.record import Estimand
from overthink.core.sourced_shape import SourcedShape
from overthink.govern.arms_tried import TOOLS
from overthink.govern.assembling import NOT_SAID
from overthink.govern.not_tried import not_tried
from overthink.present import About
from overthink.store.analysis import Assumed
from overthink.tested import Tested, tested_curves
from overthink.thresholds_on_curve import measured_curve, thresholds_on_curve


def governed(
    about: About,
    findings: Sequence[Finding],
    assumed: Assumed,
    *,
    seed: int,
    shape: SourcedShape | None = None,
) -> About:
    """The same with thresholds, appendix, and what was not tried.

    Args:
        about: Of the report; the day of its making is the day of the thresholds where none is assumed.
        findings: All of them.
        assumed: What the user assumes of the model.
        seed: Of the calculators' draws over ranges.
        shape: Shape of the model under test; None where it is unknown.

    Raises:
        InputError: An assumption is out of its bounds.
    """
    tested = tested_curves(findings, about.reference)
    gained = measured_curve(tested) if "family" in assumed.inputs else None
    known = Known(
        tested=tested,
        assumed=assumed,
        rates=None if about.estimate is None else about.estimate.rates,
        day=assumed.day or datetime.fromisoformat(about.created).date(),
        measured={"measured": _pairs(gained)} if isinstance(gained, Tested) else {},
        shape=shape,
    )
    made = calculations(known, seed=seed)
    return replace(
        about,
        thresholds=thresholds_on_curve(known, made.get(EFFECTIVE_COMPUTE), gained=gained),
        appendix=appendix(made, known),
        not_tried=_not_tried(findings, about.plan),
        never_said=NOT_SAID,
    )


def _pairs(curve: Tested) -> str:
    """A measured curve as the calculator of effective compute reads it."""
    return ",".join(f"{k!r}:{value!r}" for k, value in zip(curve.k, curve.value, strict=True))


def _not_tried(findings: Sequence[Finding], plan: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Ways to get more out of the model that no finding knows of; how far budgets went, the page says itself."""
    values = [finding for finding in findings if finding.kind == "value"]
    if not values:
        return ()
    selectors = {finding.at.selector or "single" for finding in values}
    estimands = {finding.estimand for finding in values}
    left = not_tried(
        tuple(selectors),
        forced=Estimand.FORCED in estimands,
        natural=Estimand.NATURAL in estimands,
        tries=max(finding.at.k or 1 for finding in values),
        loop=any((plan or {}).get(name) is not None for name in ("turns", "loop_tokens")),
        tools=any(part in TOOLS for arm in (plan or {}).get("arms", ()) for part in arm["parts"]),
    )
    return tuple(one.text for one in left if one.what not in ("more_thinking", "more_tries"))
