"""The summary says what the findings say, and obeys no name."""

from dataclasses import replace

import pytest
from kinds import everything, shape, told
from results import results_of
from synthetic import about, ladder, study, sweep

from overthink.data.finding import At
from overthink.reports import summary, summary_text
from overthink.reports.report_curves import report_curves


def test_each_rung_has_its_line_with_its_numbers() -> None:
    findings = ladder(start=0.3, slope=0.05, failed=(4,))
    lines = summary_text(results_of(findings), about(findings)).splitlines()
    row = next(line.split() for line in lines if line.strip().startswith("256"))
    assert row == ["256", "229", "40.0%", "34.0%", "to", "46.0%", "passed"]
    assert "failed: truncation" in next(line for line in lines if line.strip().startswith("4,096"))
    assert "  lowest to highest rung: rose: +20.0 points (95% interval +12.8 to +27.2)" in lines
    assert "  a gate failed (truncation): the change may not come from thinking" in lines


def test_each_curve_has_one_line_with_its_verdict() -> None:
    findings = told(ladder(slope=0.1), shape())
    lines = summary_text(results_of(findings), about(findings)).splitlines()
    (verdict,) = [line for line in lines if "verdict: " in line]
    assert verdict == (
        "  verdict: undetermined (p = 0.012, adjusted p = 0.025; any rise and fall); no shape is shown; "
        "could have seen a hump or dip of 26.2 points or more"
    )
    assert "  lowest to highest rung: +40.0 points (95% interval +32.8 to +47.2)" in lines
    assert not any("rose" in line for line in lines)


def test_a_withheld_verdict_stands_beside_the_corrected_one() -> None:
    text = summary_text(results_of(everything()), about(everything()))
    assert "  verdict: withheld (stated regimes); the judge's error differs between rungs" in text
    assert "  corrected by human labels: down (p = 0.011, adjusted p = 0.022; stated regimes)\n" in text


@pytest.mark.parametrize("estimand", ["natural", "sham", "truncated", "resampled"])
def test_a_control_is_no_result(estimand: str) -> None:
    """Beside the curve of its task it has no verdict in summary and answer; alone, as in a log, it is the result."""
    control = told(ladder(estimand=estimand, slope=-0.1), shape("down"))
    beside = [*ladder(), *control]
    (block,) = [
        block for block in summary_text(results_of(beside), about(beside)).split("\n\n") if f"({estimand}, " in block
    ]
    assert "a control beside the curve of this task" in block
    assert not any(word in block for word in ("verdict: ", "lowest to highest", "down"))
    found = report_curves(results_of(beside), {})
    (axis,) = summary.axis_answers(found, ["base"])
    assert (len(axis.rows), axis.more) == (1, 0)
    assert "more often correct" in "".join(piece.text for piece in axis.sentence)
    assert summary.lead(found, about(beside)) == summary.lead(report_curves(results_of(ladder()), {}), about(ladder()))
    assert "verdict: down" in summary_text(results_of(control), about(control))
    (alone,) = summary.axis_answers(report_curves(results_of(control), {}), ["base"])
    assert len(alone.rows) == 1


def test_the_thinkings_own_scores_are_a_control_too() -> None:
    judged = [replace(f, scorer="match") for f in ladder()]
    thinking = [replace(f, scorer="match on the trace", id=f"{f.id}/trace") for f in ladder(slope=-0.1)]
    text = summary_text(results_of([*judged, *thinking]), about(judged))
    assert text.count("lowest to highest rung") == text.count("a control beside") == 1


def test_unknown_is_never_zero() -> None:
    findings = [replace(f, estimate=None, low=None, high=None, reason="none") for f in ladder(counted=False)]
    text = summary_text(results_of(findings), about(findings))
    assert "unknown" in text
    assert "0.0%" not in text


def test_one_rung_shows_no_change() -> None:
    findings = ladder(budgets=(64,))
    assert "one rung: no change can be shown" in summary_text(results_of(findings), about(findings))


def test_a_task_at_its_ceiling_is_labelled() -> None:
    findings = ladder()
    top = replace(
        findings[0],
        id="x",
        kind="extreme",
        metric="ceiling",
        at=At(),
        label="at the ceiling: a rise cannot be seen",
    )
    assert "at the ceiling: a rise cannot be seen" in summary_text(results_of([*findings, top]), about(findings))


def test_control_characters_do_not_reach_the_terminal() -> None:
    findings = study(arms=("\x1b[2Jarm\u202e\r",))
    text = summary_text(results_of(findings), about(findings, title="\x1b]0;owned\x07", notes=("\x9b1m",)))
    assert all(character == "\n" or character.isprintable() for character in text)
    assert "\\u001b[2Jarm\\u202e\\u000d" in text


def test_many_arms_do_not_flood_the_terminal() -> None:
    findings = sweep(100)
    text = summary_text(results_of(findings), about(findings))
    assert len(text.splitlines()) < 120
    assert "88 more curves are in the report." in text


def test_nothing_measured_is_said() -> None:
    assert "no finding carries a value" in summary_text(results_of([]), about([]))
