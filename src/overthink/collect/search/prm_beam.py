"""Beam search guided by a verifier of steps (Snell et al. 2024; search-and-learn's ``beam_search``)."""

from overthink.collect.part import Component, Settings
from overthink.collect.search.search import Search
from overthink.collect.search.settings import BEAM, aggregate, beam
from overthink.collect.search.value import step_scores
from overthink.collect.search.verifier_of import VERIFIER, verifier_model_names
from overthink.plan import Plan


def _make(settings: Settings, plan: Plan) -> Search:
    return Search(beam("prm-beam", settings, plan), step_scores(settings, plan), concurrency=plan.concurrency)


PART = Component(
    name="prm-beam",
    role="strategy",
    description="beam search: a verifier scores every step, the best paths go on",
    make=_make,
    settings=BEAM | {"aggregate": aggregate(), "verifier": VERIFIER},
    simulated_defaults={"width": 4, "children": 4, "aggregate": "last", "verifier": "simulated"},
    max_decode_factor=lambda settings: float(settings["width"]),
    models=verifier_model_names,
)
"""The component `prm-beam`."""
