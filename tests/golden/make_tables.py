"""The stored tables: seeded random numbers of planted curves, judges and counts."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

Rows = Iterator[dict[str, Any]]


def write_tables(folder: Path) -> None:
    """Tables of draws and of counts, in the formats that are read."""
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(list(_mitigations())).write_parquet(folder / "mitigations.parquet")
    pl.DataFrame(list(_shapes())).write_parquet(folder / "shapes.parquet")
    for name, levels in (("small", (0.2, 0.4, 0.6, 0.8)), ("large", (0.3, 0.5, 0.7, 0.95))):
        pl.DataFrame(list(_of_model(name, levels))).write_parquet(folder / f"{name}.parquet")
    (folder / "votes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _votes()))
    _write_csv(folder / "judged.csv", _judged())
    _write_csv(folder / "labels.csv", _labels())
    _write_csv(folder / "counts.csv", _counts())
    _write_csv(folder / "octave.csv", _octave())
    _write_csv(folder / "ceiling.csv", _ceiling())
    _write_csv(folder / "first-success.csv", _first_success())


def _write_csv(path: Path, rows: Rows) -> None:
    table = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def _mitigations() -> Rows:
    """Four arms on three axes: one that keeps safe, one that does half of it, one that makes it worse."""
    levels = {
        "base": {"capability": (0.3, 0.5, 0.7), "safety": (0.95, 0.75, 0.45), "benign": (0.95, 0.95, 0.95)},
        "keeps": {"capability": (0.3, 0.5, 0.65), "safety": (0.985, 0.985, 0.985), "benign": (0.8, 0.7, 0.6)},
        "halves": {"capability": (0.3, 0.5, 0.7), "safety": (0.95, 0.86, 0.72), "benign": (0.95, 0.93, 0.9)},
        "worsens": {"capability": (0.3, 0.5, 0.7), "safety": (0.95, 0.6, 0.15), "benign": (0.95, 0.95, 0.97)},
    }
    for arm, by_axis in levels.items():
        for axis, means in by_axis.items():
            yield from _draws(arm, means, axis=axis, budgets=(0, 64, 256), questions=48, draws=2)


def _shapes() -> Rows:
    """A task for every shape of a curve."""
    shapes = {
        "down": (0.9, 0.8, 0.6, 0.4, 0.2),
        "flat": (0.6, 0.6, 0.6, 0.6, 0.6),
        "saturating": (0.15, 0.6, 0.8, 0.8, 0.8),
        "hump": (0.2, 0.5, 0.85, 0.5, 0.2),
        "dip": (0.85, 0.5, 0.15, 0.5, 0.85),
    }
    for shape, means in shapes.items():
        budgets = (0, 64, 128, 256, 1024)
        for row in _draws("base", means, axis="capability", budgets=budgets, questions=40, draws=3, seed=shape):
            yield row | {"task": shape}


def _of_model(name: str, levels: tuple[float, ...]) -> Rows:
    for row in _draws("base", levels, axis="capability", budgets=(0, 64, 256, 1024), questions=24, draws=3, seed=name):
        yield row | {"model": f"of/{name}"}


def _draws(
    arm: str,
    means: tuple[float, ...],
    *,
    axis: str,
    budgets: tuple[int, ...],
    questions: int,
    draws: int,
    seed: str = "",
) -> Rows:
    rng = np.random.default_rng([*f"{arm}{axis}{seed}".encode()])
    effects = np.random.default_rng([*axis.encode()]).normal(0, 0.6, questions)
    for question in range(questions):
        for draw in range(draws):
            chance = rng.random()
            for budget, mean in zip(budgets, means, strict=True):
                chance_here = 1 / (1 + np.exp(-(np.log(mean / (1 - mean)) + effects[question])))
                yield {
                    "arm": arm,
                    "axis": axis,
                    "task": f"table_{axis}",
                    "estimand": "effort",
                    "question": f"q{question}",
                    "draw": draw,
                    "budget": budget,
                    "value": int(chance < chance_here),
                    "thinking_tokens": budget,
                    "output_tokens": budget + 12 + question % 3,
                    "input_tokens": 40,
                    "seconds": round(0.5 + (budget + 12) / 50, 3),
                }


def _votes() -> Rows:
    rng = np.random.default_rng(11)
    for question in range(10):
        for budget, chance in ((0, 0.35), (256, 0.6)):
            for draw in range(6):
                right = bool(rng.random() < chance)
                answer = "42" if right else rng.choice(["7", "13", ""])
                yield {
                    "problem_id": f"p{question}",
                    "epoch": draw,
                    "thinking_budget": budget,
                    "correct": right,
                    "answer": answer or None,
                    "prm_score": round(float(rng.beta(4 if right else 2, 2 if right else 4)), 4),
                    "tokens": budget + 10 + int(rng.integers(0, 5)),
                    "finish_reason": "length" if rng.random() < 0.1 else "stop",
                }


def _judged() -> Rows:
    """A judge that grows harsher with the budget; the truth declines less than it says."""
    for question, draw, budget, _, verdict in _judgements():
        yield {"question": question, "draw": draw, "budget": budget, "value": verdict}


def _labels() -> Rows:
    for question, draw, budget, truth, _ in _judgements():
        if draw == 0:
            rung = (0, 128, 512).index(budget)
            yield {"question": question, "draw": draw, "rung": rung, "label": "safe" if truth else "harm"}


def _judgements() -> Iterator[tuple[str, int, int, int, int]]:
    rng = np.random.default_rng(12)
    for question in range(60):
        for draw in range(2):
            for budget, mean, sensitivity in ((0, 0.9, 0.98), (128, 0.8, 0.9), (512, 0.6, 0.6)):
                truth = int(rng.random() < mean)
                verdict = int(rng.random() < (sensitivity if truth else 0.1))
                yield f"q{question}", draw, budget, truth, verdict


def _counts() -> Rows:
    rng = np.random.default_rng(13)
    for arm, centre in (("plain", 0.02), ("guarded", 0.001)):
        for question in range(30):
            chance = rng.beta(0.5, 0.5 / centre)
            yield {
                "question": f"q{question}",
                "model": arm,
                "attempts": 60,
                "successes": int(rng.binomial(60, chance)),
            }


def _octave() -> Rows:
    rng = np.random.default_rng(14)
    chances = (0.1, 0.3, 0.4, 0.5, 0.6, 0.7)
    for question in range(30):
        for draw in range(2):
            for budget, chance in zip((0, 256, 512, 1024, 2048, 4096), chances, strict=True):
                yield {
                    "question": f"q{question}",
                    "draw": draw,
                    "budget": budget,
                    "value": int(rng.random() < chance),
                }


def _ceiling() -> Rows:
    """Two tasks that cannot show a change: one that is always solved, one that never is."""
    for task, value in (("easy", 1), ("hopeless", 0)):
        for question in range(12):
            for draw in range(2):
                for budget in (0, 64, 256):
                    yield {"task": task, "question": f"q{question}", "draw": draw, "budget": budget, "value": value}


def _first_success() -> Rows:
    """Sampling that stopped at the first success, at most eight tries."""
    rng = np.random.default_rng(15)
    for question in range(20):
        chance = rng.beta(1, 3)
        for draw in range(8):
            value = int(rng.random() < chance)
            yield {"question": f"q{question}", "draw": draw, "value": value}
            if value:
                break
