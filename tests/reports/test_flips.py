"""From a question that flipped to the transcripts of both sides."""

import numpy as np
import pytest

from overthink.analysis import analyse_outcomes
from overthink.data.outcomes import from_frame
from overthink.data.pool import frame_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.results.study import Results
from overthink.data.rung_samples import SamplePlace, samples_at
from overthink.plan.analysis import Analysis
from overthink.reports import About, report_html
from overthink.reports.flips import flip_lists, flipped_places

ABOUT = About(title="A look", source="two logs", made_with="0", created_at="2030-01-01T00:00:00Z")
OLD, NEW = (1.0, 1.0, 0.0, 0.0, 1.0, 1.0), (1.0, 0.0, 1.0, 0.0, 1.0, 1.0)
LOST, GAINED = "<b>q1</b>", "q2"
IDS = ("q0", LOST, GAINED, "q3", "q4", "q5")


def rows(*, logs: tuple[str | None, str | None] = ("runs/old/a.eval", "runs/new/b.eval")) -> list[RungRecord]:
    return [
        RungRecord(
            "s", arm, Axis.CAPABILITY, "sums", "match", question, draw, 0, Estimand.NATURAL, value=value,
            verdict=Verdict.CORRECT if value else Verdict.WRONG, log=log, epoch=draw + 1,
        )
        for arm, values, log in (("old", OLD, logs[0]), ("new", NEW, logs[1]))
        for question, value in zip(IDS, values, strict=True)
        for draw in (0, 1)
    ]  # fmt: skip


def results_of(records: list[RungRecord]) -> Results:
    analysis = Analysis(level=0.95, reference="old")
    return analyse_outcomes(from_frame(frame_of(records)), analysis, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(rows())


def test_a_flip_leads_to_the_first_draw_of_both_sides(results: Results) -> None:
    places = flipped_places(results)
    assert [(place.key.arm, place.question) for place in places] == [
        ("old", GAINED), ("new", GAINED), ("old", LOST), ("new", LOST)
    ]  # fmt: skip
    samples = samples_at(frame_of(rows()).lazy(), places)
    (own,) = flip_lists(results, samples, "runs")
    gained, lost = own.flips
    assert (gained.question, gained.change, lost.question, lost.change) == (GAINED, "gained", LOST, "lost")
    assert gained.reference is not None
    assert gained.arm is not None
    assert gained.reference.url == "http://127.0.0.1:7575/#/logs/old/a.eval/samples/sample/q2/1/"
    assert gained.arm.url == "http://127.0.0.1:7575/#/logs/new/b.eval/samples/sample/q2/1/"
    assert (gained.reference.verdict, gained.arm.verdict) == ("wrong", "correct")


def test_the_page_links_what_flipped_and_escapes_its_id(results: Results) -> None:
    samples = samples_at(frame_of(rows()).lazy(), flipped_places(results))
    page = report_html(results, ABOUT, (), samples)
    assert page.count("/samples/sample/q2/1/") == 2
    assert page.count("/samples/sample/%3Cb%3Eq1%3C%2Fb%3E/1/") == 2
    assert LOST not in page
    assert "inspect view --log-dir runs" in page


def test_a_side_without_a_log_says_so_and_two_such_have_no_list(results: Results) -> None:
    half = rows(logs=(None, "b.eval"))
    samples = samples_at(frame_of(half).lazy(), flipped_places(results))
    (own,) = flip_lists(results, samples, ".")
    assert all(flip.reference is None and flip.arm is not None for flip in own.flips)
    assert flip_lists(results, {}, None) == ()
    assert 'id="transcripts"' not in report_html(results, ABOUT)


def test_the_first_draw_with_a_log_counts_and_unknown_places_are_left_out() -> None:
    records = rows()
    place = SamplePlace(results_of(records).curves[0].key, 0, "q0")
    (sample,) = samples_at(frame_of(records).lazy(), [place, place._replace(question="none")]).values()
    assert (sample.question, sample.draw, sample.epoch) == ("q0", 0, 1)
    assert samples_at(frame_of(records).lazy(), []) == {}
