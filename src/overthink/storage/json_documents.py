"""Reading and writing of JSON documents with a schema, with one message for all faults of a document."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from overthink.errors import InputError
from overthink.storage.files import write_text
from overthink.storage.bounds import check_bytes

_MAX_FAULTS = 20

_T = TypeVar("_T")


def read_document(path: Path, schema: str) -> dict[str, Any]:
    """Read a JSON object and check that it is of this schema, such as "overthink.plan/1".

    Raises:
        InputError: The file is missing, is not a JSON object, or is of another or a newer schema.
    """
    check_bytes(path)
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as failure:
        raise InputError(f"{path} is not JSON ({failure}); needed: a document with schema {schema!r}") from failure
    found_schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or found_schema is None:
        raise InputError(f"{path} names no schema; needed: {schema!r}")
    if found_schema != schema:
        name, _, version = str(found_schema).partition("/")
        known_name, _, known_version = schema.partition("/")
        if name == known_name and version.isdecimal() and int(version) > int(known_version):
            raise InputError(
                f"{path} has schema {found_schema!r}; this Overthink reads {schema!r}: install a newer Overthink"
            )
        raise InputError(f"{path} has schema {str(found_schema)[:80]!r}; needed: {schema!r}")
    return document


def write_document(path: Path, schema: str, fields: Mapping[str, object]) -> None:
    """Write a JSON object that names its schema first, atomically.

    Raises:
        StoppedError: The disk is full.
    """
    document = {"schema": schema, **fields}
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_typed(path: Path, schema: str, adapter: TypeAdapter[_T], value: _T) -> None:
    """Write a value as a document of its own, atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_document(path, schema, adapter.dump_python(value, mode="json"))


def read_typed(path: Path, schema: str, adapter: TypeAdapter[_T]) -> _T | None:
    """Read a value that is a document of its own; None where there is no such file.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return None
    document = read_document(path, schema)
    del document["schema"]
    try:
        return adapter.validate_python(document)
    except ValidationError as failure:
        raise InputError(f"{path} holds no {schema} that this version can read:\n{all_faults(failure)}") from failure


def all_faults(failure: ValidationError) -> str:
    """Describe every invalid field: its location, the error and the value."""
    faults = failure.errors(include_url=False)
    lines = []
    for fault in faults[:_MAX_FAULTS]:
        location = ".".join(map(str, fault["loc"])) or "the whole"
        lines.append(f"  {location}: {fault['msg']}; seen: {str(fault.get('input'))[:80]!r}")
    if len(faults) > _MAX_FAULTS:
        lines.append(f"  and {len(faults) - _MAX_FAULTS} more")
    return "\n".join(lines)


def finite(value: object) -> object:
    """The value as JSON can hold it: NaN and infinities become null, tuples become lists."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
