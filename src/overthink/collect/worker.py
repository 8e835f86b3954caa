"""A model that has a part in a study: its name, where it runs, and where its weights are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overthink.collect.shapes_config import config_shape
from overthink.collect.shapes_gguf import gguf_shape
from overthink.collect.weights import installed
from overthink.core.model_shape import ModelShape
from overthink.core.sourced_shape import SourcedShape
from overthink.errors import InputError

NOT_STATED = "unknown: not stated"


@dataclass(frozen=True, slots=True)
class Worker:
    """A model that has a part in a study.

    Attributes:
        name: Inspect model string, or what else it is called.
        place: "inspect": asked through Inspect, at its list price; "here": on this machine, at no charge; "server":
            on a server of somebody's, whose price no list tells.
        weights: Its weights, where they are on this machine: a GGUF file, or a Hugging Face folder.
    """

    name: str
    place: Literal["inspect", "here", "server"] = "inspect"
    weights: Path | None = None

    @property
    def shape(self) -> SourcedShape:
        """Its shape as its weights tell it; weights that cannot be read leave it unknown."""
        if self.weights is None:
            return SourcedShape(ModelShape(), NOT_STATED)
        try:
            return config_shape(self.weights) if self.weights.is_dir() else gguf_shape(self.weights)
        except InputError as failure:
            return SourcedShape(ModelShape(), f"unknown: {failure}")


@dataclass(frozen=True, slots=True)
class Workers:
    """Who works for one arm. The fields are those of :class:`~overthink.core.costing.Parties`."""

    model: Worker
    guards: tuple[Worker, ...] = ()
    step_verifiers: tuple[Worker, ...] = ()
    verifiers: tuple[Worker, ...] = ()
    judges: tuple[Worker, ...] = ()


def asked(name: str, arguments: Mapping[str, object] | None = None) -> Worker:
    """A model that is asked through Inspect; of an embedded one the weights are known.

    Args:
        name: Inspect model string.
        arguments: Arguments of its provider.
    """
    given = (arguments or {}).get("gguf")
    if name == "overthink/gguf" and given is not None:
        return Worker(name, weights=Path(str(given)).expanduser())
    found = installed() if name == "overthink/smollm2" else None
    return Worker(name, weights=None if found is None else found.path)
