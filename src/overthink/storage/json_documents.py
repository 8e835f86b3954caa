"""Reading and writing of JSON documents with a schema, with one message for all faults of a document.

The back-test that ships with the package; `benchmarks/forecast.py --write` regenerates the file.

``plan.json``: the plan of a study, stored as it is hashed.

``estimate.json``: cost estimate of a study before its start, shown in reports beside the actual cost.

``questions.json``: the questions of a study, so that a resumed study uses the same ones.

``analysis.json``: options and assumptions of a report, human labels included, so that it can be reproduced.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter

from overthink.cost.estimate import Estimate
from overthink.data.record import ScorePolarity, StudyQuestion
from overthink.errors import InputError
from overthink.forecasts.backtest import Backtest
from overthink.paths import is_there, read_file
from overthink.plan.analysis import Analysis
from overthink.plan.study import PLAN_SCHEMA, Plan
from overthink.storage.files import write_text
from overthink.storage.foreign_files import JSON_EXPANSION, check_file
from overthink.storage.json_text import json_value, listed_faults, typed_value

_T = TypeVar("_T")


def read_document(path: Path, schema: str, *earlier: str, follow: bool = False) -> dict[str, Any]:
    """Read a JSON object and check that it is of this schema, such as "overthink.plan/1", or of an earlier one.

    Args:
        path: The file.
        schema: The schema.
        earlier: Earlier schemas that are read, too.
        follow: Whether the file may be a link; no file of a study's folder may.

    Raises:
        InputError: The file is missing, is not a JSON object, or is of another or a newer schema.
    """
    check_file(path, expansion=JSON_EXPANSION, follow=follow)
    document = json_value(read_file(path, follow=follow), str(path))
    found_schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or found_schema is None:
        raise InputError(f"{path} names no schema; needed: {schema!r}")
    if found_schema not in (schema, *earlier):
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
    if not is_there(path):
        return None
    document = read_document(path, schema)
    del document["schema"]
    return typed_value(adapter, json.dumps(document), f"{path} holds no {schema} that this version can read")


def finite(value: object) -> object:
    """The value as JSON can hold it: NaN and infinities become null, tuples lists, and a dataclass its fields."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    names = getattr(value, "__dataclass_fields__", None)
    return value if names is None else {name: finite(getattr(value, name)) for name in names}


BACKTEST_SCHEMA = "overthink.forecast-backtest/1"
BACKTEST_FILE = "forecast_backtest.json"

_BACKTEST = TypeAdapter(Backtest)


def shipped_backtest() -> Backtest:
    """The back-test of the method as it ships.

    >>> shipped_backtest().level
    0.9
    """
    with as_file(files("overthink.storage") / "data" / BACKTEST_FILE) as path:
        return read_backtest(path)


def read_backtest(path: Path) -> Backtest:
    """Read a back-test.

    Raises:
        InputError: The file is no back-test, a field is missing, unknown or of the wrong type, or more forecasts were
            right than were made.
    """
    document = read_document(path, BACKTEST_SCHEMA, follow=True)
    del document["schema"]
    return typed_value(_BACKTEST, json.dumps(document), f"{path} cannot be read")


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
    if "overthink" not in document:  # a plan made now has this version by default; a stored one must state its own
        raise InputError(f"{path} is not a plan this version can follow:", "  overthink: Field required")
    with listed_faults(f"{path} is not a plan this version can follow"):
        plan = Plan.model_validate(document)
    stored = json.loads(plan.to_json())
    for name, value in document.items():  # pydantic takes "3" for 3; a stored plan is what a plan stores
        if json.dumps(value, sort_keys=True) != json.dumps(stored.get(name, value), sort_keys=True):
            raise InputError(
                f"{path} is not a plan this version can follow:",
                f"  {name}: seen {json.dumps(value)[:80]}; "
                f"needed, as a plan stores it: {json.dumps(stored[name])[:80]}",
            )
    return plan


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


QUESTIONS_SCHEMA = "overthink.questions/1"

Questions = Mapping[str, tuple[StudyQuestion, ...]]
"""By task, as the pool names it: its questions, in order of sampling."""


@dataclass(frozen=True, slots=True)
class _Questions:
    tasks: dict[str, tuple[StudyQuestion, ...]]


_QUESTIONS = TypeAdapter(_Questions)


