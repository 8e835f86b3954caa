"""Where traces commit is said in words, on the page and on the terminal, and nowhere without resampled traces."""

from dataclasses import replace
from pathlib import Path

import pytest
from browser import opened
from results import results_of
from synthetic import about, ladder

from overthink.data.finding import At, Finding
from overthink.data.kinds import Metric
from overthink.data.results.beside import CommitmentResult
from overthink.data.thought_judges import THOUGHT_COUNTS
from overthink.reports import report_html, summary_text
from overthink.reports.verdicts import commitment_text

WORDS = "committed 47 % (35 to 59), changes but does not settle 12 % (5 to 24), no change shown 41 % (30 to 53)"


def with_commitment(**changes: object) -> list[Finding]:
    """A forced curve, and a resampled one beside it with its three shares."""
    resampled = ladder(estimand="resampled")
    found = []
    for metric, value, low, high in (
        ("committed", 0.47, 0.35, 0.59),
        ("not_settled", 0.12, 0.05, 0.24),
        ("no_change_shown", 0.41, 0.30, 0.53),
        ("commitment_tokens", 512.0, 400.0, 1640.0),
    ):
        share = replace(
            resampled[0], id=f"c/{metric}", kind="commitment", metric=metric, at=At(), label=None, limits=()
        )
        found.append(replace(share, estimate=value, low=low, high=high, **changes))  # type: ignore[arg-type]
    return [*ladder(), *resampled, *found]


def test_the_terminal_says_the_three_shares_and_the_tokens() -> None:
    findings = with_commitment()
    text = summary_text(results_of(findings), about(findings))
    (share, *_) = [finding for finding in findings if finding.metric == "committed"]
    sizes = f"{share.n_questions} questions × {share.n_draws} draws"
    line = f"  of the traces of {sizes}: {WORDS}; the committed ones change by 512 tokens on average (400 to 1,640)\n"
    assert text.count(line) == 1
    without = [finding for finding in findings if finding.kind != "commitment"]
    assert "committed" not in summary_text(results_of(without), about(without))


@pytest.mark.parametrize("is_known", [True, False])
def test_an_unknown_share_is_no_zero(is_known: bool) -> None:
    (commitment,) = results_of(with_commitment()).commitments
    if not is_known:
        unknown = replace(commitment.shares[Metric.COMMITTED], estimate=None, reason="resamples are unknown")
        commitment = CommitmentResult(commitment.key, {Metric.COMMITTED: unknown})
    text = commitment_text(commitment)
    assert ("committed 47 %" in text) is is_known
    assert (text == "commitment unknown: resamples are unknown") is not is_known
    assert commitment_text(None) == ""


def test_the_page_says_them_in_a_section_of_their_own(tmp_path: Path) -> None:
    findings = with_commitment()
    dom = opened(report_html(results_of(findings), about(findings)), tmp_path)
    assert WORDS in dom.text["commitmentlist"]
    assert {"id": "commitment"} in [attributes for tag, attributes in dom.tags if tag == "section"]
    without = [finding for finding in findings if finding.kind != "commitment"]
    hidden = opened(report_html(results_of(without), about(without)), tmp_path)
    assert "commitmentlist" not in hidden.text
    assert {"id": "commitment", "hidden": ""} in [attributes for tag, attributes in hidden.tags if tag == "section"]


def test_the_error_of_the_judge_of_thinking_stands_under_the_two_by_two(tmp_path: Path) -> None:
    findings = ladder(axis="safety")
    at = replace(findings[0].at, k=None, selector=None)
    limit = (
        "the thinking is judged by thought: bad thinking decides to do what was asked; it calls 14 of 15 bad ones bad"
    )
    assert THOUGHT_COUNTS["overthink/contrast_harm"][0][1:3] == (14, 15)
    cells = [
        replace(findings[0], id=f"t/{metric}", kind="two_by_two", metric=metric, at=at, estimate=0.25, limits=limits)
        for metric, limits in (("good_good", ("pointwise", limit)), ("good_bad", ("pointwise", limit)))
    ]
    all_findings = [*findings, *cells]
    words = opened(report_html(results_of(all_findings), about(all_findings)), tmp_path).text["controlwords"]
    assert words.count(limit) == 1
    assert "pointwise" not in words
