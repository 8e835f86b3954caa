"""Three families of distributions for how the chance of success differs between questions.

They agree within the attempts and differ in the unobserved tail of rare successes: in the beta and Kumaraswamy families
the chances fall off as a power, in the logit-normal family faster than any power. A hundred attempts cannot distinguish
them, so they get equal weights. Priors are weak and were set before looking at data: log a ~ N(log 0.4, 1.2),
log b ~ N(log 5, 2.5); mean log odds ~ N(-6, 4), log of their standard deviation ~ N(log 2.5, 0.6).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.forecasts.prior import chance_grid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MixingFamily:
    """One family with two parameters, and independent normal priors on them.

    Attributes:
        name: Name of the family.
        means: Prior means of the parameters.
        deviations: Prior standard deviations of the parameters.
        below: Maps parameters, (set, 2), to the share of questions below each inner edge of the grid, (set, edge).
    """

    name: str
    means: tuple[float, float]
    deviations: tuple[float, float]
    below: Callable[[Array], Array]

    def masses(self, parameters: Array) -> Array:
        """Return the share of questions in each cell.

        Args:
            parameters: (set, 2).

        Returns:
            (set, cell); each row sums to 1, the outer cells include the mass beyond the grid.
        """
        share = self.below(parameters)
        ends = np.zeros((len(parameters), 1)), np.ones((len(parameters), 1))
        return np.maximum(np.diff(np.concatenate([ends[0], share, ends[1]], axis=1), axis=1), 0.0)

    def log_prior(self, parameters: Array) -> Array:
        """Return the log prior density up to a constant, (set,)."""
        score = (parameters - np.array(self.means)) / np.array(self.deviations)
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

MIXING_FAMILIES = (
    MixingFamily("beta", *_SHAPES, _beta),
    MixingFamily("Kumaraswamy", *_SHAPES, _kumaraswamy),
    MixingFamily("logit-normal", (-6.0, float(np.log(2.5))), (4.0, 0.6), _logit_normal),
)
