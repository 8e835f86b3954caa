"""Elo of overseers against those they oversee, domain Elo against general Elo, and nested oversight (2504.18530).

Overseers (rows) meet the overseen (columns), never their own kind, so the matrix of wins is rectangular. Ratings are
those of the binomial likelihood with P(win) = 1/(1 + 10^((R_column - R_row)/400)), their mean 0; intervals come from
the parametric bootstrap. Elo in a domain is a line over general Elo that may have a floor and a ceiling; the form with
the lowest AIC is taken. Nested oversight climbs the gap in n equal steps and holds if every step does; with parameters
near those of debate, .51, it is a coin, so that the chance line belongs beside every such number.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from overthink.data.arrays import Array
from overthink.data.parameters import real, real_array, whole
from overthink.data.phrases import Phrase
from overthink.stats.bootstrap import SAME
from overthink.stats.oversight.scores import SEED, UNKNOWN, confidence

SCALE = 400 / np.log(10)
"""Elo points of one unit of log-odds."""

FARTHEST = 2000.0
"""Elo points from the mean beyond which a rating is not finite: the likelihood goes on rising."""

RESAMPLES = 400
MOST_STEPS = 20
BOOTSTRAP = "parametric bootstrap, percentiles"

NO_FINITE = Phrase("a side won or lost all of its games against the others, so its rating is not finite")
NOT_CONNECTED = Phrase("no chain of games joins all sides, so their ratings cannot be compared")


@dataclass(frozen=True, slots=True)
class EloRatings:
    """Ratings with their intervals, rows first; NaN with a reason where they are not finite.

    Attributes:
        rows: Ratings of the rows.
        columns: Ratings of the columns.
        low: Lower ends, rows and columns.
        high: Upper ends.
        method: How the intervals were made.
        reason: Why there are no ratings, or no intervals.
    """

    rows: tuple[float, ...]
    columns: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    method: str
    reason: str | None


def elo_ratings(wins: ArrayLike, games: ArrayLike, *, level: float = 0.95) -> EloRatings:
    """Return the ratings of rows and columns from a rectangular table of games.

    Args:
        wins: (row, column) games that the row won; a half counts as a draw.
        games: (row, column) games played; 0 where none was.
        level: Confidence level.

    Raises:
        ValueError: The tables differ in shape, or wins are not between 0 and the games.

    Example:
        >>> found = elo_ratings([[60], [50]], [[100], [100]])
        >>> round(found.rows[0] - found.rows[1], 1)
        70.4
    """
    level = confidence(level)
    won, n_games = real_array(wins, "wins"), real_array(games, "games")
    if won.shape != n_games.shape or won.ndim != 2 or 0 in won.shape:
        raise ValueError(f"wins have shape {won.shape}, games {n_games.shape}; needed: the same (row, column)")
    if not ((won >= 0) & (won <= n_games)).all():
        raise ValueError("wins are not between 0 and the games; needed: wins of each row against each column")
    n_rows, n = won.shape[0], sum(won.shape)
    ratings = _fit(won, n_games)
    if not _is_connected(n_games) or not np.isfinite(ratings).all():
        unknown = (UNKNOWN,) * n
        reason = NO_FINITE if _is_connected(n_games) else NOT_CONNECTED
        return EloRatings(unknown[:n_rows], unknown[n_rows:], unknown, unknown, "none", reason)
    rng = np.random.default_rng(SEED)
    chances = elo_win_chance(ratings[:n_rows, None], ratings[n_rows:])
    samples = rng.binomial(n_games.round().astype(np.int64), chances, size=(RESAMPLES, *n_games.shape))
    replicates = _fit(samples.astype(np.float64), n_games)
    # A resample without a finite rating lies beyond every other one, to the side of the rating itself.
    replicates = np.where(np.isnan(replicates), np.sign(ratings) * np.inf, replicates)
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf")
    ends = tuple(low.tolist()), tuple(high.tolist())
    return EloRatings(tuple(ratings[:n_rows].tolist()), tuple(ratings[n_rows:].tolist()), *ends, BOOTSTRAP, None)


def elo_win_chance(first: ArrayLike, second: ArrayLike) -> Array:
    """Return the chance that the first wins against the second.

    Example:
        >>> round(float(elo_win_chance(1400, 1000)), 3)
        0.909
    """
    return np.asarray(special.expit((np.asarray(first, dtype=np.float64) - np.asarray(second)) / SCALE))


def _fit(won: Array, n_games: Array) -> Array:
    """Ratings of rows and columns by Newton's method, (…, row + column); NaN where the likelihood has no maximum.

    Args:
        won: (…, row, column) games won, of several tables at once.
        n_games: (row, column).
    """
    n_rows, n_columns = n_games.shape
    n = n_rows + n_columns
    ratings = np.zeros((*won.shape[:-2], n))
    for _ in range(40):
        chance = special.expit(ratings[..., :n_rows, None] - ratings[..., None, n_rows:])
        slope, weight = won - n_games * chance, n_games * chance * (1 - chance)
        gradient = np.concatenate([slope.sum(axis=-1), -slope.sum(axis=-2)], axis=-1)
        # All ratings may shift together: a one everywhere keeps their sum, and the matrix regular.
        hessian = np.ones((*won.shape[:-2], n, n))
        hessian[..., :n_rows, n_rows:] -= weight
        hessian[..., n_rows:, :n_rows] -= np.swapaxes(weight, -1, -2)
        hessian[..., range(n), range(n)] += np.concatenate([weight.sum(axis=-1), weight.sum(axis=-2)], axis=-1) + SAME
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        ratings = np.clip(ratings + np.clip(step, -2, 2), -2 * FARTHEST / SCALE, 2 * FARTHEST / SCALE)
        if np.abs(step).max() < SAME:
            break
    ratings = (ratings - ratings.mean(axis=-1, keepdims=True)) * SCALE
    return np.where(np.abs(ratings).max(axis=-1, keepdims=True) > FARTHEST, np.nan, ratings)


def _is_connected(n_games: Array) -> bool:
    """Whether games join all rows and columns."""
    rows, columns = np.zeros(n_games.shape[0], dtype=bool), np.zeros(n_games.shape[1], dtype=bool)
    rows[0] = True
    for _ in range(sum(n_games.shape)):
        columns |= (n_games[rows] > 0).any(axis=0)
        rows |= (n_games[:, columns] > 0).any(axis=1)
    return bool(rows.all() and columns.all())


class DomainForm(StrEnum):
    """Form of domain Elo over general Elo."""

    LINE = "line"
    FLOOR = "floor, then a line"
    CEILING = "line, then a ceiling"
    BOTH = "floor, line, ceiling"


@dataclass(frozen=True, slots=True)
class DomainElo:
    """Elo in a domain as a function of general Elo: intercept + slope × general, general held between two ends.

    Attributes:
        form: The form with the lowest AIC.
        slope: Domain points per general point, between the ends.
        intercept: Value of the line at 0.
        floor: General Elo below which the line is flat; -infinity without a floor.
        ceiling: General Elo above which it is flat; infinity without a ceiling.
        aic: AIC by form.
    """

    form: DomainForm
    slope: float
    intercept: float
    floor: float
    ceiling: float
    aic: dict[DomainForm, float]


def domain_elo(general: ArrayLike, domain: ArrayLike, errors: ArrayLike, *, grid: int = 41) -> DomainElo:
    """Return domain Elo as a piecewise line over general Elo, its form chosen by the lowest AIC.

    Args:
        general: (model,) general Elo, three different values or more.
        domain: (model,) Elo in the domain.
        errors: (model,) standard errors of the domain Elo, above 0.
        grid: Places tried for each end.

    Raises:
        ValueError: Shapes differ, an error is not above 0, or there are fewer than three values of general Elo.

    Example:
        >>> general = np.arange(1000.0, 1400, 40)
        >>> domain_elo(general, np.minimum(general, 1200.0), np.full(10, 5.0)).form.value
        'line, then a ceiling'
    """
    x, y, sd = (real_array(item, name) for item, name in ((general, "general"), (domain, "domain"), (errors, "errors")))
    if not x.shape == y.shape == sd.shape or x.ndim != 1 or len(np.unique(x)) < 3 or not (sd > 0).all():
        raise ValueError(f"shapes {x.shape}, {y.shape}, {sd.shape}; needed: (model,), 3 or more, errors above 0")
    places = np.linspace(x.min(), x.max(), whole(grid, "grid", least=3)).tolist()
    ends = {
        DomainForm.LINE: [(-np.inf, np.inf)],
        DomainForm.FLOOR: [(low, np.inf) for low in places[:-1]],
        DomainForm.CEILING: [(-np.inf, high) for high in places[1:]],
        DomainForm.BOTH: [(low, high) for low in places[:-1] for high in places[1:] if low < high],
    }
    fits = {
        form: min((_line(x, y, sd, *pair) for pair in pairs), key=lambda fit: fit[0]) for form, pairs in ends.items()
    }
    n_parameters = {DomainForm.LINE: 2, DomainForm.FLOOR: 3, DomainForm.CEILING: 3, DomainForm.BOTH: 4}
    aic = {form: fit[0] + 2 * n_parameters[form] for form, fit in fits.items()}
    form = min(aic, key=lambda item: aic[item])
    _, slope, intercept, low, high = fits[form]
    return DomainElo(form, slope, intercept, low, high, aic)


def _line(x: Array, y: Array, sd: Array, low: float, high: float) -> tuple[float, float, float, float, float]:
    """Weighted sum of squares, slope, intercept and ends of the line with these ends."""
    design = np.stack([np.clip(x, low, high), np.ones_like(x)], axis=1) / sd[:, None]
    (slope, intercept), *_ = np.linalg.lstsq(design, y / sd, rcond=None)
    residual = y / sd - design @ np.array([slope, intercept])
    return float((residual**2).sum()), float(slope), float(intercept), low, high


@dataclass(frozen=True, slots=True)
class NestedOversight:
    """Chance that nested oversight holds over a gap.

    Attributes:
        chance: Chance that every step holds, with the best number of steps.
        steps: That number.
        gap: The gap in general Elo.
    """

    chance: float
    steps: int
    gap: float


def nested_oversight(
    overseer: tuple[float, float], overseen: tuple[float, float], *, start: float, gap: float
) -> NestedOversight:
    """Return the chance that oversight in up to twenty equal steps holds over a gap of general Elo.

    Args:
        overseer: Slope and intercept of the overseer's domain Elo over general Elo.
        overseen: Slope and intercept of the domain Elo of what it oversees.
        start: General Elo of the first overseer.
        gap: General Elo from there to the last that is overseen.

    Example:
        >>> mafia = nested_oversight((1.5305382, -622.93175), (0.83441546, 173.22061), start=1103, gap=400)
        >>> round(mafia.chance, 4), mafia.steps
        (0.1106, 1)
    """
    first, distance = real(start, "start"), real(gap, "gap")
    best = NestedOversight(0.0, 1, distance)
    for n in range(1, MOST_STEPS + 1):
        places = np.linspace(first, first + distance, n + 1)
        guards = overseer[0] * places[:-1] + overseer[1]
        others = overseen[0] * places[1:] + overseen[1]
        chance = float(elo_win_chance(guards, others).prod())
        if chance > best.chance:
            best = NestedOversight(chance, n, distance)
    return best
