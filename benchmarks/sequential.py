"""An octave beyond the ladder: how far off are forecasts of a curve, and how often do their intervals hold the truth?

    OPENBLAS_NUM_THREADS=1 python benchmarks/sequential.py [--data FOLDER] [--runs 200] [--only simulated|efforts|caps]

*Simulated*: curves whose truth above the ladder is known, some of them with a turn there that nothing could foresee.
*Efforts*: FOLDER's reasoning_budgets.parquet; the highest effort of each model and task from the lower ones, at the
mean tokens realised. *Caps*: the same logs; a draw is right at a cap of b tokens if it was right and took at most b,
which is what a run with that cap would have given. The truth is the same questions' mean at twice the highest cap.

Beside the forecast stand two naive ones with intervals of their own: the last value carried on, and the straight line
through the last two rungs. Where there is no forecast, the naive ones are also judged on the rest, "refused".
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from overthink.data.outcomes import Outcomes
from overthink.forecasts.curve_families import FLAT_FAMILY, LOG_LINEAR, predict
from overthink.forecasts.next_budget import CurveForecast, extrapolate_cells
from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.curve import ladder_of
from overthink.workflows.sources import ReadOptions, read_source
from real_data import real_data

sys.path.insert(0, str(Path(__file__).parents[1]))
from calibration.population import logit_normal

Array = NDArray[np.float64]

LEVEL, MARGIN = 0.9, 0.05
DESIGNS = ((4, 60, 8), (6, 60, 8), (5, 200, 4))
"""Rungs, questions, draws."""
CAP_RUNGS = (4, 6)
UNFORESEEABLE = ("falls beyond", "levels off beyond")


@dataclass(frozen=True)
class Row:
    """One forecast, or naive one, against the truth."""

    error: float
    inside: bool
    width: float
    score: float
    """The interval score: the width, plus 2/(1 - level) times how far outside the truth is; lower is better."""


def shapes(rungs: int) -> dict[str, Array]:
    """The truth at each rung and, last, an octave above."""
    x = np.arange(rungs + 1)
    along = x / rungs
    straight = 0.3 + 0.45 * along
    return {
        "log-linear": straight,
        "power with ceiling": 0.8 - 0.5 * 2.0 ** (-0.6 * x),
        "levels off early": 0.4 + 0.35 * np.minimum(x / 2, 1),
        "near the ceiling": 0.7 + 0.285 * np.minimum(x / 3, 1),
        "logistic": 0.2 + 0.65 * special.expit((x - rungs / 2) / 0.8),
        "take-off at the top": 0.2 + 0.65 * special.expit((x - rungs) / 0.8),
        "flat": np.full(rungs + 1, 0.6),
        "down": 0.8 - 0.4 * along,
        "hump": 0.45 + 0.3 * np.exp(-((x - (rungs - 1) / 2) ** 2) / (2 * 1.8**2)),
        "late hump": 0.45 + 0.3 * np.exp(-((x - rungs + 2) ** 2) / (2 * 1.5**2)),
        "falls beyond": np.append(straight[:-1], straight[-2] - 0.15),
        "levels off beyond": np.append(straight[:-1], straight[-2]),
    }


def naive(cells: Array, truth: float, rng: np.random.Generator) -> tuple[Row, Row]:
    """The last value, and the line through the last two rungs, which are an octave apart."""
    weights = question_weights(len(cells), rng=rng, resamples=500)
    last = mean_intervals(cells[:, -1], weights, level=LEVEL)
    line = mean_intervals(2 * cells[:, -1] - cells[:, -2], weights, level=LEVEL, support=(-1.0, 2.0))
    return judged(last.estimate, last.low, last.high, truth), judged(line.estimate, line.low, line.high, truth)


def judged(estimate: object, low: object, high: object, truth: float) -> Row:
    middle, ends = np.clip(float(estimate), 0, 1), np.clip([float(low), float(high)], 0, 1)  # type: ignore[arg-type]
    inside = bool(ends[0] - 1e-9 <= truth <= ends[1] + 1e-9)
    width, outside = float(ends[1] - ends[0]), float(max(ends[0] - truth, truth - ends[1], 0.0))
    return Row(abs(middle - truth), inside, width, width + 2 / (1 - LEVEL) * outside)


def shown(name: str, rows: list[tuple[CurveForecast, float, tuple[Row, Row]]]) -> str:
    made = [(judged(one.estimate, one.low, one.high, truth), two) for one, truth, two in rows if one.reason is None]
    refused = [two for one, _, two in rows if one.reason is not None]
    parts = [f"{name:28s} n {len(rows):4d}  no forecast {len(refused) / len(rows):4.0%}"]
    parts.append(told("forecast", [one for one, _ in made]))
    parts += [told(label, [two[i] for _, two in made]) for i, label in enumerate(("last", "line"))]
    parts += [told(f"refused: {label}", [two[i] for two in refused]) for i, label in enumerate(("last", "line"))]
    return " | ".join(part for part in parts if part)


def told(label: str, rows: list[Row]) -> str:
    if not rows:
        return ""
    error, inside, width, score = np.array([(r.error, r.inside, r.width, r.score) for r in rows]).mean(axis=0)
    return f"{label} MAE {error:.3f} cov {inside:.2f} width {width:.2f} score {score:.2f}"


def simulated(runs: int) -> None:
    for rungs, questions, draws in DESIGNS:
        print(f"\n{rungs} rungs, {questions} questions, {draws} draws, {runs} runs a shape")
        budgets = 512 * 2.0 ** np.arange(rungs)
        everything, used = [], Counter[str]()
        for name, truth in shapes(rungs).items():
            population, rows = logit_normal(truth, rng=np.random.default_rng(1)), []
            for run in range(runs):
                rng = np.random.default_rng([run, rungs, questions])
                cells = population.study(questions=questions, draws=draws, rng=rng).mean(axis=1)[:, :-1]
                made = extrapolate_cells(cells, budgets, level=LEVEL, margin=MARGIN, rng=rng)
                rows.append((made, float(truth[-1]), naive(cells, float(truth[-1]), rng)))
            print(shown(name, rows), flush=True)
            if name not in UNFORESEEABLE:
                everything += rows
                used.update(one.family.name for made, _, _ in rows for one in made.families if one.predicts)
        print(shown("all but those that turn", everything))
        print({name: f"{count / len(everything):.0%}" for name, count in used.items()})
    rows = np.random.default_rng(0).random((60, 8, 6)).mean(axis=1)
    start = time.process_time()
    for seed in range(50):
        extrapolate_cells(rows, 512 * 2.0 ** np.arange(6), level=LEVEL, margin=MARGIN, rng=np.random.default_rng(seed))
    print(f"\n{1000 * (time.process_time() - start) / 50:.0f} ms of CPU a curve of 60 questions and 6 rungs")


def efforts(data: Path) -> None:
    curves = effort_curves(data)
    print(f"\nhighest effort from the lower ones: {len(curves)} settings of three levels or more")
    reasons = Counter[str]()
    for _, budgets, cells in curves:
        rng = np.random.default_rng(0)
        made = extrapolate_cells(cells[:, :-1], budgets[:-1], level=LEVEL, margin=MARGIN, target=budgets[-1], rng=rng)
        reasons[made.reason or "forecast"] += 1
    for reason, count in reasons.items():
        print(f"  {count}: {reason}")
    print("  without the check that they are too short for (flat and log-linear pooled, not what ships):")
    rows: dict[str, list[Row]] = {"pool": [], "last": [], "line": []}
    for table, budgets, cells in curves:
        truth = float(cells[:, -1].mean())
        made_rows = unchecked(cells[:, :-1], np.log2(budgets[:-1]), float(np.log2(budgets[-1])), truth)
        for name, row in zip(rows, made_rows, strict=True):
            rows[name].append(row)
        print(
            f"  {table.task[:18]:18s} {table.arm[:34]:34s} {np.round(budgets).astype(int).tolist()} "
            f"{np.round(cells.mean(axis=0), 3).tolist()} off by {made_rows[0].error:.3f}, inside {made_rows[0].inside}"
        )
    for name, found in rows.items():
        print("  " + told(name, found))


def effort_curves(data: Path) -> list[tuple[Outcomes, Array, Array]]:
    """Curves of three levels or more whose rungs are in tokens, and the questions known at each of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = read_source(data / "reasoning_budgets.parquet", ReadOptions(axis="capability")).tables()
    found = []
    for table in tables:
        ladder = ladder_of(table)
        cells = np.nanmean(np.where(np.isnan(table.values).all(axis=1, keepdims=True), -1, table.values), axis=1)
        if len(table.rungs) >= 3 and ladder.in_tokens:
            found.append((table, ladder.budgets, cells[(cells >= 0).all(axis=1)]))
    return found


