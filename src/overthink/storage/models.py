"""``models.json`` and ``endpoints.json``: the models of a study by role as of the day of the run, and their endpoints.

A later report uses the prices of that day. Arguments of models are not in it: they may be secrets.

A run's entry is written before its first call, without counts, and again at its end: that of a killed run says which
endpoints it had, and that their counts are unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from pydantic import TypeAdapter

from overthink.cost.estimate import Rates
from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.cost.units import ModelInfo, ModelRoles
from overthink.data.endpoints import EndpointRun
from overthink.errors import InputError
from overthink.storage.json_documents import read_typed, write_typed

MODELS_SCHEMA = "overthink.models/1"


@dataclass(frozen=True, slots=True)
class Origin:
    """Sources of a model's size and prices.

    Attributes:
        shape: Source of its shape, or why it is unknown.
        price: Source of its prices, why they are unknown, or that it is free.
    """

    shape: str
    price: str


@dataclass(frozen=True, slots=True)
class StudyModels:
    """Models of the arms of a study, with their sources.

    Attributes:
        roles: Model roles by arm.
        origins: Sources by model.
    """

    roles: Mapping[str, ModelRoles] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def models(self) -> dict[str, ModelInfo]:
        """All models of all arms, by name."""
        return {model.name: model for roles in self.roles.values() for model in all_models(roles)}

    @property
    def under_test(self) -> SourcedShape | None:
        """Shape of the model under test; None where it is unknown, or differs between arms."""
        models = {roles.model for roles in self.roles.values()}
        if len(models) != 1 or next(iter(models)).shape == ModelShape():
            return None
        (model,) = models
        return SourcedShape(
            model.shape, self.origins[model.name].shape if model.name in self.origins else "as known before"
        )


@dataclass(frozen=True, slots=True)
class _Model:
    shape: ModelShape
    shape_source: str
    rates: Rates | None
    price_source: str
    free: bool


@dataclass(frozen=True, slots=True)
class _Roles:
    model: str
    guards: tuple[str, ...] = ()
    step_verifiers: tuple[str, ...] = ()
    verifiers: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Document:
    models: dict[str, _Model]
    arms: dict[str, _Roles]


_DOCUMENT = TypeAdapter(_Document)
PLURAL_ROLES = tuple(role.name for role in fields(ModelRoles) if role.name != "model")
"""Roles with any number of models."""


def all_models(roles: ModelRoles) -> tuple[ModelInfo, ...]:
    """All models of an arm, the model under test first."""
    return (roles.model, *(model for role in PLURAL_ROLES for model in getattr(roles, role)))


def write_models(path: Path, study_models: StudyModels) -> None:
    """Write models.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    models = {
        name: _Model(
            info.shape, study_models.origins[name].shape, info.rates, study_models.origins[name].price, info.free
        )
        for name, info in study_models.models.items()
    }
    arms = {
        arm: _Roles(roles.model.name, **{role: tuple(p.name for p in getattr(roles, role)) for role in PLURAL_ROLES})
        for arm, roles in study_models.roles.items()
    }
    write_typed(path, MODELS_SCHEMA, _DOCUMENT, _Document(models, arms))


def read_models(path: Path) -> StudyModels | None:
    """Read models.json; None where there is none, as in older studies.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    document = read_typed(path, MODELS_SCHEMA, _DOCUMENT)
    if document is None:
        return None
    infos = {name: ModelInfo(name, model.shape, model.rates, model.free) for name, model in document.models.items()}
    try:
        arm_roles = {
            arm: ModelRoles(
                infos[roles.model], **{role: tuple(infos[n] for n in getattr(roles, role)) for role in PLURAL_ROLES}
            )
            for arm, roles in document.arms.items()
        }
    except KeyError as failure:
        raise InputError(
            f"{path}: arms names the model {failure}, which is not among models; needed: the file as written"
        ) from failure
    return StudyModels(
        arm_roles, {name: Origin(model.shape_source, model.price_source) for name, model in document.models.items()}
    )


_SCHEMA = "overthink.endpoints/1"


@dataclass(frozen=True, slots=True)
class _Runs:
    runs: tuple[EndpointRun, ...]


_RUNS = TypeAdapter(_Runs)


def read_endpoint_runs(path: Path) -> tuple[EndpointRun, ...]:
    """Read endpoints.json; no runs where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    document = read_typed(path, _SCHEMA, _RUNS)
    return () if document is None else document.runs


def write_endpoint_runs(path: Path, runs: Sequence[EndpointRun]) -> None:
    """Write endpoints.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, _SCHEMA, _RUNS, _Runs(tuple(runs)))
