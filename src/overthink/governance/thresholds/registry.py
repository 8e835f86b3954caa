"""The registry of compute thresholds: each instrument and its status on a given day.

The rows are reviewed by hand in ``data/thresholds.toml``. Recalled (R) and unreliable (X) entries are marked. No
instrument counts deployment inference towards its number, and no row may claim it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from overthink.data.parameters import instance
from overthink.errors import InputError
from overthink.governance.inputs import look_up

Status = Literal["proposed", "in_force", "not_yet_applicable", "revoked", "voluntary"]
CountRule = Literal["yes", "no", "silent"]

STATUSES: tuple[str, ...] = get_args(Status)

STAGES = (
    "pre_training",
    "fine_tuning",
    "rl_updates",
    "rl_rollouts",
    "synthetic_kept",
    "synthetic_discarded",
    "public_synthetic",
    "preceding_model",
    "distillation_parent",
    "auxiliary_models",
    "failed_experiments",
    "evaluation",
    "activation_recompute",
    "deployment_inference",
)
"""Stages of a run that instruments treat differently, in display order."""

VERIFICATIONS = {
    "F": "primary text read",
    "f": "found in a secondary source",
    "R": "recalled, not found",
    "X": "found, but judged unreliable",
}

MEASURES = (
    "training_compute",
    "modification_share",
    "estimate_error",
    "cluster_speed",
    "chip_tpp",
    "chip_density",
    "effective_compute_ratio",
)
"""Quantities that a number may measure; an instrument without a number has none."""

INSTRUMENT_KINDS = ("law", "order", "bill", "guidance", "code", "export_control", "framework", "study")
OPERATORS = (">", ">=", "<", "<=")
STALE_DAYS = 180


@dataclass(frozen=True, slots=True)
class Event:
    """The status of an instrument from a day on.

    Attributes:
        date_text: Date as recorded; a month ("2024-12") where the day is unknown.
        since: The day, or the first of the month.
        status: Status of the instrument from that day on.
        verification: Key of ``VERIFICATIONS`` for the date and status.
        note: Description of the event.
    """

    date_text: str
    since: date
    status: Status
    verification: str
    note: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One threshold, or one text that names compute without a number.

    Attributes:
        id: Short name.
        title: Name in words.
        kind: One of ``KINDS``.
        jurisdiction: Jurisdiction; "developer" for a developer's own framework.
        measure: Quantity that the number measures; None without a number.
        number: The threshold; None if the text sets none.
        operator: ">" or ">=", as in the text; None without a number.
        unit: Unit of the number.
        scope: Persons, models or products it applies to, with further conditions.
        events: History of the instrument, oldest first.
        counts: Whether each stage of a run counts towards the number: yes, no or silent.
        pinpoint: Location in the text.
        quote: Short quote; empty if the text was not read.
        source_title: Title of the source.
        source_url: Link to the source.
        retrieved: Date of retrieval.
        verification: Key of ``VERIFICATIONS``.
        note: Note for the reader.
    """

    id: str
    title: str
    kind: str
    jurisdiction: str
    measure: str | None
    number: float | None
    operator: str | None
    unit: str | None
    scope: str
    events: tuple[Event, ...]
    counts: Mapping[str, CountRule]
    pinpoint: str
    quote: str
    source_title: str
    source_url: str
    retrieved: date
    verification: str
    note: str

    def event_on(self, day: date) -> Event | None:
        """Return the event that sets the status on a day; None if the instrument did not exist yet."""
        past = [event for event in self.events if event.since <= day]
        return past[-1] if past else None

    def is_reached(self, value: float) -> bool:
        """Return whether a value meets the number, by the instrument's operator.

        Raises:
            InputError: The instrument has no number.
        """
        if self.number is None:
            raise InputError(f"{self.id} sets no number; needed: an instrument with a threshold")
        number = self.number
        results = {">": value > number, ">=": value >= number, "<": value < number, "<=": value <= number}
        return results[self.operator or ""]

    def stale_on(self, day: date) -> bool:
        """Return whether the row was last checked more than 180 days before a day."""
        return (day - self.retrieved).days > STALE_DAYS


@cache
def instruments() -> tuple[Instrument, ...]:
    """Return every row of the registry, in file order."""
    text = resources.files("overthink.governance").joinpath("data/thresholds.toml").read_text(encoding="utf-8")
    return tuple(read_row(row) for row in tomllib.loads(text)["instrument"])


def instrument(name: str) -> Instrument:
    """Return the row with an id.

    Raises:
        InputError: The id is unknown; the nearest ids are suggested.

    Example:
        >>> instrument("kr-basic-act").operator
        '>='
    """
    return look_up(name, {row.id: row for row in instruments()}, what="instrument")


def instruments_on(day: date) -> list[tuple[Instrument, Event]]:
    """Return the instruments that existed on a day, each with the event that sets its status."""
    rows = [(row, row.event_on(day)) for row in instruments()]
    return [(row, event) for row, event in rows if event is not None]


