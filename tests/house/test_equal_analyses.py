"""Equal rows are analysed once, and anything else anew."""

from typing import Any

import numpy as np
from equal_analyses import LATEST, once
from ladder_pools import climbed

from overthink.data.outcomes import from_records
from overthink.plan.analysis import Analysis


def test_only_equal_rows_decisions_and_randomness_share_an_analysis() -> None:
    calls: list[object] = []

    def analyse(outcomes: Any, analysis: Any, *, rng: Any, **more: Any) -> Any:
        calls.append((outcomes, analysis))
        return object()

    shared, rng = once(analyse), np.random.default_rng
    rows = climbed(questions=3, draws=2)
    first = shared(from_records(rows), Analysis(level=0.95), rng=rng(1))
    assert shared(from_records(climbed(questions=3, draws=2)), Analysis(level=0.95), rng=rng(1)) is first
    others = [
        shared(from_records(rows), Analysis(level=0.9), rng=rng(1)),
        shared(from_records(rows), Analysis(level=0.95), rng=rng(2)),
        shared(from_records(rows[:-1]), Analysis(level=0.95), rng=rng(1)),
        shared(from_records(rows), Analysis(level=0.95), rng=rng(1), scores=(1,)),
        shared(from_records(rows), Analysis(level=0.95), rng=rng(1), selectors=("a",)),
        shared(from_records(rows), Analysis(level=0.95), rng=rng(1), selectors=("a",)),
    ]
    assert len({id(result) for result in (first, *others)}) == 7 == len(calls)
    for seed in range(3, 3 + LATEST):
        shared((), Analysis(level=0.95), rng=rng(seed))
    assert shared(from_records(rows), Analysis(level=0.95), rng=rng(1)) is not first
