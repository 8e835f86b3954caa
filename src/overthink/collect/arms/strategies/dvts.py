"""Diverse verifier tree search: independent trees, and the best path of all (search-and-learn)."""

from dataclasses import replace

from overthink.collect.arms.component import Component, Settings
from overthink.collect.arms.strategies.search import Search
from overthink.collect.arms.strategies.settings import BEAM, aggregate, beam
from overthink.collect.arms.strategies.values import step_scores
from overthink.collect.arms.strategies.search_verifier import VERIFIER, verifier_model_names
from overthink.errors import InputError
from overthink.plan.study import Plan


def _make_dvts(settings: Settings, plan: Plan) -> Search:
    shape = beam("dvts", settings, plan)
    trees = shape.keep
    if shape.first % trees:
        raise InputError(
            f"--arms dvts: {trees} trees (width/children) cannot share first={shape.first} first steps evenly; needed: "
            f"a multiple of {trees}"
        )
    alone = replace(shape, first=shape.first // trees, keep=1)
    return Search(alone, step_scores(settings, plan), concurrency=plan.concurrency, trees=trees)


DVTS = Component(
    name="dvts",
    role="strategy",
    description="diverse verifier tree search: width/children trees, in each the best child alone goes on",
    make=_make_dvts,
    settings=BEAM | {"aggregate": aggregate(), "verifier": VERIFIER},
    simulated_defaults={"width": 4, "children": 2, "aggregate": "last", "verifier": "simulated"},
    max_decode_factor=lambda settings: float(settings["width"]),
    models=verifier_model_names,
)
"""The component `dvts`."""
