"""One analysis of equal rows in a whole session: a statement and its check analyse the rows of a study each time."""

import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from overthink.data.outcomes import Outcomes
from overthink.data.results.study import Results
from overthink.plan.analysis import Analysis

LATEST = 16
"""Results that are kept."""

Analyse = Callable[..., Results]


def once(analyse: Analyse) -> Analyse:
    """The same function, which gives for equal rows, decisions and randomness the results that it gave before.

    Args:
        analyse: :func:`~overthink.analysis.analyse_outcomes`; selectors from outside are always asked.
    """
    results: OrderedDict[str, Results] = OrderedDict()

    def call(outcomes: Sequence[Outcomes], analysis: Analysis, *, rng: np.random.Generator, **more: Any) -> Results:
        if more.get("selectors"):
            return analyse(outcomes, analysis, rng=rng, **more)
        state = pickle.dumps((list(outcomes), analysis, rng.bit_generator.state, sorted(more.items())))
        key = hashlib.sha256(state).hexdigest()
        if key not in results:
            results[key] = analyse(outcomes, analysis, rng=rng, **more)
        results.move_to_end(key)
        if len(results) > LATEST:
            results.popitem(last=False)
        return results[key]

    return call
