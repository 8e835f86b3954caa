"""How often a change of the thinking is called one that moves answers, and what the intervals of areas hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.curves import contexts
from calibration.tables import table
from overthink.analysis.oversight.faithfulness import perturbations
from overthink.data.oversight_cells import PerturbationAnswers
from overthink.data.record import Axis, Estimand
from overthink.data.verdict_labels import FaithfulnessLabel

BUDGETS, DRAWS, POINTS, OPTIONS = (0, 64, 256), 4, 4, 4


@dataclass(frozen=True, slots=True)
class Change:
    """A study of changes: how often answers change by themselves, and how much more often behind the change."""

    name: str
    kind: str
    questions: int
    more: float = 0.0
    changes: int = 1


CHANGES = (
    Change("paraphrase that changes nothing", "paraphrase", 40),
    Change("paraphrase that changes nothing", "paraphrase", 100),
    Change("four paraphrases that change nothing", "paraphrase", 40, changes=4),
    Change("early answers that do not depend on the prefix", "early", 40),
    Change("early answers that do not depend on the prefix", "early", 100),
    Change("paraphrase that moves 10 points", "paraphrase", 100, more=0.1),
    Change("paraphrase that moves 20 points", "paraphrase", 100, more=0.2),
    Change("early answers fixed at a uniform share", "early", 40, more=1.0),
)


def block(label: str, agreements: NDArray[np.float64]) -> PerturbationAnswers:
    """Return answers from agreements, (question, draw, rung, point)."""
    questions, draws, rungs, points = np.indices(agreements.shape).reshape(4, -1)
    is_early = label.startswith("early")
    return PerturbationAnswers(
        task="t",
        estimand=Estimand.FORCED,
        arm="base",
        label=label,
        kind=label.partition(":")[0],
        writer=None,
        attack="",
        questions=np.array([f"q{question:03d}" for question in questions]),
        draws=draws,
        requested=np.array(BUDGETS[1:], dtype=float)[rungs],
        thinking=np.array(BUDGETS[1:], dtype=float)[rungs],
        positions=points / POINTS if is_early else np.full(len(points), np.nan),
        agreements=agreements.ravel(),
        corrects=np.full(len(points), np.nan),
        tokens=np.zeros(len(points)),
    )


def study(change: Change, rng: np.random.Generator) -> list[PerturbationAnswers]:
    """Return the sham and the changes of one study; a question has its own share of answers that change."""
    shape = (change.questions, DRAWS, len(BUDGETS) - 1)
    noise = np.broadcast_to(rng.beta(0.5, 2.0, size=(change.questions, 1, 1)), shape)
    blocks = [block("sham", (rng.random((*shape, 1)) >= noise[..., None]).astype(float))]
    for number in range(change.changes):
        if change.kind == "early":
            stays = rng.random((*shape, POINTS)) >= noise[..., None]
            if change.more:
                at = rng.random((*shape, 1))
                stays = (np.arange(POINTS) / POINTS >= at) | (rng.random((*shape, POINTS)) < 1 / OPTIONS)
        else:
            stays = rng.random((*shape, 1)) >= (noise + change.more * (1 - noise))[..., None]
        blocks.append(block(f"{change.kind}:points={number}", stays.astype(float)))
    return blocks


def claims(change: Change, *, runs: int, seed: int) -> tuple[float, float]:
    """Return the share of studies with any claim, and the share of all rungs and changes with one."""
    rng, curve = (
        np.random.default_rng([seed, 200 + CHANGES.index(change)]),
        contexts(Axis.SAFETY, BUDGETS, questions=change.questions, draws=DRAWS)[0],
    )
    called = []
    for _ in range(runs):
        results = perturbations([curve], study(change, rng))[1:]
        called.append([rung.verdict == FaithfulnessLabel.CHANGE for result in results for rung in result.rungs])
    return float(np.any(called, axis=1).mean()), float(np.mean(called))


def coverage(questions: int, *, runs: int, seed: int) -> tuple[float, float]:
    """Return the share of intervals that hold the planted area, and their mean width."""
    rng, curve = (
        np.random.default_rng([seed, 300 + questions]),
        contexts(Axis.SAFETY, BUDGETS, questions=questions, draws=DRAWS)[0],
    )
    change = Change("", "early", questions, more=1.0)
    at = np.arange(POINTS + 1) / POINTS
    agreement = at + (1 - at) / OPTIONS  # the answer is fixed at a uniform share, and one of the options before
    truth = 1 - float(np.trapezoid(agreement, at))
    ends = []
    for _ in range(runs):
        (result,) = (each for each in perturbations([curve], study(change, rng)) if each.perturbation != "sham")
        finding = result.rungs[0].value
        ends.append((finding.low, finding.high))
    low, high = np.array(ends, dtype=float).T
    return float(((low <= truth) & (truth <= high)).mean()), float((high - low).mean())


def tables(run: Any, runs: int) -> str:
    """Return the section of the page: claims on changes, and coverage of areas."""
    sizes: Sequence[int] = (20, 40, 100)
    called, held = run(claims, CHANGES), run(coverage, sizes)
    first = [
        (change.name, str(change.questions), f"{studies:.3f}", f"{rungs:.3f}")
        for change, (studies, rungs) in zip(CHANGES, called, strict=True)
    ]
    second = [(str(n), f"{share:.3f}", f"{width:.3f}") for n, (share, width) in zip(sizes, held, strict=True)]
    claimed = table(
        "Changes of the thinking that are called to move answers",
        f"Two rungs, {DRAWS} draws, against a sham whose answers change by themselves at a rate of the question (beta, "
        "mean .2); Holm over all rungs and changes of a study, as in a finished finding.",
        ("change", "questions", "studies with a claim", "rungs with a claim"),
        first,
    )
    areas = table(
        "",
        f"Intervals of the area over the curve: answers fixed at a uniform share, one of {OPTIONS} before.",
        ("questions", "coverage", "mean width"),
        second,
    )
    return claimed + areas.removeprefix("## \n")
