"""``plan.json``: the plan of a study, stored as it is hashed."""

from pathlib import Path

from pydantic import ValidationError

from overthink.errors import InputError
from overthink.plan.study import PLAN_SCHEMA, Plan
from overthink.storage.files import write_text
from overthink.storage.json_documents import all_faults, read_document


def write_plan(path: Path, plan: Plan) -> str:
    """Write plan.json atomically.

    Returns:
        The SHA-256 of the file, which is ``plan.sha256()``.

    Raises:
        StoppedError: The disk is full.
    """
    return write_text(path, plan.to_json())


def read_plan(path: Path) -> Plan:
    """Read plan.json.

    Raises:
        InputError: The file is missing, of another or a newer schema, or some field is wrong; all such
            fields are listed.
    """
    document = read_document(path, PLAN_SCHEMA)
    try:
        return Plan.model_validate(document)
    except ValidationError as failure:
        raise InputError(f"{path} is not a plan this version can follow:\n{all_faults(failure)}") from failure
