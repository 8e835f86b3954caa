"""The arms of a study: which there are, what they need, and one that is ready to think."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from overthink.arm_plan import BASE, ArmPlan, Value, read_arms
from overthink.collect.part import Intervention, Part, Settings, Steered, Strategy, decided
from overthink.collect.search import dvts, lookahead, prm_beam, revise, tot
from overthink.collect.steer import monitor, morethink, primer, saferemind, safethink, wait, zerothink
from overthink.collect.thinking import InOnePiece, Means, OneStep, StepByStep, Stepper, Thinker
from overthink.collect.tools import calculator
from overthink.errors import InputError
from overthink.plan import Plan


class Plain:
    """The model thinks as it likes: in one piece, or step by step where an intervention looks on."""

    def thinker(self, means: Means, steered: Steered) -> Thinker:
        """Who thinks in one trace."""
        if steered.plain:
            return InOnePiece(means, opening=steered.opening)
        return StepByStep(means, steered.stepper, opening=steered.opening)


PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part("base", "strategy", "the plain ladder", lambda settings, plan: Plain(), pieces=lambda settings: 0),
        wait.PART,
        morethink.PART,
        zerothink.ZEROTHINK,
        zerothink.LESSTHINK,
        safethink.PART,
        saferemind.PART,
        monitor.PART,
        primer.PART,
        prm_beam.PART,
        dvts.PART,
        tot.PART,
        lookahead.PART,
        revise.PART,
        calculator.PART,
    )
}
"""Everything that `--arms` knows, by name."""


@dataclass(frozen=True)
class Arm:
    """An arm with its models opened.

    Attributes:
        plan: Its part of the plan.
        budgets: The rungs that it is collected at.
        strategy: How it thinks.
        interventions: What is done to its steps, the innermost first.
        times: At most how often it decodes what the plain ladder decodes.
        pieces: At most in how many pieces it thinks beside one per rung; None where it takes steps.
        writes: The texts that it may write into the thinking, where it thinks in pieces.
        models: The models that it asks beside the one under test.
    """

    plan: ArmPlan
    budgets: tuple[int, ...]
    strategy: Strategy
    interventions: tuple[Intervention, ...]
    times: float
    pieces: int | None
    writes: tuple[str, ...]
    models: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its name in the pool."""
        return self.plan.label

    @property
    def is_base(self) -> bool:
        """Whether it is the plain ladder, which alone has controls, and rungs that may be added later."""
        return self.plan.parts == BASE.parts

    def thinker(self, means: Means) -> Thinker:
        """Who thinks in one trace."""
        stepper: Stepper = OneStep(means)
        for intervention in self.interventions:
            stepper = intervention.around(stepper, means)
        opening = "".join(one.opening for one in self.interventions)
        plain = not any(one.looks_at_steps for one in self.interventions)
        return self.strategy.thinker(means, Steered(stepper, opening, plain))


def arm_plans(text: str, *, model: str) -> tuple[ArmPlan, ...]:
    """Read arms as the command line gives them, with every decision that they leave to their source filled in.

    Args:
        text: As for :func:`~overthink.arm_plan.read_arms`.
        model: The model under test; the simulated one brings what is needed to run any arm.

    Raises:
        InputError: An arm or a setting is unknown, a decision is missing, or a value is not possible.
    """
    return tuple(_complete(arm, simulated=model == "overthink/simulated") for arm in read_arms(text))


def open_arm(arm: ArmPlan, plan: Plan) -> Arm:
    """Make an arm ready to think.

    Raises:
        InputError: Something it needs is not there, or cannot be done with this plan.
    """
    parts = _parts(arm)
    made = [part.make(_own(part, arm.settings), plan) for part in parts]
    at_once = any(part.answers_at_once for part in parts)
    budgets = plan.budgets or ()
    times = 1.0
    for part in parts:
        times *= part.times(_own(part, arm.settings))
    counts = [None if part.pieces is None else part.pieces(_own(part, arm.settings)) for part in parts]
    known = [count for count in counts if count is not None]
    strategies = [one for part, one in zip(parts, made, strict=True) if part.role == "strategy"]
    return Arm(
        plan=arm,
        budgets=budgets[:1] if at_once else budgets,
        strategy=cast("Strategy", strategies[0]) if strategies else Plain(),
        interventions=tuple(
            cast("Intervention", one) for part, one in zip(parts, made, strict=True) if part.role == "intervention"
        ),
        times=times,
        pieces=sum(known) if len(known) == len(parts) else None,
        writes=tuple(text for part in parts for text in part.writes(_own(part, arm.settings))),
        models=tuple(name for part in parts for name in part.models(_own(part, arm.settings))),
    )


def reads_probabilities(arms: Sequence[Arm]) -> bool:
    """Whether an arm reads how likely the next tokens are, which not every server tells."""
    return any(PARTS[name].reads_probabilities for arm in arms for name in arm.plan.parts)


def _parts(arm: ArmPlan) -> list[Part]:
    unknown = [name for name in arm.parts if name not in PARTS]
    if unknown:
        known = "; ".join(f"{part.name} ({part.means})" for part in PARTS.values())
        raise InputError(f"--arms knows no {unknown[0]!r}; known: {known}")
    parts = [PARTS[name] for name in arm.parts]
    strategies = [part.name for part in parts if part.role == "strategy"]
    if len(strategies) > 1:
        raise InputError(f"--arms {'+'.join(arm.parts)}: {' and '.join(strategies)} are two strategies; give one")
    steering = [part.name for part in parts if part.role == "intervention"]
    at_once = [part.name for part in parts if part.answers_at_once]
    if at_once and steering:
        raise InputError(f"--arms {'+'.join(arm.parts)}: {at_once[0]} thinks nothing that {steering[0]} could steer")
    return parts


def _own(part: Part, settings: Settings) -> dict[str, Value]:
    return {name: value for name, value in settings.items() if name in part.settings}


def _complete(arm: ArmPlan, *, simulated: bool) -> ArmPlan:
    """The arm with every decision: as stated, as the simulated model brings it, or as its source fixes it."""
    parts, shown = _parts(arm), "+".join(arm.parts)
    known = {name for part in parts for name in part.settings}
    strange = sorted(arm.settings.keys() - known)
    if strange:
        raise InputError(f"--arms {shown} has no setting {strange[0]!r}; it has: {', '.join(sorted(known)) or 'none'}")
    complete: dict[str, Value] = {}
    missing: list[str] = []
    for part in parts:
        own, lacking = decided(part.settings, arm.settings, simulated=part.simulated if simulated else {}, part=shown)
        complete |= own
        missing += lacking
    if missing:
        raise InputError(f"--arms {shown} needs decisions that nobody can make for you: {'; '.join(missing)}")
    return arm.model_copy(update={"settings": complete})


def models_of(arms: Sequence[Arm]) -> tuple[str, ...]:
    """Every model that the arms ask beside the one under test."""
    return tuple(dict.fromkeys(name for arm in arms for name in arm.models))
