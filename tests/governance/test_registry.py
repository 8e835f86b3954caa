"""The registry: every row is whole, sourced and dated, none lets deployment inference count; its page is current."""

import tomllib
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import assert_current
from thresholds_page import page

from overthink.errors import InputError
from overthink.governance.thresholds import registry
from overthink.governance.thresholds.registry import (
    STALE_DAYS,
    STATUSES,
    instrument,
    instruments,
    instruments_on,
    read_row,
)

CHECKED = date(2026, 11, 21)
DAYS = st.dates(date(2023, 1, 1), date(2030, 1, 1))


def raw(name: str) -> dict[str, Any]:
    text = resources.files("overthink.governance").joinpath("data/thresholds.toml").read_text(encoding="utf-8")
    return next(dict(row) for row in tomllib.loads(text)["instrument"] if row["id"] == name)


def status(name: str, day: date) -> str | None:
    return next((event.status for row, event in instruments_on(day) if row.id == name), None)


def test_every_row_is_whole_and_ids_are_unique() -> None:
    rows = instruments()
    assert len({row.id for row in rows}) == len(rows) >= 30
    for row in rows:
        assert row.title
        assert row.scope
        assert row.pinpoint
        assert row.retrieved <= CHECKED


def test_what_was_read_or_found_has_a_source() -> None:
    for row in instruments():
        if row.verification in "Ff":
            assert row.source_title
            assert row.source_url.startswith("https://"), row.id


def test_deployment_inference_counts_nowhere() -> None:
    for row in instruments():
        assert row.counts["deployment_inference"] != "yes", row.id
        if row.measure == "training_compute":
            assert row.counts["deployment_inference"] == "no", row.id


def test_nothing_unreliable_is_shipped_and_what_is_recalled_quotes_nothing() -> None:
    assert not [row.id for row in instruments() if row.verification == "X"]
    assert [row.id for row in instruments() if row.verification == "R"] == ["us-bis-3A090-b"]
    assert not any(row.quote for row in instruments() if row.verification == "R")


BROKEN = {
    "no source": ("us-ca-sb53", {"source_url": ""}),
    "inference counts": ("us-ca-sb53", {"counts": {"yes": ["deployment_inference"], "no": []}}),
    "inference not said": ("us-ca-sb53", {"counts": {"yes": ["pre_training"], "no": []}}),
    "stage counted twice": ("us-ca-sb53", {"counts": {"yes": ["pre_training"], "no": ["pre_training"]}}),
    "unknown stage": ("us-ca-sb53", {"counts": {"yes": ["prayer"], "no": ["deployment_inference"]}}),
    "number without operator": ("us-ca-sb53", {"operator": None}),
    "unknown operator": ("us-ca-sb53", {"operator": "=>"}),
    "unknown kind": ("us-ca-sb53", {"kind": "rumour"}),
    "unknown check": ("us-ca-sb53", {"verification": "sure"}),
    "no history": ("us-ca-sb53", {"events": []}),
    "unknown status": (
        "us-ca-sb53",
        {"events": [{"date": "2026-01-01", "status": "active", "verification": "f", "note": ""}]},
    ),
}


@pytest.mark.parametrize(("name", "change"), BROKEN.values(), ids=BROKEN)
def test_a_broken_row_is_refused(name: str, change: dict[str, Any]) -> None:
    assert read_row(raw(name)).id == name
    with pytest.raises(ValueError):
        read_row(raw(name) | change)


def test_events_out_of_order_are_refused() -> None:
    row = raw("us-eo-14110")
    with pytest.raises(ValueError, match="events"):
        read_row(row | {"events": row["events"][::-1]})


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [
        ("eu-aia-51-2", date(2025, 8, 1), "not_yet_applicable"),
        ("eu-aia-51-2", date(2025, 8, 2), "in_force"),
        ("us-eo-14110", date(2023, 10, 29), None),
        ("us-eo-14110", date(2025, 1, 19), "in_force"),
        ("us-eo-14110", date(2025, 1, 20), "revoked"),
        ("us-ca-sb53", date(2025, 12, 31), "not_yet_applicable"),
        ("us-ca-sb53", date(2026, 1, 1), "in_force"),
        ("us-ny-raise", CHECKED, "not_yet_applicable"),
        ("us-ny-raise", date(2027, 1, 1), "in_force"),
        ("kr-basic-act", date(2026, 1, 22), "in_force"),
        ("us-gaaia", CHECKED, "proposed"),
        ("eu-cop-SS", CHECKED, "voluntary"),
        ("anthropic-rsp2", CHECKED, "revoked"),
    ],
)
def test_the_status_on_a_day(name: str, day: date, expected: str | None) -> None:
    assert status(name, day) == expected


def test_operators_differ_and_decide_at_the_number_itself() -> None:
    korea, california = instrument("kr-basic-act"), instrument("us-ca-sb53")
    assert korea.is_reached(1e26)
    assert not california.is_reached(1e26)
    assert california.is_reached(1.0000001e26)
    lane = instrument("us-bis-2026-01-15")
    assert lane.is_reached(20_999)
    assert not lane.is_reached(21_000)
    with pytest.raises(InputError, match="sets no number"):
        instrument("eu-cop-SS").is_reached(1)


@given(DAYS, st.integers(0, 900))
def test_instruments_stay_listed_once_they_are_there(day: date, later: int) -> None:
    then = {row.id for row, _ in instruments_on(day)}
    assert then <= {row.id for row, _ in instruments_on(day + timedelta(later))}
    assert all(event.status in STATUSES and event.since <= day for _, event in instruments_on(day))
    assert not [row.id for row, event in registry.training_thresholds(day) if event.status == "revoked"]


def test_rows_become_stale() -> None:
    row = instrument("us-ca-sb53")
    assert not row.stale_on(row.retrieved + timedelta(STALE_DAYS))
    old = row.retrieved + timedelta(STALE_DAYS + 1)
    assert row.stale_on(old)
    assert registry.stale(instruments_on(row.retrieved), row.retrieved) == []
    assert registry.stale(instruments_on(old), old) == [
        f"last checked more than 180 days before {old.isoformat()}: all rows"
    ]
    younger = [(row, event) for row, event in instruments_on(old) if row.id == "us-ca-sb53"]
    fresh = replace(younger[0][0], id="fresh", retrieved=old)
    assert registry.stale([*younger, (fresh, younger[0][1])], old)[0].endswith(": us-ca-sb53")


def test_an_unknown_instrument_names_the_nearest() -> None:
    with pytest.raises(InputError, match="us-ca-sb53"):
        instrument("us-ca-sb35")
    assert instrument("EU-AIA-51-2").id == "eu-aia-51-2"


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "2026-1-1", ""])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a date"):
        registry.day_from(text)


def test_the_page_is_current() -> None:
    assert_current("docs/thresholds.md", page())
