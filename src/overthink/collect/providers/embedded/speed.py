"""Measured decoding speed of installed weights on this machine, stored with what it depends on.

A stored speed is shown only where weights, engine and machine are those that it was measured with; else it is stale,
and the list says why.
"""

import asyncio
import importlib.metadata
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from overthink.collect.providers.embedded.installed import models_folder, write_durably
from overthink.collect.providers.embedded.registry import check_name
from overthink.collect.providers.embedded.server import LlamaServer, ServerOptions, usable_cores
from overthink.errors import InputError
from overthink.paths import path_kind, read_file

TOKENS = 32
"""Decoded tokens of a request of the measurement."""

IN_FLIGHT = 8
"""Requests at once in its second part, as in a run with the default concurrency."""

_PROMPT = "A train leaves at {0} o'clock and arrives at {1} o'clock. How long was it under way? Think step by step."
_MOST_BYTES = 1 << 16


class Speed(BaseModel):
    """One measurement.

    Attributes:
        version: Version of this format.
        sha256: SHA-256 of the weights.
        engine: Version of llama.cpp's package.
        machine: Processor, and the number of cores that this process may use.
        load: Load average of the machine in the minute before; None where the system keeps none. From 1 per core on,
            other programs took part of the speed.
        day: Day of the measurement, as YYYY-MM-DD.
        single: Decoded tokens per second of one request alone.
        together: Decoded tokens per second of ``in_flight`` requests in all, with the reading of their prompts.
        in_flight: Requests at once of ``together``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    sha256: str
    engine: str
    machine: str
    load: float | None = Field(ge=0)
    day: str
    single: float = Field(gt=0)
    together: float = Field(gt=0)
    in_flight: int = Field(gt=0)

    def stale(self, sha256: str) -> str | None:
        """Return why the measurement does not hold for these weights here and now; None if it does."""
        changed = {
            "other weights": self.sha256 != sha256,
            f"engine {self.engine}": self.engine != engine(),
            f"machine {self.machine}": self.machine != machine(),
        }
        reasons = [reason for reason, differs in changed.items() if differs]
        return f"measured on {self.day} with {', '.join(reasons)}" if reasons else None


def engine() -> str:
    """Return the version of llama.cpp's package; "not installed" without it."""
    try:
        return f"xllamacpp {importlib.metadata.version('xllamacpp')}"
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def machine() -> str:
    """Return what decoding speed depends on of this machine: its processor, and the cores that this process may use."""
    cores = usable_cores()
    name = platform.processor() or platform.machine()
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        lines = listing.read_text(errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {cores} core{'s' if cores > 1 else ''}"


def read_speed(name: str) -> Speed | None:
    """Return the stored measurement of a model; None if there is none, or it cannot be read."""
    path = _speed_path(name)
    if path_kind(path, follow=False) != "a file":
        return None
    try:
        return Speed.model_validate_json(read_file(path, most=_MOST_BYTES))
    except (ValidationError, InputError):
        return None  # measured again at will


def measure_speed(name: str, path: Path, sha256: str) -> Speed:
    """Decode with an engine as a run starts it, and store the speed (some seconds for small weights).

    Args:
        name: The model is ``overthink/NAME``.
        path: Its weights.
        sha256: Their SHA-256.

    Raises:
        InputError: llama.cpp is not installed, or the folder of models cannot be written to.
        ConnectionError: The engine did not answer.
    """
    if engine() == "not installed":
        raise InputError(f"measuring overthink/{name} needs xllamacpp. Run: pip install 'overthink[demo]'")
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    server = LlamaServer(ServerOptions.for_machine(path, slots=2 * IN_FLIGHT, context=512))
    try:
        single, together = asyncio.run(_speeds(server))
    finally:
        server.close()
    speed = Speed(
        sha256=sha256,
        engine=engine(),
        machine=machine(),
        load=load,
        day=datetime.now(UTC).date().isoformat(),
        single=round(single, 2),
        together=round(together, 2),
        in_flight=IN_FLIGHT,
    )
    try:
        models_folder().mkdir(parents=True, exist_ok=True)
        write_durably(_speed_path(name), speed.model_dump_json(indent=2).encode() + b"\n")
    except OSError as failure:
        raise InputError(f"{_speed_path(name)} cannot be written: {failure.strerror or failure}") from failure
    return speed


async def _speeds(server: LlamaServer) -> tuple[float, float]:
    """Return decoded tokens per second of one request alone, and of several at once in all."""
    prompts = [await _tokens(server, _PROMPT.format(i, i + 3)) for i in range(IN_FLIGHT + 2)]
    await _decode(server, prompts[-1], 8)  # the first request waits for memory
    seconds, tokens = await _decode(server, prompts[-2], TOKENS)
    began = time.perf_counter()
    several = await asyncio.gather(*(_decode(server, prompt, TOKENS) for prompt in prompts[:IN_FLIGHT]))
    return tokens / seconds, sum(count for _, count in several) / (time.perf_counter() - began)


async def _tokens(server: LlamaServer, text: str) -> list[int]:
    ids: list[int] = (await server.post("/tokenize", {"content": text, "add_special": True}))["tokens"]
    return ids


async def _decode(server: LlamaServer, prompt: list[int], tokens: int) -> tuple[float, int]:
    """Return the seconds that a request took to decode, without the reading of its prompt, and its tokens."""
    request = {"n_predict": tokens, "ignore_eos": True, "temperature": 0.0, "return_tokens": True, "cache_prompt": True}
    answer = await server.complete(prompt, request)
    return answer["timings"]["predicted_ms"] / 1000, len(answer["tokens"])


def _speed_path(name: str) -> Path:
    return models_folder() / f"{check_name(name)}.speed"