def training_thresholds(day: date) -> list[tuple[Instrument, Event]]:
    """Return the thresholds on training compute that were proposed, agreed or in force on a day, not revoked ones."""
    return [
        (row, event)
        for row, event in instruments_on(day)
        if row.measure == "training_compute" and event.status != "revoked"
    ]


def stale(rows: Sequence[tuple[Instrument, Event]], day: date) -> list[str]:
    """Return a warning if rows were last checked too long before a day."""
    old = [row.id for row, _ in rows if row.stale_on(day)]
    which = "all rows" if len(old) == len(rows) else ", ".join(old)
    return [f"last checked more than {STALE_DAYS} days before {day.isoformat()}: {which}"] if old else []


def as_dict(row: Instrument, event: Event, *, day: date) -> dict[str, Any]:
    """Return a row with its status on a day, as a JSON object."""
    return {
        "id": row.id,
        "title": row.title,
        "kind": row.kind,
        "jurisdiction": row.jurisdiction,
        "status": event.status,
        "status_since": event.date_text,
        "status_verification": event.verification,
        "status_note": event.note,
        "number": row.number,
        "operator": row.operator,
        "unit": row.unit,
        "measure": row.measure,
        "scope": row.scope,
        "counts": dict(row.counts) if row.measure in ("training_compute", "modification_share") else None,
        "events": [
            {"date": past.date_text, "status": past.status, "verification": past.verification, "note": past.note}
            for past in row.events
        ],
        "pinpoint": row.pinpoint,
        "quote": row.quote,
        "source_title": row.source_title,
        "source_url": row.source_url,
        "retrieved": row.retrieved.isoformat(),
        "stale": row.stale_on(day),
        "verification": row.verification,
        "verification_meaning": VERIFICATIONS[row.verification],
        "note": row.note,
    }


def day_from(text: str) -> date:
    """Parse a date as YYYY-MM-DD.

    Raises:
        InputError: The text is not such a date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a date; needed: a day as YYYY-MM-DD, such as 2026-01-22") from None


def day_of(day: str | date) -> date:
    """Return a day, which may be stated as YYYY-MM-DD.

    Raises:
        TypeError: It is neither a text nor a day.
        InputError: The text is not such a date.

    Example:
        >>> day_of("2026-01-22")
        datetime.date(2026, 1, 22)
    """
    instance(day, "as_of", str | date)
    if isinstance(day, str):
        try:
            return day_from(day)
        except InputError as fault:
            raise InputError(f"as_of {fault}") from fault
    return day.date() if isinstance(day, datetime) else day


def read_row(row: Mapping[str, Any]) -> Instrument:
    """Return a validated row of the file.

    Raises:
        ValueError: A field is missing, unknown or has an invalid value; a stage is counted twice; deployment inference
            counts; a row with verification F or f has no source.
    """
    values = {"measure": None, "number": None, "operator": None, "unit": None, **row}
    counts = values.pop("counts", {})
    events = tuple(_event(event) for event in values.pop("events"))
    instrument = Instrument(events=events, counts=_count_rules(counts.get("yes", ()), counts.get("no", ())), **values)
    faults = [
        instrument.kind not in INSTRUMENT_KINDS and "kind",
        instrument.verification not in VERIFICATIONS and "verification",
        instrument.measure not in (None, *MEASURES) and "measure",
        len(
            {
                instrument.number is None,
                instrument.operator is None,
                instrument.unit is None,
                instrument.measure is None,
            }
        )
        > 1
        and "number",
        instrument.operator not in (None, *OPERATORS) and "operator",
        instrument.verification in "Ff" and not (instrument.source_title and instrument.source_url) and "source",
        instrument.counts["deployment_inference"] == "yes" and "counts of deployment inference",
        instrument.measure == "training_compute"
        and instrument.counts["deployment_inference"] != "no"
        and "deployment inference",
        (not events or list(events) != sorted(events, key=lambda event: event.since)) and "events",
        not all(event.status in STATUSES and event.verification in VERIFICATIONS for event in events) and "events",
    ]
    if any(faults):
        raise ValueError(
            f"row {instrument.id} of the registry: wrong {', '.join(sorted({str(f) for f in faults if f}))}"
        )
    return instrument


def _event(event: Mapping[str, Any]) -> Event:
    date_text = str(event["date"])
    since = date.fromisoformat(date_text if len(date_text) > len("2024-12") else f"{date_text}-01")
    return Event(date_text, since, event["status"], event["verification"], event["note"])


def _count_rules(yes: Sequence[str], no: Sequence[str]) -> dict[str, CountRule]:
    if set(yes) & set(no) or not {*yes, *no} <= set(STAGES):
        raise ValueError(f"stages counted twice or unknown: {sorted({*yes, *no})}")
    return {stage: "yes" if stage in yes else "no" if stage in no else "silent" for stage in STAGES}
