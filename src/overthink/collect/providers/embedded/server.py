"""llama.cpp in this process, through xllamacpp: silent engines on loopback ports, one set per weight file.

Memory that an engine needs, from the header of its weights, compared with what the machine has available.
"""

import atexit
import importlib.metadata
import os
import ssl
import tempfile
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from overthink.collect.machine_memory import available_memory
from overthink.collect.model_info.gguf import gguf_shape
from overthink.collect.providers.embedded.cache import WORTH, SavedPrompts, SlotPlacement, Slots
from overthink.errors import InputError


def require_memory(path: Path, *, slots: int, context: int) -> None:
    """Check that weights and the caches of all slots fit into the available memory.

    An engine fills its caches with zeros at once, so that too large ones end the process or stall the machine.

    Args:
        path: The GGUF file.
        slots: Traces whose prefix stays cached.
        context: Context window of a trace, in tokens.

    Raises:
        InputError: They do not fit, or the file is damaged.
    """
    per_token, available = gguf_shape(path).shape.cache_bytes_per_token, available_memory()
    weights, caches = path.stat().st_size, slots * context * (per_token or 0)
    if weights + caches <= available:
        return
    raise InputError(
        f"{path.name} needs {_size(weights + caches)} of memory: {_size(weights)} of weights and {_size(caches)} of "
        f"caches for {slots} traces of {context:,} tokens; {_size(available)} are available. Lower --concurrency or "
        "--budgets, set -M slots=N or -M context=N, or choose smaller weights"
    )


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:,.1f} GB"


SMALL_FILE = 1 << 30
"""Weights up to this size, in bytes, run as one engine per core; larger ones as one engine on all cores."""

