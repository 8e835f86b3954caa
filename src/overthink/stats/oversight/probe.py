"""A probe of activations against a text monitor: what a linear reader sees that a reader of the words does not.

Standardise, then ridge logistic regression. Everything is grouped by question: the folds, and within each those that
choose the penalty and the layer, so that no question is on both sides. Scores of different folds have different scales;
AUROC is taken within folds, then averaged. The interval is for the probe as trained, on fresh questions. Baselines go
through the same function with other features: the prompt alone, length, a bag of words, a random direction, and labels
shuffled by question, which must come out at chance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.arrays import Array
from overthink.data.parameters import generator, real_array, whole
from overthink.data.phrases import Reason
from overthink.stats.bootstrap import SAME
from overthink.stats.oversight.scores import UNKNOWN, IntervalEstimate, binary, confidence

PENALTIES = (1e-2, 1.0, 1e2, 1e4)
"""Ridge penalties to choose from, on standardised features."""

INNER_FOLDS = 3
WITHIN = "AUROC within folds, averaged; questions as clusters"

ONE_CLASS = Reason("a fold has labels of one class alone; needed: both classes in questions of every fold")
FEW = Reason("a fold has a class in fewer than two questions: the spread between questions is unknown")


@dataclass(frozen=True, slots=True, eq=False)
class ProbeScores:
    """Scores of traces by a probe that never saw their question.

    Attributes:
        scores: (trace,) log-odds, on the scale of the trace's fold; NaN where the fold could not be trained.
        folds: (trace,) number of the fold.
        layers: Layer chosen in each fold.
        penalties: Penalty chosen in each fold.
        reason: Why scores are missing; None where none is.
        noise: (trace,) share of the scores' variance in the trace's fold that comes from noise in the training.
    """

    scores: Array
    folds: NDArray[np.int64]
    layers: tuple[int, ...]
    penalties: tuple[float, ...]
    reason: str | None
    noise: Array


def probe_scores(
    features: ArrayLike, labels: ArrayLike, questions: ArrayLike, *, folds: int = 5, rng: np.random.Generator
) -> ProbeScores:
    """Return scores of all traces by probes that were trained without their questions.

    Args:
        features: (trace, layer, feature), finite; the layer and the penalty are chosen inside each fold.
        labels: (trace,) 1 for the behaviour, else 0.
        questions: (trace,) question of each trace.
        folds: Number of folds, at least 2.
        rng: Source of randomness: which question is in which fold.

    Raises:
        ValueError: Shapes do not fit, a feature is not finite, or a label is unknown.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = np.arange(60) % 2
        >>> features = rng.normal(size=(60, 2, 5))
        >>> features[:, 1, 0] += 3 * labels
        >>> probe_scores(features, labels, np.arange(60), folds=3, rng=rng).layers
        (1, 1, 1)
    """
    table, truth, question = _arrays(features, labels, questions)
    number, n_folds = _folds(question, whole(folds, "folds", least=2), generator(rng))
    scores, noise, layers, penalties = np.full(len(truth), np.nan), np.zeros(len(truth)), [], []
    for fold in range(n_folds):
        inside = number != fold
        if _is_one_class(truth[inside]) or _is_one_class(truth[~inside]):
            return ProbeScores(np.full(len(truth), np.nan), number, (), (), ONE_CLASS, np.zeros(len(truth)))
        layer, penalty = _choice(table[inside], truth[inside], question[inside], rng)
        scores[~inside] = ridge_logistic(table[inside, layer], truth[inside], table[~inside, layer], (penalty,))[0]
        noise[~inside] = training_noise(table[inside, layer], truth[inside], question[inside], penalty)
        layers.append(layer)
        penalties.append(penalty)
    return ProbeScores(scores, number, tuple(layers), tuple(penalties), None, noise)


@dataclass(frozen=True, slots=True)
class FoldAuroc(IntervalEstimate):
    """AUROC within folds, or a difference of two.

    Attributes:
        p: Two-sided p-value of chance, or of no difference.
        n_questions: Questions.
    """

    p: float
    n_questions: int


def fold_auroc(
    scores: ArrayLike,
    labels: ArrayLike,
    questions: ArrayLike,
    folds: ArrayLike,
    *,
    noise: ArrayLike = 0.0,
    level: float = 0.95,
) -> FoldAuroc:
    """Return the AUROC of scores within folds, averaged, with an interval for the probes as trained.

    Args:
        scores: (trace,) from :func:`probe_scores`, or of a monitor.
        labels: (trace,) 1 for the behaviour, else 0.
        questions: (trace,) question of each trace.
        folds: (trace,) fold of each trace; all 0 for one.
        noise: (trace,) of the same probes, or one for all; 0 for scores that no training on these labels made.
        level: Confidence level.

    Example:
        >>> labels = np.arange(40) % 2
        >>> found = fold_auroc(labels + np.arange(40) / 30, labels, np.arange(40), np.zeros(40))
        >>> round(found.estimate, 2), found.low > 0.5
        (0.97, True)
    """
    return _contrast([(real_array(scores, "scores"), noise)], labels, questions, folds, level, 0.5)


def probe_minus_text(
    probe: ArrayLike,
    text: ArrayLike,
    labels: ArrayLike,
    questions: ArrayLike,
    folds: ArrayLike,
    *,
    noise: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    level: float = 0.95,
) -> FoldAuroc:
    """Return the AUROC of a probe minus that of a text monitor on the same traces, within folds and paired.

    Args:
        probe: (trace,) scores of the probe.
        text: (trace,) scores of the monitor, or of another probe with the same folds.
        labels: As of :func:`fold_auroc`.
        questions: Likewise.
        folds: Likewise.
        noise: Likewise, of the probe and of the other; that of a monitor is 0.
        level: Confidence level.

    Example:
        >>> labels, blind = np.arange(80) % 2, np.random.default_rng(0).random(80)
        >>> found = probe_minus_text(labels + blind, blind, labels, np.arange(80), np.arange(80) // 40)
        >>> found.low > 0
        True
    """
    sides = [(real_array(probe, "probe"), noise[0]), (real_array(text, "text"), noise[1])]
    return _contrast(sides, labels, questions, folds, level, 0.0)


def _contrast(
    sides: list[tuple[Array, ArrayLike]],
    labels: ArrayLike,
    questions: ArrayLike,
    folds: ArrayLike,
    level: float,
    null: float,
) -> FoldAuroc:
    level, truth = confidence(level), binary(labels, "labels", ndim=1)
    question = np.unique(np.asarray(questions), return_inverse=True)[1]
    number = np.asarray(folds)
    scores = [side for side, _ in sides]
    shares = [np.broadcast_to(real_array(noise, "noise"), truth.shape) for _, noise in sides]
    if len({len(side) for side in (*scores, truth, question, number)}) > 1 or np.isnan(truth).any():
        raise ValueError("needed: a score, a label of 0 or 1, a question and a fold for every trace")
    if any(np.isnan(side).any() for side in scores):
        raise ValueError("a score is NaN; needed: a score of every trace, or none of any")
    n, names = int(question.max(initial=-1)) + 1, np.unique(number)
    parts, estimate = np.zeros(n), 0.0
    learning, fewest = np.zeros((len(sides), n)), n
    for fold in names:
        inside = number == fold
        if _is_one_class(truth[inside]):
            return FoldAuroc(UNKNOWN, UNKNOWN, UNKNOWN, "none", ONE_CLASS, UNKNOWN, n)
        # Questions of the class with fewer: a variance over so few clusters comes out too small by this.
        few = min(len(np.unique(question[inside & (truth == item)])) for item in (0, 1))
        fewest = min(fewest, few)
        for index, (side, share) in enumerate(zip(scores, shares, strict=True)):
            sign = 1 - 2 * index
            area, influence = _influence(side[inside], truth[inside] == 1)
            estimate += sign * area / len(names)
            influence = influence * (1.0 if few < 2 else np.sqrt(few / (few - 1))) / len(names)
            np.add.at(parts, question[inside], sign * influence)
            np.add.at(learning[index], question[inside], np.sqrt(share[inside]) * influence)
    if fewest < 2:
        return FoldAuroc(estimate, UNKNOWN, UNKNOWN, "none", FEW, UNKNOWN, n)
    error = float(np.sqrt((parts**2).sum() + (learning**2).sum()))
    freedom = max(n - 2 * len(names), 1)  # of each fold, a mean of either class
    return _with_ends(FoldAuroc(estimate, UNKNOWN, UNKNOWN, WITHIN, None, UNKNOWN, n), error, freedom, level, null)


def _with_ends(found: FoldAuroc, error: float, freedom: int, level: float, null: float) -> FoldAuroc:
    """Return an estimate with its interval and the p-value of a null: .5 for an AUROC, 0 for a difference of two."""
    estimate, n = found.estimate, found.n_questions
    quantile = float(special.stdtrit(freedom, (1 + level) / 2))
    lowest = 2 * null - 1  # the range is symmetrical about the null
    if error <= SAME:  # nothing came out otherwise in any question: at most this share of comparisons may
        share = 1 - ((1 - level) / 2) ** (2 / n)
        ends = estimate - share * (estimate - lowest), estimate + share * (1 - estimate)
        return FoldAuroc(
            estimate, *ends, "exact, no comparison differs", None, 1.0 if estimate == null else 0.5 ** (n // 2), n
        )
    p = float(2 * special.stdtr(freedom, -abs(estimate - null) / error))
    ends = max(estimate - quantile * error, lowest), min(estimate + quantile * error, 1.0)
    return FoldAuroc(estimate, *ends, WITHIN, None, p, n)


def _influence(scores: Array, is_bad: NDArray[np.bool_]) -> tuple[float, Array]:
    """AUROC, and what each trace adds to its deviation."""
    bad, good = scores[is_bad], np.sort(scores[~is_bad])
    above = (np.searchsorted(good, bad, "left") + np.searchsorted(good, bad, "right")) / (2 * len(good))
    area = float(above.mean())
    ascending = np.sort(bad)
    below = (
        np.searchsorted(ascending, scores[~is_bad], "left") + np.searchsorted(ascending, scores[~is_bad], "right")
    ) / 2
    influence = np.empty(len(scores))
    influence[is_bad] = (above - area) / len(bad)
    influence[~is_bad] = (1 - below / len(bad) - area) / len(good)
    return area, influence


def _arrays(features: ArrayLike, labels: ArrayLike, questions: ArrayLike) -> tuple[Array, Array, NDArray[np.int64]]:
    table, truth = real_array(features, "features"), binary(labels, "labels", ndim=1)
    question = np.unique(np.asarray(questions), return_inverse=True)[1].astype(np.int64)
    if table.ndim != 3 or not len(table) == len(truth) == len(question):
        raise ValueError(f"features have shape {table.shape}, labels {truth.shape}; needed: (trace, layer, feature)")
    if not np.isfinite(table).all() or np.isnan(truth).any():
        raise ValueError("a feature is not finite or a label is NaN; needed: both known of every trace")
    return table, truth, question


def _folds(question: NDArray[np.int64], folds: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], int]:
    """Fold of every trace, whole questions, and the number of folds."""
    n = int(question.max()) + 1
    n_folds = min(folds, n)
    return (rng.permutation(n) % n_folds)[question], n_folds


def _choice(table: Array, truth: Array, question: NDArray[np.int64], rng: np.random.Generator) -> tuple[int, float]:
    """Layer and penalty with the best mean AUROC over inner folds of questions; the strongest penalty among equals."""
    number, n_folds = _folds(np.unique(question, return_inverse=True)[1].astype(np.int64), INNER_FOLDS, rng)
    totals = np.zeros((table.shape[1], len(PENALTIES)))
    for fold in range(n_folds):
        inside = number != fold
        if _is_one_class(truth[inside]) or _is_one_class(truth[~inside]):
            continue
        for layer in range(table.shape[1]):
            scores = ridge_logistic(table[inside, layer], truth[inside], table[~inside, layer], PENALTIES)
            totals[layer] += [_influence(item, truth[~inside] == 1)[0] for item in scores]
    best, reverse = np.unravel_index(np.argmax(totals[:, ::-1]), totals.shape)
    return int(best), PENALTIES[::-1][int(reverse)]


def ridge_logistic(train: Array, truth: Array, test: Array, penalties: tuple[float, ...]) -> list[Array]:
    """Return log-odds of the test traces by ridge logistic regression on the train traces, one array per penalty.

    Args:
        train: (trace, feature) features to standardise and to learn from.
        truth: (trace,) their labels.
        test: (trace, feature) features to score.
        penalties: Ridge penalties on standardised features; the intercept is free.
    """
    mean, sd = train.mean(axis=0), train.std(axis=0)
    sd = np.where(sd > SAME, sd, 1.0)
    x, new = (np.column_stack([(item - mean) / sd, np.ones(len(item))]) for item in (train, test))
    return [new @ _fit(x, truth, penalty)[0] for penalty in penalties]


def training_noise(train: Array, truth: Array, questions: ArrayLike, penalty: float) -> float:
    """Return the share of the variance of a probe's scores that comes from noise in what it was trained on.

    1 where nothing but noise was learned, near 0 where the direction is certain. Two folds lie in each other's
    training: the part of their AUROC that rests on noise is the same for both, so that its variance counts twice.

    Args:
        train: (trace, feature) features.
        truth: (trace,) their labels.
        questions: (trace,) question of each.
        penalty: Ridge penalty.
    """
    sd = train.std(axis=0)
    x = np.column_stack([(train - train.mean(axis=0)) / np.where(sd > SAME, sd, 1.0), np.ones(len(train))])
    weights, chance, curvature = _fit(x, truth, penalty)
    question = np.unique(np.asarray(questions), return_inverse=True)[1]
    gradients = np.zeros((int(question.max()) + 1, x.shape[1]))
    np.add.at(gradients, question, x * (truth - chance)[:, None])
    spread = np.linalg.solve(curvature, gradients.T)[:-1]
    centred = x[:, :-1] - np.where(
        truth[:, None] == 1, x[truth == 1, :-1].mean(axis=0), x[truth == 0, :-1].mean(axis=0)
    )
    variance = float(((centred @ weights[:-1]) ** 2).sum())
    noise = float(((centred @ spread) ** 2).sum())
    return min(noise / variance, 1.0) if variance > SAME else 1.0


def _fit(x: Array, truth: Array, penalty: float) -> tuple[Array, Array, Array]:
    """Weights of a ridge logistic regression with the intercept last, chances, and the curvature of the loss."""
    ridge = np.full(x.shape[1], penalty)
    ridge[-1] = SAME  # the intercept is free
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        chance = special.expit(x @ weights)
        gradient = x.T @ (truth - chance) - ridge * weights
        curvature = (x.T * (chance * (1 - chance) + SAME)) @ x + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights, chance, curvature


def _is_one_class(truth: Array) -> bool:
    return len(truth) == 0 or bool((truth == truth[0]).all())


@dataclass(frozen=True, slots=True)
class CascadePoint:
    """A cascade that sends a share of the traces on to the text monitor.

    Attributes:
        share: Share of traces sent on.
        auroc: AUROC of the cascade.
        tokens: Monitor tokens per trace.
    """

    share: float
    auroc: float
    tokens: float


def cascade_curve(
    probe: ArrayLike, text: ArrayLike, labels: ArrayLike, tokens: ArrayLike, *, threshold: float
) -> tuple[CascadePoint, ...]:
    """Return AUROC against monitor tokens where the traces nearest the probe's threshold go on to a text monitor.

    Traces that are not sent on keep the probe's order. Those that are lie between them, in the monitor's order: no
    scale is shared.

    Args:
        probe: (trace,) scores of the probe.
        text: (trace,) scores of the monitor.
        labels: (trace,) 1 for the behaviour, else 0.
        tokens: (trace,) tokens that the monitor takes for each.
        threshold: Score of the probe that is least certain.

    Returns:
        Points at shares 0, .1, … 1. Empty with labels of one class.

    Example:
        >>> labels = np.arange(20) % 2
        >>> curve = cascade_curve(np.zeros(20), labels, labels, np.full(20, 100), threshold=0)
        >>> curve[0].auroc, curve[-1].auroc, curve[-1].tokens
        (0.5, 1.0, 100.0)
    """
    sides = [real_array(item, name) for item, name in ((probe, "probe"), (text, "text"), (tokens, "tokens"))]
    truth = binary(labels, "labels", ndim=1)
    if len({len(side) for side in (*sides, truth)}) > 1 or any(np.isnan(side).any() for side in (*sides, truth)):
        raise ValueError("needed: scores, a label of 0 or 1, and tokens of every trace")
    if _is_one_class(truth):
        return ()
    nearest = np.argsort(np.abs(sides[0] - threshold), kind="stable")
    points = []
    for share in np.arange(11) / 10:
        sent = np.zeros(len(truth), dtype=bool)
        sent[nearest[: round(share * len(truth))]] = True
        side = np.where(sent, 0, np.where(sides[0] > threshold, 1, -1))
        within = np.where(sent, sides[1], sides[0])
        order = np.unique(np.stack([side, within], axis=1), axis=0, return_inverse=True)[1].ravel()
        area = _influence(order.astype(np.float64), truth == 1)[0]
        points.append(CascadePoint(float(share), area, float((sides[2] * sent).mean())))
    return tuple(points)
