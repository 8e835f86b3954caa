"""Drawing until an interval is narrow enough: does the interval hold, and what do draws save that go where it is wide?

    python benchmarks/adaptive.py [--studies 2000] [--part truths|banks|crossings] [--data FOLDER]

Each study is drawn three ways with the same stopping rule: by the rule, evenly, and naively: draws go by the sample
variance of each question's draws, which are plainly averaged (the control that must fail). `truths` and `banks` draw
for a half-width, `crossings` for K*.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overthink.adaptive.stopping import PrecisionTarget, StoppingState, stopping_rule
from overthink.data.arrays import Array
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.verdict_labels import StopLabel
from overthink.data.waves import Waves
from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.curve import question_means
from real_data import real_data

LEVEL = 0.95
POLICIES = ("rule", "even", "naive")

BLANK = from_records(
    [
        RungRecord(
            study="s",
            arm="base",
            axis=Axis.CAPABILITY,
            task="t",
            scorer="s",
            question="",
            draw=0,
            rung=0,
            estimand=Estimand.FORCED,
        )
    ]
)[0]
"""A table of one draw of which nothing is known."""

Chances = Callable[[np.random.Generator, int], Array]
"""Chances of so many questions."""


@dataclass(frozen=True)
class Truth:
    """A population of questions.

    Attributes:
        name: What it is.
        chances: Draws questions from it.
        mean: The mean over it.
    """

    name: str
    chances: Chances
    mean: float


TRUTHS = (
    Truth("flat .3", lambda rng, n: np.full(n, 0.3), 0.3),
    Truth("beta(5, 5)", lambda rng, n: rng.beta(5, 5, n), 0.5),
    Truth("U: beta(.25, .25)", lambda rng, n: rng.beta(0.25, 0.25, n), 0.5),
    Truth("rare: beta(.15, 4.85)", lambda rng, n: rng.beta(0.15, 4.85, n), 0.03),
    Truth("rare in a tenth", lambda rng, n: np.where(rng.random(n) < 0.1, rng.beta(2, 4, n), 0.002), 0.1 / 3 + 0.0018),
)


@dataclass(frozen=True)
class Ended:
    """How one study ended: why, with how many draws, in how many waves, and its interval."""

    stop: str
    draws: int
    waves: int
    estimate: float
    low: float
    high: float

    def covers(self, truth: float) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= truth <= self.high


def drawn(chances: Array, most: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """All draws that a study may ask for, (question, draw)."""
    return rng.random((len(chances), most)) < chances[:, None]


def table_of(outcomes: NDArray[np.bool_], waves: Waves) -> Outcomes:
    """What a study has seen after these waves, as the table of a capability curve with one rung."""
    given = np.arange(outcomes.shape[1]) < waves.draws[:, None]
    cells = {
        field.name: np.full((*outcomes.shape, 1), array.flat[0], dtype=array.dtype)
        for field in fields(BLANK)
        if isinstance(array := getattr(BLANK, field.name), np.ndarray)
    }
    cells |= {"values": np.where(given, outcomes, np.nan)[:, :, None], "observed": given[:, :, None]}
    return replace(BLANK, questions=waves.questions, draws=tuple(range(outcomes.shape[1])), waves=waves, **cells)  # type: ignore[arg-type]


def study(
    outcomes: NDArray[np.bool_], aim: PrecisionTarget, weights: Array, *, first: int, policy: str, seed: int
) -> Ended:
    """Draw one study to its end by one policy."""
    questions = len(outcomes)
    waves = Waves(tuple(f"{i:04}" for i in range(questions)), np.full((1, questions), first))
    while True:
        table = table_of(outcomes, waves)
        now = stopping_rule(table, aim, weights, level=LEVEL, seed=seed)
        if now.stop is not None:
            return _ended(now, table, weights, policy)
        if policy == "even":
            now = replace(now, within_question_variance=np.full(questions, now.within_question_variance.mean()))
        elif policy == "naive":
            seen = np.ma.masked_invalid(table.values[:, :, 0])
            now = replace(now, within_question_variance=seen.var(axis=1, ddof=1).filled(0.0) + 1e-4)
        waves = waves.with_wave(now.next_counts())


def _ended(now: StoppingState, table: Outcomes, weights: Array, policy: str) -> Ended:
    size = (now.stop or "", int(now.waves.counts.sum()), len(now.waves.counts))
    if now.crossing is not None:
        return Ended(*size, now.crossing.estimate, now.crossing.low, now.crossing.high)
    own = question_means(table.values)
    cells = own if policy == "naive" else now.waves.cells(table.values, table.draws)
    found = mean_intervals(cells, weights, level=LEVEL)
    return Ended(*size, *(float(a[0]) for a in (found.estimate, found.low, found.high)))


def half_width_of(truth: Truth, questions: int, draws: int) -> float:
    """The half-width that so many draws of every question give on average."""
    rng = np.random.default_rng(5)
    weights = question_weights(questions, rng=rng)
    cells = [rng.binomial(draws, truth.chances(rng, questions)) / draws for _ in range(200)]
    found = [mean_intervals(one[:, None], weights, level=LEVEL) for one in cells]
    return float(np.mean([(one.high - one.low) / 2 for one in found]))


def compared(
    truth: Truth, questions: int, *, studies: int, policies: Sequence[str]
) -> Iterator[tuple[str, list[Ended]]]:
    """Studies of one truth by each policy, with the half-width that 12 draws of every question would give."""
    aim = PrecisionTarget(half_width_of(truth, questions, 12), None, 3.0, 64)
    for policy in policies:
        rng = np.random.default_rng(1)
        weights = [question_weights(questions, rng=rng) for _ in range(5)]
        yield (
            policy,
            [
                study(
                    drawn(truth.chances(rng, questions), 64, rng), aim, weights[i % 5], first=4, policy=policy, seed=i
                )
                for i in range(studies)
            ],
        )


def half_widths(truths: Sequence[Truth], *, sizes: Sequence[int], studies: int, policies: Sequence[str]) -> None:
    """Print coverage, bias and draws for a half-width."""
    heads = ("cover", "low", "high", "bias/se", "draws", "waves", "reached", "floor", "cap")
    print(f"{'truth':<28}{'N':>5}  {'policy':<11}" + "".join(f"{head:>9}" for head in heads))
    for truth, questions in product(truths, sizes):
        for policy, ended in compared(truth, questions, studies=studies, policies=policies):
            misses = np.mean([[e.high < truth.mean, truth.mean < e.low] for e in ended], axis=0)
            errors = np.array([e.estimate - truth.mean for e in ended])
            shares = [1 - misses.sum(), *misses]
            means = [errors.mean() / errors.std(), np.mean([e.draws for e in ended]) / questions]
            why = [
                np.mean([e.stop == reason for e in ended])
                for reason in (StopLabel.REACHED, StopLabel.FLOOR, StopLabel.CAP)
            ]
            cells = [f"{share:.1%}" for share in shares] + [f"{means[0]:.2f}", f"{means[1]:.2f}"]
            cells += [f"{np.mean([e.waves for e in ended]):.1f}", *(f"{share:.0%}" for share in why)]
            print(f"{truth.name:<28}{questions:>5}  {policy:<11}" + "".join(f"{cell:>9}" for cell in cells), flush=True)


def banks(data: Path) -> list[tuple[str, str, Array]]:
    """Family, model and chances of every bank of attempts whose number was set beforehand."""
    table = pl.read_parquet(data / "attempts.parquet").filter(pl.col("stopping").str.starts_with("fixed"))
    return [
        (str(family), str(model), (group["successes"] / group["attempts"]).to_numpy())
        for (family, model), group in table.group_by("family", "model", maintain_order=True)
    ]


def sampled(chances: Array) -> Chances:
    """Questions of a bank, drawn with replacement."""
    return lambda rng, n: rng.choice(chances, n)


def crossing_of(chances: Array, threshold: float) -> float:
    """The smallest k at which the mean of 1 - (1-p)^k reaches the threshold."""
    k = np.unique(np.geomspace(1, 1e6, 4000).astype(int))
    curve = (1 - (1 - chances[:, None]) ** k).mean(axis=0)
    return float(k[np.argmax(curve >= threshold)]) if curve[-1] >= threshold else np.inf


def crossings(found: Sequence[tuple[str, str, Array]], *, studies: int) -> None:
    """Print how often K* was resolved, how often rightly, and the draws it took, for K* of 20 and 100 tries."""
    print(f"{'bank':<34}{'K*':>6}  {'policy':<8}{'resolved':>9}{'cover':>7}{'draws':>8}")
    for name, model, chances in found:
        curve = {k: float((1 - (1 - chances) ** k).mean()) for k in (20, 100)}
        for k, threshold in curve.items():
            if not 0.02 < threshold < 0.98:
                continue
            for policy in POLICIES[:2]:
                rng = np.random.default_rng(2)
                aim, weights = PrecisionTarget(None, threshold, 3.0, 400), np.ones((1, len(chances)))
                ended = [
                    study(drawn(chances, 400, rng), aim, weights, first=10, policy=policy, seed=i)
                    for i in range(studies)
                ]
                truth = crossing_of(chances, threshold)
                reached = np.mean([e.stop == StopLabel.REACHED for e in ended])
                print(
                    f"{name + ' ' + model:<34.34}{k:>6}  {policy:<8}{reached:>9.0%}"
                    f"{np.mean([e.covers(truth) for e in ended]):>7.0%}"
                    f"{np.mean([e.draws for e in ended]) / len(chances):>8.1f}",
                    flush=True,
                )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--part", choices=("truths", "banks", "crossings"), default="truths")
    parser.add_argument("--data", type=Path, help="by default what OVERTHINK_DATA names")
    given = parser.parse_args(arguments)
    if given.part == "truths":
        half_widths(TRUTHS, sizes=(40, 100), studies=given.studies, policies=POLICIES)
        return
    data = real_data(given.data)
    if data is None:
        return
    if given.part == "banks":
        truths = [Truth(f"{name} {model}"[:27], sampled(p), float(p.mean())) for name, model, p in banks(data)]
        half_widths(truths, sizes=(100,), studies=given.studies, policies=POLICIES[:2])
    else:
        crossings(banks(data), studies=given.studies)


if __name__ == "__main__":
    main()
