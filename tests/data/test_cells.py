"""Outcomes are built of columns as a slow reader of single rows would build them."""

import math
import random
from collections import defaultdict
from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from core_pools import pool
from hypothesis import given, settings
from hypothesis import strategies as st

import overthink.data.pool as pool_module
from overthink.data.cells import column
from overthink.data.outcomes import VERDICTS, Outcomes, from_frame, guaranteed_part
from overthink.data.pool import CURVE, pool_of, records_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.waves import Waves
from overthink.errors import InputError

NUMBERS = {
    "values": "value",
    "natural_end": "natural_end",
    "truncated": "truncated",
    "verifier_score": "verifier_score",
    "seconds": "seconds",
    **{
        field.name: field.name
        for field in fields(RungRecord)
        if field.name.endswith("_tokens") and field.name != "requested_tokens"
    },
}

ROWS = st.lists(
    st.builds(
        RungRecord,
        study=st.sampled_from(["s", "t"]),
        arm=st.sampled_from(["base", "é", "z"]),
        axis=st.sampled_from([Axis.SAFETY, Axis.CAPABILITY]),
        task=st.sampled_from(["sums", "Sums"]),
        scorer=st.just("match"),
        question=st.sampled_from(["10", "9", "a", "", "𝔸", "z\0"]),
        draw=st.sampled_from([0, 1, 5, 2**40]),
        rung=st.integers(0, 2),
        estimand=st.just(Estimand.FORCED),
        verdict=st.none() | st.sampled_from(Verdict),
        value=st.none() | st.sampled_from([0.0, 1.0, 0.1, math.nan]),
        thinking_tokens=st.none() | st.sampled_from([-1, 0, 7, 2**53 + 1]),
        generated_tokens=st.none() | st.integers(0, 9),
        seconds=st.none() | st.floats(-1, 5),
        natural_end=st.none() | st.booleans(),
        answer=st.none() | st.sampled_from(["1", "10", "2", "ä"]),
        verifier_score=st.none() | st.floats(-2, 2),
        error=st.none() | st.just("broken"),
    ),
    max_size=40,
    unique_by=lambda r: (r.arm, r.axis, r.task, r.question, r.draw, r.rung),
)


def tables_row_by_row(rows: list[RungRecord]) -> list[dict[str, Any]]:
    """Every curve as a dictionary of nested lists, from one row after the other."""
    curves = defaultdict(list)
    for row in rows:
        curves[tuple(getattr(row, name) for name in CURVE)].append(row)
    tables = []
    for labels in sorted(curves):
        own = curves[labels]
        axes = [sorted({getattr(row, name) for row in own}) for name in ("question", "draw", "rung")]
        answers = sorted({row.answer for row in own if row.answer is not None})
        cells = {(row.question, row.draw, row.rung): row for row in own}
        table: dict[str, Any] = {"labels": labels, "study": ", ".join(sorted({row.study for row in own})), "axes": axes}
        grid = [[[cells.get((q, d, r)) for r in axes[2]] for d in axes[1]] for q in axes[0]]
        for name, source in NUMBERS.items():
            table[name] = [[[number(row, source) for row in rungs] for rungs in draws] for draws in grid]
        table["answers"] = [
            [
                [-1 if row is None or row.answer is None else answers.index(row.answer) for row in rungs]
                for rungs in draws
            ]
            for draws in grid
        ]
        table["verdicts"] = [[[verdict(row) for row in rungs] for rungs in draws] for draws in grid]
        table["observed"] = [[[row is not None for row in rungs] for rungs in draws] for draws in grid]
        tables.append(table)
    return tables


def number(row: RungRecord | None, source: str) -> float:
    value = None if row is None else getattr(row, source)
    if value is None or (source.endswith(("tokens", "seconds")) and value < 0):
        return math.nan
    return float(value)


def verdict(row: RungRecord | None) -> int:
    if row is None or (row.verdict is None and row.error is None):
        return -1
    return VERDICTS.index(row.verdict or Verdict.ERRORED)


