"""``analysis.json``: what was decided and assumed for a report, human labels included, so that it can be made again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from overthink.core.findings import Analysis
from overthink.errors import InputError
from overthink.store.documents import all_faults, read_document, write_document

ANALYSIS_SCHEMA = "overthink.analysis/1"


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is assumed of the model and no measurement says. It changes no finding.

    Attributes:
        inputs: By input of a calculator, such as ``training_flop``: a number, a range or words, as typed.
        day: The day for which thresholds are looked up; None for the day of the report.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None


_DECIDED = TypeAdapter(Analysis)
_ASSUMED = TypeAdapter(Assumed)


def write_analysis(path: Path, decided: Analysis, *, seed: int, assumed: Assumed) -> None:
    """Write analysis.json, whole or not at all. Labels are places and numbers; no text of an answer is among them.

    Raises:
        StoppedError: The disk is full.
    """
    fields = {"seed": seed} | _DECIDED.dump_python(decided, mode="json")
    write_document(path, ANALYSIS_SCHEMA, fields | {"assumed": _ASSUMED.dump_python(assumed, mode="json")})


def read_analysis(path: Path) -> tuple[Analysis, int] | None:
    """Read analysis.json: what was decided, and the seed; None where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return None
    document = read_document(path, ANALYSIS_SCHEMA)
    fields = {name: value for name, value in document.items() if name not in ("schema", "seed", "assumed")}
    try:
        return _DECIDED.validate_python(fields), TypeAdapter(int).validate_python(document.get("seed"))
    except ValidationError as failure:
        raise InputError(f"{path} is no analysis this version can read:\n{all_faults(failure)}") from failure


def read_assumed(path: Path) -> Assumed:
    """Read from analysis.json what was assumed; nothing where there is no such file, or one from before assumptions.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return Assumed()
    try:
        return _ASSUMED.validate_python(read_document(path, ANALYSIS_SCHEMA).get("assumed", {}))
    except ValidationError as failure:
        raise InputError(f"{path} holds no assumptions this version can read:\n{all_faults(failure)}") from failure
