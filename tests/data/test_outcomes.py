from dataclasses import replace

import numpy as np
import pytest
from core_pools import pool

from overthink.data.outcomes import VERDICTS, Outcomes, Rung, from_records
from overthink.data.record import Axis, Estimand, Verdict
from overthink.errors import InputError

RNG = np.random.default_rng(0)


def same(a: Outcomes, b: Outcomes) -> bool:
    names = ("values", "thinking_tokens", "answers", "verdicts", "observed")
    pairs = [(getattr(a, name), getattr(b, name)) for name in names]
    return all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in pairs)


def test_rows_land_in_their_cells() -> None:
    values = RNG.integers(0, 2, (3, 2, 4)).astype(float)
    values[1, 1] = np.nan
    tokens = np.arange(24.0).reshape(3, 2, 4)
    (table,) = from_records(pool(values, thinking_tokens=tokens, natural_end=True))
    np.testing.assert_array_equal(table.values, values)
    np.testing.assert_array_equal(table.thinking_tokens, np.where(np.isnan(values), np.nan, tokens))
    np.testing.assert_array_equal(table.observed, ~np.isnan(values))
    np.testing.assert_array_equal(table.natural_end, np.where(np.isnan(values), np.nan, 1.0))
    assert np.isnan(table.judge_tokens).all()
    assert table.questions == ("q000", "q001", "q002")
    assert table.rungs == tuple(Rung(i) for i in range(4))


def test_a_count_below_zero_is_unknown_and_a_score_below_zero_is_a_score() -> None:
    rows = pool([[[1, 1]]], prompt_tokens=np.array([[[-3, 3]]]), seconds=np.array([[[2.5, -1.0]]]), verifier_score=-0.5)
    (table,) = from_records(rows)
    np.testing.assert_array_equal(table.prompt_tokens, [[[np.nan, 3]]])
    np.testing.assert_array_equal(table.seconds, [[[2.5, np.nan]]])
    np.testing.assert_array_equal(table.verifier_score, [[[-0.5, -0.5]]])


def test_the_order_of_rows_does_not_matter() -> None:
    answers = RNG.choice(np.array(["1", "2", "x"], dtype=object), (4, 3, 2))
    rows = pool(RNG.integers(0, 2, (4, 3, 2)), answer=answers, verdict=Verdict.WRONG)
    rows += [replace(r, arm="other") for r in rows]
    shuffled = [rows[i] for i in RNG.permutation(len(rows))]
    for a, b in zip(from_records(rows), from_records(shuffled), strict=True):
        assert (a.arm, a.questions, a.rungs) == (b.arm, b.questions, b.rungs)
        assert same(a, b)
    assert not same(from_records(rows)[0], from_records([replace(r, value=1 - r.value) for r in rows])[0])


def test_one_table_per_curve() -> None:
    rows = pool([[[1]]])
    for name, value in {
        "arm": "b",
        "axis": Axis.SAFETY,
        "task": "t",
        "scorer": "s",
        "estimand": Estimand.NATURAL,
    }.items():
        assert len(from_records([*rows, replace(rows[0], **{name: value})])) == 2
    assert len(from_records([*rows, replace(rows[0], draw=1, study="elsewhere")])) == 1
    assert from_records([]) == []


def test_rungs_say_what_was_asked_for() -> None:
    rows = pool([[[1, 0]]], requested_tokens=np.array([[[0, 64]]]))
    rows.append(replace(rows[1], question="failed", requested_tokens=None))
    assert from_records(rows)[0].rungs == (Rung(0, 0), Rung(1, 64))
    efforts = pool([[[1, 0]]], effort=np.array([[["low", "high"]]]))
    assert from_records(efforts)[0].rungs == (Rung(0, None, "low"), Rung(1, None, "high"))


def test_an_answer_has_one_code_and_silence_has_none() -> None:
    rows = pool([[[1], [0], [0], [1]]], answer=np.array([[["7"], ["9"], [None], ["7"]]], dtype=object))
    codes = from_records(rows)[0].answers[0, :, 0]
    assert codes[0] == codes[3] != codes[1]
    assert codes[2] == -1


def test_a_row_with_an_error_is_errored() -> None:
    row = pool([[[1]]])[0]
    (table,) = from_records([replace(row, value=None, error="out of memory")])
    assert VERDICTS[table.verdicts[0, 0, 0]] is Verdict.ERRORED
    assert np.isnan(table.values).all()
    assert table.observed.all()


def test_arrays_are_read_only() -> None:
    (table,) = from_records(pool([[[1]]]))
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0, 0] = 0


def test_shapes_and_order_are_held() -> None:
    (table,) = from_records(pool([[[1], [0]], [[0], [1]]]))
    with pytest.raises(ValueError, match="questions must be sorted"):
        replace(table, questions=table.questions[::-1])
    with pytest.raises(ValueError, match="values has shape"):
        replace(table, values=table.values[:1].copy())


def test_bad_pools_are_refused() -> None:
    row = pool([[[1]]])[0]
    with pytest.raises(InputError, match="more than once"):
        from_records([row, replace(row, value=0.0)])
    with pytest.raises(InputError, match="rung 0 was asked for as 64 and 128"):
        from_records([replace(row, requested_tokens=64), replace(row, draw=1, requested_tokens=128)])
    for value in (1.5, -0.1, np.inf):
        with pytest.raises(InputError, match="needed: values from 0"):
            from_records([replace(row, value=value)])
    sparse = [replace(row, question=str(i), draw=i) for i in range(2400)]
    with pytest.raises(InputError, match="numbered from 0 within each question"):
        from_records(sparse)
