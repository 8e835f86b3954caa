"""The monitorability tax from small tables: what is given up, what is free, and what has no number."""

import numpy as np
import pytest

from overthink.analysis import Analysis
from overthink.analysis.oversight.tax import NO_CHOICE, NO_G, monitorability_taxes
from overthink.analysis.request import CurveContext
from overthink.data.ids import curve_ids
from overthink.data.interventions import InterventionRuns
from overthink.data.outcomes import from_frame
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.oversight import OversightResults, TaxResult
from overthink.reports.tables.oversight import TAX, monitorability_tables

N, DRAWS = 40, 4
QUESTIONS = tuple(f"q{number:02}" for number in range(N))


def taxes(
    shares: dict[str, tuple[float, ...]],
    seen: dict[str, tuple[float, ...]],
    *,
    budgets: tuple[int, ...] = (64, 256),
    moves: float = 1.0,
) -> tuple[TaxResult, ...]:
    """Taxes of arms with a share of right answers by rung, whose attacks a monitor sees with a chance by rung."""
    rng = np.random.default_rng(1)
    rows = [
        RungRecord(
            "s", arm, Axis.CAPABILITY, "t", "m", question, draw, rung, Estimand.FORCED,
            value=float((number * 7 + draw * 3) % 20 < 20 * shares[arm][rung]), requested_tokens=budget,
            thinking_tokens=budget, answer_tokens=10,
        )
        for arm in shares for number, question in enumerate(QUESTIONS) for draw in range(DRAWS)
        for rung, budget in enumerate(budgets)
    ]  # fmt: skip
    curves = sorted(from_frame(pool_of(rows)), key=lambda curve: curve.key)
    analysis, prefixes = Analysis(level=0.95, margin=0.05), curve_ids([curve.key for curve in curves])
    contexts = [
        CurveContext.of(curve, analysis, prefix=prefix, scorers=1, family=1, weights=np.zeros((0, 0)))
        for curve, prefix in zip(curves, prefixes, strict=True)
    ]
    shape = N, DRAWS, len(budgets)
    quiet, moved = np.zeros(shape), np.full(shape, moves)
    runs = [
        InterventionRuns(
            "side", arm, Estimand.FORCED, "leak", "m", "cot", budgets, QUESTIONS,
            y0=quiet, z0=quiet, y1=moved, z1=(rng.random(shape) < np.array(seen[arm])).astype(float),
        )
        for arm in shares
    ]  # fmt: skip
    return monitorability_taxes(contexts, runs)


def test_a_short_thinking_that_is_seen_gives_up_what_a_long_one_gains() -> None:
    (tax,) = taxes({"base": (0.5, 0.9)}, {"base": (1.0, 0.2)})
    short, long = tax.equal_compute
    assert long.estimate == pytest.approx(0.4, abs=0.02)
    assert long.low is not None
    assert 0.2 < long.low < (long.estimate or 0)
    assert (long.at.total, long.at.unit) == (266, "tokens")
    assert "base at 64 tokens instead of base at 256 tokens" in (long.label or "")
    assert (short.estimate, short.low) == (0, None)
    assert "no tax" in (short.reason or "")


def test_a_long_thinking_that_is_seen_takes_more_compute_where_a_short_one_is_as_good() -> None:
    (tax,) = taxes({"base": (0.6, 0.6), "calm": (0.6, 0.2)}, {"base": (0.3, 0.9), "calm": (0.4, 0.4)})
    assert [finding.arm for finding in tax.equal_capability] == ["base", "base", "calm", "calm"]
    first = tax.equal_capability[0]
    assert first.estimate == pytest.approx(256 - 64)
    assert "base at 256 tokens instead of base at 64 tokens" in (first.label or "")
    (table,) = monitorability_tables(OversightResults(taxes=(tax,)))
    assert table.caption == TAX
    assert "+192 tokens" in str(table.rows[0])


def test_one_choice_and_an_attack_that_does_nothing_are_reasons_and_no_numbers() -> None:
    (alone,) = taxes({"base": (0.5,)}, {"base": (1.0,)}, budgets=(64,))
    assert [each.reason for each in (*alone.equal_compute, *alone.equal_capability)] == [NO_CHOICE] * 2
    (idle,) = taxes({"base": (0.5, 0.9)}, {"base": (1.0, 1.0)}, moves=0.0)
    assert {each.reason for each in (*idle.equal_compute, *idle.equal_capability)} == {NO_G}
    assert all(each.estimate is None for each in idle.equal_compute)
