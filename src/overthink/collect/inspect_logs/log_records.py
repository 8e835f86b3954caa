"""Overthink's own logs: each sample stores its rows of the pool."""

import dataclasses

from pydantic import TypeAdapter, ValidationError

from overthink.collect.ladder.solver import RECORDS
from overthink.collect.inspect_logs.files import OpenLog
from overthink.data.record import RungRecord
from overthink.errors import InputError

_ROWS = TypeAdapter(list[RungRecord])
_COLUMNS = {field.name for field in dataclasses.fields(RungRecord)}
_N_PROBE_SAMPLES = 5
"""Samples probed for rows to recognise an own log; the first ones may have failed before storing a row."""
_EXCLUDED_FIELDS = {"messages", "output", "attachments", "events", "metadata", "scores"}


def own_records(log: OpenLog) -> list[RungRecord] | None:
    """Return the rows stored in a log by Overthink; None for a foreign log.

    Raises:
        InputError: The rows are of another version, or damaged.
    """
    if not log.summaries or not _rows_of(log, _N_PROBE_SAMPLES):
        return None
    rows = _rows_of(log, len(log.summaries))
    unknown = sorted({name for row in rows for name in row} ^ _COLUMNS)
    if unknown:
        raise InputError(
            f"{log.path} was made by another version of Overthink: columns {', '.join(unknown)[:200]} are "
            "missing or unknown; read it with the version that made it"
        )
    try:
        return _ROWS.validate_python(rows)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        raise InputError(f"{log.path} holds damaged rows: {first['loc']}: {first['msg']}") from failure


def _rows_of(log: OpenLog, first: int) -> list[dict[str, object]]:
    return [
        row
        for sample in log.samples(log.summaries[:first], exclude=_EXCLUDED_FIELDS)
        for row in sample.store.get(RECORDS, [])
    ]
