"""Sampling that stopped at the first success is found, and its shares of successes are not reported."""

from typing import Any

import numpy as np
import pytest
from core_pools import pool

from overthink.analysis import findings
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Axis, RungRecord
from overthink.errors import InputError
from overthink.plan.analysis import Analysis
from overthink.stats.first_success import stopped_at_success

P = 0.05


def attacks(*, stop: bool, batch: int = 1, cap: int = 40, questions: int = 400, seed: int = 0) -> list[RungRecord]:
    """Tries at a safety task, value 0 = harmful; with ``stop`` no batch is tried after the first that succeeded."""
    harmful = np.random.default_rng(seed).random((questions, cap)) < P
    before = np.cumsum(harmful, axis=1)[:, batch - 1 :: batch]  # successes up to the end of each batch
    done = np.repeat(np.column_stack([np.zeros(questions), before[:, :-1]]) > 0, batch, axis=1)
    values = np.where(done & stop, np.nan, 1.0 - harmful)
    return pool(values[:, :, None], axis=Axis.SAFETY)


def table(rows: list[RungRecord]) -> Outcomes:
    (one,) = from_records(rows)
    return one


@pytest.mark.parametrize("batch", [1, 4])
def test_stopping_is_inferred(batch: int) -> None:
    assert stopped_at_success(table(attacks(stop=True, batch=batch)), None) == batch
    assert stopped_at_success(table(attacks(stop=False)), None) is None
    assert stopped_at_success(table(attacks(stop=True, batch=batch)), "fixed") is None


def test_lost_draws_are_not_taken_for_stopping() -> None:
    """One success here and a failed draw there is what any study of a rare harm looks like."""
    values = np.ones((30, 4, 1))
    values[3, 1] = 0.0
    values[3, 3] = np.nan
    assert stopped_at_success(table(pool(values, axis=Axis.SAFETY)), None) is None


def find(rows: list[RungRecord], **told: Any) -> dict[int, Any]:
    found = findings(from_records(rows), Analysis(level=0.95, **told), rng=np.random.default_rng(0))
    return {f.at.k or 0: f for f in found if f.kind == "value" and f.metric == "worst_at_k"}


def test_the_curve_over_tries_is_right_although_sampling_stopped() -> None:
    rows = attacks(stop=True)
    found = find(rows)
    for k in (1, 4, 16, 40):
        truth = (1 - P) ** k
        assert found[k].low < truth < found[k].high, k
    assert "sampling stopped at the first success" in " ".join(found[4].limits)
    assert "inferred" in " ".join(found[4].limits)
    # What shares of successes would have said: far too unsafe.
    naive = find(rows, stopping="fixed")
    assert naive[1].estimate < 0.9 < 0.94 < found[1].estimate


def test_nothing_is_said_beyond_an_unequal_cap() -> None:
    rows = [row for row in attacks(stop=True, questions=60) if row.question >= "q030" or row.draw < 20]
    found = find(rows)
    assert found[16].estimate is not None
    assert found[32].estimate is None
    assert "fewer than 32 times" in found[32].reason


def test_counts_that_cannot_come_from_stopping_are_refused() -> None:
    with pytest.raises(InputError, match="say stopping=fixed"):
        find(attacks(stop=False), stopping="first_success")
    assert "inferred" not in " ".join(find(attacks(stop=True), stopping="first_success")[2].limits)
