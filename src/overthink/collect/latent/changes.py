"""Answers of a latent model: at every budget of latent steps, and behind a change of one step or of all at once.

A step's own state is changed, and every later state is computed anew behind it. Noise is a random direction with the
norm of the state times a scale; a swap takes the state of the same step from another question's undisturbed thinking;
sham hands the same state back.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from overthink._version import __version__
from overthink.collect.ladder.sampling import seed_for
from overthink.collect.latent.base import MOST_STEPS, LatentCalls, LatentModel, LatentQuestion, State
from overthink.collect.latent.simulated import SimulatedLatent
from overthink.components.registry import Registry, referenced_files
from overthink.data.oversight import LatentChange, OversightRow
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.tokens import UNKNOWN_USAGE
from overthink.data.verifier_scores import SHOWN_DIGITS
from overthink.errors import InputError
from overthink.plan.components import complete_component, name_and_settings
from overthink.plan.secrets import refuse_secrets

OPTION = "latent"

LATENT_MODELS: Registry[LatentModel] = Registry(
    LatentModel,  # type: ignore[type-abstract]
    (SimulatedLatent,),
    option=OPTION,
)
"""Latent models by name."""

ARM, SCORER = "base", "target"

TraceName = tuple[str, int]
"""Question and draw of a trace."""


def budget_label(steps: int) -> str:
    """Return a budget of latent steps as the label of its rung, which has its unit, as a checkpoint of turns has.

    Example:
        >>> budget_label(0), budget_label(1)
        ('0 latent steps', '1 latent step')
    """
    return f"{steps} latent step" if steps == 1 else f"{steps} latent steps"


@dataclass(frozen=True, slots=True)
class LatentPlan:
    """What is asked of a latent model.

    Attributes:
        model: The model.
        label: Its name and settings, with the beginning of the SHA-256 of its file.
        file_sha256: SHA-256 of the model's file; None without one.
        task: Name of the task: that of the component.
        questions: The questions.
        draws: Draws of each question.
        noise: Scale of the noise, in norms of the state that it replaces.
        seed: Seed of the study.
    """

    model: LatentModel
    label: str
    file_sha256: str | None
    task: str
    questions: tuple[LatentQuestion, ...]
    draws: int
    noise: float
    seed: int

    @property
    def n_answers(self) -> int:
        """Number of answers of all traces."""
        return self.n_traces * self.n_trace_answers

    @property
    def n_traces(self) -> int:
        """Number of traces: draws of all questions."""
        return len(self.questions) * self.draws

    @property
    def n_trace_answers(self) -> int:
        """Number of answers of one draw of a question: at every budget, and behind every change."""
        return (self.model.steps + 1) * (1 + len(LatentChange))

    @property
    def setting(self) -> dict[str, object]:
        """All that decides an answer, as a file of traces stores it."""
        questions = json.dumps([[item.id, item.text, item.target] for item in self.questions])
        return {
            "overthink": __version__,
            "model": self.label,
            "file_sha256": self.file_sha256,
            "questions": len(self.questions),
            "questions_sha256": hashlib.sha256(questions.encode()).hexdigest(),
            "draws": self.draws,
            "noise": self.noise,
            "seed": self.seed,
        }

    def seed_of(self, question: LatentQuestion, draw: int) -> int:
        """Return the seed of one draw of a question."""
        return seed_for(self.seed, self.task, question.id, draw)


def latent_plan(text: str, *, draws: int, limit: int | None, noise: float, seed: int) -> LatentPlan:
    """Return what is asked of the latent model of a text.

    Args:
        text: `NAME:key=value,key=value`, or `FILE.py@NAME:key=value`.
        draws: Draws of each question.
        limit: Most questions; None for all.
        noise: Scale of the noise.
        seed: Seed of the study.

    Raises:
        InputError: The model or a setting is unknown, not possible or a secret, or the model has no steps, fewer than
            two questions, or two of one id.

    Example:
        >>> plan = latent_plan("simulated:steps=4,n=10", draws=1, limit=None, noise=1.0, seed=1)
        >>> plan.label, plan.n_answers
        ('simulated:steps=4,n=10', 250)
    """
    refuse_secrets(text, os.environ, what=OPTION)
    name, values = name_and_settings(text, option=OPTION, role=LATENT_MODELS.role)
    part = LATENT_MODELS.look_up(name)
    model = complete_component(part, values, model=None, option=OPTION)
    settings = ",".join(f"{key}={value}" for key, value in values.items())
    label = name + (f":{settings}" if settings else "")
    file_sha256 = next(iter(referenced_files([name]).values()), None)
    label += "" if file_sha256 is None else f" (file {file_sha256[:SHOWN_DIGITS]})"
    if not 1 <= model.steps <= MOST_STEPS:
        raise InputError(f"{label} has {model.steps} latent steps; needed: from 1 to {MOST_STEPS}")
    questions = tuple(model.questions())[:limit]
    if len(questions) < 2:
        raise InputError(f"{label}: {len(questions)} questions to ask; needed: 2, for a swap takes another one's state")
    ids = [question.id for question in questions]
    twice = next((name for name in ids if ids.count(name) > 1), None) if len(set(ids)) < len(ids) else None
    if twice is not None:
        raise InputError(f"{label} has {ids.count(twice)} questions with the id {twice!r:.60}; needed: one id each")
    return LatentPlan(model, label, file_sha256, part.key, questions, draws, noise, seed)


def latent_rows(
    plan: LatentPlan, *, skip: Collection[TraceName] = (), on_answer: Callable[[], None] = lambda: None
) -> Iterator[tuple[tuple[RungRecord, ...], tuple[OversightRow, ...]]]:
    """Yield, trace by trace, the rows of the pool, one per budget, and those on oversight, one per change of a step.

    Args:
        plan: What is asked.
        skip: Question and draw of the traces that are there already, and are left out.
        on_answer: Called behind every answer.

    Raises:
        InputError: The model raised an error, or gave something else than a state or an answer.
    """
    calls = LatentCalls(plan.model, plan.label)
    n = len(plan.questions)
    for draw in range(plan.draws):
        shift = 1 + seed_for(plan.seed, "swap", draw) % (n - 1)
        # No state is stored: those that a swap takes from a trace that is there are computed anew, with as many steps
        # as one change of every step takes, and no answer.
        states = cache(partial(_thought, calls, plan, draw))
        for index, question in enumerate(plan.questions):
            if (question.id, draw) in skip:
                continue
            trace = _Trace(plan, calls, question, draw, states(index), states((index + shift) % n))
            records, rows = [], []
            for record in trace.rungs():
                records.append(record)
                on_answer()
            for row in trace.changes(str(records[-1].answer)):
                rows.append(row)
                on_answer()
            yield tuple(records), tuple(rows)


def _thought(calls: LatentCalls, plan: LatentPlan, draw: int, index: int) -> tuple[State, ...]:
    question, states = plan.questions[index], list[State]()
    for _ in range(plan.model.steps):
        states.append(calls.state(question, states, plan.seed_of(question, draw)))
    return tuple(states)


@dataclass(frozen=True, slots=True, eq=False)
class _Trace:
    """One draw of one question, with its own states and those of the question that swaps come from."""

    plan: LatentPlan
    calls: LatentCalls
    question: LatentQuestion
    draw: int
    own: Sequence[State]
    other: Sequence[State]

    @property
    def seed(self) -> int:
        return self.plan.seed_of(self.question, self.draw)

    def rungs(self) -> Iterator[RungRecord]:
        """Yield the answer at every budget, from no latent step."""
        for budget in range(len(self.own) + 1):
            answer = self.calls.answer(self.question, self.own[:budget], self.seed)
            is_right = bool(self.plan.model.is_right(self.question, answer))
            yield RungRecord(
                study=self.plan.task,
                arm=ARM,
                axis=Axis.CAPABILITY,
                task=self.plan.task,
                scorer=SCORER,
                question=self.question.id,
                draw=self.draw,
                rung=budget,
                estimand=Estimand.FORCED,
                verdict=Verdict.CORRECT if is_right else Verdict.WRONG,
                value=float(is_right),
                requested_tokens=budget,
                thinking_tokens=budget,
                effort=budget_label(budget),
                answer=answer,
                model=self.plan.label,
                seed=self.seed,
            )

    def changes(self, own_answer: str) -> Iterator[OversightRow]:
        """Yield the answer behind every change of every step, and of all steps at once."""
        steps = len(self.own)
        for change in LatentChange:
            for step in (*range(steps), None):
                answer = self.calls.answer(self.question, self._states(change, step), self.seed)
                yield OversightRow(
                    task=self.plan.task,
                    arm=ARM,
                    question=self.question.id,
                    draw=self.draw,
                    estimand=Estimand.FORCED,
                    requested_tokens=steps,
                    thinking_tokens=steps,
                    effort=budget_label(steps),
                    perturbation=change.label(self.plan.noise),
                    position=None if step is None else step / steps,
                    answer=answer,
                    correct=bool(self.plan.model.is_right(self.question, answer)),
                    agreement=answer == own_answer,
                    agent=UNKNOWN_USAGE,
                    seed=self.seed,
                )

    def _states(self, change: LatentChange, step: int | None) -> list[State]:
        """Return the states with one of them changed, or all, and what the model makes of those behind it."""
        states = list(self.own[: step or 0])
        while len(states) < len(self.own):
            at = len(states)
            state = self.own[at] if at == (step or 0) else self.calls.state(self.question, states, self.seed)
            states.append(self._new_state(change, state, at) if step in (None, at) else state)
        return states

    def _new_state(self, change: LatentChange, state: State, at: int) -> State:
        if change is LatentChange.SWAP:
            return self.other[at]
        if change is LatentChange.SHAM:
            return state.copy()
        if change is LatentChange.ZERO:
            return np.zeros_like(state)
        direction = np.random.default_rng([self.seed, at, 1]).normal(size=state.shape)
        scale = self.plan.noise * float(np.linalg.norm(state)) / float(np.linalg.norm(direction))
        return (scale * direction).astype(state.dtype)
