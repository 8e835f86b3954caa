"""Three families of distributions for how the chance of success differs between questions.

They agree where attempts have been made and differ in the tail of rare successes, which nobody has seen: the beta and
Kumaraswamy families let the chances fall off as a power, the logit-normal family faster than any power. A hundred
attempts cannot tell them apart, so they are weighed equally. Priors are weak and were set before the data were
seen: log a ~ N(log 0.4, 1.2), log b ~ N(log 5, 2.5); mean log odds ~ N(-6, 4), log of their spread ~ N(log 2.5, 0.6).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.core.forecast.chances import chance_grid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Family:
    """One family with two parameters, and independent normal priors on them.

    Attributes:
        name: What it is called.
        centre: Prior means of the parameters.
        spread: Prior standard deviations.
        below: (parameter set, 2) to the share of questions below each inner edge of the grid, (parameter set, edge).
    """

    name: str
    centre: tuple[float, float]
    spread: tuple[float, float]
    below: Callable[[Array], Array]

    def masses(self, parameters: Array) -> Array:
        """Share of questions in each cell.

        Args:
            parameters: (set, 2).

        Returns:
            (set, cell); each row sums to 1, the ends of the grid hold all that is beyond them.
        """
        share = self.below(parameters)
        ends = np.zeros((len(parameters), 1)), np.ones((len(parameters), 1))
        return np.maximum(np.diff(np.concatenate([ends[0], share, ends[1]], axis=1), axis=1), 0.0)

    def log_prior(self, parameters: Array) -> Array:
        """Log prior density up to a constant, (set,)."""
        score = (parameters - np.array(self.centre)) / np.array(self.spread)
        return np.asarray(-0.5 * (score**2).sum(axis=1))


def _beta(parameters: Array) -> Array:
    a, b = np.exp(parameters[:, :1]), np.exp(parameters[:, 1:])
    return np.asarray(special.betainc(a, b, special.expit(_inner_edges())))


def _kumaraswamy(parameters: Array) -> Array:
    a, b = np.exp(parameters[:, :1]), np.exp(parameters[:, 1:])
    log_power = a * special.log_expit(_inner_edges())
    return np.asarray(-np.expm1(b * np.log(-np.expm1(log_power))))


def _logit_normal(parameters: Array) -> Array:
    mean, spread = parameters[:, :1], np.exp(parameters[:, 1:])
    return np.asarray(special.ndtr((_inner_edges() - mean) / spread))


def _inner_edges() -> Array:
    return chance_grid().edges[1:-1]


_SHAPES = (float(np.log(0.4)), float(np.log(5.0))), (1.2, 2.5)

FAMILIES = (
    Family("beta", *_SHAPES, _beta),
    Family("Kumaraswamy", *_SHAPES, _kumaraswamy),
    Family("logit-normal", (-6.0, float(np.log(2.5))), (4.0, 0.6), _logit_normal),
)
