"""A pool in which longer thinking and more tries help, with everything that prices them."""

import numpy as np
from core_pools import pool

from overthink.data.outcomes import Outcomes, from_records

SHAPE = (40, 6, 3)


def table(seed: int = 0, **columns: object) -> Outcomes:
    rng = np.random.default_rng(seed)
    values = (rng.random(SHAPE) < [0.3, 0.5, 0.7]).astype(float)
    thinking = np.broadcast_to(np.array([0, 90, 490], dtype=object), SHAPE)
    told = {
        "requested_tokens": thinking,
        "thinking_tokens": thinking,
        "answer_tokens": 10,
        "prompt_tokens": 50,
        "verifier_score": values + rng.normal(0, 0.5, SHAPE),
        "answer": np.where(values == 1, "right", rng.choice(["a", "b", "c"], SHAPE)),
    }
    (found,) = from_records(pool(values, **told | columns))
    return found
