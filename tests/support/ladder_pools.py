"""Pools as a ladder pays them, and as a search on the same ladder does."""

from dataclasses import replace

import numpy as np
from core_pools import pool

from overthink.data.record import RungRecord
from overthink.data.tokens import DECODED, OVERHEAD_COLUMNS

BUDGETS = (0, 40, 160)


def climbed(seed: int = 0, questions: int = 4, draws: int = 3) -> list[RungRecord]:
    """A pool as the ladder pays it: prefixes shared, traces that ended carried forward, prompts read again."""
    rng = np.random.default_rng(seed)
    shape = (questions, draws, len(BUDGETS))
    told = {
        name: np.zeros(shape)
        for name in ("thinking_tokens", "answer_tokens", "generated_tokens", "prompt_tokens", "judge_tokens")
    }
    told["natural_end"] = np.zeros(shape, dtype=object)
    for q, d in np.ndindex(questions, draws):
        length, before, ended = int(rng.integers(1, 300)), 0, False
        for r, budget in enumerate(BUDGETS):
            at, carried = min(budget, length), ended and r > 0
            answer = told["answer_tokens"][q, d, r - 1] if carried else int(rng.integers(1, 9))
            requests = 0 if carried else 1 + (at > before)
            told["thinking_tokens"][q, d, r] = at
            told["answer_tokens"][q, d, r] = answer
            told["generated_tokens"][q, d, r] = 0 if carried else at - before + answer
            told["prompt_tokens"][q, d, r] = requests * (100 + q) + (0 if carried else at)
            told["judge_tokens"][q, d, r] = 0 if carried else 50
            ended = length <= budget
            told["natural_end"][q, d, r] = ended
            before = at
    asked = np.broadcast_to(np.array(BUDGETS, dtype=object), shape)
    return pool(np.ones(shape), requested_tokens=asked, verifier_tokens=0, **told)


def searched(seed: int = 0) -> list[RungRecord]:
    """The same pool as a search pays it: branches that grow along the ladder, guards, and steps that are scored."""
    rng = np.random.default_rng(seed)
    rows: list[RungRecord] = []
    so_far: dict[str, int] = {}
    for row in climbed(seed):
        gained = {
            column: 0 if row.generated_tokens == 0 else int(rng.integers(0, 40)) for column in OVERHEAD_COLUMNS.values()
        }
        so_far = {column: (so_far[column] if row.rung else 0) + gained[column] for column in gained}
        thrown = sum(gained[OVERHEAD_COLUMNS[name]] for name in DECODED)
        rows.append(replace(row, generated_tokens=(row.generated_tokens or 0) + thrown, **so_far))  # type: ignore[arg-type]
    return rows
