"""Model roles of each arm of a plan: the model under test, guards, verifiers and judges."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from overthink.plan.arms import ArmPlan
from overthink.collect.arms.verifiers.registry import VERIFIERS, VerifierPlan, read_verifier
from overthink.collect.model_info.info import DeployedModel, DeployedRoles, inspect_model
from overthink.data.verifier_scores import VerifierRun
from overthink.errors import InputError
from overthink.plan.study import Plan

SIMULATED_MODEL = DeployedModel("overthink/simulated", "here")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def deployed_roles(plan: Plan, judges: Iterable[str], *, free: bool) -> dict[str, DeployedRoles]:
    """Return the models of each arm by role, without verifiers of existing answers.

    Args:
        plan: The plan.
        judges: Names of the grading models.
        free: The model under test is free of charge.
    """
    model = inspect_model(plan.model, plan.model_args)
    model = replace(model, host="here") if free else model
    graders = tuple(model if name == plan.model else inspect_model(name) for name in dict.fromkeys(judges))
    return {
        arm.label: DeployedRoles(
            model=model,
            guards=_guards(arm, model),
            step_verifiers=_step_verifiers(arm, model),
            judges=graders,
        )
        for arm in plan.arms
    }


def verifier_models(verifier_run: VerifierRun, model: DeployedModel) -> tuple[DeployedModel, ...]:
    """Return the models that scored existing answers.

    Args:
        verifier_run: The verifier's run, with its specification.
        model: The model under test, which some verifiers call.
    """
    try:
        return _verifier_models_of(read_verifier(verifier_run.verifier, model=model.name), model)
    except InputError:  # a setting that cannot be parsed, such as a text with a comma
        return tuple(map(inspect_model, verifier_run.models))


def _guards(arm: ArmPlan, model: DeployedModel) -> tuple[DeployedModel, ...]:
    text = str(arm.settings.get("guard", ""))
    if text.partition(":")[0] in VERIFIERS:
        return _verifier_models_of(read_verifier(text, model=model.name), model)
    return (inspect_model(text),) if text else ()


def _step_verifiers(arm: ArmPlan, model: DeployedModel) -> tuple[DeployedModel, ...]:
    text = str(arm.settings.get("verifier", ""))
    if text.partition(":")[0] in VERIFIERS:
        return _verifier_models_of(read_verifier(text, model=model.name), model)
    return ()  # the drafts of a revision need no verifier to vote


def _verifier_models_of(verifier: VerifierPlan, model: DeployedModel) -> tuple[DeployedModel, ...]:
    """Return the models that a verifier calls."""
    part = verifier.part
    if part.name == "simulated":
        return (SIMULATED_MODEL,)
    if part.asks_model:
        return (model,)
    where, names = part.where(verifier.settings), part.models(verifier.settings)
    if where is None:
        return tuple(map(inspect_model, names))
    host: Literal["here", "server"] = "here" if urlsplit(where).hostname in _LOOPBACK else "server"
    return tuple(DeployedModel(name, host, _folder(name) if part.name == "classifier" else None) for name in names)


def _folder(name: str) -> Path | None:
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None
