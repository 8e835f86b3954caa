"""Session of a verification: opens verifier, tasks and model, refuses invalid ones, and estimates the cost.

Thinking and answers of a study's traces, read from its logs for verification.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai.model import Model

from overthink.collect.arms.interventions.prompt import PromptChange
from overthink.collect.arms.registry import prompt_changes_by_arm
from overthink.collect.arms.verifiers.base import Aggregate, Verifier, steps_of
from overthink.collect.arms.verifiers.own_probability import OwnProbability, check_likelihood
from overthink.collect.arms.verifiers.registry import VerifierPlan
from overthink.collect.inspect_logs.files import open_logs
from overthink.collect.inspect_logs.texts import question_text
from overthink.collect.providers.attempts import Patience
from overthink.collect.providers.choose import continuation_for
from overthink.collect.scoring.replay import Replay
from overthink.collect.session.estimate import is_local, is_loopback
from overthink.collect.session.open import name_in_pool, open_model, open_task
from overthink.collect.session.prepare import open_plan_model
from overthink.collect.session.prompt_length import LETTERS_PER_TOKEN, LetterCounter, prompt_lengths
from overthink.collect.session.task_run import RECORDS, TEXTS
from overthink.cost.prices import bill_text, is_own
from overthink.data.record import ON_TRACE, Estimand
from overthink.data.verifier_scores import AnswerKey
from overthink.data.visible import visible
from overthink.errors import InputError
from overthink.plan.secrets import refuse_secrets
from overthink.plan.study import Plan, TaskPlan


@dataclass(frozen=True, slots=True)
class AnswerText:
    """One forced answer and the thinking before it.

    Attributes:
        thought: The thinking; None if the rung was added later, so that the log lacks its text.
        answer: The answer, as passed to its scorer.
        ended: Whether the trace had ended by itself.
        question: The question, as its sample has it.
        epoch: Epoch of its sample.
        log: Name of its log.
    """

    thought: str | None
    answer: str
    ended: bool
    question: str = ""
    epoch: int | None = None
    log: str | None = None


def read_answer_texts(logs: Path, keys: Collection[AnswerKey]) -> dict[AnswerKey, AnswerText]:
    """Return the texts by answer key; the later ones if a trace was collected twice.

    Args:
        logs: Folder of the study's logs.
        keys: Keys of the answers.

    Raises:
        InputError: There is no readable log.
    """
    traces = {key[:-1] for key in keys}
    questions = {key[2] for key in keys}
    results: dict[AnswerKey, AnswerText] = {}
    open_files, _ = open_logs(logs)
    for log in open_files:
        for sample in log.samples([summary for summary in log.summaries if str(summary.id) in questions]):
            rows: list[dict[str, Any]] = sample.store.get(RECORDS, [])
            if not rows:
                continue
            trace = (rows[0]["task"], rows[0]["arm"], str(sample.id), rows[0]["draw"])
            if trace in traces:
                for budget, text in _of_trace(rows, sample.store.get(TEXTS, [])).items():
                    results[(*trace, budget)] = replace(
                        text, question=question_text(sample), epoch=sample.epoch, log=log.path.name
                    )
    return {key: results[key] for key in keys if key in results}


def _of_trace(rows: list[dict[str, Any]], texts: list[dict[str, Any]]) -> dict[int, AnswerText]:
    """Return the texts of one trace by budget. A stored text is the thinking since the rung below, or all of it."""
    forced_rows = {
        row["rung"]: row for row in rows if row["estimand"] == Estimand.FORCED and not row["scorer"].endswith(ON_TRACE)
    }
    rung_texts = sorted((text for text in texts if "beside" not in text), key=lambda text: int(text["rung"]))
    whole = {
        text["rung"] for text in rung_texts
    } >= forced_rows.keys()  # else these are rungs added to an existing trace
    results: dict[int, AnswerText] = {}
    thought = ""
    for text in rung_texts:
        row = forced_rows[text["rung"]]
        thought = text["thought"] if text.get("afresh") else thought + text["thought"]
        is_known = whole or row["requested_tokens"] == 0
        results[row["requested_tokens"]] = AnswerText(
            thought if is_known else None, text["answer"], bool(row["natural_end"])
        )
    return results


NO_MODEL = "none/none"
"""Placeholder of the model under test, for verifiers that do not call it."""


@dataclass(frozen=True)
class VerificationSession:
    """Opened inputs of a verification.

    Attributes:
        plan: The study's plan.
        verifier_plan: The verifier's specification.
        verifier: The opened verifier.
        aggregate: Aggregation of step scores; None to score answers.
        model: The model under test, or a placeholder that is never called.
        tasks: Plan and task, by name in the pool.
        texts: The answers without a score, with the thinking before them.
        patience: Bounds on waiting for providers.
    """

    plan: Plan
    verifier_plan: VerifierPlan
    verifier: Verifier
    aggregate: Aggregate | None
    model: Model
    tasks: Mapping[str, tuple[TaskPlan, Task]]
    texts: Mapping[AnswerKey, AnswerText]
    patience: Patience = field(default_factory=Patience)

    @cached_property
    def prompt_changes(self) -> dict[str, tuple[PromptChange, ...]]:
        """What each arm of the study changes in a prompt, by its label; a placebo changes nothing."""
        return prompt_changes_by_arm(self.plan.arms)

    @property
    def is_paid(self) -> bool:
        """Whether the verification may be billed by a provider."""
        where = self.verifier_plan.verifier.address
        if where is not None:
            return not is_loopback(where)
        models = [
            *self.verifier.models,
            *([self.plan.grader] if self.verifier_plan.verifier.is_oracle and self.plan.grader else []),
        ]
        are_own = [is_own(name) for name in models]
        return not (all(are_own) and (not self.verifier_plan.verifier.asks_model or is_local(self.model)))

    @cached_property
    def prompts(self) -> dict[str, int]:
        """Estimated mean prompt tokens by task."""
        needed_tasks = {key[0] for key in self.texts}
        return {
            name: prompt_lengths(
                task, name=name, questions=len(task.dataset), replay=Replay, turn=None, counter=LetterCounter()
            ).prompt
            for name, (_, task) in self.tasks.items()
            if name in needed_tasks
        }

    def estimate(self) -> str:
        """Return the estimated cost as text."""
        calls = prompt = n_decoded = steps = 0
        for key, text in self.texts.items():
            if text.thought is None:
                continue
            n_steps = 1 if self.aggregate is None else len(steps_of(text.thought)) + 1
            work = self.verifier_plan.verifier.work(n_steps, self.plan.answer_tokens)
            letters = len(text.thought) + len(text.answer)
            steps, calls, n_decoded = steps + n_steps, calls + work.calls, n_decoded + work.decoded_tokens
            prompt += work.calls * (self.prompts[key[0]] + letters // LETTERS_PER_TOKEN)
        what = "answers" if self.aggregate is None else f"answers with {steps:,} steps"
        line = f"{len(self.texts):,} {what}: at most {calls:,} calls of {self.verifier.name}, about {prompt:,} prompt "
        line += f"tokens and at most {n_decoded:,} decoded tokens; the model under test decodes nothing for its answers"
        return visible(f"{line}; {self._price(prompt, n_decoded)}", None)

    def _price(self, prompt: int, n_decoded: int) -> str:
        if not self.is_paid:
            return "no charge: the verifier runs on this machine"
        own = () if self.verifier_plan.verifier.asks_model else (*self.verifier.models, self.plan.grader)
        payee = next(filter(None, own), self.plan.model)
        if self.verifier_plan.verifier.address is not None:
            return "price unknown: the server has no list price"
        return bill_text(payee, prompt, n_decoded)


def open_tasks(plan: Plan, names: set[str]) -> dict[str, tuple[TaskPlan, Task]]:
    """Return plan and task of some tasks of a study, by name in the pool.

    Raises:
        InputError: A task cannot be opened, or is not among those of the plan.
    """
    tasks: dict[str, tuple[TaskPlan, Task]] = {}
    for task_plan in plan.tasks:
        task = open_task(task_plan)
        if (name := name_in_pool(task, task_plan)) in names:
            tasks[name] = task_plan, task
    lost = sorted(names - tasks.keys())
    if lost:
        raise InputError(f"the study's task {lost[0]} is not among those of its plan, so its prompts cannot be made")
    return tasks


def open_verification(
    plan: Plan, verifier_plan: VerifierPlan, *, by: str, texts: Mapping[AnswerKey, AnswerText]
) -> VerificationSession:
    """Open the verifier, the tasks with answers to score, and the model if the verifier calls it.

    Args:
        plan: The study's plan.
        verifier_plan: The verifier's specification.
        by: "steps" or "answer".
        texts: The answers without a score.

    Raises:
        InputError: Something cannot be opened, or an option is missing.
    """
    refuse_secrets(verifier_plan.label, os.environ, what="--verifier")
    if by == "steps" and verifier_plan.aggregate is None:
        raise InputError(
            f"--verifier {verifier_plan.label}: scores of steps need to become one; add aggregate=last, min, prod or "
            "mean to it, or score whole answers with --by answer"
        )
    if by == "answer" and verifier_plan.aggregate is not None:
        raise InputError(f"--verifier {verifier_plan.label}: with --by answer there is one score; leave aggregate out")
    verifier = verifier_plan.open()
    model = open_plan_model(plan) if verifier_plan.verifier.asks_model else open_model(NO_MODEL, {})
    if isinstance(verifier, OwnProbability):
        check_likelihood(continuation_for(model))
    names = {key[0] for key in texts}
    return VerificationSession(
        plan, verifier_plan, verifier, verifier_plan.aggregate, model, open_tasks(plan, names), texts
    )
