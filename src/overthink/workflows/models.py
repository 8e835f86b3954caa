"""Model roles of each arm with shapes and prices, from plans, rows, weights and price lists.

Model roles of each arm of a plan: the model under test, guards, verifiers and judges.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import polars as pl

from overthink.collect.arms.interventions.guard import Guard
from overthink.collect.arms.interventions.guard_models import SimulatedGuard
from overthink.collect.arms.interventions.guards import component_of_guard, read_guard
from overthink.collect.arms.verifiers.base import ScoringPart
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.arms.verifiers.registry import VERIFIERS, VerifierPlan, read_verifier
from overthink.collect.arms.verifiers.simulated import SimulatedVerifier
from overthink.collect.model_info.info import DeployedModel, DeployedRoles, inspect_model
from overthink.collect.monitors.registry import read_monitor
from overthink.collect.monitors.without_model import SimulatedMonitor
from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.cost.prices import is_own, rates_of
from overthink.cost.units import ModelInfo, ModelRoles
from overthink.data.decisions import control_of
from overthink.data.pool import read
from overthink.data.verifier_scores import VerifierRun
from overthink.errors import InputError
from overthink.paths import path_kind
from overthink.plan.arms import ArmPlan
from overthink.plan.study import Plan
from overthink.storage.models import PLURAL_ROLES, Origin, StudyModels, read_models
from overthink.storage.study_folder import StudyFolder
from overthink.storage.verifier_scores import read_verified

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session


NO_CHARGE = "no charge: it runs on this machine"
NO_LIST = "price unknown: its server has no list price"


def models_of(roles: Mapping[str, DeployedRoles], *, earlier: StudyModels | None = None) -> StudyModels:
    """Return the current shapes and prices of the models of the arms.

    Args:
        roles: Model roles by arm.
        earlier: Stored shapes and prices; they take precedence, so that a study keeps the prices of its first day.
    """
    look_up = _LookUp(earlier or StudyModels())
    return StudyModels({arm: _map_roles(arm_roles, look_up) for arm, arm_roles in roles.items()}, look_up.origins)


def models_at_start(session: "Session", folder: StudyFolder, shapes: Mapping[str, SourcedShape]) -> StudyModels:
    """Return the models that a study stores before its first call.

    Args:
        session: The plan with its models and tasks; tasks name their graders.
        folder: The study's folder, with models stored earlier.
        shapes: Stated shape by model.

    Raises:
        InputError: A shape is given for a model that is not in use, or the stored models are damaged.
    """
    judges = [name for task in session.workloads for name in task.graders]
    roles, verification = (
        deployed_roles(session.plan, judges, free=session.spending.free),
        read_verified(folder.verified),
    )
    models = models_of(roles, earlier=read_models(folder.models))
    return with_shapes(models if verification is None else with_verifier(models, verification), shapes, by_arm=False)


def models_of_plan(plan: Plan, verification: VerifierRun | None, *, free: bool) -> StudyModels:
    """Return the models of a study that did not store them.

    Args:
        plan: The study's plan; graders chosen by a task are not in it.
        verification: Verifier scores added after collection.
        free: The model under test costs nothing.
    """
    models = models_of(deployed_roles(plan, [plan.grader] if plan.grader is not None else [], free=free))
    return models if verification is None else with_verifier(models, verification)


def models_of_rows(pool: pl.LazyFrame) -> StudyModels:
    """Return the models of rows without a plan: the model named by an arm's rows, else the arm's name."""
    models_by_arm: dict[str, set[str]] = {}
    for arm, model in arm_models(pool):
        models_by_arm.setdefault(arm, set()).update(() if model is None else (model,))
    return models_of(
        {
            arm: DeployedRoles(inspect_model(next(iter(models)) if len(models) == 1 else arm))
            for arm, models in models_by_arm.items()
        }
    )


def arm_models(pool: pl.LazyFrame) -> list[tuple[str, str | None]]:
    """Return the arms of a pool with their models, in the order of its rows; None for rows that name none."""
    first = pool.with_row_index("first").group_by("arm", "model").agg(pl.col("first").min())
    return list(read(first.sort("first").select("arm", "model")).iter_rows())


def with_verifier(models: StudyModels, verification: VerifierRun) -> StudyModels:
    """Return the models with the verifiers of a verification, which replaces earlier ones."""
    look_up = _LookUp(models)
    roles = {
        arm: replace(
            arm_roles,
            verifiers=tuple(map(look_up, verifier_models(verification, DeployedModel(arm_roles.model.name))))
            if arm in verification.arms
            else (),
        )
        for arm, arm_roles in models.roles.items()
    }
    return StudyModels(roles, {**models.origins, **look_up.origins})


def with_shapes(models: StudyModels, shapes: Mapping[str, SourcedShape], *, by_arm: bool) -> StudyModels:
    """Return the models with stated shapes replacing stored ones.

    Args:
        models: Models of the arms.
        shapes: Shape by model name.
        by_arm: Accept an arm's name for its model under test.

    Raises:
        InputError: No arm uses a model of that name.
    """
    arms = models.roles.keys() if by_arm else set()
    unknown = [name for name in shapes if name not in models.models and name not in arms]
    if unknown:
        names = ", ".join(dict.fromkeys((*models.models, *(arm for arm in models.roles if arm in arms)))) or "none"
        raise InputError(f"--model-shape {unknown[0]}: no such model is used; there are: {names}")

    def with_shape(model: ModelInfo) -> ModelInfo:
        return replace(model, shape=shapes[model.name].shape) if model.name in shapes else model

    roles = {arm: _map_roles(arm_roles, with_shape) for arm, arm_roles in models.roles.items()}
    for arm in arms & shapes.keys():
        roles[arm] = replace(roles[arm], model=replace(roles[arm].model, shape=shapes[arm].shape))
    sources = {
        name: replace(models.origins[name], shape=shapes[name].source) for name in shapes if name in models.origins
    }
    return StudyModels(roles, {**models.origins, **sources})


class _LookUp:
    """Looks up shape and price of models, once per name.

    Args:
        earlier: Stored shapes and prices, which take precedence.
    """

    def __init__(self, earlier: StudyModels) -> None:
        self.origins: dict[str, Origin] = {}
        self._earlier = earlier
        self._earlier_models = earlier.models
        self._models: dict[str, ModelInfo] = {}

    def __call__(self, model: DeployedModel) -> ModelInfo:
        name = model.name
        if name not in self._models:
            self._models[name], self.origins[name] = self._with_earlier(*_today(model))
        return self._models[name]

    def _with_earlier(self, model: ModelInfo, origin: Origin) -> tuple[ModelInfo, Origin]:
        """Return model and origin with stored shape and price replacing current ones."""
        earlier = self._earlier_models.get(model.name)
        if earlier is None:
            return model, origin
        earlier_origin = self._earlier.origins.get(model.name, origin)
        if earlier.shape != ModelShape():
            model, origin = replace(model, shape=earlier.shape), replace(origin, shape=earlier_origin.shape)
        if earlier.rates is not None or earlier.free:
            model, origin = (
                replace(model, rates=earlier.rates, free=earlier.free),
                replace(origin, price=earlier_origin.price),
            )
        return model, origin


def _today(model: DeployedModel) -> tuple[ModelInfo, Origin]:
    """Return shape and price of a model from weights and the current price list."""
    shape_source = model.shape
    if model.host == "here" or is_own(model.name):
        return ModelInfo(model.name, shape_source.shape, free=True), Origin(shape_source.source, NO_CHARGE)
    rates = NO_LIST if model.host == "server" else rates_of(model.name)
    if isinstance(rates, str):
        return ModelInfo(model.name, shape_source.shape), Origin(shape_source.source, rates)
    rates_today = replace(rates, source=f"{rates.source}, {datetime.now(UTC).date().isoformat()}")
    return ModelInfo(model.name, shape_source.shape, rates_today), Origin(shape_source.source, rates_today.source)


def _map_roles(roles: Any, function: Callable[[Any], ModelInfo]) -> ModelRoles:
    """Return model roles with a function applied to every model."""
    return ModelRoles(
        function(roles.model), **{role: tuple(map(function, getattr(roles, role))) for role in PLURAL_ROLES}
    )


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
    own = {arm.label: arm for arm in plan.arms}
    acting = {arm.label: own[arm.placebo_of or arm.label] for arm in plan.arms}  # a placebo pays what its arm pays
    return {
        label: DeployedRoles(
            model=model,
            guards=_guards(arm, model),
            step_verifiers=_step_verifiers(arm, model),
            judges=graders,
        )
        for label, arm in acting.items()
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
    if not text:
        return _reviewers(arm, model)
    part = component_of_guard(text)
    if part is None:
        return (inspect_model(text),)
    if issubclass(part, Guard):
        guard = read_guard(text, model=model.name)
        return _scoring_models(guard, model, None)
    return _verifier_models_of(read_verifier(text, model=model.name), model)


def _reviewers(arm: ArmPlan, model: DeployedModel) -> tuple[DeployedModel, ...]:
    """Return the models of a protocol of control besides the model under test, which work as a guard does."""
    if control_of(arm.label) is None or "monitor" not in arm.settings:
        return ()
    names = read_monitor(str(arm.settings["monitor"]), model=model.name).monitor.models
    trusted = (str(arm.settings["trusted"]),) if "trusted" in arm.settings else ()
    own = tuple(model if name == model.name else inspect_model(name) for name in dict.fromkeys((*names, *trusted)))
    is_simulated = str(arm.settings["monitor"]).partition(":")[0] == SimulatedMonitor.key
    return tuple(dict.fromkeys(((SIMULATED_MODEL,) if is_simulated else ()) + own))


def _step_verifiers(arm: ArmPlan, model: DeployedModel) -> tuple[DeployedModel, ...]:
    text = str(arm.settings.get("verifier", ""))
    if text and VERIFIERS.knows(text.partition(":")[0]):
        return _verifier_models_of(read_verifier(text, model=model.name), model)
    return ()  # the drafts of a revision need no verifier to vote


def _verifier_models_of(verifier: VerifierPlan, model: DeployedModel) -> tuple[DeployedModel, ...]:
    """Return the models that a verifier calls."""
    return _scoring_models(verifier.verifier, model, verifier.verifier.address)


def _scoring_models(part: ScoringPart, model: DeployedModel, address: str | None) -> tuple[DeployedModel, ...]:
    """Return the models that a verifier or guard calls, perhaps on a server at an address."""
    if isinstance(part, SimulatedVerifier | SimulatedGuard):
        return (SIMULATED_MODEL,)
    if part.asks_model:
        return (model,)
    if address is None:
        return tuple(map(inspect_model, part.models))
    host: Literal["here", "server"] = "here" if urlsplit(address).hostname in _LOOPBACK else "server"
    is_folder = isinstance(part, ClassifierVerifier)
    return tuple(DeployedModel(name, host, _folder(name) if is_folder else None) for name in part.models)


def _folder(name: str) -> Path | None:
    folder = Path(name)
    return folder if path_kind(folder) == "a folder" else None
