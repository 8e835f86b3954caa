"""What Inspect's own providers send for a level or cap, anew at a server on loopback, against the recordings."""

import json

import pytest
from effort_wire import FOLDER, PROVIDERS, UNSET, missing_sdk, record, text_of
from hosted_page import page
from pages import assert_current

RUNGS = ("none", "minimal", "xhigh", "max", "1024")
"""Those that providers clamp, drop or map."""


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_recording_is_what_inspect_sends_now(provider: str) -> None:
    reason = missing_sdk(provider)
    if reason is not None:
        pytest.skip(reason)
    recording = json.loads((FOLDER / f"{provider}.json").read_text())
    model = next(iter(recording["models"]))
    anew = record(provider, (model,), RUNGS)
    again = "python tests/support/effort_wire.py"
    assert anew["models"][model] == {rung: recording["models"][model][rung] for rung in (UNSET, *RUNGS)}, again
    assert anew["counts"] == recording["counts"], again


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_recording_is_whole_small_and_holds_no_conversation(provider: str) -> None:
    text = (FOLDER / f"{provider}.json").read_text()
    recording = json.loads(text)
    assert text == text_of(recording)
    assert tuple(recording["models"]) == PROVIDERS[provider].models
    assert len(text) < 20_000
    assert "2+2" not in text
    assert "api_key" not in text


def test_the_page_is_what_the_recordings_and_the_table_say() -> None:
    assert_current("docs/hosted.md", page())
