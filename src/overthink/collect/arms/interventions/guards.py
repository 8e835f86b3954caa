"""Settings of guards, and construction of a guard with its threshold from them.

Check that guards do not grade: a guard would find safe again what it let pass.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self, cast

from pydantic import Field, PrivateAttr

from overthink.collect.arms.component import Intervention
from overthink.collect.arms.interventions.guard import Guard, GuardScale, OpenGuard, Watch
from overthink.collect.arms.interventions.guard_models import (
    ModelGuard,
    RawClassifierGuard,
    SimulatedGuard,
    VerifierGuard,
)
from overthink.collect.arms.verifiers.base import ScoringPart, Verifier
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.arms.verifiers.registry import VERIFIERS, read_verifier
from overthink.collect.session.open import open_model
from overthink.components.base import Simulated
from overthink.components.registry import Registry
from overthink.errors import InputError
from overthink.plan.arms import ArmPlan
from overthink.plan.components import read_component
from overthink.plan.study import Plan

GUARDS: Registry[Guard] = Registry(Guard, (SimulatedGuard,), option="guard=")  # type: ignore[type-abstract]
"""Guards by name; models and verifiers guard, too."""

_GUARDS_OR_VERIFIERS: Registry[ScoringPart] = Registry(ScoringPart, (), option="guard=", role="guard or verifier")


class Guarded(Intervention):
    """Base of interventions with a guard and a threshold on its score."""

    guard: Annotated[str, Simulated("simulated")] = Field(
        description="who scores the thinking so far: a model as Inspect calls it, a verifier as --verifier names it "
        "(such as classifier:model=FOLDER;label=safe), a guard as FILE.py@NAME, or simulated"
    )
    scale: Annotated[GuardScale, Simulated("probability")] = Field(
        description="what its scores are: the probability of safe, its word as 0 or 1, or the raw number of a "
        "classifier"
    )
    tau: Annotated[float, Simulated(0.5)] = Field(description="the least score that counts as safe, on that scale")
    guard_prompt: Literal["template", "own"] = Field(
        "template",
        description="who asks a model: its own chat template (as Llama Guard's does, SafeThink's guard), or our prompt",
    )
    may_judge: str = Field("", description="the guard, by its name, if it may grade answers although it steers")
    _watch: Watch = PrivateAttr()

    @property
    def models(self) -> tuple[str, ...]:
        """Possibly billed models of the guard."""
        return models_of_guard(self.guard)

    @property
    def watch(self) -> Watch:
        """The opened guard with its threshold."""
        return self._watch

    def open(self, plan: Plan) -> Self:
        """Return the intervention with its guard opened.

        Raises:
            InputError: The guard is unknown, a requirement is missing, it does not score on this scale, or the
                threshold is off the scale.
        """
        return self.with_watch(Watch(_guard(self, plan), self.tau))

    def with_watch(self, watch: Watch) -> Self:
        """Return the intervention with an opened guard."""
        guarded = self.model_copy()
        guarded._watch = watch
        return guarded


def models_of_guard(text: str) -> tuple[str, ...]:
    """Return the possibly billed models of a guard."""
    part = component_of_guard(text)
    if part is None:
        return (text,)
    if issubclass(part, Guard):
        return read_guard(text, model="").models
    verifier = read_verifier(text, model="").verifier
    return () if verifier.address == "http://localhost" else verifier.models


def names_of_guard(text: str, *, model: str) -> tuple[str, ...]:
    """Return the models of a guard, on any server.

    Args:
        text: The setting ``guard``.
        model: The model under test, which some verifiers call.
    """
    part = component_of_guard(text)
    if part is None:
        return (text,)
    if issubclass(part, Guard):
        guard = read_guard(text, model=model)
        return (model,) if guard.asks_model else guard.models
    verifier = read_verifier(text, model=model).verifier
    return (model,) if verifier.asks_model else verifier.models


def component_of_guard(text: str) -> type[Guard] | type[Verifier] | None:
    """Return the guard or verifier that a setting ``guard`` names; None for a model.

    Raises:
        InputError: Its file cannot be loaded, or has no such guard or verifier.
    """
    name = text.partition(":")[0]
    if name in GUARDS:
        return GUARDS[name]
    if name in VERIFIERS:
        return VERIFIERS[name]
    found = _GUARDS_OR_VERIFIERS.from_outside(name) if _GUARDS_OR_VERIFIERS.knows(name) else None
    return cast("type[Guard] | type[Verifier] | None", found)


def read_guard(text: str, *, model: str) -> Guard:
    """Return the guard of a text as ``NAME:key=value;key=value``, with its settings.

    Raises:
        InputError: It is unknown, a setting is missing, or a value is not possible.
    """
    return read_component(text, GUARDS, model=model, option="guard=")


def _guard(settings: Guarded, plan: Plan) -> OpenGuard:
    text, scale = settings.guard, settings.scale
    part = component_of_guard(text)
    if part is None:
        _require(scale, ("probability", "word"), text)
        return ModelGuard(
            open_model(text, {}, role="guard"),
            "probability" if scale == "probability" else "word",
            settings.guard_prompt,
        )
    if issubclass(part, Guard):
        guard = read_guard(text, model=plan.model)
        if guard.key == SimulatedGuard.key and plan.model != "overthink/simulated":
            raise InputError(f"guard=simulated reads what overthink/simulated writes, and {plan.model} writes no marks")
        _require(scale, (guard.scale,), text)
        return guard.open()
    verifier = read_verifier(text, model=plan.model).open()
    if isinstance(verifier, ClassifierVerifier) and scale == "raw":
        return RawClassifierGuard(verifier)
    _require(scale, ("probability",), text)
    return VerifierGuard(verifier)


def _require(scale: GuardScale, possible: tuple[GuardScale, ...], guard: str) -> None:
    if scale not in possible:
        raise InputError(f"guard={guard} gives no scores on scale={scale}; needed: scale={' or '.join(possible)}")


def refuse_guards_that_judge(arms: Sequence[ArmPlan], graders: Iterable[str], *, model: str) -> None:
    """Check that no guard of an arm also grades answers.

    Models are equal if the last parts of their names are: another server is not another model.

    Args:
        arms: The arms, with all settings.
        graders: Names of the grading models.
        model: The model under test.

    Raises:
        InputError: A guard grades, and its arm does not allow it.
    """
    judging = {_itself(name): name for name in graders}
    for arm in arms:
        if "guard" not in arm.settings:
            continue
        for guard in names_of_guard(str(arm.settings["guard"]), model=model):
            judge = judging.get(_itself(guard))
            if judge is not None and _itself(str(arm.settings.get("may_judge", ""))) != _itself(guard):
                raise InputError(
                    f"arm {arm.label}: {guard} guards the thinking, and {judge} grades the answers. A guard that "
                    "steers finds its own work safe, so its judgement measures nothing; name another model with "
                    f"--grader or guard=, or accept it by name with may_judge={guard}"
                )


def is_same_model(name: str, other: str) -> bool:
    """Return whether two names are of one model, whoever serves it.

    Example:
        >>> is_same_model("openai/llama-guard", "vllm/meta/Llama-Guard"), is_same_model("a/small", "a/large")
        (True, False)
    """
    return _itself(name) == _itself(other)


def _itself(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].casefold()
