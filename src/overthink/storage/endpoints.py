"""``endpoints.json``: the endpoints of every run of a study, with what each served and what its prefix cache gave.

A run's entry is written before its first call, without counts, and again at its end: that of a killed run says which
endpoints it had, and that their counts are unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from overthink.data.endpoints import EndpointRun
from overthink.storage.json_documents import read_typed, write_typed

_SCHEMA = "overthink.endpoints/1"


@dataclass(frozen=True, slots=True)
class _Runs:
    runs: tuple[EndpointRun, ...]


_RUNS = TypeAdapter(_Runs)


def read_endpoint_runs(path: Path) -> tuple[EndpointRun, ...]:
    """Read endpoints.json; no runs where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    document = read_typed(path, _SCHEMA, _RUNS)
    return () if document is None else document.runs


def write_endpoint_runs(path: Path, runs: Sequence[EndpointRun]) -> None:
    """Write endpoints.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, _SCHEMA, _RUNS, _Runs(tuple(runs)))
