"""A latent model is asked at every budget and behind every change, and what it may not give back is refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from overthink.collect.latent.base import LatentModel, LatentQuestion
from overthink.collect.latent.changes import LatentPlan, latent_plan, latent_rows
from overthink.collect.latent.simulated import SimulatedLatent
from overthink.components.base import component
from overthink.data.oversight import LatentChange, OversightRow
from overthink.data.record import RungRecord
from overthink.errors import InputError


@component("scripted")
class Scripted(LatentModel):
    """A chain: each state is the sum of all before it and one more; the answer is the list of all."""

    steps: int = 3

    def questions(self) -> Sequence[LatentQuestion]:
        return [LatentQuestion(name, name, "A") for name in ("a", "b")]

    def step(self, question: LatentQuestion, states: Sequence[Any], seed: int) -> Any:
        return np.array([sum(float(state[0]) for state in states) + (1.0 if question.id == "a" else 10.0)])

    def answer(self, question: LatentQuestion, states: Sequence[Any], seed: int) -> str:
        return " ".join(f"{state[0]:g}" for state in states)


@component("twins")
class Twins(Scripted):
    """Two questions of one id."""

    def questions(self) -> Sequence[LatentQuestion]:
        return [LatentQuestion("a", text, "A") for text in ("a", "b")]


@component("nameless")
class Nameless(Scripted):
    """Questions that are no questions."""

    def questions(self) -> Any:
        return ["a", "b"]


def plan_of(model: LatentModel, noise: float = 1.0) -> LatentPlan:
    return LatentPlan(model, "m", None, "task", tuple(model.questions()), 1, noise, 1)


def all_rows(plan: LatentPlan) -> tuple[list[RungRecord], list[OversightRow]]:
    traces = list(latent_rows(plan))
    return [record for records, _ in traces for record in records], [row for _, rows in traces for row in rows]


def test_every_change_is_handed_on_to_the_states_behind_it() -> None:
    records, rows = all_rows(plan_of(Scripted()))
    answers = {(row.question, row.perturbation, row.position): row.answer for row in rows}
    assert [record.answer for record in records if record.question == "a"] == ["", "1", "1 2", "1 2 4"]
    assert answers["a", "latent_zero", 1 / 3] == "1 0 2"
    assert answers["a", "latent_zero", None] == "0 0 0"
    assert answers["a", "latent_swap", 0.0] == "10 11 22"
    assert answers["a", "latent_swap", None] == "10 20 40"
    noisy = str(answers["a", "latent_noise:scale=1", 2 / 3]).split()
    assert (noisy[:2], abs(float(noisy[2]))) == (["1", "2"], 4.0)  # a direction of one number is its sign
    assert {row.agreement for row in rows if row.perturbation == "latent_sham"} == {True}
    assert len(rows) == 2 * len(LatentChange) * 4
    assert plan_of(Scripted()).n_answers == len(records) + len(rows)


def test_the_same_seed_gives_the_same_rows() -> None:
    plan = latent_plan("simulated:n=6", draws=2, limit=4, noise=0.5, seed=3)
    assert all_rows(plan) == all_rows(plan)
    assert {record.question for record in all_rows(plan)[0]} == {f"q0000{number}" for number in range(4)}


@pytest.fixture(scope="module")
def planted() -> tuple[SimulatedLatent, Any, Any]:
    plan = latent_plan("simulated:steps=3,holds=2:0.5,redundant=0.3,n=250", draws=1, limit=None, noise=1.0, seed=1)
    assert isinstance(plan.model, SimulatedLatent)
    return plan.model, *all_rows(plan)


@pytest.mark.parametrize("step", [1, 2, 3, None])
@pytest.mark.parametrize("change", [LatentChange.ZERO, LatentChange.NOISE, LatentChange.SWAP])
def test_the_simulated_model_does_what_is_planted(planted: Any, change: LatentChange, step: int | None) -> None:
    model, _, rows = planted
    position = None if step is None else (step - 1) / model.steps
    own = [row for row in rows if row.perturbation == change.label(1.0) and row.position == position]
    expected = model.planted_effect(step)
    for values, truth in (
        ([not row.agreement for row in own], expected.changes),
        ([row.correct for row in own], expected.accuracy),
    ):
        assert len(values) == 250
        assert abs(np.mean(values) - truth) <= 4 * np.sqrt(max(truth * (1 - truth), 1e-9) / 250)


def test_the_simulated_model_has_the_planted_accuracy_at_every_budget(planted: Any) -> None:
    model, records, _ = planted
    for budget in range(4):
        mean = np.mean([record.value for record in records if record.rung == budget])
        truth = model.planted_accuracy(budget)
        assert abs(mean - truth) <= 4 * np.sqrt(truth * (1 - truth) / 250)
    assert model.planted_accuracy(0) < model.planted_accuracy(1) < model.planted_accuracy(2)


FAULTS: dict[str, tuple[str, Any, str]] = {
    "two dimensions": ("step", lambda states: np.ones((1, 4)), r"step 1 .*shape \(1, 4\); needed: floats of shape"),
    "whole numbers": ("step", lambda states: np.ones(4, dtype=int), "int64 of shape"),
    "another width": ("step", lambda states: np.ones(2 + len(states)), "step 2 .* gave 3 numbers, and 2 before"),
    "NaN": ("step", lambda states: np.array([1.0, np.nan]), "gave 1 NaN or infinite of 2 numbers; needed: finite"),
    "an error": (
        "step",
        lambda states: states[7],
        "step 1 of question 'a' raised IndexError: .*needed: a NumPy vector",
    ),
    "half a letter": ("answer", lambda states: "\ud800", "holds half a surrogate pair: .*; needed: Unicode text"),
    "no text": ("answer", lambda states: 7, "the answer to question 'a' behind 0 steps is 7, int; needed: a text"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_model_may_not_give_back_is_refused(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, reply, message = FAULTS[fault]
    monkeypatch.setattr(Scripted, method, lambda self, question, states, seed: reply(states))
    with pytest.raises(InputError, match=message):
        all_rows(plan_of(Scripted()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("simulated:n=1", "1 questions to ask; needed: 2, for a swap"),
        ("simulated:steps=65", "needed: .*64"),
        ("simulated:holds=9:0.5", "STEP:SHARE, a step from 1 to 6"),
        ("simulated:holds=1:0.9,redundant=0.2", "add up to 1.1; needed: at most 1"),
        ("simulated:steps=2,holds=1:0.5", "3 steps or more, or redundant=0"),
        (f"{__file__}@scripted:steps=0", "has 0 latent steps; needed: from 1 to 64"),
        (f"{__file__}@twins", "has 2 questions with the id 'a'; needed: one id each"),
        (f"{__file__}@nameless", "questions is .*; needed: a list of LatentQuestion"),
        ("coconut", "latent knows no 'coconut'; known: simulated"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        latent_plan(text, draws=1, limit=None, noise=1.0, seed=1)
