"""The arms of a study: registry of components, settings of an arm, and the opened arm."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from overthink.collect.arms.component import Component, Intervention, Settings, StepperSetup, Strategy, resolve_options
from overthink.collect.arms.interventions import monitor, primer, saferemind, safethink
from overthink.collect.arms.strategies import beam_search, budget_forcing, calculator, no_thinking, revision
from overthink.collect.ladder.thinking import InOnePiece, OneStep, StepByStep, Stepper, Thinker, TraceContext
from overthink.errors import InputError
from overthink.plan.arms import BASE, ArmPlan, SettingValue, check_placebos, read_arms
from overthink.plan.study import Plan


class Plain:
    """Unconstrained thinking: in one request per rung, or step by step if an intervention needs steps."""

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        if setup.is_plain:
            return InOnePiece(context, prefix_text=setup.prefix_text)
        return StepByStep(context, setup.stepper, prefix_text=setup.prefix_text)


PARTS: dict[str, Component] = {
    part.name: part
    for part in (
        Component(
            "base", "strategy", "the plain ladder", lambda settings, plan: Plain(), max_segments=lambda settings: 0
        ),
        budget_forcing.WAIT,
        budget_forcing.MORETHINK,
        no_thinking.ZEROTHINK,
        no_thinking.LESSTHINK,
        safethink.SAFETHINK,
        saferemind.SAFEREMIND,
        monitor.MONITOR,
        primer.PRIMER,
        beam_search.PRM_BEAM,
        beam_search.DVTS,
        beam_search.TOT,
        beam_search.LOOKAHEAD,
        revision.REVISION,
        calculator.CALCULATOR,
    )
}
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
    """

    plan: ArmPlan
    parts: tuple[Component, ...]
    budgets: tuple[int, ...]
    strategy: Strategy
    interventions: tuple[Intervention, ...]
    max_decode_factor: float
    max_segments: int | None
    inserted_texts: tuple[str, ...]
    models: tuple[str, ...]

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

    def thinker(self, context: TraceContext) -> Thinker:
        """Return the thinker of one trace."""
        stepper: Stepper = OneStep(context)
        for intervention in self.interventions:
            stepper = intervention.wrap(stepper, context)
        opening = "".join(component.prefix_text for component in self.interventions)
        plain = not any(component.looks_at_steps for component in self.interventions)
        return self.strategy.thinker(context, StepperSetup(stepper, opening, plain))


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
    return tuple(own[arm.label] if arm.placebo_of is None else _placebo(arm, own[arm.placebo_of]) for arm in plan.arms)


def _placebo(arm: ArmPlan, of: Arm) -> Arm:
    _refuse_undecided(arm, of.parts)
    return replace(of, plan=arm)


def _refuse_undecided(placebo: ArmPlan, parts: Sequence[Component]) -> None:
    if not any(part.decides for part in parts):
        deciding = ", ".join(part.name for part in PARTS.values() if part.decides)
        raise InputError(
            f"--arms {placebo.label}: {placebo.placebo_of} decides nothing by what it reads "
            f"({'+'.join(part.name for part in parts)}), so it has no placebo; leave it out. Those that decide: "
            f"{deciding}"
        )


def open_arm(arm: ArmPlan, plan: Plan) -> Arm:
    """Return an arm with its components built and its models opened.

    Raises:
        InputError: A requirement of a component is missing, or it cannot be combined with this plan.
    """
    parts = _parts(arm)
    components = [part.make(_own_settings(part, arm.settings), plan) for part in parts]
    at_once = any(part.answers_at_once for part in parts)
    budgets = plan.budgets or ()
    times = 1.0
    for part in parts:
        times *= part.max_decode_factor(_own_settings(part, arm.settings))
    counts = [
        None if part.max_segments is None else part.max_segments(_own_settings(part, arm.settings)) for part in parts
    ]
    piece_counts = [count for count in counts if count is not None]
    strategies = [component for part, component in zip(parts, components, strict=True) if part.role == "strategy"]
    return Arm(
        plan=arm,
        parts=tuple(parts),
        budgets=budgets[:1] if at_once else budgets,
        strategy=cast("Strategy", strategies[0]) if strategies else Plain(),
        interventions=tuple(
            cast("Intervention", component)
            for part, component in zip(parts, components, strict=True)
            if part.role == "intervention"
        ),
        max_decode_factor=times,
        max_segments=sum(piece_counts) if len(piece_counts) == len(parts) else None,
        inserted_texts=tuple(text for part in parts for text in part.inserted_texts(_own_settings(part, arm.settings))),
        models=tuple(name for part in parts for name in part.models(_own_settings(part, arm.settings))),
    )


def reads_probabilities(arms: Sequence[Arm]) -> bool:
    """Return whether an arm reads next-token probabilities, which not every server reports."""
    return any(part.reads_probabilities for arm in arms for part in arm.parts)


def _parts(arm: ArmPlan) -> list[Component]:
    unknown = [name for name in arm.parts if name not in PARTS]
    if unknown:
        choices = "; ".join(f"{part.name} ({part.description})" for part in PARTS.values())
        raise InputError(f"--arms knows no {unknown[0]!r}; known: {choices}")
    parts = [PARTS[name] for name in arm.parts]
    strategies = [part.name for part in parts if part.role == "strategy"]
    if len(strategies) > 1:
        raise InputError(f"--arms {'+'.join(arm.parts)}: {' and '.join(strategies)} are two strategies; give one")
    steering = [part.name for part in parts if part.role == "intervention"]
    at_once = [part.name for part in parts if part.answers_at_once]
    if at_once and steering:
        raise InputError(f"--arms {'+'.join(arm.parts)}: {at_once[0]} thinks nothing that {steering[0]} could steer")
    return parts


def _own_settings(part: Component, settings: Settings) -> dict[str, SettingValue]:
    return {name: value for name, value in settings.items() if name in part.settings}


def _complete(arm: ArmPlan, *, simulated: bool) -> ArmPlan:
    """Return the arm with every setting: given, default of the simulated model, or default of its source."""
    parts, arm_name = _parts(arm), "+".join(arm.parts)
    setting_names = {name for part in parts for name in part.settings}
    unknown = sorted(arm.settings.keys() - setting_names)
    if unknown:
        raise InputError(
            f"--arms {arm_name} has no setting {unknown[0]!r}; it has: {', '.join(sorted(setting_names)) or 'none'}"
        )
    complete: dict[str, SettingValue] = {}
    missing: list[str] = []
    for part in parts:
        own, undecided = resolve_options(
            part.settings,
            arm.settings,
            simulated_defaults=part.simulated_defaults if simulated else {},
            component=arm_name,
        )
        complete |= own
        missing += undecided
    if missing:
        raise InputError(f"--arms {arm_name} needs decisions that nobody can make for you: {'; '.join(missing)}")
    return arm.model_copy(update={"settings": complete})


def models_of(arms: Sequence[Arm]) -> tuple[str, ...]:
    """Return every model that the arms use in addition to the one under test."""
    return tuple(dict.fromkeys(name for arm in arms for name in arm.models))
