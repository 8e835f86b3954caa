"""``analysis.json``: options and assumptions of a report, human labels included, so that it can be reproduced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from overthink.analysis import Analysis
from overthink.errors import InputError
from overthink.storage.json_documents import all_faults, read_document, write_document

ANALYSIS_SCHEMA = "overthink.analysis/1"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Assumptions about the model that are not measured. They change no finding.

    Attributes:
        inputs: By input of a calculator, such as ``training_flop``: a number, a range or words, as typed.
        day: Reference day of thresholds; None for the day of the report.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None


_ANALYSIS = TypeAdapter(Analysis)
_ASSUMPTIONS = TypeAdapter(Assumptions)


def write_analysis(path: Path, analysis: Analysis, *, seed: int, assumptions: Assumptions) -> None:
    """Write analysis.json atomically. Labels are positions and numbers; no text of an answer is among them.

    Raises:
        StoppedError: The disk is full.
    """
    fields = {"seed": seed} | _ANALYSIS.dump_python(analysis, mode="json")
    write_document(path, ANALYSIS_SCHEMA, fields | {"assumed": _ASSUMPTIONS.dump_python(assumptions, mode="json")})


def read_analysis(path: Path) -> tuple[Analysis, int] | None:
    """Read analysis.json: the analysis options and the seed; None where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return None
    document = read_document(path, ANALYSIS_SCHEMA)
    fields = {name: value for name, value in document.items() if name not in ("schema", "seed", "assumed")}
    try:
        return _ANALYSIS.validate_python(fields), TypeAdapter(int).validate_python(document.get("seed"))
    except ValidationError as failure:
        raise InputError(f"{path} is no analysis this version can read:\n{all_faults(failure)}") from failure


def read_assumptions(path: Path) -> Assumptions:
    """Read the assumptions from analysis.json; empty where there is no such file, or one from before assumptions.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return Assumptions()
    try:
        return _ASSUMPTIONS.validate_python(read_document(path, ANALYSIS_SCHEMA).get("assumed", {}))
    except ValidationError as failure:
        raise InputError(f"{path} holds no assumptions this version can read:\n{all_faults(failure)}") from failure
