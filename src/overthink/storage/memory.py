"""Bound on the memory that a pool takes, checked before any of it is taken. A foreign file is untrusted."""

import os
from pathlib import Path

from overthink.errors import InputError
from overthink.paths import path_status, require_file

JSON_EXPANSION = 8.0
"""Memory of a JSON document over its size, where all of it is read at once."""

_CGROUPS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def available_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process may still take.

    That is the least of what the machine has available and of what the control groups of the process allow.

    Args:
        root: Root of the file system.
    """
    machine = _machine(root)
    return max(0, min(filter(None, (machine, *_control_groups(root))), default=2**63))


def check_memory(path: Path, *, rows: int, row_bytes: float, max_rows: int | None) -> None:
    """Refuse more rows than memory allows, or than a caller allows.

    Args:
        path: The file.
        rows: Its rows.
        row_bytes: Memory of a row once it is read, in bytes.
        max_rows: Most rows to read, which replaces the bound on memory; None for that bound.

    Raises:
        InputError: There are more.
    """
    if max_rows is not None:
        if rows > max_rows:
            raise InputError(
                f"{path} has {rows:,} rows; at most {max_rows:,} are read: split it by task or model, or raise "
                "--max-rows"
            )
        return
    needed, available = rows * row_bytes, available_memory()
    if needed > available:
        raise InputError(
            f"{path} has {rows:,} rows, which take about {_size(needed)} of memory; {_size(available)} are available: "
            f"split it by task or model, free some memory, or go on at your own risk with --max-rows {rows}"
        )


def check_file(path: Path, *, expansion: float = 0.0, follow: bool = False) -> None:
    """Raise an error unless the path is a file, and memory holds it.

    Args:
        path: The path.
        expansion: Memory that its content takes over its size; 0 for a file that is read in pieces.
        follow: Whether the file may be a link; no file of a study's folder may.

    Raises:
        InputError: The file is missing, not a file, or too large.
    """
    status = path_status(path, follow=follow)
    require_file(path, status)
    size = 0 if status is None else status.st_size
    needed, available = size * expansion, available_memory() if expansion else 0
    if needed > available:
        raise InputError(
            f"{path} has {size:,} bytes, which take about {_size(needed)} of memory; {_size(available)} are available: "
            "split it by task or model, store it as Parquet, or free some memory"
        )


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:,.1f} MB"


def _machine(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # not on every system
        return None


def _control_groups(root: Path) -> list[int]:
    """Return what is left within the limit of each control group of the process; cached files count as free."""
    base = root / "sys/fs/cgroup"
    folders = {base}
    try:
        entries = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        entries = []
    for entry in entries:
        own = base / entry.rpartition(":")[2].lstrip("/")
        folders |= {own, *(folder for folder in own.parents if base in folder.parents)}
    left = []
    for folder in folders:
        for limit, usage in _CGROUPS:
            most, used = _number(folder / limit), _number(folder / usage)
            if most is not None and used is not None:
                left.append(max(1, most - used + _cached(folder / Path(limit).parent)))
    return left


def _cached(folder: Path) -> int:
    try:
        lines = (folder / "memory.stat").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, ValueError, StopIteration):
        return 0


def _number(path: Path) -> int | None:
    """Return a number in a file; None where there is none, or no limit."""
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
