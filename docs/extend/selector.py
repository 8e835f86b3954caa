"""A selector: the expected value of one answer that is made of k tries.

On the command line:

    overthink analyse STUDY --selector docs/extend/selector.py@half
"""

from math import ceil
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from overthink.extend import Tries, TriesSelector, component


@component("half")
class Half(TriesSelector):
    """Half of k tries or more are right."""

    colour: ClassVar[str] = "#7a5195"

    def cells(self, tries: Tries, k: int) -> NDArray[np.float64]:
        """Return (question, rung): the share of all sets of k tries in which half or more are right."""
        n = (~np.isnan(tries.values)).sum(axis=1)
        right = (tries.values == 1).sum(axis=1)
        return np.asarray(hypergeom.sf(ceil(k / 2) - 1, np.maximum(n, k), right, k))
