"""What memory is available is read from the machine and from control groups; what is not there is no bound."""

from pathlib import Path

import pytest

from overthink.collect import machine_memory
from overthink.collect.machine_memory import available_memory

MEMINFO = "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable: 4000 kB\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, 4000 * 1024),
        ({"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "5\n"}, 4000 * 1024),
        ({"sys/fs/cgroup/memory.max": "3000", "sys/fs/cgroup/memory.current": "1000"}, 2000),
        (
            {
                "sys/fs/cgroup/memory.max": "3000",
                "sys/fs/cgroup/memory.current": "1000",
                "sys/fs/cgroup/memory.stat": "anon 100\ninactive_file 700\n",
            },
            2700,
        ),
        (
            {
                "proc/self/cgroup": "0::/slice/own\n",
                "sys/fs/cgroup/slice/memory.max": "500",
                "sys/fs/cgroup/slice/memory.current": "100",
                "sys/fs/cgroup/slice/own/memory.max": "max",
                "sys/fs/cgroup/slice/own/memory.current": "50",
            },
            400,
        ),
        (
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "800",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "300",
            },
            500,
        ),
        ({"sys/fs/cgroup/memory.max": "100", "sys/fs/cgroup/memory.current": "200"}, 1),
    ],
)
def test_the_least_that_is_left_counts(tmp_path: Path, files: dict[str, str], available: int) -> None:
    assert available_memory(write(tmp_path, {"proc/meminfo": MEMINFO} | files)) == available


def test_without_meminfo_the_system_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_AVPHYS_PAGES": 30, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(machine_memory.os, "sysconf", sizes.__getitem__)
    assert available_memory(tmp_path) == 30 * 4096

    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(machine_memory.os, "sysconf", unknown)
    assert available_memory(tmp_path) > 2**60  # nothing is known, so nothing is refused


def test_this_machine_has_memory() -> None:
    assert 2**20 < available_memory() < 2**50
