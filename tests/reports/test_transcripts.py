"""From every rung to the transcripts behind it: small, and safe whatever ids and paths hold."""

from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest

from overthink.analysis import analyse_outcomes
from overthink.data.outcomes import from_frame
from overthink.data.pool import frame_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.rung_samples import rung_samples
from overthink.plan.analysis import Analysis
from overthink.reports import About, report_html
from overthink.reports.transcripts import transcripts

ABOUT = About(title="A look", source="pool", made_with="0", created_at="2030-01-01T00:00:00Z")
HOSTILE = [
    "</script><script>alert(1)</script>", "\"' onclick=alert(1) x='", "a#b?c=%41&d", "two\nlines", "\u202egnp.exe",
    "javascript:alert(1)", "{{ 7*7 }}", "q" * 5000,
]  # fmt: skip


def rows(ids: list[str], *, log: str | None = "my logs/a.eval", rungs: int = 2) -> list[RungRecord]:
    return [
        RungRecord(
            "s", "m", Axis.CAPABILITY, "t", "k", question, 0, rung, Estimand.EFFORT, verdict=Verdict.WRONG,
            value=0.0, effort=("low", "high")[rung], log=log, epoch=3,
        )
        for question in ids
        for rung in range(rungs)
    ]  # fmt: skip


def page(records: list[RungRecord]) -> str:
    frame = frame_of(records)
    results = analyse_outcomes(from_frame(frame), Analysis(level=0.95), rng=np.random.default_rng(0))
    return report_html(results, ABOUT, rung_samples(frame.lazy(), per_verdict=20))


class _Links(HTMLParser):
    """Links of a page to a viewer, the number of its scripts and images, and event handlers of its elements."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.urls: list[str] = []
        self.n_active = 0
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.n_active += tag in ("script", "img")
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.urls += [value for name, value in attrs if name == "href" and value and not value.startswith("#")]


def test_every_rung_leads_to_its_samples() -> None:
    text = page(rows(["one", "two"]))
    assert _Links(text).urls == [
        f"http://127.0.0.1:7575/#/logs/a.eval/samples/sample/{question}/3/"
        for _ in range(2)
        for question in ("one", "two")
    ]
    assert "inspect view --log-dir &#39;my logs&#39;" in text
    assert '"samples":{"capability/t/m/k/effort":{"0":0,"1":1}}' in text
    assert 'id="samples-0"' in text
    assert 'id="samples-1"' in text


def test_hostile_ids_stay_text_and_every_address_goes_to_the_viewer() -> None:
    plain, hostile = _Links(page(rows(["one"]))), _Links(page(rows(HOSTILE)))
    assert hostile.n_active == plain.n_active
    assert hostile.handlers == []
    assert all(url.startswith("http://127.0.0.1:7575/#/logs/a.eval/samples/sample/") for url in hostile.urls)
    told = {unquote(url.split("/")[-3]) for url in hostile.urls}
    assert told == {question for question in HOSTILE if "\n" not in question and len(question) < 100}


@pytest.mark.parametrize("log", ["x'><img src=x onerror=alert(1)>/a.eval", "-rf $(x)/a.eval", "a\u202eb/c.eval"])
def test_a_hostile_folder_is_quoted_in_the_command_and_in_the_page(log: str) -> None:
    text = page(rows(["one"], log=log))
    links = _Links(text)
    assert len(links.urls) == 2
    assert links.n_active == _Links(page(rows(["one"]))).n_active
    assert "\u202e" not in text
    assert links.handlers == []


def test_without_a_log_there_is_no_section_and_no_link() -> None:
    text = page(rows(["one"], log=None))
    assert 'id="transcripts"' not in text
    assert _Links(text).urls == []
    assert '"samples":{}' in text


def test_logs_without_a_common_folder_have_a_command_each() -> None:
    records = [replace(row, log=f"{row.effort}://bucket/x/a.eval") for row in rows(["one"])]
    frame = frame_of(records)
    results = analyse_outcomes(from_frame(frame), Analysis(level=0.95), rng=np.random.default_rng(0))
    behind = transcripts(rung_samples(frame.lazy()), results.curves)
    assert behind.commands == ("inspect view --log-dir low://bucket/x", "inspect view --log-dir high://bucket/x")


def test_the_page_grows_by_a_bounded_amount() -> None:
    ids = [f"a question with quite a long name, number {n}" for n in range(2000)]
    log = "2026-01-01T00-00-00+00-00_a-task-with-a-long-name_AbCdEfGhIjKlMnOpQrStUv.eval"
    many, none = rows(ids, log=log), rows(ids, log=None)
    few = frame_of(many)
    results = analyse_outcomes(from_frame(frame_of(none)), Analysis(level=0.95), rng=np.random.default_rng(0))
    with_links = report_html(results, ABOUT, rung_samples(few.lazy(), per_verdict=10_000))
    assert 100_000 < len(with_links) - len(report_html(results, ABOUT)) < 300_000
