"""Session of a perturbation: the study's model and tasks, what is to be measured, and what it may cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from inspect_ai import Task
from inspect_ai.model import Model

from overthink.collect.arms.interventions.prompt import PromptChange
from overthink.collect.arms.registry import prompt_changes_by_arm
from overthink.collect.monitors.base import HIDDEN
from overthink.collect.monitors.score import NO_LOG, Attack
from overthink.collect.monitors.texts import TraceText
from overthink.collect.perturbations.registry import PerturbationPlan
from overthink.collect.providers.attempts import Patience
from overthink.collect.providers.choose import continuation_for
from overthink.collect.session.estimate import is_local
from overthink.collect.session.open import open_model
from overthink.collect.session.prepare import open_plan_model
from overthink.collect.session.prompt_length import LETTERS_PER_TOKEN
from overthink.cost.prices import bill_text, is_own
from overthink.data.oversight import OversightRow, View
from overthink.data.oversight_pool import OverseenRung, RungAnswer
from overthink.data.visible import visible
from overthink.plan.study import Plan, TaskPlan

NO_THOUGHT = "the trace has no thinking at this rung"
"""Reason of a row of a rung without a sentence."""

Measure = tuple[OverseenRung, PerturbationPlan, float | None]
"""One answer to decode: a rung, a perturbation, and the share of the thinking at which it changes it."""


@dataclass(frozen=True, eq=False)
class PerturbationSession:
    """Opened inputs of a perturbation.

    Attributes:
        plan: The study's plan.
        perturbations: The perturbations, opened.
        model: The model under test.
        tasks: Plan and task, by name in the pool.
        rungs: The rungs with thinking, sorted by trace and budget.
        texts: Texts of the rungs, of those that have some.
        answers: The rungs' own answers.
        attacks: Attack policy of each arm; an arm that is not among them is honest.
        rows: Rows that are there already, by their keys; those with an error are in `errors`.
        errors: Rows with an error, by their keys: they are measured again, and their tokens stay counted.
        patience: Bounds on waiting for providers.
    """

    plan: Plan
    perturbations: tuple[PerturbationPlan, ...]
    model: Model
    tasks: Mapping[str, tuple[TaskPlan, Task]]
    rungs: Sequence[OverseenRung]
    texts: Mapping[OverseenRung, TraceText]
    answers: Mapping[tuple[str, str, str, int, int], RungAnswer]
    attacks: Mapping[str, Attack]
    rows: Mapping[tuple[object, ...], OversightRow]
    errors: Mapping[tuple[object, ...], OversightRow] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)

    @cached_property
    def measures(self) -> list[Measure]:
        """All that is to be measured, in the order of the rungs; a rung without a text has one per perturbation."""
        return [
            (rung, plan, position)
            for rung in self.rungs
            for plan in self.perturbations
            for position in self._cuts(rung, plan)
        ]

    @cached_property
    def missing(self) -> list[Measure]:
        """What has no row yet."""
        return [measure for measure in self.measures if self.row(*measure).key not in self.rows]

    @cached_property
    def prompt_changes(self) -> dict[str, tuple[PromptChange, ...]]:
        """What each arm of the study changes in a prompt, by its label; a placebo changes nothing."""
        return prompt_changes_by_arm(self.plan.arms)

    @property
    def is_paid(self) -> bool:
        """Whether the model under test or one that writes may be billed by a provider."""
        writers = [name for plan in self.perturbations for name in plan.perturbation.models]
        return not (is_local(self.model) and all(map(is_own, writers)))

    def row(self, rung: OverseenRung, plan: PerturbationPlan, position: float | None) -> OversightRow:
        """Return the row of a measure, without an answer."""
        attack = self.attacks.get(rung.arm, Attack())
        return rung.row(
            attack=attack.policy,
            red_team=attack.red_team,
            view=View.COT,
            perturbation=plan.label,
            position=position,
            monitor_model=next(iter(plan.perturbation.models), None),
        )

    def objection(self, rung: OverseenRung) -> str | None:
        """Return why the thinking of a rung cannot be changed; None where it can."""
        text = self.texts.get(rung)
        if text is None:
            return NO_LOG
        if text.thought is None:
            return HIDDEN
        return None if text.thought.strip() else NO_THOUGHT

    def estimate(self) -> str:
        """Return the estimated cost as text, a line per perturbation."""
        return "\n".join(self._estimate(plan) for plan in self.perturbations)

    def _cuts(self, rung: OverseenRung, plan: PerturbationPlan) -> Sequence[float | None]:
        return (None,) if self.objection(rung) else plan.perturbation.cuts(self.texts[rung].thought or "")

    def _estimate(self, plan: PerturbationPlan) -> str:
        own = [rung for rung, other, _ in self.missing if other is plan and rung.source == rung.requested_tokens]
        rungs = [rung for rung in own if self.objection(rung) is None]
        letters = sum(len(self.texts[rung].question) + len(self.texts[rung].thought or "") for rung in rungs)
        resumed = plan.perturbation.is_resumed
        prompt = (2 if resumed else 1) * letters // LETTERS_PER_TOKEN
        decoded = len(rungs) * self.plan.answer_tokens
        decoded += sum(rung.source or 0 for rung in rungs) if resumed else 0
        calls = len(rungs) * (2 if resumed else 1)
        line = f"{plan.label}: {len(rungs):,} answers, at most {calls:,} calls of {self.plan.model}, about {prompt:,} "
        line += f"prompt tokens and at most {decoded:,} decoded tokens"
        prices = [_price(self.plan.model, prompt, decoded, free=is_local(self.model))]
        for writer in plan.perturbation.models:
            written = plan.perturbation.calls * letters // LETTERS_PER_TOKEN
            line += f", and at most {plan.perturbation.calls * len(rungs):,} calls of {writer}, about {written:,} "
            line += "prompt and as many decoded tokens"
            prices.append(_price(writer, written, written, free=is_own(writer)))
        return visible(f"{line}; {'; '.join(dict.fromkeys(prices))}", None)


def _price(model: str, prompt: int, decoded: int, *, free: bool) -> str:
    if free:
        return f"no charge for {model}: it runs on this machine"
    return bill_text(model, prompt, decoded)


def open_perturbations(plans: Sequence[PerturbationPlan], plan: Plan) -> tuple[Model, tuple[PerturbationPlan, ...]]:
    """Return the model under test, and the perturbations with the models that write.

    Raises:
        InputError: A model cannot be opened, or the study's does not continue a begun answer.
    """
    model = open_plan_model(plan)
    continuation_for(model)

    def open_writer(name: str) -> Model:
        return model if name == plan.model else open_model(name, {}, role="the model of --with")

    opened = tuple(replace(item, perturbation=item.perturbation.open(open_writer)) for item in plans)
    return model, opened
