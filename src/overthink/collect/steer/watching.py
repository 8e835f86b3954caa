"""The decisions that guards need, and the guard that they name, with its threshold."""

from typing import cast

from overthink.collect.opening import open_model
from overthink.collect.part import Setting, Settings
from overthink.collect.steer.guard import Guard, Scale, Watch
from overthink.collect.steer.model_guard import ModelGuard
from overthink.collect.steer.simulated_guard import SimulatedGuard
from overthink.collect.steer.verifier_guard import RawClassifierGuard, VerifierGuard
from overthink.collect.verify.classifier import ClassifierVerifier
from overthink.collect.verify.verifiers import VERIFIERS, read_verifier
from overthink.errors import InputError
from overthink.plan import Plan

WATCHING: dict[str, Setting] = {
    "guard": Setting(
        str,
        "who scores the thinking so far: a model as Inspect calls it, a verifier as --verifier names it (such as "
        "classifier:model=FOLDER;label=safe), or simulated",
    ),
    "scale": Setting(
        str,
        "what its scores are: the probability of safe, its word as 0 or 1, or the raw number of a classifier",
        choices=("probability", "word", "raw"),
    ),
    "tau": Setting(float, "the least score that counts as safe, on that scale"),
    "guard_prompt": Setting(
        str,
        "who asks a model: its own chat template (as Llama Guard's does, SafeThink's guard), or our prompt",
        default="template",
        choices=("template", "own"),
    ),
    "may_judge": Setting(str, "the guard, by its name, if it may grade answers although it steers", default=""),
}
"""Decisions of every part that asks a guard."""

SIMULATED: Settings = {"guard": "simulated", "scale": "probability", "tau": 0.5}
"""What ``overthink/simulated`` brings: a guard that reads the marks of harm that it writes."""


def watch_of(settings: Settings, plan: Plan) -> Watch:
    """The guard that the settings name, ready, with its threshold.

    Raises:
        InputError: There is no such guard, something it needs is not there, it does not score on this scale, or the
            threshold is not on it.
    """
    return Watch(_guard(settings, plan), float(settings["tau"]))


def models_of_guard(settings: Settings) -> tuple[str, ...]:
    """The models behind a guard, as far as somebody may send a bill for them."""
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
    """The models that a guard is made of, whoever serves them.

    Args:
        text: The setting ``guard``.
        model: The model under test, which some verifiers ask.
    """
    name = text.partition(":")[0]
    if name == "simulated":
        return ()
    if name not in VERIFIERS:
        return (text,)
    verifier = read_verifier(text, model=model)
    return (model,) if verifier.part.asks_model else verifier.part.models(verifier.settings)


def _guard(settings: Settings, plan: Plan) -> Guard:
    text, scale = str(settings["guard"]), cast("Scale", settings["scale"])
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


def _require(scale: Scale, possible: tuple[Scale, ...], guard: str) -> None:
    if scale not in possible:
        raise InputError(f"guard={guard} gives no scores on scale={scale}; needed: scale={' or '.join(possible)}")
