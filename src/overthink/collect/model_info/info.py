"""Models with a role in a study: name, host and weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overthink.collect.model_info.gguf import gguf_shape
from overthink.collect.model_info.hf_config import config_shape
from overthink.collect.providers.embedded.installed import installed_path
from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.errors import InputError
from overthink.paths import path_kind

SHAPE_NOT_STATED = "unknown: not stated"


@dataclass(frozen=True, slots=True)
class DeployedModel:
    """A model with a role in a study.

    Attributes:
        name: Inspect model string, or another name.
        host: "inspect": called through Inspect, at its list price; "here": on this machine, at no charge; "server": on
            a server without a list price.
        weights: Its weights, if they are on this machine: a GGUF file, or a Hugging Face folder.
    """

    name: str
    host: Literal["inspect", "here", "server"] = "inspect"
    weights: Path | None = None

    @property
    def shape(self) -> SourcedShape:
        """Shape read from its weights; unknown if they cannot be read."""
        if self.weights is None:
            return SourcedShape(ModelShape(), SHAPE_NOT_STATED)
        try:
            return config_shape(self.weights) if path_kind(self.weights) == "a folder" else gguf_shape(self.weights)
        except InputError as failure:
            return SourcedShape(ModelShape(), f"unknown: {failure}")


@dataclass(frozen=True, slots=True)
class DeployedRoles:
    """Models of one arm by role. The fields are those of :class:`~overthink.cost.units.ModelRoles`."""

    model: DeployedModel
    guards: tuple[DeployedModel, ...] = ()
    step_verifiers: tuple[DeployedModel, ...] = ()
    verifiers: tuple[DeployedModel, ...] = ()
    judges: tuple[DeployedModel, ...] = ()


def inspect_model(name: str, arguments: Mapping[str, object] | None = None) -> DeployedModel:
    """Return a model that is called through Inspect; with its weights if it is embedded.

    Args:
        name: Inspect model string.
        arguments: Arguments of its provider.
    """
    gguf_path = (arguments or {}).get("gguf")
    if name == "overthink/gguf" and gguf_path is not None:
        return DeployedModel(name, weights=Path(str(gguf_path)))
    provider, _, model = name.partition("/")
    return DeployedModel(name, weights=installed_path(model) if provider == "overthink" else None)
