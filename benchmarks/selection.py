"""How fast and how exact are the selectors, next to other tools on the same pool in the same run?

    python benchmarks/selection.py [--peers FOLDER] [--questions 500] [--draws 1024] [--repeats 3]

Peers are slow: each runs on a few of the questions and its time is scaled to all of them, which favours none, as all
of them work question by question. How to install them is told in ``selection_peers.py``.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import selection_peers
from overthink.stats.bootstrap import question_weights
from overthink.stats.pass_at_k import best_at_k, majority_at_k, pass_at_k
from overthink.stats.subsets import expected_of_best

RESAMPLES = 10_000

PEER_QUESTIONS = {"lighteval": 5, "lm-eval": 10, "verl": 1, "prm800k": 50}
"""Questions that each peer runs on, for a second or a few."""

PRM800K_SHUFFLES = 400


@dataclass(frozen=True)
class Pool:
    """Draws of every question: code of the answer, 0 being right, (question, draw)."""

    name: str
    answers: NDArray[np.int64]

    @property
    def counts(self) -> list[NDArray[np.int64]]:
        """Votes per answer of each question, the right answer's first."""
        return [np.bincount(row) for row in self.answers]

    def describe(self) -> str:
        """Name, size and variety."""
        distinct = np.mean([np.count_nonzero(c) for c in self.counts])
        return f"{self.name}: {len(self.answers)} × {self.answers.shape[1]}, {distinct:.1f} distinct answers on average"


def usual_pool(questions: int, draws: int, rng: np.random.Generator) -> Pool:
    """Questions from hopeless to trivial, and a few wrong answers more popular than the others."""
    return _pool("usual", questions, draws, rng, spread=0.45, answers=20)


def close_pool(questions: int, draws: int, rng: np.random.Generator) -> Pool:
    """Many answers of a like size, the right one no more likely than others: the hardest to count."""
    return _pool("close", questions, draws, rng, spread=1.0, answers=16)


def _pool(name: str, questions: int, draws: int, rng: np.random.Generator, *, spread: float, answers: int) -> Pool:
    drawn = []
    for _ in range(questions):
        many = max(2, int(rng.poisson(answers)))
        if name == "close":
            chance = rng.dirichlet(np.full(many, spread))
        else:
            right = rng.beta(1, 1)
            chance = np.append(right, (1 - right) * rng.dirichlet(np.full(many - 1, spread)))
        drawn.append(rng.choice(many, size=draws, p=chance))
    return Pool(name, np.array(drawn))


@dataclass(frozen=True)
class Timed:
    """The best of some runs, in seconds, and what the last one returned."""

    wall: float
    cpu: float
    found: NDArray[np.float64]


def timed(work: Callable[[], NDArray[np.float64]], repeats: int) -> Timed:
    wall, cpu = [], []
    for _ in range(repeats):
        started = time.perf_counter(), time.process_time()
        found = work()
        wall.append(time.perf_counter() - started[0])
        cpu.append(time.process_time() - started[1])
    return Timed(min(wall), min(cpu), np.asarray(found))


def log_spaced(draws: int, points: int = 64) -> list[int]:
    """52 different k for 1,024 draws."""
    return np.unique(np.geomspace(1, draws, points).round().astype(int)).tolist()


def powers_of_two(draws: int) -> list[int]:
    return [2**i for i in range(draws.bit_length()) if 2**i <= draws]


def majority(pool: Pool, k: list[int]) -> NDArray[np.float64]:
    return np.array([majority_at_k(c, 0, k) for c in pool.counts])


def majority_with_bootstrap(pool: Pool, k: list[int]) -> NDArray[np.float64]:
    cells = majority(pool, k)
    weights = question_weights(len(cells), rng=np.random.default_rng(0), resamples=RESAMPLES)
    return weights @ cells / len(cells)


def best(scores: NDArray[np.float64], values: NDArray[np.float64], k: list[int]) -> NDArray[np.float64]:
    return expected_of_best(scores, values, np.array(k))


def line(name: str, what: str, run: Timed, *, ours: Timed | None = None, error: float | None = None) -> None:
    """A row of the table. The ratio is of CPU seconds, which a busy machine distorts less."""
    ratio = "" if ours is None else f"{run.cpu / ours.cpu:.1f}×"
    off = "" if error is None else f"   {100 * error:.2f} pp off"
    print(f"{name:<20}{what:<68}{run.wall:9.2f}{run.cpu:9.2f}{ratio:>9}{off}")


def heading(title: str) -> None:
    print(f"{'':<20}{title:<68}{'wall s':>9}{'CPU s':>9}{'ratio':>9}")


def scaled(run: Timed, factor: float) -> Timed:
    return Timed(run.wall * factor, run.cpu * factor, run.found)


