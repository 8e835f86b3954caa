"""Diverse verifier tree search: trees that never see each other, and the best path of them all (search-and-learn)."""

from dataclasses import replace
from typing import cast

from overthink.collect.part import Part, Settings
from overthink.collect.search.search import Search
from overthink.collect.search.settings import CHILDREN, WIDTH, aggregate, beam
from overthink.collect.search.value import StepScores
from overthink.collect.search.verifier_of import VERIFIER, models_of, verifier_of
from overthink.collect.verify.verifier import Aggregate
from overthink.plan import Plan


def _make(settings: Settings, plan: Plan) -> Search:
    width, children = int(settings["width"]), int(settings["children"])
    shape = beam("dvts", width, children, plan)
    value = StepScores(verifier_of(settings, plan), cast("Aggregate", settings["aggregate"]))
    alone = replace(shape, first=children, keep=1)
    return Search(alone, value, concurrency=plan.concurrency, trees=shape.keep)


PART = Part(
    name="dvts",
    role="strategy",
    means="diverse verifier tree search: width/children trees, in each the best child alone goes on",
    make=_make,
    settings={"width": WIDTH, "children": CHILDREN, "aggregate": aggregate(), "verifier": VERIFIER},
    simulated={"width": 4, "children": 2, "aggregate": "last", "verifier": "simulated"},
    times=lambda settings: float(settings["width"]),
    models=models_of,
)
"""Diverse verifier tree search as an arm."""
