"""``analysis.json``: what was decided when findings were made, human labels included: reports can be made again."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from overthink.core.findings import Analysis
from overthink.errors import InputError
from overthink.store.atomic import write_text
from overthink.store.documents import all_faults, read_document

ANALYSIS_SCHEMA = "overthink.analysis/1"

_DECIDED = TypeAdapter(Analysis)


def write_analysis(path: Path, decided: Analysis, *, seed: int) -> None:
    """Write analysis.json, whole or not at all. Labels are places and numbers; no text of an answer is among them.

    Raises:
        StoppedError: The disk is full.
    """
    document = {"schema": ANALYSIS_SCHEMA, "seed": seed} | _DECIDED.dump_python(decided, mode="json")
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_analysis(path: Path) -> tuple[Analysis, int] | None:
    """Read analysis.json: what was decided, and the seed; None where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return None
    document = read_document(path, ANALYSIS_SCHEMA)
    fields = {name: value for name, value in document.items() if name not in ("schema", "seed")}
    try:
        return _DECIDED.validate_python(fields), TypeAdapter(int).validate_python(document.get("seed"))
    except ValidationError as failure:
        raise InputError(f"{path} is no analysis this version can read:\n{all_faults(failure)}") from failure
