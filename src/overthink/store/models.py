"""``models.json``: who worked for the arms of a study, how big they are and what they charge, as of the day of the run.

A later report counts with the prices of that day. Arguments of models are not in it: they may be secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from pydantic import TypeAdapter

from overthink.core.costing import Parties, Party
from overthink.core.model_shape import ModelShape
from overthink.core.sourced_shape import SourcedShape
from overthink.core.spending import Rates
from overthink.errors import InputError
from overthink.store.documents import read_typed, write_typed

MODELS_SCHEMA = "overthink.models/1"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what is known of a model is from.

    Attributes:
        shape: Where its shape is from, or why it is unknown.
        price: Where its prices are from, why they are unknown, or that nobody sends a bill.
    """

    shape: str
    price: str


@dataclass(frozen=True, slots=True)
class Known:
    """Who works for the arms, and what is known of them.

    Attributes:
        parties: By arm.
        origins: By model: where it is from.
    """

    parties: Mapping[str, Parties] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def models(self) -> dict[str, Party]:
        """By name: every model that has a part in it."""
        return {party.name: party for of_arm in self.parties.values() for party in everybody(of_arm)}

    @property
    def under_test(self) -> SourcedShape | None:
        """Shape of the model under test; None where it is unknown, or arms have different ones."""
        tested = {of_arm.model for of_arm in self.parties.values()}
        if len(tested) != 1 or next(iter(tested)).shape == ModelShape():
            return None
        (model,) = tested
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
MANY = tuple(role.name for role in fields(Parties) if role.name != "model")
"""Roles that several may have."""


def everybody(parties: Parties) -> tuple[Party, ...]:
    """All who work for an arm, the model under test first."""
    return (parties.model, *(party for role in MANY for party in getattr(parties, role)))


def write_models(path: Path, known: Known) -> None:
    """Write models.json, whole or not at all.

    Raises:
        StoppedError: The disk is full.
    """
    models = {
        name: _Model(party.shape, known.origins[name].shape, party.rates, known.origins[name].price, party.free)
        for name, party in known.models.items()
    }
    arms = {
        arm: _Roles(of_arm.model.name, **{role: tuple(p.name for p in getattr(of_arm, role)) for role in MANY})
        for arm, of_arm in known.parties.items()
    }
    write_typed(path, MODELS_SCHEMA, _DOCUMENT, _Document(models, arms))


def read_models(path: Path) -> Known | None:
    """Read models.json; None where a study has none, being older.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    document = read_typed(path, MODELS_SCHEMA, _DOCUMENT)
    if document is None:
        return None
    named = {name: Party(name, told.shape, told.rates, told.free) for name, told in document.models.items()}
    try:
        parties = {
            arm: Parties(named[roles.model], **{role: tuple(named[n] for n in getattr(roles, role)) for role in MANY})
            for arm, roles in document.arms.items()
        }
    except KeyError as absent:
        raise InputError(f"{path} names {absent} for an arm, and does not tell of it; it is damaged") from absent
    return Known(
        parties, {name: Origin(told.shape_source, told.price_source) for name, told in document.models.items()}
    )
