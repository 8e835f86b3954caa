"""Beam search guided by a verifier of steps (Snell et al. 2024; search-and-learn's ``beam_search``)."""

from overthink.collect.part import Part, Settings
from overthink.collect.search.search import Search
from overthink.collect.search.settings import BEAM, aggregate, beam
from overthink.collect.search.value import step_scores
from overthink.collect.search.verifier_of import VERIFIER, models_of
from overthink.plan import Plan


def _make(settings: Settings, plan: Plan) -> Search:
    return Search(beam("prm-beam", settings, plan), step_scores(settings, plan), concurrency=plan.concurrency)


PART = Part(
    name="prm-beam",
    role="strategy",
    means="beam search: a verifier scores every step, the best paths go on",
    make=_make,
    settings=BEAM | {"aggregate": aggregate(), "verifier": VERIFIER},
    simulated={"width": 4, "children": 4, "aggregate": "last", "verifier": "simulated"},
    times=lambda settings: float(settings["width"]),
    models=models_of,
)
"""Beam search as an arm."""
