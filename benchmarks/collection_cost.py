"""What a surface of budgets × tries × selectors costs to collect: one ladder, one eval per rung, or every point afresh.

    python benchmarks/collection_cost.py [--model overthink/smollm2] [--questions 2] [--ladder doubling|even]

Three ways to the same cells (rungs × k ∈ {1, 2, 4, 8} × pass, majority, best-of), with the same model, server,
questions and forced answer:

ladder       one trace per draw, forked at every rung
per rung     best practice with plain Inspect: one forced-answer eval per rung, epochs = draws, every k from that pool
afresh       every rung × k × selector collected anew, as its_hub's benchmark does

All three run here, through the same continuation; "per rung" and "afresh" are ladders with one rung. A model that ends
its thinking early makes the ladder look better than it is; ``overthink/simulated`` never ends early and shows the worst
case. The last table says what pairing saves: tokens for the same half-width of the difference of the ends.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import overthink
from overthink.data.outcomes import from_records
from overthink.data.pool import records_of
from overthink.stats.bootstrap import CHANGE, mean_intervals, question_weights

DRAWS = 8
TRIES = (1, 2, 4, 8)
SELECTORS = ("pass", "majority", "best-of")
ANSWER = 32
LADDERS = {"doubling": (32, 64, 128, 256, 512), "even": (64, 128, 192, 256, 320, 384, 448, 512)}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a way of collecting took."""

    tokens: int
    seconds: float


class Bench:
    """Collects with one model and one set of questions."""

    def __init__(self, model: str, questions: int, folder: Path) -> None:
        self.model, self.questions, self.folder = model, questions, folder
        self._runs = 0

    def collect(self, budgets: tuple[int, ...], draws: int) -> tuple[overthink.Study, Spent]:
        """One run with a seed of its own: nothing is shared between runs but the weights."""
        self._runs += 1
        plan = overthink.Plan(
            overthink=overthink.__version__,
            model=self.model,
            tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
            budgets=budgets,
            draws=draws,
            limit=self.questions,
            seed=self._runs,
            answer_tokens=ANSWER,
        )
        opened = overthink.prepare(plan)
        began = time.monotonic()
        study = overthink.run(opened, self.folder / str(self._runs))
        seconds = time.monotonic() - began
        return study, Spent(sum(row.generated_tokens or 0 for row in records_of(study.pool)), seconds)


def total(parts: list[Spent]) -> Spent:
    return Spent(sum(part.tokens for part in parts), sum(part.seconds for part in parts))


def half_width(cells: np.ndarray, weights: np.ndarray) -> float:
    found = mean_intervals(cells[:, None], weights, level=0.95, support=CHANGE)
    return float((found.high - found.low)[0] / 2)


def half_widths(ladder: overthink.Study, low: overthink.Study, high: overthink.Study) -> dict[str, float]:
    """Of the difference of the ends: on the ladder, and between two runs, paired by question or each by itself."""
    (one,) = from_records(records_of(ladder.pool))
    (first,), (last,) = from_records(records_of(low.pool)), from_records(records_of(high.pool))
    weights = question_weights(len(one.questions), rng=np.random.default_rng(0))
    both, below, above = (np.nanmean(table.values, axis=1) for table in (one, first, last))
    ends = [mean_intervals(mean, weights, level=0.95) for mean in (below, above)]
    return {
        "ladder": half_width(both[:, -1] - both[:, 0], weights),
        "two runs, paired by question": half_width(above[:, 0] - below[:, 0], weights),
        "two runs, each by itself": float(np.hypot(*(float((end.high - end.low)[0] / 2) for end in ends))),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="overthink/smollm2")
    parser.add_argument("--questions", type=int, default=2)
    parser.add_argument("--ladder", choices=LADDERS, default="doubling")
    given = parser.parse_args()
    budgets = LADDERS[given.ladder]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given.model, given.questions, Path(folder))
        bench.collect(budgets[:1], 1)  # loads the weights
        ladder, on_ladder = bench.collect(budgets, DRAWS)
        rungs = [bench.collect((budget,), DRAWS) for budget in budgets]
        per_rung = total([spent for _, spent in rungs])
        points = [bench.collect((budget,), k)[1] for budget in budgets for k in TRIES for _ in SELECTORS]
        afresh = total(points)
        widths = half_widths(ladder, rungs[0][0], rungs[-1][0])
    print(f"{given.model}, {given.questions} questions, {DRAWS} draws, budgets {budgets}, answer {ANSWER}\n")
    print("| way | decoded tokens | seconds | ladder's tokens to it | ladder's time to it |")
    print("| --- | --- | --- | --- | --- |")
    for name, spent in (("ladder", on_ladder), ("per rung", per_rung), ("afresh", afresh)):
        tokens, seconds = on_ladder.tokens / spent.tokens, on_ladder.seconds / spent.seconds
        print(f"| {name} | {spent.tokens:,} | {spent.seconds:.1f} | {tokens:.2f} | {seconds:.2f} |")
    print("\n| difference of the ends | half-width | tokens | tokens for the ladder's half-width |")
    print("| --- | --- | --- | --- |")
    ends = rungs[0][1].tokens + rungs[-1][1].tokens
    for name, width in widths.items():
        tokens = on_ladder.tokens if name == "ladder" else ends
        print(f"| {name} | {width:.3f} | {tokens:,} | {tokens * (width / widths['ladder']) ** 2:,.0f} |")


if __name__ == "__main__":
    main()
