"""The back-test that ships with the package; `benchmarks/forecast.py --write` regenerates the file."""

import json
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from overthink.forecasts.backtest import Backtest
from overthink.errors import InputError
from overthink.storage.json_documents import all_faults, read_document

BACKTEST_SCHEMA = "overthink.forecast-backtest/1"
BACKTEST_FILE = "forecast_backtest.json"


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
    document = read_document(path, BACKTEST_SCHEMA)
    body = {name: value for name, value in document.items() if name != "schema"}
    try:
        backtest = TypeAdapter(Backtest).validate_json(json.dumps(body), strict=True)
    except ValidationError as failure:
        raise InputError(f"{path} cannot be read:\n{all_faults(failure)}") from failure
    if json.loads(json.dumps(asdict(backtest))) != body:
        raise InputError(f"{path} has fields that this Overthink does not know; install a newer Overthink")
    return backtest
