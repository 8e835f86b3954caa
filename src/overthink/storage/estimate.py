"""``estimate.json``: cost estimate of a study before its start, shown in reports beside the actual cost."""

from pathlib import Path

from pydantic import TypeAdapter

from overthink.cost.estimate import Estimate
from overthink.storage.json_documents import read_typed, write_typed

ESTIMATE_SCHEMA = "overthink.estimate/1"

_ESTIMATE = TypeAdapter(Estimate)


def write_estimate(path: Path, estimate: Estimate) -> None:
    """Write estimate.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, ESTIMATE_SCHEMA, _ESTIMATE, estimate)


def read_estimate(path: Path) -> Estimate | None:
    """Read estimate.json; None where there is none, as in older studies.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    return read_typed(path, ESTIMATE_SCHEMA, _ESTIMATE)