def unchecked(cells: Array, rungs: Array, point: float, truth: float) -> list[Row]:
    rng = np.random.default_rng(0)
    weights = question_weights(len(cells), rng=rng)
    curves = np.concatenate([cells.mean(axis=0)[None], weights @ cells / len(cells)])
    drawn = {family.name: predict(family, curves, rungs, point) for family in (FLAT_FAMILY, LOG_LINEAR)}
    pool = np.concatenate([one[1:] for one in drawn.values()])
    last = mean_intervals(cells[:, -1], weights, level=LEVEL)
    line = predict(LOG_LINEAR, curves, rungs, point)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return [
        judged(np.median(pool), *np.quantile(pool, ends), truth),
        judged(last.estimate, last.low, last.high, truth),
        judged(line[0], *np.quantile(line[1:], ends), truth),
    ]


def caps(data: Path) -> None:
    runs = list(logs(data))
    for rungs in CAP_RUNGS:
        rows: dict[str, list[tuple[CurveForecast, float, tuple[Row, Row]]]] = {}
        for task, right, tokens in runs:
            for top in 2.0 ** np.arange(6, 18):
                if np.nanmean(tokens <= top) < 0.3 or np.nanmean(tokens <= top / 2) > 0.97:
                    continue  # hardly anything ends below, or nothing is left to happen
                budgets = top * 2.0 ** np.arange(1 - rungs, 1)
                at = np.where(np.isnan(right)[:, :, None], np.nan, right[:, :, None] * (tokens[:, :, None] <= budgets))
                cells, rng = np.nanmean(at, axis=1), np.random.default_rng(1)
                truth = float(np.nanmean(np.where(np.isnan(right), np.nan, right * (tokens <= 2 * top)), axis=1).mean())
                made = extrapolate_cells(cells, budgets, level=LEVEL, margin=MARGIN, rng=rng)
                rows.setdefault(task, []).append((made, truth, naive(cells, truth, rng)))
        print(f"\noutput caps, {rungs} rungs, {len(runs)} runs of models")
        for task, found in rows.items():
            print(shown(task, found))
        print(shown("all", [one for found in rows.values() for one in found]))


