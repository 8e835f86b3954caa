"""Memory that this process may still take: of the machine, and within its control groups."""

import os
from pathlib import Path

_CGROUPS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def available_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process may still take.

    That is the least of what the machine has available and of what the control groups of the process allow.

    Args:
        root: Root of the file system.
    """
    machine = _machine(root)
    return max(0, min(filter(None, (machine, *_control_groups(root))), default=2**63))


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
