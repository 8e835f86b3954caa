"""Beam search guided by a verifier of steps (Snell et al. 2024; search-and-learn's ``beam_search``)."""

from overthink.collect.arms.component import Component, Settings
from overthink.collect.arms.strategies.search import Search
from overthink.collect.arms.strategies.settings import BEAM, aggregate, beam
from overthink.collect.arms.strategies.values import step_scores
from overthink.collect.arms.strategies.search_verifier import VERIFIER, verifier_model_names
from overthink.plan.study import Plan


def _make_prm_beam(settings: Settings, plan: Plan) -> Search:
    return Search(beam("prm-beam", settings, plan), step_scores(settings, plan), concurrency=plan.concurrency)


PRM_BEAM = Component(
    name="prm-beam",
    role="strategy",
    description="beam search: a verifier scores every step, the best paths go on",
    make=_make_prm_beam,
    settings=BEAM | {"aggregate": aggregate(), "verifier": VERIFIER},
    simulated_defaults={"width": 4, "children": 4, "aggregate": "last", "verifier": "simulated"},
    max_decode_factor=lambda settings: float(settings["width"]),
    models=verifier_model_names,
)
"""The component `prm-beam`."""
