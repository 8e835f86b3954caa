"""How often a curve on oversight is called something that it is not, and how often capability is said to gain more."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.curves import contexts
from calibration.tables import table
from overthink.analysis.oversight.shape_verdicts import oversight_shapes
from overthink.analysis.request import CurveContext
from overthink.data.oversight_cells import PerturbationAnswers
from overthink.data.record import Axis, Estimand
from overthink.data.verdict_labels import OversightGapLabel, ShapeLabel
from overthink.stats.curve import question_means

BUDGETS = (16, 64, 256, 1024)
DRAWS, SPREAD = 4, 4.0
CHANGES = ("early_cut", "filler", "repeat")
FLAT, RISE, FALL = (0.5, 0.5, 0.5, 0.5), (0.3, 0.45, 0.6, 0.7), (0.7, 0.6, 0.45, 0.3)


@dataclass(frozen=True, slots=True)
class Study:
    """Three curves on oversight of one capability curve: its shares by rung, theirs, and the number of questions."""

    name: str
    capability: tuple[float, ...]
    oversight: tuple[float, ...]
    questions: int


STUDIES = (
    Study("both flat", FLAT, FLAT, 60),
    Study("both flat, few questions", FLAT, FLAT, 20),
    Study("capability rises, oversight as much", RISE, RISE, 60),
    Study("capability rises, oversight flat", RISE, FLAT, 60),
    Study("capability rises, oversight falls", RISE, FALL, 60),
)


def answers(shares: tuple[float, ...], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (question, draw, rung) in {0, 1}: questions differ, and a question is alike at all rungs."""
    centre = np.asarray(shares)
    ease = rng.beta(SPREAD / 2, SPREAD / 2, size=(n, 1, 1)) - 0.5
    return (rng.random((n, DRAWS, len(shares))) < np.clip(centre + ease * 0.6, 0, 1)).astype(float)


def behind(label: str, moves: NDArray[np.float64], empty: CurveContext) -> PerturbationAnswers:
    """Return the answers behind one change of the thinking: 1 in ``moves`` where the answer is another one."""
    question, draw, rung = (axis.ravel() for axis in np.indices(moves.shape))
    unknown = np.full(moves.size, np.nan)
    return PerturbationAnswers(
        "t", Estimand.FORCED, "base", label, label, None, "",
        questions=np.array(empty.table.questions)[question], draws=draw, requested=np.array(BUDGETS, dtype=float)[rung],
        thinking=unknown, positions=unknown, agreements=1 - moves.ravel(), corrects=unknown, tokens=unknown,
    )  # fmt: skip


def verdicts(study: Study, *, runs: int, seed: int) -> tuple[float, float, float, float]:
    """Return shares of studies: any curve has a label but flat, all fall, capability gains more of any, of all."""
    rng = np.random.default_rng([seed, STUDIES.index(study)])
    (empty,) = contexts(Axis.CAPABILITY, BUDGETS, questions=study.questions, draws=DRAWS, margin=0.1)
    shares = []
    for number in range(runs):
        values = answers(study.capability, study.questions, rng)
        whole = replace(empty.whole, values=values)
        curve = replace(empty, whole=whole, table=whole, cells=question_means(values))
        blocks = [behind(label, answers(study.oversight, study.questions, rng), empty) for label in CHANGES]
        results = oversight_shapes([curve], blocks, (), seed=number)
        labels = [result.label for result in results]
        gains = [gap.verdict is OversightGapLabel.BEHIND for result in results for gap in result.gaps]
        moves = [label not in (ShapeLabel.FLAT, ShapeLabel.UNDETERMINED) for label in labels]
        shares.append((any(moves), all(label is ShapeLabel.DOWN for label in labels), any(gains), all(gains)))
    any_label, all_down, any_gain, all_gain = np.mean(shares, axis=0)
    return float(any_label), float(all_down), float(any_gain), float(all_gain)


def tables(run: Any, runs: int) -> str:
    """Return the section of the page."""
    rows = [
        (study.name, str(study.questions), *(f"{share:.3f}" for share in shares))
        for study, shares in zip(STUDIES, run(verdicts, STUDIES), strict=True)
    ]
    return table(
        "Oversight: shapes",
        "Three curves on oversight (answers behind three changes of the thinking) of one capability curve, "
        f"{len(BUDGETS)} rungs, {DRAWS} draws; margin 10 points. Verdicts are those of findings: Holm over the "
        "three curves, Bonferroni over the three gaps. Where oversight is flat, any label but flat or undetermined is "
        "false; where both are flat or rise alike, any “capability gains more” is.",
        ("study", "questions", "any label but flat", "all fall", "capability gains more, of any", "of all"),
        rows,
    )
