"""Budget forcing with a minimum, MoreThink, and strategies that think nothing."""

from hypothesis import given
from hypothesis import strategies as st
from steer_script import END, run

from overthink.collect.arms.strategies.budget_forcing import BudgetForcing, MoreThink
from overthink.collect.arms.strategies.no_thinking import LessThink, ZeroThink

SCRIPT = st.lists(st.sampled_from(["ok", "longer line", END]), max_size=10)
BUDGETS = st.sets(st.integers(0, 60), min_size=1, max_size=5)


@given(lines=SCRIPT, budgets=BUDGETS, rounds=st.integers(1, 4), minimum=st.integers(1, 80) | st.none())
def test_no_rung_is_exceeded_and_an_end_stays_where_it_may(
    lines: list[str], budgets: set[int], rounds: int, minimum: int | None
) -> None:
    way = tuple(sorted(budgets))
    made = run(lines, way, strategy=BudgetForcing(("Wait",), rounds, minimum))
    assert made.generated == made.model.decoded
    for step in made.steps:
        assert step.thinking_tokens <= step.requested_tokens
        ends = made.model.asked  # every request that was made
        assert step.natural_end or step.thinking_tokens == step.requested_tokens, ends
        if step.natural_end:
            used = made.text.count("Wait")
            assert used == rounds or (minimum is not None and step.thinking_tokens >= minimum)
    assert made.text.count("Wait") <= rounds
    assert "</think>" not in made.text


def test_an_end_is_suppressed_until_the_minimum_and_not_beyond() -> None:
    lines = ["ok", END, "ok", END, "ok", END, "ok"]
    made = run(lines, (4, 30), strategy=BudgetForcing(("Wait",), 9, 9))
    assert made.text == "ok\nWaitok\nWaitok\n"  # 3 and the end, 3 and the end: 8 tokens, and the next end is the 12th
    assert [(s.thinking_tokens, s.natural_end) for s in made.steps] == [(4, False), (12, True)]
    first = run(lines, (30,), strategy=BudgetForcing(("Wait",), 1, 9))
    assert (first.text, first.steps[0].thinking_tokens) == ("ok\nWaitok\n", 8)
    free = run(lines, (30,), strategy=BudgetForcing(("Wait",), 9, 3))
    assert (free.text, free.steps[0].natural_end) == ("ok\n", True)


def test_a_cue_is_not_written_before_an_answer_that_comes_first() -> None:
    made = run(["ok", END, "more"], (4, 9), strategy=BudgetForcing(("Wait",), 1, 9))
    answered = [text for text in made.model.asked if text.endswith("</think>\n\n")]
    assert "Wait" not in answered[0]
    assert "ok\nWaitmore\n" in answered[1]


def test_before_its_first_end_it_is_the_plain_ladder() -> None:
    lines = ["ok", "and so on"]
    asked = [run(lines, (0, 4, 16), strategy=s).model.asked for s in (None, BudgetForcing(("Wait",), 3, 99))]
    plain = [text for text in asked[1] if text.endswith("</think>\n\n")]
    assert plain == [text for text in asked[0] if text.endswith("</think>\n\n")]


def test_morethink_draws_its_sentences_and_stops_after_its_rounds() -> None:
    made = run([END] * 40, (400,), strategy=BudgetForcing(("One more.\n", "Once again.\n"), 10, None))
    lines = made.text.splitlines()
    assert (len(lines), set(lines)) == (10, {"One more.", "Once again."})
    assert (made.steps[0].thinking_tokens, made.steps[0].natural_end) == (11, True)  # eleven ends were decoded
    assert MoreThink().rounds == 10


def test_nothing_or_one_sentence_stands_for_the_thinking() -> None:
    nothing = run(["never"], (0,), strategy=ZeroThink())
    assert nothing.model.asked == ["PROMPT|<think>\n\n</think>\n\n"]
    less = run(["never"], (0,), strategy=LessThink(thought="I can answer at once."))
    assert less.model.asked == ["PROMPT|<think>\nI can answer at once.\n</think>\n\n"]
    for made in (nothing, less):
        assert (made.steps[0].thinking_tokens, made.generated) == (0, 1)
