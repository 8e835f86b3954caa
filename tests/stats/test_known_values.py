"""Published curves of real pools, to the printed digit."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.stats.bootstrap import question_weights
from overthink.stats.curve import parallel_curves
from overthink.stats.pass_at_k import best_at_k, majority_at_k

polars = pytest.importorskip("polars", reason="the core is tested without Polars here; known values need it")

MAJORITY = [36.22, 40.54, 47.23, 52.78, 54.75]
BEST = [38.2, 46.2, 51.7, 55.0]

Vote = Callable[[int, list[int], int], "np.ndarray"]


def number(answer: str) -> float | str:
    """The source's normal form: units and LaTeX removed, then a number where it is one."""
    bare = re.sub(r"\\text\{.*?\}|\\[a-zA-Z%]*|[,$% ]", "", answer)
    try:
        return float(bare)
    except ValueError:
        return bare


def gsm8k(data: Path, vote: Vote) -> list[float]:
    found = []
    for _, rows in polars.read_parquet(data / "gsm8k_votes.parquet").group_by("problem"):
        answers = [None if a is None else number(a) for a in rows["answer"]]
        counts = Counter(a for a in answers if a is not None)
        right = counts.pop(number(rows["gold"][0]), 0)
        found.append(vote(right, list(counts.values()), answers.count(None)))
    return (100 * np.mean(found, axis=0)).round(2).tolist()


def test_gsm8k_majority(data: Path) -> None:
    def exact(right: int, others: list[int], silent: int) -> np.ndarray:
        return majority_at_k([right, *others], 0, [1, 2, 4, 8, 16], abstentions=silent)

    def silence_is_an_answer(right: int, others: list[int], silent: int) -> np.ndarray:
        return majority_at_k([right, *others, silent], 0, [1, 2, 4, 8, 16])

    assert gsm8k(data, exact) == MAJORITY
    assert gsm8k(data, silence_is_an_answer) != MAJORITY


def test_gsm8k_majority_through_the_pool(data: Path) -> None:
    table = polars.read_parquet(data / "gsm8k_votes.parquet")
    rows = []
    for problem, draw, answer, gold in table.select("problem", "draw", "answer", "gold").iter_rows():
        canonical = None if answer is None else str(number(answer))
        value = float(canonical == str(number(gold)))
        rows.append(
            RungRecord(
                "gsm8k", "base", Axis.CAPABILITY, "gsm8k", "exact", str(problem), draw, 0, Estimand.NATURAL,
                value=value, answer=canonical,
            )
        )  # fmt: skip
    (outcomes,) = from_records(rows)
    weights = question_weights(len(outcomes.questions), rng=np.random.default_rng(0), resamples=50)
    curves = {c.selector: c for c in parallel_curves(outcomes, weights, level=0.95)}
    at = np.isin(curves["majority"].k, [1, 2, 4, 8, 16])
    assert (100 * curves["majority"].intervals.estimate[0, at]).round(2).tolist() == MAJORITY


def test_math500_best_of_k_by_a_process_reward_model(data: Path) -> None:
    table = polars.read_parquet(data / "math500_prm.parquet")
    pools = [
        (rows["prm_score"].to_numpy(), rows["correct"].cast(float).to_numpy())
        for _, rows in table.group_by("seed", "problem")
    ]

    def curve(sign: float) -> np.ndarray:
        return 100 * np.mean([best_at_k(sign * s, v, [1, 2, 4, 8]) for s, v in pools], axis=0)

    np.testing.assert_allclose(curve(1), BEST, atol=0.06)
    assert np.abs(curve(-1) - BEST).max() > 5
