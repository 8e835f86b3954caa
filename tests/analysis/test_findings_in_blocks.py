"""Findings in blocks of questions: those of the whole table at once, in bounded memory."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest
from tests.support.arm_pools import three
from tests.support.ladder_pools import climbed

import overthink.data.blocks
import overthink.stats.bootstrap
import overthink.stats.curve
from overthink.analysis import findings
from overthink.cost.attempt import attempt_tokens, pool_total
from overthink.cost.ledger import ledger
from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.outcomes import Outcomes, from_records
from overthink.plan.analysis import Analysis

STUDIES = {"ladder": lambda: climbed(questions=14, draws=6), "arms": three}


def found(tables: Sequence[Outcomes]) -> tuple[Finding, ...]:
    return findings(tables, Analysis(level=0.9), rng=np.random.default_rng(3))


def assert_same(some: Any, other: Any) -> None:
    """Assert equality, of numbers to 1e-12."""
    if isinstance(some, dict):
        assert some.keys() == other.keys()
        for key in some:
            assert_same(some[key], other[key])
    elif isinstance(some, float):
        assert some == pytest.approx(other, rel=1e-12, abs=1e-12, nan_ok=True)
    else:
        assert some == other


def small_blocks(patch: pytest.MonkeyPatch) -> None:
    """Make blocks of a few questions, some resamples and few cells."""
    patch.setattr(overthink.data.blocks, "ENTRIES_AT_ONCE", 200)
    patch.setattr(overthink.stats.bootstrap, "BLOCK_BYTES", 2**16)
    patch.setattr(overthink.stats.curve, "DRAWS_AT_ONCE", 200)


@pytest.mark.parametrize("study", STUDIES)
def test_findings_do_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch, study: str) -> None:
    tables = from_records(STUDIES[study]())
    whole = found(tables)
    small_blocks(monkeypatch)
    in_blocks = found(tables)
    assert len(whole) > 100
    for one, other in zip(whole, in_blocks, strict=True):
        assert_same(asdict(one), asdict(other))


def test_ledgers_and_totals_do_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = from_records(STUDIES["ladder"]())
    lines, totals = ledger(tables), [pool_total(table, Metric.SPENT_GENERATED) for table in tables]
    tokens = [attempt_tokens(table) for table in tables]
    small_blocks(monkeypatch)
    for one, other in zip(lines, ledger(tables), strict=True):
        assert_same(asdict(one), asdict(other))
    assert totals == [pool_total(table, Metric.SPENT_GENERATED) for table in tables]
    for one, other in zip(tokens, map(attempt_tokens, tables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_unknown_column_may_be_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that repeats one NaN takes no memory, and gives the findings of one that is filled with NaN."""
    tables = from_records(STUDIES["arms"]())
    lean = [_lean(table) for table in tables]
    assert any(not any(table.verifier_score.strides) for table in lean)
    assert found(tables) == found(lean)


def _lean(table: Outcomes) -> Outcomes:
    columns = {field.name: getattr(table, field.name) for field in fields(table)}
    unknown = {
        name: np.broadcast_to(np.nan, column.shape)
        for name, column in columns.items()
        if isinstance(column, np.ndarray) and column.dtype == np.float64 and np.isnan(column).all()
    }
    return replace(table, **unknown)  # type: ignore[arg-type]


def answered(questions: int) -> tuple[Outcomes, int]:
    """A table of this many questions, and the bytes of its arrays."""
    rng = np.random.default_rng(0)
    rows = from_records(climbed(questions=2, draws=2))[0]
    shape = (questions, 100, len(rows.rungs))
    values = (rng.random(shape) < 0.5).astype(float)
    columns: dict[str, Any] = {
        field.name: np.broadcast_to(np.nan, shape) for field in fields(rows) if "float64" in str(field.type)
    }
    columns |= {
        "values": values,
        "thinking_tokens": rng.integers(1, 9, size=shape).cumsum(axis=2).astype(float),
        "answer_tokens": np.ones(shape),
        "answers": np.where(values == 1, 0, rng.integers(1, 4, size=shape)),
        "verdicts": np.where(values == 1, 0, 1),
        "observed": np.ones(shape, dtype=np.bool_),
        "questions": tuple(f"q{i:04}" for i in range(questions)),
        "draws": tuple(range(100)),
    }
    arrays = sum(column.nbytes for column in columns.values() if isinstance(column, np.ndarray) and any(column.strides))
    return replace(rows, **columns), arrays


@pytest.mark.long
def test_memory_grows_by_less_than_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overthink.data.blocks, "ENTRIES_AT_ONCE", 2**12)
    monkeypatch.setattr(overthink.stats.bootstrap, "BLOCK_BYTES", 2**18)
    monkeypatch.setattr(overthink.stats.curve, "DRAWS_AT_ONCE", 2**12)
    (small, few_bytes), (large, many_bytes) = answered(60), answered(500)
    found([small])
    peaks = []
    for table in (small, large):
        tracemalloc.start()
        found([table])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < many_bytes - few_bytes
