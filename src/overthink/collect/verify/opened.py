"""A verification with its verifier, tasks and model opened: what can be refused is refused here, and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from inspect_ai import Task
from inspect_ai.model import Model

from overthink.collect.continuation import continuation_for
from overthink.collect.estimating import is_local
from overthink.collect.opened import opened_model
from overthink.collect.opening import open_model, open_task
from overthink.collect.prompt_length import LETTERS_PER_TOKEN, Letters, prompt_lengths
from overthink.collect.replay import Replay
from overthink.collect.verify.likelihood import check_likelihood
from overthink.collect.verify.own_probability import OwnProbability
from overthink.collect.verify.solved import Solved
from overthink.collect.verify.steps import steps_of
from overthink.collect.verify.verifier import Aggregate, Verifier
from overthink.collect.verify.verifiers import VerifierPlan
from overthink.core.verified import Place
from overthink.errors import InputError
from overthink.plan import Plan, TaskPlan
from overthink.price import is_own, per_million, rates_of

NOBODY = "none/none"
"""Stands where the model under test would, for verifiers that do not ask it."""


@dataclass(frozen=True)
class OpenedVerification:
    """Everything that scoring the answers of a study needs.

    Attributes:
        plan: The study's plan.
        named: The verifier, with its decisions.
        verifier: The verifier itself.
        aggregate: How the scores of steps become one; None to score answers.
        model: The model under test, or one that nobody asks.
        tasks: By name in the pool: the task's part of the plan, and the task as its author made it.
        texts: The answers that have no score yet, with the thinking before them.
    """

    plan: Plan
    named: VerifierPlan
    verifier: Verifier
    aggregate: Aggregate | None
    model: Model
    tasks: Mapping[str, tuple[TaskPlan, Task]]
    texts: Mapping[Place, Solved]

    @property
    def paid(self) -> bool:
        """Whether somebody else's computer may send a bill."""
        where = self.named.part.where(self.named.settings)
        if where is not None:
            return not any(host in where for host in ("//localhost", "//127.0.0.1", "//[::1]"))
        models = [*self.verifier.models, *([self.plan.grader] if self.named.is_oracle and self.plan.grader else [])]
        asked = [is_own(name) for name in models]
        return not (all(asked) and (not self.named.part.asks_model or is_local(self.model)))

    @cached_property
    def prompts(self) -> dict[str, int]:
        """By task: mean tokens of a prompt, as an estimate."""
        asked = {place[0] for place in self.texts}
        return {
            name: prompt_lengths(
                task, name=name, questions=len(task.dataset), replay=Replay, turn=None, counter=Letters()
            ).prompt
            for name, (_, task) in self.tasks.items()
            if name in asked
        }

    def estimate(self) -> str:
        """What scoring will take, in a few lines."""
        calls = prompt = decoded = steps = 0
        for place, text in self.texts.items():
            if text.thought is None:
                continue
            shown = 1 if self.aggregate is None else len(steps_of(text.thought)) + 1
            work = self.named.part.work(self.named.settings, shown, self.plan.answer_tokens)
            letters = len(text.thought) + len(text.answer)
            steps, calls, decoded = steps + shown, calls + work.calls, decoded + work.decoded
            prompt += work.calls * (self.prompts[place[0]] + letters // LETTERS_PER_TOKEN)
        what = "answers" if self.aggregate is None else f"answers with {steps:,} steps"
        counted = (
            f"{len(self.texts):,} {what}: at most {calls:,} calls of {self.verifier.name}, about {prompt:,} prompt "
        )
        counted += (
            f"tokens and at most {decoded:,} decoded tokens; the model under test decodes nothing for its answers"
        )
        return f"{counted}; {self._price(prompt, decoded)}"

    def _price(self, prompt: int, decoded: int) -> str:
        if not self.paid:
            return "no charge: the verifier runs on this machine"
        payee = self.plan.model if self.named.part.asks_model else self.verifier.models[0]
        rates = rates_of(payee)
        if self.named.part.where(self.named.settings) is not None or isinstance(rates, str):
            return rates if isinstance(rates, str) else "price unknown: the server has no list price"
        return f"at most about {rates.prompt * prompt + rates.decoded * decoded:.2f} USD; {per_million(rates)}"


def open_verification(plan: Plan, named: VerifierPlan, *, by: str, texts: Mapping[Place, Solved]) -> OpenedVerification:
    """Open the verifier, the tasks that have answers to score, and the model if it is asked.

    Args:
        plan: The study's plan.
        named: The verifier, as it was typed.
        by: "steps" or "answer".
        texts: The answers that have no score yet.

    Raises:
        InputError: Something cannot be opened, or a decision is missing.
    """
    if by == "steps" and named.aggregate is None:
        raise InputError(
            f"--verifier {named.label}: scores of steps need to become one; add aggregate=last, min, prod or mean to "
            "it, or score whole answers with --by answer"
        )
    if by == "answer" and named.aggregate is not None:
        raise InputError(f"--verifier {named.label}: with --by answer there is one score; leave aggregate out")
    verifier = named.open()
    model = opened_model(plan) if named.part.asks_model else open_model(NOBODY, {})
    if isinstance(verifier, OwnProbability):
        check_likelihood(continuation_for(model))
    names = {place[0] for place in texts}
    tasks: dict[str, tuple[TaskPlan, Task]] = {}
    for task_plan in plan.tasks:
        task = open_task(task_plan)
        name = task.name if ".py" in task_plan.task else task_plan.task
        if name in names:
            tasks[name] = task_plan, task
    lost = sorted(names - tasks.keys())
    if lost:
        raise InputError(f"the study's task {lost[0]} is not among those of its plan, so its prompts cannot be made")
    return OpenedVerification(plan, named, verifier, named.aggregate, model, tasks, texts)
