"""What a component from outside the package needs: the classes to derive from, and what their methods get and return.

    from overthink.extend import Field, Intervention, component

A file or package of components imports from here and from :mod:`overthink` alone; everything else is private.
"""

import importlib
from typing import TYPE_CHECKING, Any

from pydantic import Field

from overthink.components.base import SameAs, Simulated, component
from overthink.errors import InputError

if TYPE_CHECKING:
    from overthink.collect.arms.component import Intervention, StepperSetup, Strategy
    from overthink.collect.arms.interventions.guard import Guard, GuardError, GuardScore
    from overthink.collect.arms.registry import PlainLadder
    from overthink.collect.arms.verifiers.base import Scores, ScoringWork, UnreadableScoreError, Verifier
    from overthink.collect.ladder.thinking import (
        LINE_END,
        ReasoningPath,
        Stepper,
        Thinker,
        TraceContext,
        insert_text,
        think_on,
    )
    from overthink.collect.latent.base import LatentModel, LatentQuestion
    from overthink.collect.monitors.base import Excerpt, Monitor, Suspicion
    from overthink.collect.providers.continuation import Prefix
    from overthink.collect.providers.think_tags import ThinkFormat
    from overthink.data.record import Axis, Category, Estimand, Reading, RungRecord, Verdict
    from overthink.data.selectors import Tries
    from overthink.governance.calculators.base import Calculator, interval_meaning
    from overthink.governance.calculators.result import Calculation, Result, propagate
    from overthink.governance.inputs import Range
    from overthink.plan.selectors import TriesSelector
    from overthink.storage.formats.reader import NotedFrame, Reader
    from overthink.workflows.sources import ReadOptions

__all__ = [
    "LINE_END",
    "Axis",
    "Calculation",
    "Calculator",
    "Category",
    "Estimand",
    "Excerpt",
    "Field",
    "Guard",
    "GuardError",
    "GuardScore",
    "InputError",
    "Intervention",
    "LatentModel",
    "LatentQuestion",
    "Monitor",
    "NotedFrame",
    "PlainLadder",
    "Prefix",
    "Range",
    "ReadOptions",
    "Reader",
    "Reading",
    "ReasoningPath",
    "Result",
    "RungRecord",
    "SameAs",
    "Scores",
    "ScoringWork",
    "Simulated",
    "Stepper",
    "StepperSetup",
    "Strategy",
    "Suspicion",
    "ThinkFormat",
    "Thinker",
    "TraceContext",
    "Tries",
    "TriesSelector",
    "UnreadableScoreError",
    "Verdict",
    "Verifier",
    "component",
    "insert_text",
    "interval_meaning",
    "propagate",
    "think_on",
]

_HOMES = {
    "collect.arms.component": ("Intervention", "StepperSetup", "Strategy"),
    "collect.arms.interventions.guard": ("Guard", "GuardError", "GuardScore"),
    "collect.arms.registry": ("PlainLadder",),
    "collect.arms.verifiers.base": ("Scores", "ScoringWork", "UnreadableScoreError", "Verifier"),
    "collect.ladder.thinking": (
        "LINE_END",
        "ReasoningPath",
        "Stepper",
        "Thinker",
        "TraceContext",
        "insert_text",
        "think_on",
    ),
    "collect.latent.base": ("LatentModel", "LatentQuestion"),
    "collect.monitors.base": ("Excerpt", "Monitor", "Suspicion"),
    "collect.providers.continuation": ("Prefix",),
    "collect.providers.think_tags": ("ThinkFormat",),
    "data.record": ("Axis", "Category", "Estimand", "Reading", "RungRecord", "Verdict"),
    "data.selectors": ("Tries",),
    "governance.calculators.base": ("Calculator", "interval_meaning"),
    "governance.calculators.result": ("Calculation", "Result", "propagate"),
    "governance.inputs": ("Range",),
    "plan.selectors": ("TriesSelector",),
    "storage.formats.reader": ("NotedFrame", "Reader"),
    "workflows.sources": ("ReadOptions",),
}
"""Names by the module that holds them, which is imported when one of them is used: a calculator needs no model."""


def __getattr__(name: str) -> Any:
    """Return a name of this page from its module."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"overthink.{home}"), name)
    raise AttributeError(f"module 'overthink.extend' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