_running: dict["ServerOptions", "LlamaServer"] = {}
_starting = threading.Lock()


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options that identify a server; equal options share one.

    Attributes:
        path: The GGUF file.
        slots: Traces whose prefix stays cached, over all engines.
        context: Context window of a trace, in tokens.
        engines: Independent copies of the engine.
        threads: Threads of each engine.
    """

    path: Path
    slots: int
    context: int
    engines: int
    threads: int

    @classmethod
    def for_machine(
        cls, path: Path, *, slots: int, context: int, engines: int | None = None, threads: int | None = None
    ) -> "ServerOptions":
        """Return options with defaults for this machine.

        llama.cpp's threads wait for each other at barriers in every layer. One other busy process on the
        machine then slows two threads tenfold and more, while two engines of one thread each merely share the
        processor.

        Raises:
            InputError: A number below 1, or more engines than slots.
        """
        if min(slots, context, engines or 1, threads or 1) < 1 or (engines or 1) > slots:
            raise InputError(
                f"slots={slots}, context={context}, engines={engines}, threads={threads}: needed 1 or more of each, "
                "and no more engines than slots"
            )
        cores = usable_cores()
        small = path.stat().st_size <= SMALL_FILE
        count = engines or (min(cores, slots, 8) if small else 1)
        return cls(path, slots, context, count, threads or (1 if small else max(1, cores // count)))


class LlamaServer:
    """Engines that serve one weight file. Use :func:`server_for`, which starts it once.

    Requests may come from any event loop or thread.
    """

    def __init__(self, options: ServerOptions) -> None:
        """Start the engines.

        Raises:
            InputError: llama.cpp cannot load the weights.
        """
        self.options = options
        self._folder = tempfile.TemporaryDirectory(prefix="overthink-")
        share, rest = divmod(options.slots, options.engines)
        try:
            self._engines = [_start(options, share + (i < rest), self._folder.name) for i in range(options.engines)]
        except BaseException:
            self._folder.cleanup()
            raise
        self._saved = SavedPrompts(Path(self._folder.name))
        self._slots = Slots(options.slots, options.engines)
        self._tls = ssl.create_default_context()  # unused on loopback; shared because httpx would make one per client

    @cached_property
    def context_tokens(self) -> int:
        """Context window of a trace, in tokens: as requested, or the model's training context if smaller."""
        with httpx.Client(verify=self._tls, trust_env=False, timeout=60) as client:
            answer = client.get(f"{self._engines[0].listening_address}/props")
        return int(answer.json()["default_generation_settings"]["n_ctx"])

    async def complete(self, prompt: list[int], request: dict[str, Any]) -> dict[str, Any]:
        """Continue a prompt given as token ids; return the answer of llama.cpp's ``POST /completion``."""
        placement = self._slots.take(prompt)
        cached_tokens: list[int] = []
        try:
            index, engine = divmod(placement.slot, self.options.engines)
            n_reused = await self._read(prompt, placement) if placement.fresh else None
            answer = await self.post("/completion", request | {"prompt": prompt, "id_slot": index}, engine=engine)
            cached_tokens = [*prompt, *answer["tokens"]]
            if n_reused is not None:
                answer["timings"]["cache_n"] = min(n_reused, answer["timings"]["cache_n"])
        finally:
            self._slots.give_back(placement.slot, cached_tokens)
        return answer

    async def _read(self, prompt: list[int], placement: SlotPlacement) -> int:
        """Load a new prompt without its last token into the slot; return the number of reused tokens.

        The last token is computed alone, as when a trace continues from a fork: rounding differs when several tokens
        are computed in one batch, and a trace must not depend on whether it was forked.
        """
        index, engine = divmod(placement.slot, self.options.engines)
        held = placement.shared_tokens
        if (saved_state := self._saved.find(prompt, already=held)) is not None:
            name, held = saved_state
            await self.post(f"/slots/{index}?action=restore", {"filename": name}, engine=engine)
        if (rest := len(prompt) - 1 - held) > 0:
            body = {"prompt": prompt[:-1], "n_predict": 0, "cache_prompt": True, "id_slot": index}
            await self.post("/completion", body, engine=engine)
            if rest >= WORTH:
                name = self._saved.new_name()
                await self.post(f"/slots/{index}?action=save", {"filename": name}, engine=engine)
                self._saved.add(name, prompt[:-1])
        return held

    def close(self) -> None:
        """Stop the engines and delete their files."""
        self._engines.clear()  # dropping an engine stops it
        self._folder.cleanup()

    async def post(self, path: str, body: dict[str, Any], *, engine: int = 0) -> dict[str, Any]:
        """Send one request to one engine.

        Raises:
            ConnectionError: The server did not answer, or refused the request.
        """
        address = self._engines[engine].listening_address
        name = f"the llama.cpp server for {self.options.path.name} at {address}"
        try:
            # one client per request: none outlives its event loop, and connecting on loopback is fast
            async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=None) as client:  # noqa: S113
                response = await client.post(address + path, json=body)
        except httpx.HTTPError as error:
            raise ConnectionError(f"{name} did not answer {path}: {error!r}") from error
        if response.status_code != httpx.codes.OK:
            raise ConnectionError(f"{name} answered {path} with {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer


def server_for(options: ServerOptions) -> LlamaServer:
    """Return the running server with these options; start it if needed, stop it when the process ends.

    Raises:
        InputError: The memory does not suffice, or the weights are damaged.
    """
    with _starting:
        if options not in _running:
            require_memory(options.path, slots=options.slots, context=options.context)
            if not _running:
                atexit.register(_stop_all)
            _running[options] = LlamaServer(options)
        return _running[options]


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _stop_all() -> None:
    while _running:
        _running.popitem()[1].close()


def _start(options: ServerOptions, slots: int, folder: str) -> Any:
    """Start one engine.

    Raises:
        InputError: llama.cpp cannot load the weights.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(options.path)
    params.n_parallel = slots
    params.n_ctx = slots * options.context
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.verbosity = -1
    params.hostnames = ["127.0.0.1"]
    params.ui = False
    params.endpoint_slots = False  # it would show one program's prompts to another
    params.slot_save_path = folder + os.sep
    params.fit_params = False
    params.swa_full = True  # a sliding window would drop the prefix that a fork needs
    params.cache_ram_mib = 0  # slots are assigned here; a second cache would only copy
    params.cache_idle_slots = False
    try:
        return xllamacpp.Server(params)
    except RuntimeError as failure:  # its message names neither the file nor what is wrong with it
        raise InputError(
            f"llama.cpp cannot load {options.path}; needed: a whole GGUF file of a language model whose architecture "
            f"xllamacpp {importlib.metadata.version('xllamacpp')} knows. A newer one may know it: "
            "pip install --upgrade xllamacpp"
        ) from failure
