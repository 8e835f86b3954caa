"""Cases of which `make test` tries a few, far apart, and `make test-long` all."""

from collections.abc import Iterable
from typing import Any

import pytest


def few(cases: Iterable[Any], number: int) -> list[Any]:
    """Parameters of a test: all cases in their order, and all but some evenly spaced ones marked as part of a sweep.

    Args:
        cases: The cases; a tuple has the values of several parameters.
        number: Cases that stay in every run, from 1 to that of all.
    """
    values = [case if isinstance(case, tuple) else (case,) for case in cases]
    if not 1 <= number <= len(values):
        raise ValueError(f"{number} of {len(values)} cases; needed: 1 to {len(values)}")
    stay = {round(i * (len(values) - 1) / max(number - 1, 1)) for i in range(number)}
    return [pytest.param(*v, marks=() if i in stay else pytest.mark.sweep) for i, v in enumerate(values)]
