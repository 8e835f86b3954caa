"""``estimate.json``: what was expected of a study before it began, so that every report can show it beside the fact."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from overthink.core.spending import Estimate
from overthink.errors import InputError
from overthink.store.atomic import write_text
from overthink.store.documents import all_faults, read_document

ESTIMATE_SCHEMA = "overthink.estimate/1"

_ESTIMATE = TypeAdapter(Estimate)


def write_estimate(path: Path, estimate: Estimate) -> None:
    """Write estimate.json, whole or not at all.

    Raises:
        StoppedError: The disk is full.
    """
    document = {"schema": ESTIMATE_SCHEMA} | _ESTIMATE.dump_python(estimate, mode="json")
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_estimate(path: Path) -> Estimate | None:
    """Read estimate.json; None where a study has none, being older.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return None
    document = read_document(path, ESTIMATE_SCHEMA)
    try:
        return _ESTIMATE.validate_python({name: value for name, value in document.items() if name != "schema"})
    except ValidationError as failure:
        raise InputError(f"{path} is no estimate this version can read:\n{all_faults(failure)}") from failure
