"""Rows read from external logs or tables, with notes for readers of the results."""

from dataclasses import dataclass

from overthink.data.record import RungRecord


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows of a pool, with the assumptions and omissions of reading them.

    Attributes:
        records: The rows.
        notes: One sentence each for the report: an assumption, a skipped file, rows without a score.
    """

    records: tuple[RungRecord, ...]
    notes: tuple[str, ...] = ()
