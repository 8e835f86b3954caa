"""Memory that an engine needs, from the header of its weights, compared with what the machine has available."""

from pathlib import Path

from overthink.collect.model_info.gguf import gguf_shape
from overthink.errors import InputError

_LISTING = Path("/proc/meminfo")


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
    per_token, available = gguf_shape(path).shape.cache_bytes_per_token, _available()
    weights, caches = path.stat().st_size, slots * context * (per_token or 0)
    if available is None or weights + caches <= available:
        return
    raise InputError(
        f"{path.name} needs {_size(weights + caches)} of memory: {_size(weights)} of weights and {_size(caches)} of "
        f"caches for {slots} traces of {context:,} tokens; {_size(available)} are available. Lower --concurrency or "
        "--budgets, set -M slots=N or -M context=N, or choose smaller weights"
    )


def _available() -> int | None:
    """Return the bytes of memory that programs can have; None where the system does not say."""
    try:
        lines = _LISTING.read_text().splitlines()
    except OSError:
        return None
    entries = (line.split() for line in lines if line.startswith(("MemAvailable:", "SwapFree:")))
    return sum(int(entry[1]) * 1024 for entry in entries) or None


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:,.1f} GB"
