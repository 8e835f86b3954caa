"""The registry on a day: what the command `thresholds` prints and the function of that name returns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from overthink.data.parameters import instance
from overthink.governance.thresholds.registry import (
    Event,
    Instrument,
    as_dict,
    day_of,
    instruments_on,
    stale,
)
from overthink.governance.thresholds.registry import (
    instrument as instrument_of,
)
from overthink.governance.thresholds.text import NOT_LEGAL_ADVICE, thresholds_text


@dataclass(frozen=True, slots=True, repr=False)
class Thresholds:
    """Thresholds on a day; they show themselves as the text that the command prints.

    Attributes:
        day: The day.
        rows: Each instrument with the event that sets its status.
    """

    day: date
    rows: Sequence[tuple[Instrument, Event]]

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return a line per instrument; with details if there is only one."""
        return thresholds_text(self.rows, self.day)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "as_of": self.day.isoformat(),
            "warnings": stale(self.rows, self.day),
            "note": NOT_LEGAL_ADVICE,
            "instruments": [as_dict(row, event, day=self.day) for row, event in self.rows],
        }

    def json(self) -> str:
        """Return a JSON document."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)


def thresholds(*, as_of: str | date | None = None, instrument: str | None = None) -> Thresholds:
    """Return legal and voluntary thresholds on compute: number, operator, status on a day, what counts, source.

    Args:
        as_of: The day, or YYYY-MM-DD; None for today.
        instrument: Only this one, by its id; None for all.

    Returns:
        The thresholds; a reviewed list, not legal advice.

    Raises:
        InputError: The text is no day, or there is no such instrument.

    Example:
        >>> eu = thresholds(as_of="2026-11-01", instrument="eu-aia-51-2")
        >>> [(row["operator"], row["number"]) for row in eu.as_dict()["instruments"]]
        [('>', 1e+25)]
    """
    day = date.today() if as_of is None else day_of(as_of)
    only = None if instrument is None else instrument_of(instance(instrument, "instrument", str))
    return Thresholds(day, [(row, event) for row, event in instruments_on(day) if only in (None, row)])
