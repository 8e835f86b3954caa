"""FLOP of rows and attempts beside what a server computes token by token: exact where places are told, else less."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from token_by_token import SMALL, Computed, agent, ladder, search

from overthink.cost.attempt import ONE_REQUEST, attempt_work
from overthink.cost.flop import Work, decode, in_pieces, response
from overthink.cost.ledger import NO_CACHE, NO_PLACE, NO_READING, paid_work
from overthink.data.outcomes import from_records
from overthink.data.record import Estimand, RungRecord

SEEDS = st.integers(0, 10_000)


def paid(rows: list[RungRecord]) -> tuple[Work, Work]:
    (outcomes,) = from_records(rows)
    return paid_work(outcomes, SMALL)


def flop(works: tuple[Work, Work]) -> NDArray[np.float64]:
    return np.asarray((works[0] + works[1]).flop[0, 0])


@given(SEEDS)
def test_a_ladder_paid_what_its_server_computed_but_for_the_attention_of_reading(seed: int) -> None:
    rows, work = ladder(seed)
    reading, decoding = paid(rows)
    np.testing.assert_allclose(decoding.flop[0, 0], [one.decoding for one in work])
    np.testing.assert_allclose(reading.matmul[0, 0], [2000 * len(one.read) for one in work])
    assert (flop((reading, decoding)) <= [one.flop for one in work]).all()
    assert (flop((reading, decoding)) >= [one.flop - one.reading_attention for one in work]).all()
    assert decoding.left_out == ()
    assert reading.left_out == ((NO_READING,) if any(one.read for one in work) else ())


@given(SEEDS)
def test_a_search_and_an_agent_paid_no_less_than_is_said(seed: int) -> None:
    for made in (search, agent):
        rows, work = made(seed)
        works = paid(rows)
        assert (flop(works) <= [one.flop for one in work]).all()
        np.testing.assert_allclose((works[0] + works[1]).matmul[0, 0], [2000 * tokens(one) for one in work])
        assert NO_PLACE in works[1].left_out


def tokens(one: Computed) -> int:
    return len(one.read) + len(one.decoded)


def test_the_bound_would_not_hold_for_one_long_line() -> None:
    """What was decoded in branches, taken as one line, costs more than it did."""
    beaten = 0
    for seed in range(50):
        rows, work = search(seed)
        for told, one in zip(rows, work, strict=True):
            line = decode(SMALL, context=30, n_tokens=told.generated_tokens or 0)
            beaten += float(line.flop) > one.decoding + 1e-6
    assert beaten > 50


@given(SEEDS)
def test_an_attempt_of_a_search_takes_no_less_than_is_said(seed: int) -> None:
    rows, work = search(seed)
    (outcomes,) = from_records(rows)
    reading, decoding = attempt_work(outcomes, SMALL)
    answers = np.array([one.answer_tokens or 0 for one in rows])
    # By itself an attempt decodes every branch up to its rung, and one answer.
    for rung in range(len(rows)):
        decoded = [at for one in work[: rung + 1] for at in one.decoded[: len(one.decoded) - last(one, answers, work)]]
        deep = 30 + (rows[rung].thinking_tokens or 0)
        decoded += range(deep + 1, deep + answers[rung] + 1)
        true = sum(2000 + 128 * at for at in decoded)
        assert decoding.matmul[0, 0, rung] == pytest.approx(2000 * len(decoded))
        assert decoding.flop[0, 0, rung] <= true + 1e-6
    assert reading.flop[0, 0, 0] == pytest.approx(sum(2000 + 128 * at for at in range(1, 31)))


def last(one: Computed, answers: NDArray[np.int64], work: list[Computed]) -> int:
    """Tokens of the row's own answer, which it decoded last."""
    return int(answers[next(i for i, other in enumerate(work) if other is one)])


def test_an_attempt_of_an_agent_takes_no_less_than_is_said_and_leaves_attention_out() -> None:
    rows, work = agent(3)
    (outcomes,) = from_records(rows)
    reading, decoding = attempt_work(outcomes, SMALL)
    so_far = np.cumsum([one.flop for one in work])
    assert ((reading + decoding).flop[0, 0] <= so_far).all()
    assert (reading + decoding).matmul[0, 0, -1] == 2000 * sum(map(tokens, work))
    assert any("turns" in mark for mark in decoding.left_out)
    one_line = response(SMALL, prompt=sum(one.asked for one in work), n_decoded=sum(len(one.decoded) for one in work))
    assert float(one_line.flop) > so_far[-1]  # what the sum of its turns would cost as one request


@given(SEEDS)
def test_prompts_that_may_have_been_cached_are_left_out_and_said(seed: int) -> None:
    rows, work = ladder(seed)
    silent = [replace(one, cached_tokens=None) for one in rows]
    reading, decoding = paid(silent)
    assert not reading.matmul.any()
    np.testing.assert_allclose(decoding.flop[0, 0], [one.decoding for one in work])
    assert reading.left_out == (NO_CACHE,)
    wrong = [replace(one, cached_tokens=(one.prompt_tokens or 0) + 1) for one in rows]
    assert paid(wrong)[0].left_out == (NO_CACHE,)


def test_a_row_of_one_request_is_exact() -> None:
    rows, _ = ladder(0)
    whole = Computed()
    whole.request(50, 30, cached=20)
    told = replace(
        rows[0], estimand=Estimand.EFFORT, generated_tokens=30, prompt_tokens=50, cached_tokens=20, thinking_tokens=25
    )
    works = paid([told])
    assert flop(works).item() == pytest.approx(whole.flop)
    assert (works[0].left_out, works[1].left_out) == ((), ())
    assert works[1].assumptions == (ONE_REQUEST,)
    none = paid([replace(told, generated_tokens=0, prompt_tokens=0, cached_tokens=0)])
    assert flop(none).item() == 0


def test_a_row_that_does_not_say_has_no_flop() -> None:
    rows, _ = ladder(0)
    works = paid([rows[0], replace(rows[1], generated_tokens=None), rows[2]])
    assert np.isnan(flop(works)).tolist() == [False, True, False]


def test_thinking_that_was_there_already_is_not_paid_again() -> None:
    rows, work = ladder(0)
    added = replace(rows[1], generated_tokens=rows[1].answer_tokens)  # forked from thinking that another run had made
    works = paid([rows[0], added, rows[2]])
    assert works[1].matmul[0, 0, 1] == 2000 * (rows[1].answer_tokens or 0)
    assert works[1].flop[0, 0, 1] < work[1].decoding
    told = [replace(one, probe_tokens=0) for one in rows]
    told[1] = replace(added, generated_tokens=(rows[1].answer_tokens or 0) + 10, probe_tokens=10)
    probed = paid(told)[1].attention[0, 0, 1] - works[1].attention[0, 0, 1]
    assert probed == 128 * 10 * 31  # ten tokens of which nobody tells more than that the prompt stood before them


@given(st.integers(0, 500), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_pieces_take_no_more_than_branches_of_any_length(context: int, lengths: list[int]) -> None:
    total = sum(lengths)
    pieces = in_pieces(SMALL, tokens=total, passes=total, context=context)
    branches = [decode(SMALL, context=context, n_tokens=length) for length in lengths]
    for part in ("flop", "bytes_read"):
        assert getattr(pieces, part) <= sum(getattr(branch, part) for branch in branches) + 1e-6
    ones = [decode(SMALL, context=context, n_tokens=1)] * total
    assert float(pieces.flop) == pytest.approx(sum(float(one.flop) for one in ones))
