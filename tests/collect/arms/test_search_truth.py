"""Searches on the simulated model: what is measured is what arithmetic says of a coin for every step."""

import asyncio
import math
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
from sweeps import few

import overthink
import overthink.collect.registered  # registers the provider
from overthink.collect.arms.registry import arm_plans, open_arm
from overthink.collect.arms.verifiers.base import Aggregate, aggregate_scores
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, run_ladder
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment, TokenContinuation
from overthink.collect.providers.simulated.model import SimulatedModel
from overthink.collect.providers.think_tags import think_format
from overthink.plan.study import Plan, checked_plan

MODEL: dict[str, Any] = {"capability": "0:0.4", "question_sd": 1.0, "step_gain": 2.5}
BUDGETS = (16, 36)
STEPS = (2, 3)
"""Steps of 12 tokens at each budget, the last one perhaps begun."""

TRACES = 100

AGREE = 0.2 * math.sqrt(2)
"""How far a share may be from the truth, in standard deviations of an answer: 2.8 standard errors."""


class Direct(TokenContinuation):
    """The provider without Inspect around it, ten times as fast."""

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        message = ChatMessageUser(content="", metadata={"prompt_token_ids": list(prefix.ids or ()), "truth": truth})
        config = GenerateConfig(
            max_tokens=sampling.max_tokens,
            seed=sampling.seed,
            temperature=sampling.temperature,
            stop_seqs=list(sampling.stop),
        )
        output = await self._api.generate([message], [], "none", config)
        ids, used = output.metadata["token_ids"].ids, output.usage
        ended = output.stop_reason == "stop"
        return Segment(
            output.completion, ids, used.output_tokens, ended, used.input_tokens, None, output.metadata["stop"]
        )


def plan(arms: str, budgets: tuple[int, ...], **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "tasks": overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        "budgets": budgets,
        "draws": 1,
        "seed": 5,
        "arms": arm_plans(arms, model="overthink/simulated"),
    }
    return checked_plan(**fields | changes)


def shares(arm: str, budgets: tuple[int, ...] = BUDGETS, **model: Any) -> list[float]:
    """Share of good answers at each rung, a question a trace."""
    continuation = Direct(get_model("overthink/simulated", memoize=False, **MODEL | model))
    opened = open_arm(plan(arm, budgets).arms[0], plan(arm, budgets))

    async def trace(number: int) -> list[Step]:
        truth = {"axis": "capability", "question": f"q{number}", "draw": 0, "seed": 5, "good": "4", "bad": "7"}
        way = SamplingSpec(budgets, think_format("plain"), 8, 0.8, 1.0, seed=number, truth=truth)
        context = TraceContext(continuation, way, UsageMeter(), (ChatMessageUser(content=f"{number}?"),))
        return [step async for step in run_ladder(context, opened.thinker(context))]

    async def every() -> list[list[Step]]:
        return [await trace(number) for number in range(TRACES)]

    good = np.array([[step.answer.text == "4" for step in steps] for steps in asyncio.run(every())])
    return [float(share) for share in good.mean(axis=0)]


def mean_of(qualities: dict[float, float], **model: Any) -> float:
    """Mean of the truth over a distribution of the balance of steps."""
    truth = SimulatedModel(**MODEL | model)
    return sum(weight * float(truth.truth("capability", 0, quality=q)) for q, weight in qualities.items())


def agrees(share: float, truth: float) -> bool:
    return abs(share - truth) <= AGREE * math.sqrt(truth * (1 - truth))


def independent(*sound: float) -> dict[float, float]:
    """The distribution of the balance where each step is sound with its own probability."""
    found: dict[float, float] = {}
    for marks in product((0, 1), repeat=len(sound)):
        weight = math.prod(p if mark else 1 - p for p, mark in zip(sound, marks, strict=True))
        balance = 2 * sum(marks) / len(marks) - 1
        found[balance] = found.get(balance, 0.0) + weight
    return found


def test_a_greedy_beam_has_a_sound_step_unless_all_children_are_shaky() -> None:
    seen = shares("prm-beam:width=4,children=4")
    for share, steps in zip(seen, STEPS, strict=True):
        truth = mean_of(independent(*[1 - 0.5**4] * steps))
        chance = mean_of(independent(*[0.5] * steps))
        assert agrees(share, truth)
        assert not agrees(share, chance)  # the control: without a verifier


def test_a_verifier_that_is_always_wrong_is_seen() -> None:
    seen = shares("prm-beam:width=4,children=4,verifier=simulated:error=1", (36,))
    assert agrees(seen[-1], mean_of(independent(*[0.5**4] * 3)))


def test_where_steps_do_not_matter_a_search_changes_nothing() -> None:
    for share in shares("prm-beam", (16,), step_gain=0.0):
        assert agrees(share, mean_of({0.0: 1.0}, step_gain=0.0))


