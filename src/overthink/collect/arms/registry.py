"""The arms of a study: registry of components, settings of an arm, and the opened arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from inspect_ai.model import ChatMessage

from overthink.collect.arms.component import ArmPart, Intervention, StepperSetup, Strategy
from overthink.collect.arms.interventions.control import ControlProtocol
from overthink.collect.arms.interventions.control_protocols import CONTROL_PROTOCOLS
from overthink.collect.arms.interventions.insertions import Monitor, Primer, SafeThink
from overthink.collect.arms.interventions.prompt import Attack, Filler, PromptChange, Repeats
from overthink.collect.arms.interventions.protocols import PROTOCOLS, Protocol
from overthink.collect.arms.interventions.saferemind import SafeRemind
from overthink.collect.arms.strategies.beam_search import Dvts, Lookahead, PrmBeam, Tot
from overthink.collect.arms.strategies.budget_forcing import MoreThink, Wait
from overthink.collect.arms.strategies.calculator import CalculatorIntervention
from overthink.collect.arms.strategies.no_thinking import LessThink, ZeroThink
from overthink.collect.arms.strategies.revision import Revision
from overthink.collect.ladder.thinking import InOnePiece, OneStep, StepByStep, Stepper, Thinker, TraceContext
from overthink.components.base import SettingValue, build, component, resolve_settings
from overthink.components.registry import Registry
from overthink.errors import InputError
from overthink.plan.arms import BASE, ArmPlan, check_placebos, read_arms
from overthink.plan.study import Plan


@component("base")
class PlainLadder(Strategy):
    """The plain ladder.

    Unconstrained thinking: in one request per rung, or step by step if an intervention needs steps.
    """

    @property
    def max_segments(self) -> int:
        """None beyond those of the ladder."""
        return 0

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        if setup.is_plain:
            return InOnePiece(context, prefix_text=setup.prefix_text)
        return StepByStep(context, setup.stepper, prefix_text=setup.prefix_text)


PARTS: Registry[ArmPart] = Registry(
    ArmPart,
    (
        PlainLadder,
        Wait,
        MoreThink,
        ZeroThink,
        LessThink,
        SafeThink,
        SafeRemind,
        Monitor,
        Primer,
        PrmBeam,
        Dvts,
        Tot,
        Lookahead,
        Revision,
        CalculatorIntervention,
        Filler,
        Repeats,
        Attack,
        *PROTOCOLS,
        *CONTROL_PROTOCOLS,
    ),
    option="--arms",
    role="strategy or intervention",
)
"""Components accepted by `--arms`, by name."""


@dataclass(frozen=True)
class Arm:
    """An arm with its models opened.

    Attributes:
        plan: The arm's entry in the plan.
        parts: Its components; those of its arm for a placebo.
        budgets: Thinking budgets of its rungs.
        strategy: Thinking strategy.
        interventions: Interventions on its steps, innermost first.
        max_decode_factor: Maximum decoded tokens relative to the plain ladder.
        max_segments: Maximum number of thinking requests in addition to one per rung; None for stepwise thinking.
        inserted_texts: Texts that it may insert into the thinking, unless it is stepwise.
        models: Models used in addition to the one under test.
        donors: Label of the arm whose decisions a placebo takes; "" for any other arm.
    """

    plan: ArmPlan
    parts: tuple[type[ArmPart], ...]
    budgets: tuple[int, ...]
    strategy: Strategy
    interventions: tuple[Intervention, ...]
    max_decode_factor: float
    max_segments: int | None
    inserted_texts: tuple[str, ...]
    models: tuple[str, ...]
    donors: str = ""

    @property
    def label(self) -> str:
        """Name of the arm in the pool."""
        return self.plan.label

    @property
    def is_base(self) -> bool:
        """Whether this is the plain ladder, the only arm with controls and with rungs that can be added later."""
        return self.plan.parts == BASE.parts

    @property
    def decides(self) -> frozenset[str]:
        """What it decides by what it reads: "steps", "candidates", both or neither."""
        return frozenset(part.decides for part in self.parts if part.decides)

    @property
    def changes_prompt(self) -> bool:
        """Whether the model gets other messages than those of the task."""
        return any(isinstance(component, PromptChange) for component in self.interventions)

    @property
    def protocol(self) -> Protocol | None:
        """The protocol by which others argue before the model thinks; None without one."""
        return next((part for part in self.interventions if isinstance(part, Protocol)), None)

    @property
    def control(self) -> ControlProtocol | None:
        """The protocol by which its answers are reviewed; None without one."""
        return next((part for part in self.interventions if isinstance(part, ControlProtocol)), None)

    @property
    def opening(self) -> str:
        """Text that it writes at the beginning of the thinking."""
        return "".join(component.prefix_text for component in self.interventions)

    def prompt(self, messages: Sequence[ChatMessage], facts: Mapping[str, Any]) -> list[ChatMessage]:
        """Return the messages that the model gets.

        Args:
            messages: Messages of the task.
            facts: Metadata of the question.

        Raises:
            InputError: The task is none that a component can change.
        """
        for part in self.interventions:
            messages = part.prompt(messages, facts)
        return list(messages)

    def simulated_answers(self, facts: Mapping[str, Any]) -> dict[str, str]:
        """Return the answers of a simulated model, where a component changes those of the task."""
        answers = [component.simulated_answers(facts) for component in self.interventions]
        return {name: text for own in answers for name, text in own.items()}

    def thinker(self, context: TraceContext) -> Thinker:
        """Return the thinker of one trace."""
        stepper: Stepper = OneStep(context)
        for intervention in self.interventions:
            stepper = intervention.wrap(stepper, context)
        plain = not any(component.looks_at_steps for component in self.interventions)
        return self.strategy.thinker(context, StepperSetup(stepper, self.opening, plain))


def arm_plans(text: str, *, model: str) -> tuple[ArmPlan, ...]:
    """Return the arms of a command-line text, with the defaults of their sources filled in.

    Args:
        text: As for :func:`~overthink.plan.arms.read_arms`.
        model: The model under test; the simulated model has defaults for every setting.

    Raises:
        InputError: An arm or a setting is unknown, a required setting is missing, a value is invalid, or a placebo is
            of an arm that is not there or decides nothing.
    """
    arms = tuple(
        arm if arm.placebo_of is not None else _complete(arm, simulated=model == "overthink/simulated")
        for arm in read_arms(text)
    )
    try:
        check_placebos(arms)
    except ValueError as fault:
        raise InputError(f"--arms {fault}") from fault
    parts = {arm.label: _parts(arm) for arm in arms if arm.placebo_of is None}
    for arm in arms:
        if arm.placebo_of is not None:
            _refuse_undecided(arm, parts[arm.placebo_of])
    return arms


def open_arms(plan: Plan) -> tuple[Arm, ...]:
    """Return the arms of a plan, opened; a placebo shares the models of its arm.

    Raises:
        InputError: As for :func:`open_arm`, or a placebo is of an arm that decides nothing.
    """
    own = {arm.label: open_arm(arm, plan) for arm in plan.arms if arm.placebo_of is None}
    return tuple(
        own[arm.label] if arm.placebo_of is None else _placebo(arm, own[arm.placebo_of], plan.arms) for arm in plan.arms
    )


def _placebo(arm: ArmPlan, of: Arm, arms: Sequence[ArmPlan]) -> Arm:
    _refuse_undecided(arm, of.parts)
    return replace(of, plan=arm, donors=_donor_arm(arm, of, arms))


def _donor_arm(arm: ArmPlan, of: Arm, arms: Sequence[ArmPlan]) -> str:
    """Return the arm whose decisions a placebo takes: its own arm, or the honest one of an attack under control.

    A protocol of control is to tell attacks from honest runs, so that one that reads nothing acts on both alike.

    Raises:
        InputError: The study has no such honest arm.
    """
    if of.control is None or Attack not in of.parts:
        return of.label
    parts = [part for part in of.plan.parts if part != Attack.key]
    settings = {name: value for name, value in of.plan.settings.items() if name not in Attack.model_fields}
    for other in arms:
        if list(other.parts) == parts and other.settings == settings:
            return other.label
    raise InputError(
        f"--arms {arm.label} acts as often as {of.control.key} does on honest runs, and no arm has those; needed "
        f"beside it: {'+'.join(parts)} with the same settings"
    )


def _refuse_undecided(placebo: ArmPlan, parts: Sequence[type[ArmPart]]) -> None:
    if not any(part.decides for part in parts):
        deciding = ", ".join(part.key for part in PARTS.values() if part.decides)
        raise InputError(
            f"--arms {placebo.label}: {placebo.placebo_of} decides nothing by what it reads "
            f"({'+'.join(part.key for part in parts)}), so it has no placebo; leave it out. Those that decide: "
            f"{deciding}"
        )


def open_arm(arm: ArmPlan, plan: Plan) -> Arm:
    """Return an arm with its components built and its models opened.

    Raises:
        InputError: A requirement of a component is missing, or it cannot be combined with this plan.
    """
    parts = _parts(arm)
    settings = [_own_settings(part, arm) for part in parts]
    components = [build(part, values).open(plan) for part, values in zip(parts, settings, strict=True)]
    at_once = any(part.answers_at_once for part in parts)
    budgets = plan.budgets or ()
    segments = [component.max_segments for component in components]
    known_segments = [count for count in segments if count is not None]
    strategies = [component for component in components if isinstance(component, Strategy)]
    return Arm(
        plan=arm,
        parts=tuple(parts),
        budgets=budgets[:1] if at_once else budgets,
        strategy=strategies[0] if strategies else PlainLadder(),
        interventions=tuple(component for component in components if isinstance(component, Intervention)),
        max_decode_factor=prod(component.max_decode_factor for component in components),
        max_segments=sum(known_segments) if len(known_segments) == len(parts) else None,
        inserted_texts=tuple(text for component in components for text in component.inserted_texts),
        models=tuple(name for component in components for name in component.models),
    )


def prompt_changes(arm: ArmPlan) -> tuple[PromptChange, ...]:
    """Return the components of an arm that change the prompt, built without a model being opened.

    Raises:
        InputError: A component is unknown, or a setting is missing.
    """
    return tuple(build(part, _own_settings(part, arm)) for part in _parts(arm) if issubclass(part, PromptChange))


def prompt_changes_by_arm(arms: Sequence[ArmPlan]) -> dict[str, tuple[PromptChange, ...]]:
    """Return what each arm changes in a prompt, by its label; a placebo changes nothing."""
    return {arm.label: prompt_changes(arm) for arm in arms if arm.placebo_of is None}


def reads_probabilities(arms: Sequence[Arm]) -> bool:
    """Return whether an arm reads next-token probabilities, which not every server reports."""
    return any(part.reads_probabilities for arm in arms for part in arm.parts)


def _parts(arm: ArmPlan) -> list[type[ArmPart]]:
    parts = [PARTS.look_up(name) for name in arm.parts]
    strategies = [part.key for part in parts if issubclass(part, Strategy)]
    if len(strategies) > 1:
        raise InputError(f"--arms {'+'.join(arm.parts)}: {' and '.join(strategies)} are two strategies; give one")
    protocols = [part.key for part in parts if issubclass(part, Protocol)]
    if len(protocols) > 1:
        raise InputError(f"--arms {'+'.join(arm.parts)}: {' and '.join(protocols)} are two protocols; give one")
    _refuse_control_of_steps(arm, parts)
    steering = [part.key for part in parts if issubclass(part, Intervention)]
    at_once = [part.key for part in parts if part.answers_at_once]
    if at_once and steering:
        raise InputError(f"--arms {'+'.join(arm.parts)}: {at_once[0]} thinks nothing that {steering[0]} could steer")
    return parts


def _refuse_control_of_steps(arm: ArmPlan, parts: Sequence[type[ArmPart]]) -> None:
    """Check that a protocol of control stands beside parts that only change the prompt or open the thinking."""
    control = [part for part in parts if issubclass(part, ControlProtocol)]
    others = [part for part in parts if part not in control[:1]]
    if control and (
        wrong := [
            part.key for part in others if not issubclass(part, PromptChange | Primer) or issubclass(part, Protocol)
        ]
    ):
        raise InputError(
            f"--arms {'+'.join(arm.parts)}: {control[0].key} reviews answers of plain thinking, and {wrong[0]} is not "
            "that; needed beside it: attack, primer, filler or repeats, or nothing"
        )


def _own_settings(part: type[ArmPart], arm: ArmPlan) -> dict[str, SettingValue]:
    """Return the settings of one part of an arm, checked again: a stored plan may be of another version of the part.

    Raises:
        InputError: A setting is missing, or its value is not possible.
    """
    complete, missing = resolve_settings(part, arm.settings, simulated=False, owner="+".join(arm.parts))
    if missing:
        raise InputError(f"--arms {'+'.join(arm.parts)} lacks settings that it needs: {'; '.join(missing)}")
    return complete


def _complete(arm: ArmPlan, *, simulated: bool) -> ArmPlan:
    """Return the arm with every setting: given, default of the simulated model, or default of its source."""
    parts, arm_name = _parts(arm), "+".join(arm.parts)
    setting_names = {name for part in parts for name in part.model_fields}
    unknown = sorted(arm.settings.keys() - setting_names)
    if unknown:
        raise InputError(
            f"--arms {arm_name} has no setting {unknown[0]!r}; it has: {', '.join(sorted(setting_names)) or 'none'}"
        )
    complete: dict[str, SettingValue] = {}
    missing: list[str] = []
    for part in parts:
        own, undecided = resolve_settings(part, arm.settings, simulated=simulated, owner=arm_name)
        complete |= own
        missing += undecided
    if missing:
        raise InputError(f"--arms {arm_name} needs decisions that nobody can make for you: {'; '.join(missing)}")
    return arm.model_copy(update={"settings": complete})


def models_of(arms: Sequence[Arm]) -> tuple[str, ...]:
    """Return every model that the arms use in addition to the one under test."""
    return tuple(dict.fromkeys(name for arm in arms for name in arm.models))
