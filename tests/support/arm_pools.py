"""A pool of several arms with planted effects on all three axes, and what each of them costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from core_pools import pool
from numpy.typing import NDArray

from overthink.data.record import Axis, RungRecord

BUDGETS = (0, 64, 256, 1024)

Levels = Mapping[Axis, Sequence[float]]

BASE: Levels = {
    Axis.CAPABILITY: (0.3, 0.45, 0.6, 0.7),
    Axis.SAFETY: (0.9, 0.85, 0.7, 0.5),
    Axis.BENIGN: (0.95, 0.95, 0.95, 0.95),
}
KEEPS: Levels = BASE | {Axis.SAFETY: (0.92, 0.92, 0.92, 0.92), Axis.BENIGN: (0.8, 0.8, 0.8, 0.8)}
HALVES: Levels = BASE | {Axis.SAFETY: (0.9, 0.87, 0.8, 0.7)}
TASKS = {Axis.CAPABILITY: "sums", Axis.SAFETY: "secrets", Axis.BENIGN: "harmless"}


def arm(
    name: str,
    levels: Levels,
    *,
    questions: int = 80,
    draws: int = 4,
    seed: int = 0,
    guard: float = 0.0,
    rejected: float = 0.0,
    study: str = "made",
    budgets: Sequence[int] = BUDGETS,
) -> list[RungRecord]:
    """Rows of one arm: a question is as hard in every arm; a guard reads, and some of what was thought is thrown away.

    Args:
        name: Its label.
        levels: By axis: mean of each rung.
        questions: Per task.
        draws: Per question.
        seed: Of the questions' difficulty; draws also hang on the arm's name.
        guard: Guard tokens per thinking token.
        rejected: Rejected tokens per thinking token.
        study: Where the rows come from.
        budgets: The ladder.
    """
    rows: list[RungRecord] = []
    for number, (axis, means) in enumerate(levels.items()):
        effect = np.random.default_rng([seed, number]).normal(0, 1, (questions, 1, 1))
        rng = np.random.default_rng([seed, number, *name.encode(), *study.encode()])
        p = shifted(np.asarray(means[: len(budgets)]), effect)
        values = (rng.random((questions, draws, len(budgets))) < p).astype(float)
        thinking = np.broadcast_to(np.array(budgets), values.shape)
        longer = np.exp(-0.2 * effect)
        own = whole(thinking * longer / longer.mean())
        new = np.diff(own.astype(float), axis=2, prepend=0.0)
        thrown = whole(rejected * own.astype(float))
        told: dict[str, Any] = {
            "requested_tokens": thinking.astype(object),
            "thinking_tokens": own,
            "answer_tokens": 10,
            "prompt_tokens": 30,
            "generated_tokens": whole(new + 10 + np.diff(thrown.astype(float), axis=2, prepend=0.0)),
            "guard_tokens": whole(guard * own.astype(float)),
            "rejected_tokens": thrown,
        }
        rows += pool(values, arm=name, axis=axis, task=TASKS[axis], study=study, **told)
    return rows


def shifted(means: NDArray[np.float64], effect: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chances of questions that differ by an effect in logits, whose mean over these questions is exact."""
    location = np.log(means / (1 - means))
    for _ in range(60):
        p = 1 / (1 + np.exp(-(location + effect)))
        location = location + (means - p.mean(axis=(0, 1))) / (p * (1 - p)).mean(axis=(0, 1))
    return np.asarray(1 / (1 + np.exp(-(location + effect))))


def whole(tokens: NDArray[np.float64]) -> NDArray[Any]:
    return np.round(tokens).astype(int).astype(object)


def three(**options: Any) -> list[RungRecord]:
    """The plain arm, one that keeps safety and refuses more, and one that keeps half of it."""
    return [
        *arm("base", BASE, **options),
        *arm("keeps", KEEPS, guard=0.5, rejected=0.2, **options),
        *arm("halves", HALVES, **options),
    ]
