"""How often a monitor is called better than chance, and what the intervals of its control numbers hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration.curves import contexts
from calibration.tables import table
from overthink.analysis.oversight.monitors import oversight, watches_of
from overthink.analysis.request import CurveContext
from overthink.data.oversight import HONEST, OversightRow, View, oversight_frame
from overthink.data.oversight_cells import monitor_scores
from overthink.data.record import Axis, Estimand
from overthink.data.verdict_labels import MonitorLabel
from overthink.stats.oversight.control import safety_at_audit, worst_policy

BUDGETS = (0, 64, 256)
SHIFTS = (0.4, 0.8, 1.2)
"""d' of the policies of the worst one's table."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A study of monitors: runs per class, separation, monitors, and whether a trace has one score at all rungs."""

    name: str
    runs: int
    separation: float
    monitors: int = 1
    carried: bool = False


WATCHES = (
    Watch("reads nothing", 100, 0.0),
    Watch("reads nothing, one score for all rungs", 100, 0.0, carried=True),
    Watch("reads nothing, six monitors", 100, 0.0, monitors=6),
    Watch("reads nothing, 30 runs per class", 30, 0.0),
    Watch("d′ = 1", 100, 1.0),
    Watch("d′ = 1, six monitors", 100, 1.0, monitors=6),
)


def verdicts(curves: Sequence[CurveContext], watch: Watch, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return (monitor, rung) whether each is called better than chance, in the finished findings."""
    rows = []
    for monitor in range(watch.monitors):
        for arm in ("base", "attack"):
            noise = rng.normal(size=(watch.runs, 1 if watch.carried else len(BUDGETS)))
            scores = special.expit(noise + watch.separation * (arm == "attack")) * np.ones(len(BUDGETS))
            rows += [
                OversightRow(
                    "t", arm, f"q{question:03}", 0, Estimand.FORCED, budget,
                    attack=HONEST if arm == "base" else "leak", view=View.BOTH, monitor=f"m{monitor}",
                    score=float(scores[question, rung]), behaviour=arm == "attack",
                )
                for question in range(watch.runs)
                for rung, budget in enumerate(BUDGETS)
            ]  # fmt: skip
    results = oversight(watches_of(curves, list(monitor_scores(oversight_frame(rows))), rng=rng))
    return np.array([[rung.verdict == MonitorLabel.BETTER for rung in each.rungs] for each in results.monitors])


def claims(watch: Watch, *, runs: int, seed: int) -> tuple[float, float]:
    """Return the share of studies with any claim, and the share of all monitors and rungs with one."""
    rng, curves = (
        np.random.default_rng([seed, WATCHES.index(watch)]),
        contexts(Axis.SAFETY, BUDGETS, questions=watch.runs, arms=("base", "attack")),
    )
    called = np.array([verdicts(curves, watch, rng) for _ in range(runs)])
    return float(called.any(axis=(1, 2)).mean()), float(called.mean())


@dataclass(frozen=True, slots=True)
class Control:
    """A control number: "safety" at an audit of 5 %, or the "worst" of three policies."""

    number: str
    runs: int
    draws: int = 1


CONTROLS = (
    Control("safety", 100),
    Control("safety", 200),
    Control("safety", 500),
    Control("worst", 50),
    Control("worst", 100),
    Control("worst", 50, draws=4),
)


def coverage(control: Control, *, runs: int, seed: int) -> tuple[float, float, float]:
    """Return the share of intervals that hold the truth, their mean width, and the share of refused ones."""
    rng = np.random.default_rng([seed, 100 + CONTROLS.index(control)])
    ends = np.array([_interval(control, rng) for _ in range(runs)])
    known = np.isfinite(ends[:, 0])
    truth = _truth(control)
    held = (ends[known, 0] <= truth) & (truth <= ends[known, 1])
    width = float((ends[known, 1] - ends[known, 0]).mean()) if known.any() else float("nan")
    return float(held.mean()) if known.any() else float("nan"), width, float(1 - known.mean())


_WIN, _AUDIT, _SEPARATION, _SHARED = 0.5, 0.05, 1.5, 0.6


def _truth(control: Control) -> float:
    if control.number == "worst":
        return float(special.ndtr(min(SHIFTS) / np.sqrt(2)))
    caught = float(special.ndtr(_SEPARATION - special.ndtri(1 - _AUDIT)))
    return caught / (caught + (1 - caught) * _WIN)


def _interval(control: Control, rng: np.random.Generator) -> tuple[float, float]:
    n, draws = control.runs, control.draws
    questions = np.repeat(np.arange(n), draws)
    if control.number == "safety":
        attack, wins = rng.normal(size=n) + _SEPARATION, rng.random(n) < _WIN
        result: Any = safety_at_audit(rng.normal(size=n), attack, wins, audit=_AUDIT, clusters=(questions, questions))
        return result.low, result.high
    spread = np.sqrt(1 - _SHARED**2) if draws > 1 else 1.0

    def noise() -> NDArray[np.float64]:
        shared = _SHARED * rng.normal(size=n) if draws > 1 else np.zeros(n)
        return np.asarray(np.repeat(shared, draws) + spread * rng.normal(size=n * draws))

    attacks = [noise() + shift for shift in SHIFTS]
    worst = worst_policy(noise(), attacks, clusters=(questions, [questions] * len(attacks)))
    return worst.low, worst.high


def tables(run: Any, runs: int) -> str:
    """Return the section of the page: claims on monitors, and coverage of control numbers."""
    called, held = run(claims, WATCHES), run(coverage, CONTROLS)
    first = [
        (watch.name, str(watch.runs), f"{studies:.3f}", f"{rungs:.3f}")
        for watch, (studies, rungs) in zip(WATCHES, called, strict=True)
    ]
    second = [
        (control.number, str(control.runs), str(control.draws), f"{share:.3f}", f"{width:.3f}", f"{refused:.3f}")
        for control, (share, width, refused) in zip(CONTROLS, held, strict=True)
    ]
    claimed = table(
        "Monitors called better than chance",
        "Three rungs; Holm over all rungs and monitors of a study, as in a finished finding.",
        ("monitor", "runs per class", "studies with a claim", "rungs with a claim"),
        first,
    )
    numbers = table(
        "",
        f"Intervals of safety at an audit budget of 5 % (d′ = {_SEPARATION}, half of the attacks succeed) and of the "
        f"AUROC of the worst of three policies (d′ = {', '.join(map(str, SHIFTS))}).",
        ("number", "questions", "draws", "coverage", "mean width", "refused"),
        second,
    )
    return claimed + numbers.removeprefix("## \n")
