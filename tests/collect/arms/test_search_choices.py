"""What a search chooses: what its verifier prefers, by the stated aggregate; and what it refuses."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio import CapacityLimiter
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import OPENED, PLAN, Model, Reader, early, ladder, plan, random_line, searched, thinking

from overthink.collect.arms.registry import arm_plans, open_arm
from overthink.collect.arms.strategies.beam_search import Tot
from overthink.collect.arms.strategies.tree import Node
from overthink.collect.arms.verifiers.base import Scores, UnreadableScoreError
from overthink.collect.ladder.accounting import UsageMeter, gather_limited
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Segment
from overthink.components.base import SettingValue
from overthink.data.tokens import NO_USAGE, TokenUsage
from overthink.errors import InputError


def siblings(model: Model, text: str) -> list[str]:
    """The steps that were drawn where the first step of a text stands."""
    return [out for start, out in model.thought() if start == text]


def surviving_steps(salt: int, score: Callable[[str], float]) -> list[tuple[str, list[str]]]:
    """Each step of the answered path of a greedy beam, with all that were drawn in its place."""
    endless = lambda text, number, greedy: random_line(text, number, greedy, salt=salt).strip("!")  # noqa: E731
    model = Model(endless)
    steps, _ = searched(model, Reader(score), "prm-beam", ladder(40), width=4, children=4, aggregate="last")
    kept = steps[0].prefix.text.removeprefix("PROMPT|Let me think step by step.\n").splitlines(keepends=True)
    start, found = "PROMPT|Let me think step by step.\n", []
    for step in kept:
        found.append((step, siblings(model, start)))
        start += step
    return found


@settings(max_examples=10)
@given(salt=st.integers(0, 999))
def test_a_greedy_beam_keeps_the_step_that_the_verifier_likes_best(salt: int) -> None:
    chosen = surviving_steps(salt, early)
    assert len(chosen) > 4
    for step, drawn in chosen:
        assert len(drawn) == 4
        assert early(step) == max(map(early, drawn))
    # The control: a verifier that is always wrong picks the worst.
    for step, drawn in surviving_steps(salt, lambda text: 1 - early(text)):
        assert early(step) == min(map(early, drawn))


SCORES = {"a": 0.9, "b": 0.5, "c": 0.55, "d": 0.7, "ax": 0.3, "bx": 0.6, "cx": 0.545, "dx": 0.44}
"""By step, and by the first step for the second: another path is best under each aggregate."""


@pytest.mark.parametrize(("aggregate", "first"), [("last", "b"), ("min", "c"), ("mean", "a"), ("prod", "d")])
def test_the_aggregate_decides(aggregate: str, first: str) -> None:
    def line(text: str, number: int, greedy: bool) -> str:
        return "abcd"[number // 2] if not text else text[0] + "x"

    reader = Reader(lambda step: SCORES[step.strip()])
    steps, _ = searched(Model(line), reader, "prm-beam", ladder(5), width=8, children=2, aggregate=aggregate)
    assert thinking(steps) == [f"{first}\n{first}x\n"]
    pair = [SCORES[first], SCORES[first + "x"]]
    assert steps[0].score == pytest.approx({"last": pair[1], "min": min(pair)}.get(aggregate, steps[0].score))


def test_paths_that_ended_stay_candidates() -> None:
    lines = {"": ["b!", "c", "d"], "c\n": ["e", "f", "g"], "c\ne\n": ["a!", "h!", "h!"]}
    reader = Reader(early)
    model = Model(lambda text, number, greedy: lines.get(text, ["h"] * 3)[number])
    steps, _ = searched(model, reader, "tot", ladder(2, 4, 8, 16), keep=2, proposals=3)
    assert thinking(steps) == ["b", "b", "c\ne\na", "c\ne\na"]
    assert [step.natural_end for step in steps[:2]] == [False, False]  # others go on
    assert (steps[1].usage.decoded_tokens or 0) > 3


def test_trees_of_dvts_do_not_see_each_other() -> None:
    """One tree's best first step is better than all of the other's, and the other goes on all the same."""
    roots = ["a", "b", "g", "h"]
    model = Model(lambda text, number, greedy: roots[number] if not text else "cd"[number])
    steps, _ = searched(model, Reader(early), "dvts", ladder(4), width=4, children=2, aggregate="last")
    grown = {text for text, _ in model.thought()}
    assert {"PROMPT|Let me think step by step.\n" + step for step in ("a\n", "g\n")} <= grown
    assert not any(text.endswith(("b\n", "h\n")) for text in grown)
    assert thinking(steps) == ["a\nc\n"]
    beam = Model(lambda text, number, greedy: roots[number] if not text else "cd"[number])
    searched(beam, Reader(early), "prm-beam", ladder(4), width=4, children=2, aggregate="last")
    assert not any(text.endswith("g\n") for text, _ in beam.thought())  # the control: a beam gives it up


def test_lookahead_values_a_step_by_where_it_leads() -> None:
    def line(text: str, number: int, greedy: bool) -> str:
        if not text:
            return "ah"[number]
        return "h" if text.startswith("a") else "a"

    model = Model(line)
    steps, context = searched(model, Reader(early), "lookahead", ladder(2, 8), width=2, children=2, ahead=1)
    assert thinking(steps)[0] == "h\n"
    assert [out for text, out, temperature in model.asked if temperature == 0][:2] == ["h\n", "a\n"]
    spent = context.meter.overhead
    assert spent.probe_tokens == sum(len(out) for _, out, temperature in model.asked if temperature == 0) > 0
    greedy, _ = searched(Model(line), Reader(early), "prm-beam", ladder(2), width=2, children=2, aggregate="last")
    assert thinking(greedy) == ["a\n"]  # the control: without looking ahead


def test_lookahead_with_an_aggregate_counts_the_steps_of_the_rollout() -> None:
    def line(text: str, number: int, greedy: bool) -> str:
        return "cd"[number] if not text else ("h" if text.startswith("c") else "a")

    steps, _ = searched(
        Model(line), Reader(early), "lookahead", ladder(2, 4), width=2, children=2, ahead=1, aggregate="mean"
    )
    assert thinking(steps)[0] == "d\n"
    assert steps[0].score == pytest.approx((early("d") + early("a")) / 2)


SAME_LENGTH = 5


def even(text: str, number: int, greedy: bool) -> str:
    """Lines of one length."""
    return ("abcd"[number] + random_line(text, number, False).strip("!") + "eeeeee")[: SAME_LENGTH - 1]


def at_the_top(*budgets: int, reports_stop: bool = True) -> tuple[str, float | None, int | None]:
    steps, context = searched(
        Model(even, reports_stop=reports_stop),
        Reader(early),
        "prm-beam",
        ladder(*budgets),
        width=4,
        children=2,
        aggregate="mean",
    )
    return thinking(steps)[-1], steps[-1].score, context.meter.overhead.pruned_tokens


@settings(max_examples=20)
@given(below=st.sets(st.integers(0, 22), max_size=5), reports_stop=st.booleans())
def test_the_rungs_below_do_not_change_a_search(below: set[int], reports_stop: bool) -> None:
    assert at_the_top(*sorted(below), 23, reports_stop=reports_stop) == at_the_top(23)


def test_a_search_that_prunes_cut_steps_would_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "cut", property(lambda self: False))
    assert any(at_the_top(rung, 23) != at_the_top(23) for rung in (3, 7, 11))


def test_a_score_that_cannot_be_read_is_paid_and_comes_last() -> None:
    class Gaps(Reader):
        async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
            said = await super().steps(context, path, last_only=last_only)
            if path.steps[-1].startswith("a"):
                raise UnreadableScoreError("no number", said.tokens)
            return said

    reader = Gaps(early)
    model = Model(lambda text, number, greedy: "ab"[number])
    steps, context = searched(model, reader, "prm-beam", ladder(0, 2), width=2, children=2, aggregate="min")
    assert thinking(steps)[-1] == "b\n"
    assert (steps[0].score, steps[1].score) == (None, early("b"))
    assert context.meter.overhead.step_verifier_tokens == reader.tokens == 4


def rounds_of(arm: str, **settings: SettingValue) -> list[int]:
    """Steps drawn in each round of a search for four lines of one length."""
    model = Model(lambda text, number, greedy: "abcdefgh"[number] + "eee")
    searched(model, Reader(early), arm, ladder(4 * SAME_LENGTH), **settings)
    lines = Counter(text.removeprefix(OPENED).count("\n") for text, _, warm in model.asked if warm)
    return [lines[depth] for depth in range(4)]


@pytest.mark.parametrize("arm", ["prm-beam", "dvts", "lookahead"])
def test_a_beam_begins_with_as_many_steps_as_stated_and_goes_on_with_its_width(arm: str) -> None:
    shape: dict[str, SettingValue] = {"width": 4, "children": 2, "aggregate": "last"}
    ahead: dict[str, SettingValue] = {"ahead": 1} if arm == "lookahead" else {}
    assert rounds_of(arm, **shape, **ahead) == [4, 4, 4, 4]
    assert rounds_of(arm, **shape, **ahead, first=2) == [2, 4, 4, 4]


@pytest.mark.parametrize(
    ("arm", "first"), [("prm-beam:width=8", 8), ("prm-beam:width=8,first=2", 2), ("dvts", 4), ("lookahead:first=3", 3)]
)
def test_the_first_steps_stand_in_the_plan_whether_stated_or_not(arm: str, first: int) -> None:
    (wanted,) = arm_plans(arm, model=PLAN.model)
    assert wanted.settings["first"] == first
    open_arm(wanted, PLAN)


@pytest.mark.parametrize(
    ("arm", "needed"),
    [
        ("prm-beam:width=8,children=2,first=3", "first=3; needed: at least 4 and at most 8"),
        ("prm-beam:width=8,children=4,first=9", "first=9; needed: at least 2 and at most 8"),
        ("lookahead:width=4,children=2,first=1", "at least 2 and at most 4"),
        ("prm-beam:first=0", "at least 1"),
        ("prm-beam:first=all", "a whole number"),
        ("dvts:width=4,children=2,first=3", "a multiple of 2"),
        ("tot:first=3", "no setting 'first'"),
        ("prm-beam:width=6,children=4", "width=4 or width=8"),
        ("prm-beam:width=2,children=4", "a width that is a multiple of the children: width=4"),
        ("dvts:width=3,children=2", "width=2 or width=4"),
        ("lookahead:width=2,children=4", "width=4"),
        ("tot:keep=4,proposals=3", "keep=3 or less"),
        ("prm-beam:verifier=rollouts:n=2;tokens=4;against=target", "against=consensus"),
        ("tot:verifier=simulated:aggregate=min", "a setting of the arm"),
        ("tot:verifier=oracle", "known: simulated"),
    ],
)
def test_what_cannot_be_searched_is_refused(arm: str, needed: str) -> None:
    with pytest.raises(InputError, match=needed):
        open_arm(arm_plans(arm, model=PLAN.model)[0], PLAN)


@pytest.mark.parametrize("arm", ["prm-beam", "dvts", "tot", "lookahead"])
def test_a_search_without_chance_is_refused(arm: str) -> None:
    (wanted,) = arm_plans(arm, model=PLAN.model)
    open_arm(wanted, PLAN)
    with pytest.raises(InputError, match="temperature above 0"):
        open_arm(wanted, plan(temperature=0.0))


def test_real_models_are_told_which_decisions_are_missing() -> None:
    for arm in ("prm-beam", "dvts", "tot", "lookahead", "revise"):
        with pytest.raises(InputError, match="needs decisions.*verifier"):
            arm_plans(arm, model="overthink/smollm2")
    with pytest.raises(InputError, match="simulated reads what overthink/simulated writes"):
        Tot(keep=1, proposals=2, verifier="simulated").open(plan(model="overthink/smollm2"))


def jobs_of(meter: UsageMeter) -> list[Any]:
    """Two jobs of two requests each, with one between them that fails while the first is under way."""

    async def asked() -> Segment:
        await asyncio.sleep(0.01)
        return Segment("abc", None, tokens=3, is_complete=False, prompt_tokens=5, cached_tokens=0)

    async def asking_twice() -> None:
        for _ in range(2):
            await meter.send(asked())

    async def failing() -> None:
        await asyncio.sleep(0)
        raise InputError("the verifier gave 3.7")

    return [asking_twice, failing, asking_twice]


def test_the_first_failure_is_raised_as_it_was_and_what_is_under_way_is_paid() -> None:
    meter = UsageMeter()

    async def run() -> None:
        await gather_limited(meter, jobs_of(meter), CapacityLimiter(2))

    with pytest.raises(InputError, match=r"3\.7"):
        asyncio.run(run())
    assert (meter.since(0), meter.n_pending) == (TokenUsage(5, 0, decoded_tokens=3), 0)  # nothing was begun any more


def test_requests_that_are_cut_off_would_leave_tokens_that_nobody_has_counted() -> None:
    meter = UsageMeter()

    async def run() -> None:
        async with anyio.create_task_group() as group:
            for job in jobs_of(meter):
                group.start_soon(job)

    with pytest.raises(ExceptionGroup):
        asyncio.run(run())
    assert (meter.since(0), meter.n_pending) == (NO_USAGE, 2)


def test_of_nested_searches_the_failure_is_raised_and_not_what_it_called_off() -> None:
    meter = UsageMeter()

    async def a_tree() -> None:
        await gather_limited(meter, jobs_of(meter)[:1])

    async def a_tree_that_fails() -> None:
        await gather_limited(meter, jobs_of(meter))

    with pytest.raises(InputError, match=r"3\.7"):
        asyncio.run(gather_limited(meter, [a_tree, a_tree_that_fails]))
    assert meter.n_pending == 0


def test_no_more_requests_than_the_plan_allows() -> None:
    now, most = 0, 0

    async def job() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    async def run() -> None:
        await gather_limited(UsageMeter(), [job] * 9, CapacityLimiter(3))

    asyncio.run(run())
    assert most == 3
