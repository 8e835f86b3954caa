"""Every fault of a provider, on every path that calls a model, ends as stated; benchmarks/provider_faults.py has all.

In each cell a provider is honest for a few requests and then commits one fault for ever; mended, the run goes on.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sweeps import few

from overthink.collect.providers.attempts import Patience
from provider_faults import SECRET, WAYS, Ending, meet

BOUNDS = Patience(
    tries=2, seconds=20, seconds_per_token=0, seconds_unlimited=20, pause=0.01, longest_pause=0.02, failures=4
)
SHORT = replace(BOUNDS, seconds=1, seconds_unlimited=1)
HONEST = {"verify-judge": 0.7, "verify-endpoint": 0.5}
"""The value of every answer where it is not 1."""

AT_ONCE = {"401": "closed", "403": "closed", "404-unknown-model": "closed"}
AFTER_SOME = {
    "429": "closed",
    "429-for-a-day": "closed",
    "500": "closed",
    "html": "Bad gateway",
    "empty": "",
    "deep-json": "RecursionError",
    "closed": "",
    "redirect-loop": "",
    "half-a-character": "lone surrogate",
}
"""Faults, each with words of the message."""

PATHS = ("ladder", "efforts", "turns", "verify-judge", "grader-turns")
ALL_FAULTS = {**AT_ONCE, **AFTER_SOME}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("fault", few(ALL_FAULTS, 5))
def test_a_fault_of_a_model_stops_its_study(fault: str, tmp_path: Path) -> None:
    """Every fault on one path, the paths in turn; each path with the whole way to its end below."""
    path = PATHS[list(ALL_FAULTS).index(fault) % len(PATHS)]
    check(meet(path, fault, tmp_path, bounded(BOUNDS), spare=2, resumes=False), fault)


@pytest.mark.parametrize("path", few(WAYS, 3))
def test_a_stopped_run_goes_on_when_its_provider_is_mended(path: str, tmp_path: Path) -> None:
    ending = meet(path, "429-for-a-day", tmp_path, bounded(BOUNDS), spare=6)
    check(ending, "429-for-a-day")
    assert ending.values == {HONEST.get(path, 1.0)}  # no failed trace among them


@pytest.mark.parametrize("fault", ["drip", "endless"])
def test_a_reply_that_never_ends_takes_the_time_of_its_attempts(fault: str, tmp_path: Path) -> None:
    ending = meet("efforts", fault, tmp_path, bounded(SHORT), spare=0, resumes=False)
    assert ending.code == 3, ending
    assert "attempt_timeout '1' exceeded" in ending.message or "more than 67,108,864 bytes" in ending.message


@pytest.mark.parametrize(("path", "code"), [("ladder", 3), ("efforts", 0), ("turns", 0), ("grader-turns", 0)])
def test_counts_that_are_none_are_unknown(path: str, code: int, tmp_path: Path) -> None:
    """On the ladder, where thinking is cut at a count, such a reply is a failure; elsewhere its counts are unknown."""
    ending = meet(path, "usage-10**30", tmp_path, bounded(BOUNDS), spare=2, resumes=False)
    assert ending.code == code, ending
    assert ending.values <= {1.0}


def bounded(patience: Patience) -> Any:
    return lambda session: replace(session, patience=patience)


def check(ending: Ending, fault: str) -> None:
    """The stated ending: exit code, the provider's own words, no key, the bound; and no request too many."""
    assert ending.code == 3, ending
    assert ending.message.isprintable()
    assert len(ending.message) < 900
    assert SECRET not in ending.message
    assert "waits at most" in ending.message
    assert ALL_FAULTS[fault] in ending.message
    if fault in AT_ONCE:
        assert ending.requests <= 6 + 4  # the others were under way
    else:
        assert "one after the other" in ending.message
        assert ending.requests <= 6 + BOUNDS.tries * (BOUNDS.failures + 4) * (21 if fault == "redirect-loop" else 1)
