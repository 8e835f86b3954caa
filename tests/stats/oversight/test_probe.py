"""Probes: against a likelihood by another optimiser, no question on both sides, placebos at chance."""

import math

import numpy as np
import pytest
from scipy import optimize, special

from overthink.stats.oversight.auroc import auroc, auroc_difference
from overthink.stats.oversight.probe import cascade_curve, fold_auroc, probe_minus_text, probe_scores, ridge_logistic
from overthink.stats.oversight.scores import shuffled_by_question

RNG = np.random.default_rng
QUESTIONS, DRAWS = 60, 2


def traces(signal: float, seed: int = 0, layers: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of which one, in the last layer, has the signal; half of the questions behave."""
    rng = RNG(seed)
    question = np.repeat(np.arange(QUESTIONS), DRAWS)
    labels = (question % 2).astype(float)
    features = rng.normal(size=(len(question), layers, 6)) + 0.5 * rng.normal(size=(QUESTIONS, layers, 6))[question]
    features[:, -1, 0] += signal * labels
    return features, labels, question


def test_the_fit_has_the_largest_penalised_likelihood() -> None:
    features, labels, _ = traces(1.0)
    x = features[:, 1]
    z = (x - x.mean(axis=0)) / x.std(axis=0)

    def loss(weights: np.ndarray) -> float:
        return float(
            np.logaddexp(0, -(2 * labels - 1) * (z @ weights[:-1] + weights[-1])).sum()
            + 0.5 * (weights[:-1] ** 2).sum()
        )

    best = optimize.minimize(loss, np.zeros(7), method="BFGS", options={"gtol": 1e-7}).x
    assert ridge_logistic(x, labels, x, (1.0,))[0] == pytest.approx(z @ best[:-1] + best[-1], abs=1e-3)


def test_the_layer_with_the_signal_is_chosen_inside_the_folds_and_no_question_is_on_both_sides() -> None:
    features, labels, question = traces(2.0)
    found = probe_scores(features, labels, question, folds=4, rng=RNG(1))
    assert found.layers == (1,) * 4
    assert all(len({*found.folds[question == each]}) == 1 for each in range(QUESTIONS))
    area = fold_auroc(found.scores, labels, question, found.folds)
    assert area.estimate == pytest.approx(special.ndtr(2 / math.sqrt(2 * 1.25)), abs=0.08)
    assert area.low > 0.5


def test_a_probe_that_remembers_its_questions_gains_nothing_by_it() -> None:
    """A feature per question tells everything about questions seen, and nothing about others."""
    question = np.repeat(np.arange(40), 3)
    labels = RNG(2).permutation(np.arange(40) % 2)[question].astype(float)
    found = probe_scores(np.eye(40)[question][:, None], labels, question, rng=RNG(3))
    assert fold_auroc(found.scores, labels, question, found.folds).estimate == pytest.approx(0.5, abs=0.1)


def test_labels_shuffled_by_question_keep_their_questions_whole() -> None:
    _, labels, question = traces(0.0)
    mixed = shuffled_by_question(labels, question, rng=RNG(4))
    assert mixed.sum() == labels.sum()
    assert not (mixed == labels).all()
    assert (mixed.reshape(QUESTIONS, DRAWS).std(axis=1) == 0).all()


def test_one_fold_is_the_auroc_with_questions_as_clusters() -> None:
    features, labels, question = traces(1.0)
    scores, other, one = features[:, 1, 0], features[:, 1, 0] + features[:, 0, 0], np.zeros(len(labels))
    bad = labels == 1
    whole = auroc(scores[~bad], scores[bad], clusters=(question[~bad], question[bad]))
    within = fold_auroc(scores, labels, question, one)
    assert within.estimate == pytest.approx(whole.estimate)
    assert within.high - within.low == pytest.approx(whole.high - whole.low, rel=0.1)
    sides = [(side[~bad], side[bad]) for side in (scores, other)]
    paired = auroc_difference(*sides, clusters=(question[~bad], question[bad]))
    difference = probe_minus_text(scores, other, labels, question, one)
    assert difference.estimate == pytest.approx(paired.estimate)
    assert difference.high - difference.low == pytest.approx(paired.high - paired.low, rel=0.1)


def test_scales_of_folds_do_not_mix() -> None:
    _, labels, question = traces(0.0)
    folds = question // 30
    scores = labels + 100 * folds
    assert fold_auroc(scores, labels, question, folds).estimate == 1.0


def test_a_reader_that_sees_all_keeps_a_width() -> None:
    _, labels, question = traces(0.0)
    found = fold_auroc(labels, labels, question, np.zeros(len(labels)))
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert 0.8 < found.low < 1


def test_one_class_and_unknown_features_are_named() -> None:
    features, labels, question = traces(1.0)
    alone = probe_scores(features, labels * 0, question, rng=RNG(5))
    assert np.isnan(alone.scores).all()
    assert "one class alone" in str(alone.reason)
    assert "one class alone" in str(fold_auroc(labels, labels * 0, question, labels * 0).reason)
    with pytest.raises(ValueError, match="not finite"):
        probe_scores(features * np.nan, labels, question, rng=RNG(5))
    with pytest.raises(ValueError, match="a score is NaN"):
        fold_auroc(labels * np.nan, labels, question, labels * 0)


def test_the_cascade_goes_from_the_probe_to_the_monitor_and_may_beat_both() -> None:
    rng = RNG(6)
    labels = np.arange(400) % 2
    probe, text = labels + rng.normal(size=400), labels + rng.normal(size=400)
    curve = cascade_curve(probe, text, labels, np.full(400, 50.0), threshold=0.5)
    bad = labels == 1
    assert curve[0].auroc == pytest.approx(auroc(probe[~bad], probe[bad]).estimate)
    assert curve[-1].auroc == pytest.approx(auroc(text[~bad], text[bad]).estimate)
    assert [point.tokens for point in curve] == pytest.approx([5.0 * i for i in range(11)])
    assert max(point.auroc for point in curve[1:-1]) > max(curve[0].auroc, curve[-1].auroc)
    assert cascade_curve(probe, text, labels * 0, labels, threshold=0) == ()


def test_what_a_probe_learns_of_noise_counts_twice_and_a_certain_direction_does_not() -> None:
    shares = {}
    for signal in (0.0, 4.0):
        features, labels, question = traces(signal)
        found = probe_scores(features[:, 1:], labels, question, folds=4, rng=RNG(1))
        shares[signal] = float(found.noise.mean())
        plain, wide = (fold_auroc(found.scores, labels, question, found.folds, noise=n) for n in (0.0, found.noise))
        assert plain.estimate == wide.estimate
        assert wide.p >= plain.p
    assert shares[0.0] > 0.5 > 0.3 > shares[4.0]


def test_scores_that_know_nothing_of_labels_shuffled_by_question_are_seldom_called_better() -> None:
    """Thirty questions in five folds: three questions of either class in each, too few for a spread that forgets it."""
    rng, claims, runs = np.random.default_rng(8), 0, 300
    questions, folds = np.repeat(np.arange(30), 4), np.repeat(np.arange(30) % 5, 4)
    for _ in range(runs):
        labels = np.repeat(rng.permutation(np.arange(30) // 5 % 2), 4)
        scores = rng.normal(size=30)[questions] + 0.6 * rng.normal(size=120)
        found = fold_auroc(scores, labels, questions, folds)
        claims += found.p < 0.05
    assert claims / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_a_fold_with_one_question_of_a_class_has_no_interval() -> None:
    labels = np.array([1, 0, 0, 0, 1, 1, 0, 0])
    found = fold_auroc(np.arange(8.0), labels, np.arange(8), np.arange(8) // 4)
    assert np.isfinite(found.estimate)
    assert np.isnan(found.low)
    assert "fewer than two questions" in str(found.reason)
