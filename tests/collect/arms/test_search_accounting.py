"""Searches keep their books: every token is paid once, told apart, and taken back where it turns out to be kept."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import OPENED, WAY, Model, Reader, early, ladder, random_line, searched, thinking

from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.thinking import ReasoningPath, Stepper, TraceContext
from overthink.data.record import Category

ARMS: list[tuple[str, dict[str, Any]]] = [
    ("prm-beam", {"width": 4, "children": 2, "aggregate": "mean"}),
    ("prm-beam", {"width": 4, "children": 4, "aggregate": "last"}),
    ("prm-beam", {"width": 6, "children": 2, "first": 3, "aggregate": "last"}),
    ("dvts", {"width": 6, "children": 3, "aggregate": "prod"}),
    ("tot", {"keep": 2, "proposals": 3}),
    ("lookahead", {"width": 4, "children": 2, "ahead": 2, "aggregate": "min"}),
    ("lookahead", {"width": 2, "children": 2, "ahead": 1}),
    ("revise", {"rounds": 2, "share": 0.3}),
    ("revise", {"rounds": 3, "share": 0.2, "verifier": "majority"}),
]
BUDGETS = st.sets(st.integers(0, 24), min_size=1, max_size=5).map(sorted)


def balance(arm: str, settings: dict[str, Any], budgets: list[int], salt: int) -> tuple[int, int]:
    """Thinking tokens that were decoded, and those that the books know, after checks of every rung."""
    model, reader = Model(partial(random_line, salt=salt)), Reader(early)
    steps, context = searched(model, reader, arm, ladder(*budgets), **settings)
    for step, text in zip(steps, thinking(steps), strict=True):
        assert step.thinking_tokens <= step.requested_tokens
        assert step.prefix.text == OPENED + text
        if arm != "revise":  # there our own cues are part of the text
            assert step.thinking_tokens == len(text)
    assert sum(step.usage.decoded_tokens or 0 for step in steps) == sum(len(out) for _, out, _ in model.asked)
    assert sum(step.usage.prompt_tokens or 0 for step in steps) == sum(len(text) for text, _, _ in model.asked)
    spent = context.meter.overhead
    assert spent.step_verifier_tokens == reader.tokens
    assert (spent.rejected_tokens, spent.cancelled_tokens, spent.guard_tokens) == (0, 0, 0)
    probes = sum(len(out) for text, out, _ in model.asked if text.endswith(WAY.format.cue))
    probes -= sum(step.answer.tokens for step in steps if not step.is_carried)  # the answers of drafts
    thought = sum(len(out) for _, out in model.thought())
    assert spent.pruned_tokens is not None
    assert spent.probe_tokens is not None
    return thought, steps[-1].thinking_tokens + spent.pruned_tokens + spent.probe_tokens - probes


@pytest.mark.parametrize(("arm", "decisions"), ARMS)
@settings(max_examples=15)
@given(budgets=BUDGETS, salt=st.integers(0, 999))
def test_what_is_decoded_is_kept_pruned_or_looked_ahead(
    arm: str, decisions: dict[str, Any], budgets: list[int], salt: int
) -> None:
    decoded, known = balance(arm, decisions, budgets, salt)
    assert decoded == known


@pytest.mark.parametrize(("arm", "decisions"), ARMS)
def test_a_till_that_forgets_pruned_tokens_does_not_balance(
    arm: str, decisions: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    charge = UsageMeter.charge

    def forgetful(self: UsageMeter, category: Category, tokens: int | None) -> None:
        charge(self, category, 0 if category is Category.PRUNED else tokens)

    monkeypatch.setattr(UsageMeter, "charge", forgetful)
    missed = [known < decoded for decoded, known in (balance(arm, decisions, [0, 6, 18], salt) for salt in range(8))]
    assert sum(missed) > 3


@pytest.mark.parametrize(("arm", "decisions"), [each for each in ARMS if each[0] not in ("lookahead", "revise")])
@settings(max_examples=15)
@given(budgets=BUDGETS, salt=st.integers(0, 999))
def test_no_prefix_is_decoded_twice(arm: str, decisions: dict[str, Any], budgets: list[int], salt: int) -> None:
    """The nodes of the trie of everything decoded are as many as the tokens, but for children that say the same."""
    distinct = lambda text, number, greedy: "abcdefgh"[number] + random_line(text, number, greedy, salt=salt)  # noqa: E731
    model = Model(distinct)
    steps, context = searched(model, Reader(early), arm, ladder(*budgets), **decisions)
    nodes = {text + out[: length + 1] for text, out in model.thought() for length in range(len(out))}
    assert len(nodes) == sum(len(out) for _, out in model.thought())
    pruned = context.meter.overhead.pruned_tokens or 0
    assert len(nodes) == steps[-1].thinking_tokens + pruned  # the ledger's unique tokens


def picky(stepper: Stepper, context: TraceContext) -> Stepper:
    """An intervention that throws every first step away and has a word before the second."""

    async def again(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
        first = await stepper(path, room, branch=f"{branch}first", cue=cue)
        context.meter.charge(Category.REJECTED, first.tokens - path.tokens)
        return await stepper(path, room, branch=f"{branch}again", cue=cue or "Once more: ")

    return again


@pytest.mark.parametrize(("arm", "decisions"), [each for each in ARMS if each[0] not in ("lookahead", "revise")])
@pytest.mark.parametrize("salt", range(5))
def test_interventions_work_on_the_steps_of_a_search(arm: str, decisions: dict[str, Any], salt: int) -> None:
    model, reader = Model(partial(random_line, salt=salt)), Reader(early)
    steps, context = searched(model, reader, arm, ladder(0, 9, 24), around=picky, **decisions)
    spent = context.meter.overhead
    assert (spent.rejected_tokens or 0) > 0
    thought = sum(len(out) for _, out in model.thought())
    assert thought == steps[-1].thinking_tokens + (spent.pruned_tokens or 0) + (spent.rejected_tokens or 0)
    assert sum(step.usage.decoded_tokens or 0 for step in steps) == sum(len(out) for _, out, _ in model.asked)
    assert "Once more: " in thinking(steps)[-1]
    assert spent.step_verifier_tokens == reader.tokens


def test_children_that_say_the_same_are_paid_scored_and_kept_once() -> None:
    model, reader = Model(lambda text, number, greedy: "same"), Reader(early)
    steps, context = searched(model, reader, "prm-beam", ladder(10), width=4, children=2, aggregate="last")
    assert thinking(steps) == ["same\nsame\n"]
    spent = context.meter.overhead
    assert spent.pruned_tokens == 3 * 5 + 1 * 5  # four at the root, then two children of the one that is left
    assert spent.step_verifier_tokens == reader.tokens == 5 + 10


def test_pruned_tokens_are_taken_back_when_another_path_is_answered_from() -> None:
    lines = {"": ["a", "hhhh"], "a\n": ["b!", "b!"], "hhhh\n": ["a!", "b!"]}
    model = Model(lambda text, number, greedy: lines[text][number])
    steps, _ = searched(model, Reader(early), "tot", ladder(5, 7), keep=2, proposals=2)
    first, second = steps
    assert thinking(steps) == ["a\nb", "hhhh\na"]
    assert (first.natural_end, second.natural_end) == (False, True)  # the search is over where all its paths are
    assert (first.usage.pruned_tokens, first.thinking_tokens) == (5 + 1, 2 + 1)
    assert (second.usage.pruned_tokens, second.thinking_tokens) == (2 + 1 + 1 + 1, 5 + 1)
    assert second.is_restart
    assert second.usage.decoded_tokens == 1 + 1 + 3
