"""``estimate.json``: what was expected of a study before it began, so that every report can show it beside the fact."""

from pathlib import Path

from pydantic import TypeAdapter

from overthink.core.spending import Estimate
from overthink.store.documents import read_typed, write_typed

ESTIMATE_SCHEMA = "overthink.estimate/1"

_ESTIMATE = TypeAdapter(Estimate)


def write_estimate(path: Path, estimate: Estimate) -> None:
    """Write estimate.json, whole or not at all.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, ESTIMATE_SCHEMA, _ESTIMATE, estimate)


def read_estimate(path: Path) -> Estimate | None:
    """Read estimate.json; None where a study has none, being older.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    return read_typed(path, ESTIMATE_SCHEMA, _ESTIMATE)