def logs(data: Path) -> Iterator[tuple[str, Array, Array]]:
    """Task, and (question, draw) scores and tokens of each run of a model."""
    table = pl.read_parquet(data / "reasoning_budgets.parquet")
    table = table.filter(pl.col("score").is_not_null() & pl.col("out_tokens").is_not_null())
    thought = pl.col("reasoning_tokens").fill_null(0)
    # Where thinking exceeds the output, the provider counts the output without it.
    tokens = pl.col("out_tokens") + pl.when(thought > pl.col("out_tokens")).then(thought).otherwise(0)
    for key, run in sorted(
        table.with_columns(tokens=tokens).group_by("task", "model", "config"), key=lambda one: one[0]
    ):
        draw = run.with_columns(draw=pl.int_range(pl.len()).over("sample_id"))["draw"].to_numpy()
        question = run["sample_id"].rank("dense").to_numpy().astype(int) - 1
        right, spent = (np.full((question.max() + 1, draw.max() + 1), np.nan) for _ in range(2))
        right[question, draw], spent[question, draw] = run["score"].to_numpy(), run["tokens"].to_numpy()
        yield str(key[0]), right, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="by default what OVERTHINK_DATA names")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--only", choices=("simulated", "efforts", "caps"))
    asked = parser.parse_args()
    start = time.perf_counter()
    if asked.only in (None, "simulated"):
        simulated(asked.runs)
    data = None if asked.only == "simulated" else real_data(asked.data)
    if data is not None and asked.only in (None, "efforts"):
        efforts(data)
    if data is not None and asked.only in (None, "caps"):
        caps(data)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