def same(outcomes: Outcomes, table: dict[str, Any]) -> bool:
    labels = tuple(getattr(outcomes, name) for name in CURVE)
    axes = [list(outcomes.questions), list(outcomes.draws), [rung.index for rung in outcomes.rungs]]
    arrays = [name for name in table if name not in ("labels", "study", "axes")]
    return (
        (labels, outcomes.study, axes) == (table["labels"], table["study"], table["axes"])
        and all(np.array_equal(getattr(outcomes, n), table[n], equal_nan=n in NUMBERS) for n in arrays)
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_columns_give_what_single_rows_give(rows: list[RungRecord], shuffler: random.Random) -> None:
    expected = tables_row_by_row(rows)
    for few_rows in (-1, pool_module.FEW_ROWS):  # read by column and in memory, in any order of the rows
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pool_module, "FEW_ROWS", few_rows)
            tables = from_frame(pool_of(rows))
        assert len(tables) == len(expected)
        assert all(map(same, tables, expected))
        shuffler.shuffle(rows)


def test_the_comparison_sees_one_changed_cell() -> None:
    rows = pool([[[0.0, 1.0]], [[1.0, 1.0]]])
    (table,) = from_frame(pool_of(rows))
    assert same(table, tables_row_by_row(rows)[0])
    assert not same(table, tables_row_by_row(pool([[[0.0, 1.0]], [[1.0, 0.0]]]))[0])


def test_rows_come_back_as_they_were() -> None:
    rows = pool([[[0.0, 1.0]], [[1.0, 1.0]]], answer="4", natural_end=True, seconds=0.5, verdict=Verdict.WRONG)
    assert records_of(pool_of(rows)) == rows
    assert records_of(pool_of([])) == []


def test_a_curve_between_rows_of_another_one_is_found() -> None:
    first, second = pool([[[0.0], [1.0]]]), pool([[[1.0], [0.0]]], arm="other")
    mixed = [first[0], second[0], first[1], second[1]]
    assert [t.values.ravel().tolist() for t in from_frame(pool_of(mixed))] == [[0, 1], [1, 0]]
    assert [t.values.ravel().tolist() for t in from_frame(pool_of([*second, *first]))] == [[0, 1], [1, 0]]


def test_a_column_without_a_known_cell_takes_no_memory() -> None:
    (table,) = from_frame(pool_of(pool(np.ones((5, 4, 3)))))
    assert {table.seconds.strides, table.answers.strides} == {(0, 0, 0)}
    assert np.isnan(table.seconds).all()
    assert (table.answers == -1).all()
    assert not table.seconds.flags.writeable
    assert not table.values.flags.writeable
    assert guaranteed_part(table) is table


def test_a_missing_column_is_one_clear_error() -> None:
    frame = pool_of(pool([[[1.0]]])).drop("draw", "answer")
    with pytest.raises(InputError, match=r"no column draw, answer \(seen: study, arm.*needed: all of study"):
        from_frame(frame)


def test_a_value_of_another_type_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="wrong type"):
        pool_of(pool([[[1.0]]], thinking_tokens="many"))


def test_a_column_in_pieces_keeps_its_order() -> None:
    pieces = pl.concat([pl.DataFrame({"draw": [3, 1]}), pl.DataFrame({"draw": [2]})], rechunk=False)
    assert column(pieces.lazy(), pl.col("draw")).tolist() == [3, 1, 2]


def test_the_guaranteed_part_has_the_same_unknown_columns() -> None:
    (table,) = from_frame(pool_of(pool(np.ones((2, 3, 1)))))
    part = guaranteed_part(replace(table, waves=Waves(("q000", "q001"), np.array([[2, 2]]))))
    assert part.values.shape == part.seconds.shape == (2, 2, 1)
    assert part.seconds.strides == (0, 0, 0)
    assert np.isnan(part.seconds).all()
