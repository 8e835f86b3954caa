"""A trace has one id, whatever its rungs, scorers and controls; another trace has another one."""

import hashlib
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from core_pools import pool
from hypothesis import given, settings
from hypothesis import strategies as st

from overthink.data.pool import pool_of, read
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.traces import ORIGIN, TRACE, trace_ids, with_earlier_traces, with_traces

PLAN = hashlib.sha256(b"plan").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
ROWS = pool(np.ones((3, 2, 4)))


def ids(rows: list[RungRecord], origin: str = PLAN) -> list[bytes]:
    return read(with_traces(pool_of(rows), origin))[TRACE].to_list()


def by_hand(row: RungRecord, origin: str = PLAN, *number: str) -> bytes:
    text = "\0".join((origin, row.arm, row.task, row.question, str(row.draw), *number))
    return hashlib.sha256(text.encode()).digest()[:16]


@settings(max_examples=50, deadline=None)
@given(st.permutations(ROWS))
def test_an_id_is_the_hash_of_the_trace_whatever_the_order_of_the_rows(rows: list[RungRecord]) -> None:
    assert ids(rows) == [by_hand(row) for row in rows]


def test_rungs_scorers_axes_and_controls_share_the_id_of_their_trace() -> None:
    row = ROWS[0]
    same = [row, replace(row, rung=1), replace(row, scorer="b"), replace(row, axis=Axis.SAFETY)]
    same += [replace(row, estimand=estimand) for estimand in (Estimand.SHAM, Estimand.NATURAL, Estimand.TRUNCATED)]
    assert len(set(ids(same))) == 1


@pytest.mark.parametrize("change", [{"arm": "b"}, {"task": "b"}, {"question": "b"}, {"draw": 7}])
def test_another_trace_has_another_id(change: dict[str, object]) -> None:
    assert len(set(ids([ROWS[0], replace(ROWS[0], **change)]))) == 2
    assert ids(ROWS[:1]) != ids(ROWS[:1], OTHER)


def test_labels_do_not_run_into_each_other() -> None:
    one, two = replace(ROWS[0], arm="a", task="bc"), replace(ROWS[0], arm="ab", task="c")
    assert len(set(ids([one, two]))) == 2


def test_levels_of_effort_are_numbered_for_they_share_no_trace() -> None:
    levels = [replace(row, estimand=Estimand.EFFORT) for row in pool(np.ones((1, 1, 3)))]
    numbers = [(), ("1",), ("2",)]
    assert ids(levels) == [by_hand(row, PLAN, *number) for row, number in zip(levels, numbers, strict=True)]
    scored_twice = [*levels, *[replace(row, scorer="b") for row in levels]]
    assert ids(scored_twice) == ids(levels) * 2


def test_rows_of_several_files_have_the_hash_of_their_own() -> None:
    rows = [ROWS[0], replace(ROWS[0], scorer="b")]
    frame = pool_of(rows).with_columns(pl.Series(ORIGIN, [PLAN, OTHER]))
    traced = read(with_traces(frame, None))
    assert traced[TRACE].to_list() == [by_hand(rows[0]), by_hand(rows[0], OTHER)]
    assert ORIGIN not in traced.columns


def test_ids_stay_and_new_traces_get_theirs() -> None:
    before = with_traces(pool_of(ROWS[:8]), PLAN)
    grown = with_traces(with_earlier_traces(pool_of([*reversed(ROWS)]), trace_ids(before)), OTHER)
    expected = [by_hand(row, PLAN if row.question == "q000" else OTHER) for row in reversed(ROWS)]
    assert read(grown)[TRACE].to_list() == expected
    assert read(with_traces(grown, PLAN))[TRACE].to_list() == expected


def test_a_pool_without_ids_gives_none() -> None:
    assert trace_ids(pool_of(ROWS)).height == 0
    grown = with_earlier_traces(pool_of(ROWS), trace_ids(pool_of(ROWS)))
    assert read(grown)[TRACE].null_count() == len(ROWS)
    assert read(with_traces(grown, PLAN))[TRACE].to_list() == ids(ROWS)


def test_an_analysis_does_not_compute_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from overthink.data import traces
    from overthink.data.outcomes import from_frame

    monkeypatch.setattr(traces, "_hashes", lambda keys: pytest.fail("an id was computed"))
    assert len(from_frame(with_traces(pool_of(ROWS), PLAN))) == 1