@pytest.mark.long
def test_lookahead_counts_where_a_step_leads_and_not_what_it_is() -> None:
    """The steps of this model are independent: by the last step of a rollout alone, a step is kept by chance.

    The last step below the highest budget has no room for a rollout, and is valued as it stands.
    """
    seen = shares("lookahead:width=4,children=4,ahead=1,aggregate=last")
    assert agrees(seen[0], mean_of(independent(0.5, 15 / 16)))
    assert agrees(seen[-1], mean_of(independent(0.5, 0.5, 15 / 16)))
    assert not agrees(seen[-1], mean_of(independent(*[15 / 16] * 3)))
    both = 1 - 0.75**4 + (0.75**4 - 0.25**4) / 2  # of four, one with both steps sound, or the first with one of them
    seen = shares("lookahead:width=4,children=4,ahead=1,aggregate=mean", (36,))
    assert agrees(seen[-1], mean_of(independent(both, both, 15 / 16)))


def coins(steps: int, *, first: int, keep: int, children: int, how: Aggregate, trees: int = 1) -> dict[float, float]:
    """The balance of steps that a search ends with, over all throws of a coin for every child."""

    def best(paths: list[tuple[int, ...]], count: int) -> list[tuple[int, ...]]:
        score = lambda path: round(aggregate_scores([0.9 if mark else 0.1 for mark in path], how), 9)  # noqa: E731
        return sorted(paths, key=score, reverse=True)[:count] if paths[0] else paths

    thrown = trees * (first + (steps - 1) * keep * children)
    found: dict[float, float] = {}
    for throws in product((0, 1), repeat=thrown):
        throw, ends = iter(throws), list[tuple[int, ...]]()
        for _tree in range(trees):
            paths: list[tuple[int, ...]] = [()]
            for level in range(steps):
                fan = children if level else first
                paths = [(*path, next(throw)) for path in best(paths, keep) for _child in range(fan)]
            ends += best(paths, 1)
        balance = 2 * sum(best(ends, 1)[0]) / steps - 1
        found[balance] = found.get(balance, 0.0) + 0.5**thrown
    return found


@pytest.mark.parametrize(
    ("arm", "shape"),
    few(
        [
            ("prm-beam:width=4,children=2,aggregate=mean", {"first": 4, "keep": 2, "children": 2, "how": "mean"}),
            (
                "prm-beam:width=4,children=2,first=2,aggregate=last",
                {"first": 2, "keep": 2, "children": 2, "how": "last"},
            ),
            (
                "dvts:width=4,children=2,aggregate=prod",
                {"first": 2, "keep": 1, "children": 2, "how": "prod", "trees": 2},
            ),
            ("tot:keep=2,proposals=2", {"first": 2, "keep": 2, "children": 2, "how": "last"}),
        ],
        1,
    ),
)
def test_wider_searches_have_the_truth_of_their_coins(arm: str, shape: dict[str, Any]) -> None:
    seen = shares(arm)
    for share, steps in zip(seen, STEPS, strict=True):
        assert agrees(share, mean_of(coins(steps, **shape)))


@pytest.mark.parametrize(("by", "chosen"), [("majority", median), ("simulated", max)])
def test_revision_answers_from_the_draft_that_is_selected(by: str, chosen: Callable[[list[float]], float]) -> None:
    """Drafts of one, three and five steps share a trace's fate, so that a vote goes by the one in the middle."""
    seen = shares(f"revise:rounds=2,share=0.2,verifier={by}", (24, 60))
    qualities: dict[float, float] = {}
    for marks in product((-1, 1), repeat=5):
        drafts = [sum(marks[:steps]) / steps for steps in (1, 3, 5)]
        qualities[chosen(drafts)] = qualities.get(chosen(drafts), 0.0) + 1 / 32
    assert agrees(seen[0], mean_of({-1.0: 0.5, 1.0: 0.5}))
    assert agrees(seen[-1], mean_of(qualities))


@pytest.mark.simulation
def test_a_study_covers_the_truth_of_its_search(tmp_path: Path) -> None:
    wanted = plan("prm-beam", (0, 24), limit=30, model_args=MODEL | {"step_gain": 4.0})
    study = overthink.run(overthink.prepare(wanted), tmp_path / "s")
    (top,) = [one for one in study.findings if (one.kind, one.metric, one.at.rung) == ("value", "mean", 1)]
    assert top.low is not None
    assert top.high is not None
    assert top.low <= mean_of(independent(15 / 16, 15 / 16), step_gain=4.0) <= top.high
    assert mean_of(independent(0.5, 0.5), step_gain=4.0) < top.low  # the control: steps that nobody chose
