"""The registry of compute thresholds: what each instrument says, and what it was on a given day.

The rows are reviewed by hand in ``data/thresholds.toml``. What is only recalled (R) or unreliable (X) is marked so.
No instrument counts deployment inference towards its number, and no row may claim it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from overthink.errors import InputError
from overthink.govern.naming import one_of

Status = Literal["proposed", "in_force", "not_yet_applicable", "revoked", "voluntary"]
Counts = Literal["yes", "no", "silent"]

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
"""Parts of a run that instruments treat differently, in the order they are shown."""

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
"""What a number may measure; an instrument without a number has none."""

KINDS = ("law", "order", "bill", "guidance", "code", "export_control", "framework", "study")
OPERATORS = (">", ">=", "<", "<=")
STALE_DAYS = 180


@dataclass(frozen=True, slots=True)
class Event:
    """The status of an instrument from a day on.

    Attributes:
        recorded: The day as recorded; a month ("2024-12") where the day is unknown.
        since: The day, or the first of the month.
        status: What the instrument was from then on.
        verification: How the date and status were verified.
        note: What happened.
    """

    recorded: str
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
        jurisdiction: Whose it is; "developer" for a developer's own framework.
        measure: What the number measures; None without a number.
        number: The threshold; None if the text sets none.
        operator: ">" or ">=", as the text says; None without a number.
        unit: Of the number.
        scope: To whom or what it applies, and with which other conditions.
        events: Its history, oldest first.
        counts: By stage of a run, whether it counts towards the number: yes, no or silent.
        pinpoint: Where in the text.
        quote: A short one; empty if the text was not read.
        source_title: Where it was read.
        source_url: A link.
        retrieved: When.
        verification: A key of ``VERIFICATIONS``.
        note: What a reader should know.
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
    counts: Mapping[str, Counts]
    pinpoint: str
    quote: str
    source_title: str
    source_url: str
    retrieved: date
    verification: str
    note: str

    def event_on(self, day: date) -> Event | None:
        """The event that gives the status on a day; None if the instrument was not there yet."""
        past = [event for event in self.events if event.since <= day]
        return past[-1] if past else None

    def reached(self, value: float) -> bool:
        """Whether a value meets the number, by the instrument's own operator.

        Raises:
            InputError: The instrument has no number.
        """
        if self.number is None:
            raise InputError(f"{self.id} sets no number; needed: an instrument with a threshold")
        number = self.number
        results = {">": value > number, ">=": value >= number, "<": value < number, "<=": value <= number}
        return results[self.operator or ""]

    def stale_on(self, day: date) -> bool:
        """Whether the row was last checked more than 180 days before a day."""
        return (day - self.retrieved).days > STALE_DAYS


@cache
def instruments() -> tuple[Instrument, ...]:
    """Every row of the registry, in the order of the file."""
    text = resources.files("overthink.govern").joinpath("data/thresholds.toml").read_text(encoding="utf-8")
    return tuple(read_row(row) for row in tomllib.loads(text)["instrument"])


def instrument(name: str) -> Instrument:
    """The row with an id.

    Raises:
        InputError: There is none; the nearest ids are named.

    Example:
        >>> instrument("kr-basic-act").operator
        '>='
    """
    return one_of(name, {row.id: row for row in instruments()}, what="instrument")


def on(day: date) -> list[tuple[Instrument, Event]]:
    """The instruments that were there on a day, each with the event that gives its status."""
    found = [(row, row.event_on(day)) for row in instruments()]
    return [(row, event) for row, event in found if event is not None]


def training_thresholds(day: date) -> list[tuple[Instrument, Event]]:
    """The thresholds on training compute that were proposed, agreed or in force on a day; revoked ones are left out."""
    return [(row, event) for row, event in on(day) if row.measure == "training_compute" and event.status != "revoked"]


def stale(rows: Sequence[tuple[Instrument, Event]], day: date) -> list[str]:
    """A warning where rows were last checked too long before a day."""
    old = [row.id for row, _ in rows if row.stale_on(day)]
    which = "all rows" if len(old) == len(rows) else ", ".join(old)
    return [f"last checked more than {STALE_DAYS} days before {day.isoformat()}: {which}"] if old else []


def as_dict(row: Instrument, event: Event, *, day: date) -> dict[str, Any]:
    """A row with its status on a day, for JSON."""
    return {
        "id": row.id,
        "title": row.title,
        "kind": row.kind,
        "jurisdiction": row.jurisdiction,
        "status": event.status,
        "status_since": event.recorded,
        "status_verification": event.verification,
        "status_note": event.note,
        "number": row.number,
        "operator": row.operator,
        "unit": row.unit,
        "measure": row.measure,
        "scope": row.scope,
        "counts": dict(row.counts) if row.measure in ("training_compute", "modification_share") else None,
        "events": [
            {"date": past.recorded, "status": past.status, "verification": past.verification, "note": past.note}
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
    """A date as YYYY-MM-DD.

    Raises:
        InputError: It is not one.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a date; needed: a day as YYYY-MM-DD, such as 2026-01-22") from None


def read_row(row: Mapping[str, Any]) -> Instrument:
    """A row of the file, checked.

    Raises:
        ValueError: A field is missing, unknown or out of its list; a stage is counted twice; deployment inference is
            said to count; a read or found row has no source.
    """
    values = {"measure": None, "number": None, "operator": None, "unit": None, **row}
    counts = values.pop("counts", {})
    events = tuple(_event(event) for event in values.pop("events"))
    made = Instrument(events=events, counts=_counted(counts.get("yes", ()), counts.get("no", ())), **values)
    faults = [
        made.kind not in KINDS and "kind",
        made.verification not in VERIFICATIONS and "verification",
        made.measure not in (None, *MEASURES) and "measure",
        len({made.number is None, made.operator is None, made.unit is None, made.measure is None}) > 1 and "number",
        made.operator not in (None, *OPERATORS) and "operator",
        made.verification in "Ff" and not (made.source_title and made.source_url) and "source",
        made.counts["deployment_inference"] == "yes" and "counts of deployment inference",
        made.measure == "training_compute" and made.counts["deployment_inference"] != "no" and "deployment inference",
        (not events or list(events) != sorted(events, key=lambda event: event.since)) and "events",
        not all(event.status in STATUSES and event.verification in VERIFICATIONS for event in events) and "events",
    ]
    if any(faults):
        raise ValueError(f"row {made.id} of the registry: wrong {', '.join(sorted({str(f) for f in faults if f}))}")
    return made


def _event(event: Mapping[str, Any]) -> Event:
    shown = str(event["date"])
    since = date.fromisoformat(shown if len(shown) > len("2024-12") else f"{shown}-01")
    return Event(shown, since, event["status"], event["verification"], event["note"])


def _counted(yes: Sequence[str], no: Sequence[str]) -> dict[str, Counts]:
    if set(yes) & set(no) or not {*yes, *no} <= set(STAGES):
        raise ValueError(f"stages counted twice or unknown: {sorted({*yes, *no})}")
    return {stage: "yes" if stage in yes else "no" if stage in no else "silent" for stage in STAGES}
