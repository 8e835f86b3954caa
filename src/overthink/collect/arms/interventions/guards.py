"""Options of guards, and construction of a guard with its threshold from settings.

Check that guards do not grade: a guard would find safe again what it let pass.
"""

from collections.abc import Iterable, Sequence
from typing import cast

from overthink.collect.arms.component import Option, Settings
from overthink.collect.arms.interventions.guard import Guard, GuardScale, Watch
from overthink.collect.arms.interventions.guard_models import (
    ModelGuard,
    RawClassifierGuard,
    SimulatedGuard,
    VerifierGuard,
)
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.arms.verifiers.registry import VERIFIERS, read_verifier
from overthink.collect.session.open import open_model
from overthink.errors import InputError
from overthink.plan.arms import ArmPlan
from overthink.plan.study import Plan

GUARD_OPTIONS: dict[str, Option] = {
    "guard": Option(
        str,
        "who scores the thinking so far: a model as Inspect calls it, a verifier as --verifier names it (such as "
        "classifier:model=FOLDER;label=safe), or simulated",
    ),
    "scale": Option(
        str,
        "what its scores are: the probability of safe, its word as 0 or 1, or the raw number of a classifier",
        choices=("probability", "word", "raw"),
    ),
    "tau": Option(float, "the least score that counts as safe, on that scale"),
    "guard_prompt": Option(
        str,
        "who asks a model: its own chat template (as Llama Guard's does, SafeThink's guard), or our prompt",
        default="template",
        choices=("template", "own"),
    ),
    "may_judge": Option(str, "the guard, by its name, if it may grade answers although it steers", default=""),
}
"""Options of every component with a guard."""

SIMULATED_GUARD_SETTINGS: Settings = {"guard": "simulated", "scale": "probability", "tau": 0.5}
"""Defaults with ``overthink/simulated``: a guard that reads its risk marks."""


def watch_of(settings: Settings, plan: Plan) -> Watch:
    """Return the guard of the settings, opened, with its threshold.

    Raises:
        InputError: The guard is unknown, a requirement is missing, it does not score on this scale, or the threshold
            is off the scale.
    """
    return Watch(_guard(settings, plan), float(settings["tau"]))


def models_of_guard(settings: Settings) -> tuple[str, ...]:
    """Return the possibly billed models of a guard."""
    text = str(settings["guard"])
    name = text.partition(":")[0]
    if name == "simulated":
        return ()
    if name not in VERIFIERS:
        return (text,)
    verifier = read_verifier(text, model="")
    where = verifier.part.where(verifier.settings)
    return () if where == "http://localhost" else verifier.part.models(verifier.settings)


def names_of_guard(text: str, *, model: str) -> tuple[str, ...]:
    """Return the models of a guard, on any server.

    Args:
        text: The setting ``guard``.
        model: The model under test, which some verifiers call.
    """
    name = text.partition(":")[0]
    if name == "simulated":
        return ()
    if name not in VERIFIERS:
        return (text,)
    verifier = read_verifier(text, model=model)
    return (model,) if verifier.part.asks_model else verifier.part.models(verifier.settings)


def _guard(settings: Settings, plan: Plan) -> Guard:
    text, scale = str(settings["guard"]), cast("GuardScale", settings["scale"])
    name = text.partition(":")[0]
    if name == "simulated":
        if plan.model != "overthink/simulated":
            raise InputError(f"guard=simulated reads what overthink/simulated writes, and {plan.model} writes no marks")
        _require(scale, ("probability",), text)
        return SimulatedGuard()
    if name in VERIFIERS:
        verifier = read_verifier(text, model=plan.model).open()
        if isinstance(verifier, ClassifierVerifier) and scale == "raw":
            return RawClassifierGuard(verifier)
        _require(scale, ("probability",), text)
        return VerifierGuard(verifier)
    _require(scale, ("probability", "word"), text)
    return ModelGuard(
        open_model(text, {}, role="guard"),
        "probability" if scale == "probability" else "word",
        "own" if settings["guard_prompt"] == "own" else "template",
    )


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


def _itself(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].casefold()
