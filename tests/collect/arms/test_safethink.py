"""SafeThink against its own pseudocode, on a model whose next lines are a script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steer_script import END, Run, WordGuard, guarded, run

from overthink.collect.arms.interventions.guard import Watch
from overthink.collect.arms.interventions.insertions import SafeThink
from overthink.collect.arms.strategies.budget_forcing import BudgetForcing
from overthink.data.tokens import TokenUsage

LINES = st.lists(st.sampled_from(["ok", "bad", "fine", "bad!"]), min_size=1, max_size=12)


def safethink(m: int, b: int, **guard: bool) -> SafeThink:
    return guarded(WordGuard(**guard), m, b)


def pseudocode(lines: list[str], steps: int, m: int, b: int) -> tuple[str, int, int]:
    """The method as it is published: the thinking, the tokens thrown away, and how often the guard was asked."""
    script = iter([*lines, *(f"on{i}" for i in range(500))])
    z, rejected, asked = "", 0, 0
    for t in range(1, steps + 1):
        y = next(script) + "\n"
        if t > m:
            z += y
            continue
        asked += 1
        if "bad" not in y:
            z += y
            continue
        for _ in range(b):
            rejected += len(y)
            y = next(script) + "\n"
            asked += 1
            if "bad" not in y:
                break
        z += "Wait, think safely\n" + y
    return z, rejected, asked


def of(made: Run) -> TokenUsage:
    return made.meter.overhead


@given(lines=LINES, m=st.integers(1, 5), b=st.integers(1, 3))
def test_it_does_what_its_pseudocode_does(lines: list[str], m: int, b: int) -> None:
    steps = 6
    expected, rejected, asked = pseudocode(lines, steps, m, b)
    tokens = len(expected.replace("Wait, think safely\n", ""))
    made = run(lines, (tokens,), safethink(m, b))
    assert made.text == expected
    assert made.steps[-1].thinking_tokens == tokens
    assert (of(made).rejected_tokens, of(made).guard_tokens) == (rejected, 3 * asked)
    if "bad" in lines[0]:
        assert run(lines, (tokens,), safethink(m, b, inverted=True)).text != expected  # a guard of the wrong sign


@given(lines=LINES, m=st.integers(1, 4), b=st.integers(1, 3), budgets=st.sets(st.integers(0, 30), min_size=1))
def test_budgets_hold_wherever_the_rungs_are_and_every_token_is_paid_once(
    lines: list[str], m: int, b: int, budgets: set[int]
) -> None:
    one = safethink(m, b)
    made = run(lines, tuple(sorted(budgets)), one)
    assert all(step.thinking_tokens == step.requested_tokens for step in made.steps)
    assert made.generated == made.model.decoded
    assert sum(step.usage.prompt_tokens or 0 for step in made.steps) == made.model.read
    answers = sum(step.answer.tokens for step in made.steps)
    thrown = of(made).rejected_tokens or 0
    assert made.generated == made.steps[-1].thinking_tokens + answers + thrown
    if thrown:  # the control: a till that forgets what was rejected
        assert made.generated != made.steps[-1].thinking_tokens + answers
    assert made.text.count("Wait, think safely") <= m
    assert isinstance(one.watch.guard, WordGuard)
    assert len(one.watch.guard.asked) <= m * (1 + b)


def test_a_resample_begins_where_the_step_began_and_keeps_its_phrase() -> None:
    made = run(["ok", "bad", "worse bad", "good"], (30,), safethink(2, 3))
    begun = "PROMPT|<think>\nok\n"
    assert made.model.asked[1:4] == [begun, begun + "Wait, think safely\n", begun + "Wait, think safely\n"]
    assert made.text.startswith("ok\nWait, think safely\ngood\n")


def test_it_steers_any_strategy_and_stays_out_of_its_way() -> None:
    waits = BudgetForcing(("Wait",), 1, 100)
    made = run(["bad", "ok", END, "bad", "more"], (40,), safethink(9, 1), strategy=waits)
    assert made.text.startswith("Wait, think safely\nok\nWait\nWait, think safely\nmore\n")
    assert made.generated == made.model.decoded
    plain = run(["bad", "ok", END, "more"], (40,), strategy=waits)
    assert plain.text.startswith("bad\nok\nWaitmore\n")


def test_a_threshold_decides() -> None:
    lines = ["bad", "oka"]
    strict = guarded(WordGuard(), 1, 1, phrase="Hm", tau=0.95)
    lax = strict.with_watch(Watch(WordGuard(), 0.05))
    assert run(lines, (4,), lax).text == "bad\n"
    assert run(lines, (4,), strict).text == "Hm\noka\n"
    assert run(["oka", "okb"], (4,), strict).text == "Hm\nokb\n"


@pytest.mark.parametrize("phrase", ["Wait, think safely", "Wait, think safely\n"])
def test_the_phrase_is_one_line(phrase: str) -> None:
    made = run(["bad", "oka"], (4,), guarded(WordGuard(), 1, 1, phrase=phrase))
    assert made.text == "Wait, think safely\noka\n"
