"""Beam search guided by a verifier of steps (Snell et al. 2024; search-and-learn's ``beam_search``)."""

from typing import cast

from overthink.collect.part import Part, Settings
from overthink.collect.search.search import Search
from overthink.collect.search.settings import CHILDREN, WIDTH, aggregate, beam
from overthink.collect.search.value import StepScores
from overthink.collect.search.verifier_of import VERIFIER, models_of, verifier_of
from overthink.collect.verify.verifier import Aggregate
from overthink.plan import Plan


def _make(settings: Settings, plan: Plan) -> Search:
    shape = beam("prm-beam", int(settings["width"]), int(settings["children"]), plan)
    value = StepScores(verifier_of(settings, plan), cast("Aggregate", settings["aggregate"]))
    return Search(shape, value, concurrency=plan.concurrency)


PART = Part(
    name="prm-beam",
    role="strategy",
    means="beam search: a verifier scores every step, the best paths go on",
    make=_make,
    settings={"width": WIDTH, "children": CHILDREN, "aggregate": aggregate(), "verifier": VERIFIER},
    simulated={"width": 4, "children": 4, "aggregate": "last", "verifier": "simulated"},
    times=lambda settings: float(settings["width"]),
    models=models_of,
)
"""Beam search as an arm."""