def against_peer(name: str, peers: Path | None, pool: Pool, k: list[int], ours: Timed, what: str) -> None:
    """Time a peer on a few questions; the ratio is its scaled time over ours at the same k."""
    version = selection_peers.version(peers, name)
    if peers is None or version is None:
        print(f"{name:<20}{what:<68}{'not installed':>18}")
        return
    peer, few = selection_peers.PEERS[name](peers), PEER_QUESTIONS[name]
    answers = [[str(a) for a in row] for row in pool.answers[:few]]
    run = scaled(timed(lambda: np.array(peer(answers, ["0"] * few, k)), 1), len(pool.answers) / few)
    error = float(np.nanmax(abs(run.found - ours.found[:few].mean(axis=0))))
    line(f"{name} {version}", f"{what}; {few} questions, scaled", run, ours=ours, error=error)


def compare_majority(pool: Pool, repeats: int) -> dict[int, Timed]:
    """Time the exact vote; the runs without bootstrap, by the number of k."""
    draws = pool.answers.shape[1]
    print(f"\n{pool.describe()}")
    heading("majority@k")
    grid = log_spaced(draws)
    bar = timed(lambda: majority_with_bootstrap(pool, grid), repeats)
    line("Overthink", f"exact at {len(grid)} k, and {RESAMPLES:,} bootstrap curves", bar)
    runs = {}
    for k, what in ((powers_of_two(draws), "powers of two"), (list(range(1, draws + 1)), "k, all there are")):
        runs[len(k)] = timed(lambda k=k: majority(pool, k), repeats)
        line("Overthink", f"exact at {len(k):,} {what}", runs[len(k)])
    return runs


def compare_peers(pool: Pool, peers: Path | None, ours: dict[int, Timed]) -> None:
    """Time the peers at the same k."""
    draws = pool.answers.shape[1]
    powers, every = powers_of_two(draws), list(range(1, draws + 1))
    for name, k, what in (
        ("lighteval", powers, f"MajAtN, one order, {len(powers)} k"),
        ("lm-eval", every, f"take_first_k + majority_vote, one order, {len(every):,} k"),
        ("verl", powers, f"validation metrics, 1,000 resamples, {len(powers)} k"),
    ):
        against_peer(name, peers, pool, k, ours[len(k)], what)


def compare_best(pool: Pool, repeats: int) -> None:
    rng = np.random.default_rng(3)
    values = (pool.answers == 0).astype(float)
    scores = values + rng.standard_normal(values.shape)
    k = powers_of_two(values.shape[1])
    print()
    heading("best-of-k")
    ours = timed(lambda: best(scores, values, k), repeats)
    line("Overthink", f"exact at {len(k)} powers of two", ours)
    few, shuffles = PEER_QUESTIONS["prm800k"], 4
    given = scores[:few].tolist(), values[:few].tolist()
    run = timed(lambda: np.array(selection_peers.shuffled_best(*given, k, shuffles=shuffles)), 1)
    exact = np.array([best_at_k(s, v, k) for s, v in zip(*given, strict=True)]).mean(axis=0)
    what = f"{PRM800K_SHUFFLES} shuffles; {shuffles} shuffles of {few} questions, scaled"
    run = scaled(run, PRM800K_SHUFFLES / shuffles * len(values) / few)
    line("prm800k 00811d6 *", what, run, ours=ours, error=float(np.abs(run.found - exact).max()))
    print("* its loop written anew, as the repository is no package; off: after the few shuffles that were run")


def large_pool(repeats: int) -> None:
    rng = np.random.default_rng(4)
    scores = rng.random((900, 10_000))
    values = (rng.random(scores.shape) < scores).astype(float)
    successes = values.sum(axis=1).astype(int)
    k = log_spaced(10_000, 124)[:100]
    print()
    heading("900 × 10,000 draws")
    line("Overthink", f"pass@k at {len(k)} k", timed(lambda: pass_at_k([10_000] * 900, successes, k), repeats))
    line("Overthink", f"best-of-k at {len(k)} k", timed(lambda: best(scores, values, k), repeats))
    line("Overthink", f"expected maximum at {len(k)} k", timed(lambda: best(scores, scores, k), repeats))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--peers", type=Path, help="folder with lighteval, lm-eval and verl; without it they are left out"
    )
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3, help="runs of our own, of which the best counts")
    given = parser.parse_args(arguments)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; on a busy machine read the CPU seconds")
    rng = np.random.default_rng(1)
    usual = usual_pool(given.questions, given.draws, rng)
    compare_peers(usual, given.peers, compare_majority(usual, given.repeats))
    compare_majority(close_pool(given.questions, given.draws, rng), given.repeats)
    compare_best(usual, given.repeats)
    large_pool(given.repeats)


if __name__ == "__main__":
    main()
