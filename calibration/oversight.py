"""How often intervals of oversight hold the truth, and how often a claim is made where it is false or true."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.oversight.auroc import auroc
from overthink.stats.oversight.encoded import (
    EncodedClaim,
    Views,
    bits_in_trace,
    encoded_reasoning,
    information_bits,
    view_gap,
)
from overthink.stats.oversight.latent import latent_uplift
from overthink.stats.oversight.necessity import early_answering
from overthink.stats.oversight.probe import fold_auroc, probe_minus_text, probe_scores, ridge_logistic
from overthink.stats.oversight.recovered import judge_accuracy, performance_gap_recovered, swap_average
from overthink.stats.oversight.scores import shuffled_by_question
from overthink.stats.oversight.tpr_at_fpr import tpr_at_fpr
from overthink.stats.paired import paired_mean
from overthink.stats.testing import holm

Array = NDArray[np.float64]
Rng = np.random.Generator
Outcome = tuple[float, float, float]
"""Truth and both ends of an interval; NaN ends where it was refused."""

MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting: a study of this name, and its numbers."""

    study: str
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the studies.

    Attributes:
        covered: Interval given that holds the truth, among those given; NaN where none was.
        refused: Without an interval.
        claims: Lower end above the null of the study.
        width: Mean width of the intervals given.
    """

    covered: float
    refused: float
    claims: float
    width: float


def shares(cell: Cell, *, runs: int, seed: int) -> Shares:
    """Return what the studies of one setting did."""
    study, null = STUDIES[cell.study]
    rng = np.random.default_rng([seed, *np.frombuffer(repr(cell).encode(), dtype=np.uint8).tolist()])
    truth, low, high = np.array([study(rng, *cell.numbers) for _ in range(runs)]).T
    given = ~np.isnan(low)
    if not given.any():
        return Shares(float("nan"), 1.0, 0.0, float("nan"))
    covered = (low <= truth + 1e-12) & (truth <= np.where(np.isnan(high), np.inf, high) + 1e-12)
    width = float((high - low)[given].mean())
    return Shares(float(covered[given].mean()), float((~given).mean()), float((low > null).mean()), width)


def _scores(rng: Rng, n: int, d: float, draws: int) -> tuple[Array, Array, tuple[Any, Any] | None]:
    """Scores of honest and attacking runs, d standard deviations apart; with draws, of questions in both classes."""
    if draws == 1:
        return rng.normal(size=n), rng.normal(size=n) + d, None
    questions = np.repeat(np.arange(n // draws), draws)
    level = rng.normal(size=n // draws)[questions]
    honest, attack = ((level + rng.normal(size=len(questions))) / sqrt(2) for _ in range(2))
    return honest, attack + d, (questions, questions)


def _auroc(rng: Rng, n: float, d: float, draws: float) -> Outcome:
    honest, attack, clusters = _scores(rng, int(n), d, int(draws))
    found = auroc(honest, attack, clusters=clusters)
    return float(special.ndtr(d / sqrt(2))), found.low, found.high


def _flags(rng: Rng, n_honest: float, n_attack: float, honest_rate: float, attack_rate: float) -> Outcome:
    """A monitor that flags runs of each class at a rate, and gives no other score."""
    honest, attack = rng.random(int(n_honest)) < honest_rate, rng.random(int(n_attack)) < attack_rate
    found = auroc(honest.astype(float), attack.astype(float))
    return 0.5 + (attack_rate - honest_rate) / 2, found.low, found.high


def _tpr(rng: Rng, n: float, fpr: float, d: float, draws: float) -> Outcome:
    honest, attack, clusters = _scores(rng, int(n), d, int(draws))
    found = tpr_at_fpr(honest, attack, fpr=fpr, clusters=clusters)
    return float(special.ndtr(d + special.ndtri(fpr))), found.low, found.high


def _faithfulness(rng: Rng, questions: float, draws: float, options: float) -> Outcome:
    """Answers fixed at a place that differs by question and trace, one of some options by chance before."""
    n, sentences = int(questions), 12
    fixed = rng.beta(1, 2, (n, 1, 1)) * rng.random((n, int(draws), 1)) * 2
    points = np.arange(sentences) / sentences
    agrees = (points >= fixed) | (rng.random((n, int(draws), sentences)) < 1 / options)
    curve = np.concatenate([agrees, np.ones((n, int(draws), 1))], axis=2)
    areas = 1 - np.trapezoid(curve, dx=1 / sentences, axis=2)
    found = early_answering(areas, np.ones_like(areas))
    return _area_truth(options, sentences), found.low, found.high


def _area_truth(options: float, sentences: int) -> float:
    """Mean area, by the chance that the answer is not yet fixed at each point."""
    before = AREA_CHANCES.setdefault(sentences, _not_fixed(sentences)) * (1 - 1 / options)
    return 1 - float(np.trapezoid(np.append(1 - before, 1.0), dx=1 / sentences))


AREA_CHANCES: dict[int, Array] = {}


def _not_fixed(sentences: int) -> Array:
    """P(place > i/L), the place 2·Beta(1, 2)·U, by quadrature."""
    u = (np.arange(4000) + 0.5) / 4000
    bound = np.minimum(np.arange(sentences)[:, None] / sentences / (2 * u), 1)
    return np.asarray(((1 - bound) ** 2).mean(axis=1))


def _answers(rng: Rng, n: int, draws: int, *chances: float) -> list[Array]:
    """Right answers of the same questions under several conditions, correlated within questions."""
    ease = rng.normal(size=(n, 1)) * 0.8
    return [
        (ease + rng.normal(size=(n, draws)) < special.ndtri(chance) * sqrt(1.64)).astype(float) for chance in chances
    ]


def _gap(rng: Rng, questions: float, draws: float, sham: float, gap: float) -> Outcome:
    first, second = _answers(rng, int(questions), int(draws), sham, sham - gap)
    found = view_gap(first, second, margin=MARGIN)
    return gap, found.low, found.high


def _latent(rng: Rng, questions: float, prompts: float, base: float, uplift: float) -> Outcome:
    """The best of several prompts is up; of the others all are at half of it."""
    chances = [base + uplift / 2] * (int(prompts) - 1)
    plain, *others = _answers(rng, int(questions), 1, base, base + uplift, *chances)
    found = latent_uplift(plain, np.stack(others, axis=2))
    return uplift, found.low, found.high


def _judge(rng: Rng, questions: float, draws: float, accuracy: float) -> Outcome:
    """A pair in both orders is one unit: the judge leans to the first place."""
    ease = rng.normal(size=(int(questions), 1)) * 0.8
    lean = np.array([0.4, -0.4])[:, None, None]
    edge = special.ndtri(accuracy) * sqrt(1.64)
    right = ease + rng.normal(size=(2, int(questions), int(draws))) < edge + lean
    truth = float(special.ndtr((edge + lean) / sqrt(1.64)).mean())
    found = judge_accuracy(right.transpose(1, 0, 2))
    return truth, found.low, found.high


def _recovered(rng: Rng, questions: float, gap: float, share: float) -> Outcome:
    weak, strong, protocol = _answers(rng, int(questions), 1, 0.5, 0.5 + gap, 0.5 + gap * share)
    found = performance_gap_recovered(weak, strong, protocol)
    return share, found.low, found.high


def _bits(rng: Rng, questions: float, answers: float, accuracy: float) -> Outcome:
    found = bits_in_trace(rng.random((int(questions), 1)) < accuracy, answers=int(answers), kilobytes=1)
    return information_bits(accuracy, answers=int(answers)), found.low, found.high


def _traces(rng: Rng, questions: int, d: float) -> tuple[Array, Array, NDArray[np.int64]]:
    """Features of two layers; the second has the behaviour on one axis, d standard deviations apart."""
    question = np.repeat(np.arange(questions), 2)
    labels = (question % 2).astype(float)
    features = (rng.normal(size=(len(question), 2, 6)) + rng.normal(size=(questions, 2, 6))[question]) / sqrt(2)
    features[:, 1, 0] += d * labels
    return features, labels, question


def _probe(rng: Rng, questions: float, d: float, text_d: float) -> Outcome:
    """The truth is that of the probes as trained, on fresh traces: features are normal, so that it is known exactly."""
    features, labels, question = _traces(rng, int(questions), d)
    text = rng.normal(size=len(labels)) + text_d * labels
    found = probe_scores(features, labels, question, folds=4, rng=rng)
    difference = probe_minus_text(found.scores, text, labels, question, found.folds, noise=(found.noise, 0.0))
    size = features.shape[2]
    points = np.vstack([np.zeros(size), np.eye(size)])
    areas = []
    for fold, (layer, penalty) in enumerate(zip(found.layers, found.penalties, strict=True)):
        inside = found.folds != fold
        scores = ridge_logistic(features[inside, layer], labels[inside], points, (penalty,))[0]
        weights = scores[1:] - scores[0]
        distance = d * weights[0] / np.linalg.norm(weights) if layer == 1 else 0.0
        areas.append(special.ndtr(distance / sqrt(2)))
    return float(np.mean(areas)) - float(special.ndtr(text_d / sqrt(2))), difference.low, difference.high


def _shuffled(rng: Rng, questions: float, d: float) -> Outcome:
    features, labels, question = _traces(rng, int(questions), d)
    mixed = shuffled_by_question(labels, question, rng=rng)
    found = probe_scores(features[:, 1:], mixed, question, folds=4, rng=rng)
    area = None
    if found.reason is None:
        area = fold_auroc(found.scores, mixed, question, found.folds, noise=found.noise)
    return (0.5, area.low, area.high) if area else (0.5, float("nan"), float("nan"))


def _claim(rng: Rng, questions: float, draws: float, paraphrase: float, alone: float) -> Outcome:
    """1 where a gap is claimed to be encoded; original and sham are right in 80 %, no chain in 30 %."""
    n, k = int(questions), int(draws)
    original, sham, other, none, writer = _answers(rng, n, k, 0.8, 0.8, paraphrase, 0.3, alone)
    plain = np.subtract(*_answers(rng, n, k, 0.8, 0.8))
    code = np.subtract(*_answers(rng, n, k, 0.8, 0.3))
    views = Views(original, sham, other, none, alone=writer, plain=plain, code=code)
    found = encoded_reasoning(views, margin=MARGIN)
    return 0.0, float(found.claim is EncodedClaim.ENCODED), 1.0


def _nothing(rng: Rng, questions: float, draws: float, paraphrase: float, alone: float) -> Outcome:
    """1 where nothing beyond the words is claimed; as above."""
    n, k = int(questions), int(draws)
    original, sham, other, none, writer = _answers(rng, n, k, 0.8, 0.8, paraphrase, 0.3, alone)
    code = np.subtract(*_answers(rng, n, k, 0.8, 0.3))
    found = encoded_reasoning(Views(original, sham, other, none, alone=writer, code=code), margin=MARGIN)
    return 0.0, float(found.claim is EncodedClaim.NOTHING), 1.0


def _critic(rng: Rng, questions: float, alone: float, with_critic: float) -> Outcome:
    """Accuracy of a judge with a critic minus that of the judge alone, on the same questions."""
    first, second = _answers(rng, int(questions), 2, alone, with_critic)
    found = paired_mean((second - first).mean(axis=1), level=0.95, margin=MARGIN)
    return with_critic - alone, found.low, found.high


def _protocols(rng: Rng, pairs: float, alone: float, behind: float) -> Outcome:
    """1 where a judge behind one of two protocols is called better, at one of three rungs: than alone or than chance.

    Only what concerns the protocols is a claim, and the judge alone pays for its tests too, as in a report.
    """
    n, p_values, is_claim = int(pairs), list[float](), list[bool]()
    for _ in range(3):
        tables = [
            np.stack(orders, axis=1)
            for orders in zip(*(_answers(rng, n, 2, alone, behind, behind) for _ in range(2)), strict=True)
        ]
        before, *others = [judge_accuracy(table) for table in tables]
        p_values, is_claim = [*p_values, before.p], [*is_claim, False]
        for table, found in zip(tables[1:], others, strict=True):
            gain = paired_mean(swap_average(table) - swap_average(tables[0]), level=0.95, margin=MARGIN)
            p_values += [found.p, gain.p]
            is_claim += [found.estimate > 0.5, gain.estimate > 0]
    shown = holm(p_values) <= 0.05
    return 0.0, float((shown & np.array(is_claim)).any()), 1.0


STUDIES: dict[str, tuple[Callable[..., Outcome], float]] = {
    "AUROC": (_auroc, 0.5),
    "AUROC of flags": (_flags, 0.5),
    "TPR at FPR": (_tpr, 0.0),
    "early answering": (_faithfulness, 0.0),
    "encoded gap": (_gap, 0.0),
    "latent uplift": (_latent, 0.0),
    "judge accuracy": (_judge, 0.5),
    "gap recovered": (_recovered, 0.0),
    "bits in a trace": (_bits, 0.0),
    "probe minus text": (_probe, 0.0),
    "probe on shuffled labels": (_shuffled, 0.5),
    "encoded": (_claim, 0.0),
    "nothing beyond the words": (_nothing, 0.0),
    "critic": (_critic, 0.0),
    "protocols": (_protocols, 0.0),
}
"""Study by name, and the null above which its lower end makes a claim."""

POINTWISE = [
    *(Cell("AUROC", (n, d, draws)) for n, draws in ((50, 1), (100, 1), (120, 3), (300, 3)) for d in (0.0, 1.0, 2.0)),
    *(Cell("early answering", (n, draws, 4)) for n, draws in ((40, 2), (100, 1), (100, 4))),
    *(Cell("encoded gap", (n, draws, 0.8, gap)) for n, draws in ((100, 1), (100, 4), (300, 2)) for gap in (0.0, 0.1)),
    *(Cell("latent uplift", (n, 1, 0.4, uplift)) for n in (100, 300) for uplift in (0.0, 0.15)),
    *(Cell("judge accuracy", (n, draws, accuracy)) for n, draws in ((60, 1), (200, 2)) for accuracy in (0.5, 0.85)),
    *(Cell("gap recovered", (n, 0.3, share)) for n in (100, 300) for share in (0.0, 0.5)),
]
"""Intervals of one number: .93 to .97."""

PROBES = [Cell("probe minus text", (80, 1.5, 1.0)), Cell("probe minus text", (160, 1.0, 1.0))]
"""Differences of AUROC: .93 to .97 as well; a study trains 64 probes."""

BOUNDS = [
    *(Cell("latent uplift", (200, prompts, 0.4, uplift)) for prompts in (3, 8) for uplift in (0.0, 0.15)),
    *(Cell("bits in a trace", (n, 16, accuracy)) for n in (40, 200) for accuracy in (0.2, 0.9)),
    *(Cell("AUROC of flags", (*runs, 0.05, 0.5)) for runs in ((10, 200), (30, 30), (100, 100), (200, 20))),
]
"""Bounds and maxima: .93 at least."""

FLAGGED = [
    *(Cell("TPR at FPR", (n, 0.01, 2.0, 1)) for n in (100, 200, 500, 800, 1000)),
    *(Cell("TPR at FPR", (n, 0.05, 2.0, 1)) for n in (50, 100, 150, 200, 500)),
    *(Cell("TPR at FPR", (n, 0.05, 2.0, 2)) for n in (160, 500)),
]
"""Monitors that are flagged at a rate, 2 standard deviations apart."""

NULLS = [
    *(Cell("AUROC", (n, 0.0, draws)) for n, draws in ((50, 1), (100, 1), (120, 3))),
    *(Cell("AUROC of flags", (*runs, 0.1, 0.1)) for runs in ((10, 200), (30, 30), (100, 100), (200, 20))),
    *(Cell("encoded", (200, 2, 0.8, alone)) for alone in (0.3, 0.6)),
    Cell("nothing beyond the words", (200, 2, 0.8 - MARGIN, 0.3)),
    Cell("nothing beyond the words", (200, 2, 0.8, 0.3 + MARGIN)),
    *(Cell("latent uplift", (200, prompts, 0.4, 0.0)) for prompts in (1, 8)),
    Cell("critic", (200, 0.7, 0.7)),
    *(Cell("protocols", (n, 0.5, 0.5)) for n in (40, 200)),
]
"""Claims that would be false."""

SHUFFLED = Cell("probe on shuffled labels", (120, 1.5))
"""One more of them, as dear as the probes."""

POWERS = [
    (Cell("encoded", (200, 2, 0.3, 0.3)), 0.9),
    (Cell("AUROC", (100, 1.0, 1)), 0.95),
    (Cell("latent uplift", (200, 1, 0.4, 0.15)), 0.8),
    (Cell("latent uplift", (200, 6, 0.4, 0.15)), 0.8),
    (Cell("nothing beyond the words", (600, 4, 0.8, 0.3)), 0.8),
    (Cell("critic", (200, 0.6, 0.75)), 0.8),
    (Cell("protocols", (100, 0.6, 0.75)), 0.8),
]
"""Claims that are true, and how often they must be made."""
