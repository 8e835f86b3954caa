"""A trace placed on a longer ladder equals the trace that climbed it, for any ladder and any end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.data.missing_rungs import Fork, SparseTrace, place_rungs
from overthink.data.record import Axis, Estimand, RungRecord, Verdict

ANSWER = 5


def climbed(budgets: list[int], length: int) -> list[RungRecord]:
    """Rows of a trace that would end by itself after so many tokens; an answer's value is the length of its prefix."""
    rows: list[RungRecord] = []
    for rung, budget in enumerate(budgets):
        thinking, ended = min(length, budget), length < budget
        carried = bool(rows) and bool(rows[-1].natural_end)
        below = rows[-1].thinking_tokens or 0 if rows else 0
        rows.append(
            RungRecord(
                "s", "base", Axis.CAPABILITY, "t", "match", "q", 0, rung, Estimand.FORCED, Verdict.CORRECT,
                value=thinking / 1000, requested_tokens=budget, thinking_tokens=thinking, answer_tokens=ANSWER,
                generated_tokens=0 if carried else thinking - below + ANSWER,
                prompt_tokens=0 if carried else 9, cached_tokens=0 if carried else 3, judge_tokens=0,
                natural_end=ended, truncated=False,
            )
        )  # fmt: skip
    return rows


ladders = st.lists(st.integers(0, 40), min_size=1, max_size=7, unique=True).map(sorted)


@given(budgets=ladders, data=st.data(), length=st.integers(0, 50))
def test_rows_and_forks_are_those_of_the_way_up(budgets: list[int], data: st.DataObject, length: int) -> None:
    kept = data.draw(st.sets(st.sampled_from(budgets[:-1])) if budgets[:-1] else st.just(set()))
    own = sorted({*kept, budgets[-1]})
    trace = SparseTrace(tuple(climbed(own, length)), tuple(range(min(length, own[-1]))))
    for placed, row in zip(place_rungs(trace, budgets), climbed(budgets, length), strict=True):
        if isinstance(placed, Fork):
            assert placed.budget not in own
            assert (placed.rung, placed.budget, placed.newly + ANSWER) == (
                row.rung, row.requested_tokens, row.generated_tokens,
            )  # fmt: skip
            assert not row.natural_end
        else:
            assert placed == row


def test_what_does_not_fit_is_refused() -> None:
    rows = tuple(climbed([8, 32], 50))
    with pytest.raises(ValueError, match="cannot be placed"):
        place_rungs(SparseTrace(rows, tuple(range(32))), [8, 16])
    with pytest.raises(ValueError, match="cannot be placed"):
        place_rungs(SparseTrace(rows, tuple(range(32))), [8, 32, 64])
    with pytest.raises(ValueError, match="4 tokens of thinking are stored; needed: 16"):
        place_rungs(SparseTrace(rows, tuple(range(4))), [8, 16, 32])


def test_a_stop_text_that_was_cut_off_stays_within_its_budget() -> None:
    ended = climbed([64], 20)[0]  # 20 tokens were decoded, 17 of them before the stop text
    (low, high) = place_rungs(SparseTrace((ended,), tuple(range(17))), [18, 64])
    assert isinstance(low, RungRecord)
    assert isinstance(high, RungRecord)
    assert (low.thinking_tokens, low.natural_end, low.generated_tokens) == (18, True, 25)
    assert (high.thinking_tokens, high.generated_tokens) == (20, 0)
