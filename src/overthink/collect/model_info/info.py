"""Models with a role in a study: name, host and weights; and their shapes as the command line states them.

``config:Llama-3.1-8B;cache_bytes:2`` combines the folder's configuration and weights with a stated number.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal

from overthink.collect.model_info.gguf import gguf_shape
from overthink.collect.model_info.hf_config import config_shape, is_mixture
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
    """Return a model that is called through Inspect; with its weights if they are on this machine.

    Args:
        name: Inspect model string.
        arguments: Arguments of its provider.
    """
    gguf_path = (arguments or {}).get("gguf")
    if name == "overthink/gguf" and gguf_path is not None:
        return DeployedModel(name, weights=Path(str(gguf_path)))
    if name.startswith("hf/"):
        folder = Path(str((arguments or {}).get("model_path") or name.removeprefix("hf/")))
        return DeployedModel(name, host="here", weights=folder if path_kind(folder) == "a folder" else None)
    provider, _, model = name.partition("/")
    return DeployedModel(name, weights=installed_path(model) if provider == "overthink" else None)


OPTION = "--model-shape"

FILES = {"config": config_shape, "gguf": gguf_shape}
"""File readers by name."""

NUMBERS = tuple(field.name for field in fields(ModelShape))
_COUNTS = ("layers", "heads", "kv_heads", "hidden_size", "head_width", "vocabulary")
_OF_MODEL = re.compile(rf"(?P<model>.+?)=(?P<shape>(?:{'|'.join((*FILES, *NUMBERS))}):.*)", re.DOTALL)
_NEEDED = (
    f"{OPTION} MODEL=config:PATH (a Hugging Face folder or config.json), MODEL=gguf:PATH, or numbers such as "
    "MODEL=parameters:8e9;layers:32;heads:32;kv_heads:8;hidden_size:4096;weight_bytes:2;cache_bytes:2"
)


def read_shapes(texts: Sequence[str]) -> dict[str, SourcedShape]:
    """Return shapes by model from the command line.

    Args:
        texts: Specifications MODEL=SHAPE.

    Raises:
        InputError: One cannot be parsed, or a model is given twice.
    """
    shapes: dict[str, SourcedShape] = {}
    for text in texts:
        match = _OF_MODEL.fullmatch(text)
        if match is None:
            raise InputError(f"{OPTION} {text[:200]} cannot be read; needed: {_NEEDED}")
        if match["model"] in shapes:
            raise InputError(f"{OPTION} is given twice for {match['model']}; needed: once, parts behind semicolons")
        shapes[match["model"]] = read_shape(match["shape"])
    return shapes


def read_shape(text: str) -> SourcedShape:
    """Parse one shape.

    If only the total number of parameters is stated, the model is taken as dense: all parameters are active. For a
    mixture of experts, state ``active_parameters`` too.

    Args:
        text: Pieces ``name:value`` separated by semicolons: ``config`` or ``gguf`` with a path, and fields of a
            :class:`~overthink.cost.model_shape.ModelShape`, which override the file.

    Raises:
        InputError: A piece cannot be parsed, or a file is truncated, damaged or forged.

    Example:
        >>> read_shape("parameters:8e9;layers:32").shape.active_parameters
        8000000000.0
    """
    pieces = _pieces(text)
    files = [name for name in pieces if name in FILES]
    if len(files) > 1:
        raise InputError(f"{OPTION} {text} names two files; needed: {' or '.join(FILES)}")
    numbers = {name: _number(name, value) for name, value in pieces.items() if name in NUMBERS}
    file_shape = FILES[files[0]](pieces[files[0]]) if files else SourcedShape(ModelShape(), "")
    if "parameters" in numbers and "active_parameters" not in numbers:
        mixture = file_shape.shape.active_parameters != file_shape.shape.parameters
        if not (mixture or (files == ["config"] and is_mixture(pieces["config"]))):
            numbers["active_parameters"] = numbers["parameters"]
    stated_source = f"{', '.join(name for name in pieces if name in NUMBERS)} as stated" if numbers else ""
    try:
        shape = replace(file_shape.shape, **numbers)  # type: ignore[arg-type]
    except ValueError as fault:
        raise InputError(f"{OPTION} {text}: {fault}") from fault
    return SourcedShape(shape, "; ".join(filter(None, (file_shape.source, stated_source))))


def _pieces(text: str) -> Mapping[str, str]:
    pieces: dict[str, str] = {}
    for piece in filter(str.strip, text.split(";")):
        name, colon, value = piece.partition(":")
        name = name.strip()
        value = value if name in FILES else value.strip()  # a space is a part of a path
        if name not in (*FILES, *NUMBERS) or not colon or not value:
            names = ", ".join((*FILES, *NUMBERS))
            raise InputError(f"{OPTION}: {piece[:200]!r} cannot be read; needed: NAME:VALUE, of {names}")
        if name in pieces:
            raise InputError(f"{OPTION}: {name} is given twice; needed: once")
        pieces[name] = value
    if not pieces:
        raise InputError(f"{OPTION}: nothing is said of the model; needed: {_NEEDED}")
    return pieces


def _number(name: str, text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf") or (name in _COUNTS and number != int(number)):
        kind = "a whole number above 0" if name in _COUNTS else "a number above 0, such as 8e9"
        raise InputError(f"{OPTION}: {name}:{text[:80]} cannot be; needed: {kind}")
    return int(number) if name in _COUNTS else number