def write_questions(path: Path, questions: Questions) -> None:
    """Write the questions atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, QUESTIONS_SCHEMA, _QUESTIONS, _Questions(dict(questions)))


def read_questions(path: Path) -> Questions:
    """Read the questions of the study; empty where no run has begun.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    document = read_typed(path, QUESTIONS_SCHEMA, _QUESTIONS)
    return {} if document is None else document.tasks


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


@dataclass(frozen=True, slots=True)
class Beside:
    """Fields of analysis.json beside those of the analysis.

    Attributes:
        seed: Seed of the bootstrap.
        assumed: Assumptions of the report.
        polarity: What high raw scores mean, as far as it was stated when logs or tables were read.
        notes: How these were read, a sentence each.
    """

    seed: Annotated[int, Field(ge=0)]
    assumed: Assumptions = field(default_factory=Assumptions)
    polarity: tuple[ScorePolarity, ...] = ()
    notes: tuple[str, ...] = ()


_ANALYSIS = TypeAdapter(Analysis)
_BESIDE = TypeAdapter(Beside)
_BESIDE_NAMES = frozenset(part.name for part in fields(Beside))


def write_analysis(path: Path, analysis: Analysis, beside: Beside) -> None:
    """Write analysis.json atomically. Labels are positions and numbers; no text of an answer is among them.

    Raises:
        StoppedError: The disk is full.
    """
    body = _ANALYSIS.dump_python(analysis, mode="json")
    rest = _BESIDE.dump_python(beside, mode="json")
    of_reading = {name: rest[name] for name in ("polarity", "notes") if rest[name]}
    write_document(path, ANALYSIS_SCHEMA, {"seed": beside.seed} | body | {"assumed": rest["assumed"]} | of_reading)


def read_analysis(path: Path) -> tuple[Analysis, int] | None:
    """Read analysis.json: the analysis options and the seed; None where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not is_there(path):
        return None
    document = read_document(path, ANALYSIS_SCHEMA)
    body = {name: value for name, value in document.items() if name not in {"schema", *_BESIDE_NAMES}}
    analysis = typed_value(_ANALYSIS, json.dumps(body), f"{path} is no analysis this version can read")
    return analysis, _beside(path, document).seed


def analysis_text(analysis: Analysis, seed: int) -> str:
    """Return an analysis and its seed as a JSON text for others, without selectors: these are code.

    Args:
        analysis: The analysis.
        seed: Seed of the bootstrap.
    """
    body = _ANALYSIS.dump_python(analysis, mode="json")
    return json.dumps({"seed": seed} | {name: body[name] for name in body if name not in _CODE}, ensure_ascii=False)


def analysis_in(text: str) -> tuple[Analysis, int]:
    """Return the analysis and the seed in a text of :func:`analysis_text`, from anybody: no code is named in it.

    Raises:
        InputError: It is damaged, or of another version.
    """
    problem = "the analysis in the record is none this version can read"
    document = json_value(text.encode("utf-8", "surrogatepass"), "the analysis in the record")
    body = document if isinstance(document, dict) else {}
    own = {name: value for name, value in body.items() if name != "seed" and name not in _CODE}
    analysis = typed_value(_ANALYSIS, json.dumps(own), problem)
    return analysis, typed_value(_BESIDE, json.dumps({"seed": body.get("seed")}), problem).seed


_CODE = frozenset({"selectors"})
"""Fields of an analysis that name code, which nothing from outside may load."""


def read_assumptions(path: Path) -> Assumptions:
    """Read the assumptions from analysis.json; empty where there is no such file, or one from before assumptions.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    return _beside(path, read_document(path, ANALYSIS_SCHEMA)).assumed if is_there(path) else Assumptions()


def read_polarity(path: Path) -> tuple[ScorePolarity, ...]:
    """Read from analysis.json what high raw scores mean; nothing where there is no such file, or a plan says it.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    return _beside(path, read_document(path, ANALYSIS_SCHEMA)).polarity if is_there(path) else ()


def read_notes(path: Path) -> tuple[str, ...]:
    """Read from analysis.json how logs or tables were read; nothing where there is no such file, or none were.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    return _beside(path, read_document(path, ANALYSIS_SCHEMA)).notes if is_there(path) else ()


def _beside(path: Path, document: Mapping[str, object]) -> Beside:
    beside = {name: value for name, value in document.items() if name in _BESIDE_NAMES}
    return typed_value(_BESIDE, json.dumps(beside), f"{path} holds no seed and assumptions this version can read")
