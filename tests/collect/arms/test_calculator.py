"""The calculator computes what arithmetic says, refuses everything else, and never runs anything."""

import asyncio
import contextlib
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser

from overthink.collect.arms.strategies.calculator import MAX_CHARS, CalculatorIntervention, ExpressionError, evaluate
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import run_ladder
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import OneStep, StepByStep, TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.think_tags import think_format

NUMBERS = st.integers(-(10**9), 10**9).map(str)
EXPRESSIONS = st.recursive(
    NUMBERS.map(lambda n: f"({n})"),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_whole_numbers_are_exact(expression: str) -> None:
    try:
        assert evaluate(expression) == str(eval(expression))
    except ExpressionError:
        assert len(expression) > MAX_CHARS


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**9))
def test_division_is_exact_where_it_comes_out_whole(a: int, b: int) -> None:
    assert evaluate(f"{a * b}/{b}") == str(a)
    assert float(evaluate(f"{a}/{b}")) == pytest.approx(float(Fraction(a, b)), rel=1e-11)


@given(st.text(max_size=40))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert len(evaluate(text)) <= MAX_CHARS


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("1/0", "division by zero"),
        ("5 % 0", "division by zero"),
        ("9**9**9", "too large"),
        ("2**100000", "too large"),
        ("1e308*10", "too large"),
        ("(-8)**0.5", "no real value"),
        ("sqrt(-1)", "cannot be read"),
        ("__import__('os').system('true')", "cannot be read"),
        ("().__class__", "cannot be read"),
        ("[1]*10**9", "cannot be read"),
        ("'a'*10**9", "cannot be read"),
        ("True + 1", "cannot be read"),
        ("x", "cannot be read"),
        ("", "cannot be read"),
        ("(" * 290, "cannot be read"),
        ("1+" * 200 + "1", "longer than"),
        ("lambda: 1", "cannot be read"),
        ("max()", "cannot be read"),
        ("3**3**5*3**3**5", None),
    ],
)
def test_what_is_no_arithmetic_is_refused_and_nothing_takes_long(expression: str, said: str | None) -> None:
    if said is None:
        assert evaluate(expression) == str(3 ** (2 * 3**5))
        return
    with pytest.raises(ExpressionError, match=said):
        evaluate(expression)


class Scripted:
    """A model that writes these lines, one per step, whatever it reads."""

    reports_stop = True

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.seen: list[str] = []

    async def start(self, messages: Any, opening: str) -> Prefix:
        return Prefix(opening)

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        self.seen.append(prefix.text)
        if "\n" not in sampling.stop:
            return Segment("42", None, 1, is_complete=True, prompt_tokens=9, cached_tokens=0, stop="")
        line = self.lines.pop(0)
        return Segment(line, None, 4, is_complete=True, prompt_tokens=9, cached_tokens=0, stop="\n")


def thought(model: Scripted, calls: int, budget: int) -> tuple[str, Any]:
    async def collect() -> list[Any]:
        way = SamplingSpec((budget,), think_format("plain"), answer_tokens=4, temperature=0.0, top_p=1.0, seed=1)
        context = TraceContext(model, way, UsageMeter(), (ChatMessageUser(content="?"),))
        tool = CalculatorIntervention(calls=calls)
        thinker = StepByStep(context, tool.wrap(OneStep(context), context), prefix_text=tool.prefix_text)
        return [step async for step in run_ladder(context, thinker)]

    (step,) = asyncio.run(collect())
    return model.seen[-1], step


def test_calls_are_answered_on_the_next_line_and_cost_no_thinking_tokens() -> None:
    model = Scripted("so", "calc: 12 * 7", "  CALC : 1/0 ", "I said calc: 3 once")
    text, step = thought(model, calls=8, budget=16)
    assert "so\ncalc: 12 * 7\n= 84\n  CALC : 1/0 \nerror: division by zero\nI said calc: 3 once\n\n\n" in text
    assert step.thinking_tokens == 16  # four lines of the model; what the calculator wrote is prompt
    assert step.thought.count("= 84") == 1


def test_a_model_that_calls_for_ever_has_to_go_on_without() -> None:
    text, _ = thought(Scripted(*["calc: 1+1"] * 5), calls=2, budget=20)
    assert text.count("= 2") == 2
    assert text.count("no more than 2 calls") == 3


def test_results_stay_short() -> None:
    text, _ = thought(Scripted("calc: 7**600"), calls=1, budget=4)
    assert "error: its value has more than 300 digits" in text
    assert len(text) < 500
