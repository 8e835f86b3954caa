"""A list that leaves curves out shows those that matter, by the rule that stands beside it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from kinds import shape, told
from results import results_of
from synthetic import about, ladder

from overthink.data.finding import Finding
from overthink.data.kinds import Kind
from overthink.reports import report_html, summary, summary_text
from overthink.reports.report_curves import report_curves
from overthink.reports.verdicts import RULE, selected_curves

QUIET = [f for n in range(20) for f in told(ladder(arm=f"arm{n:02d}", slope=0.0, half=0.2), shape())]


def buried(kind: str) -> list[Finding]:
    """The last of the arms, which has fewer rungs than the others and something to say."""
    if kind == "a shape":
        return told(ladder(arm="zz", budgets=(0, 64), slope=-0.1), shape("down"))
    if kind == "a change without a test":
        return ladder(arm="zz", budgets=(0, 64), slope=-0.2)
    return told(ladder(arm="zz", budgets=(0, 64), slope=0.0, failed=(1,)), shape())


@pytest.mark.parametrize("kind", ["a shape", "a change without a test", "a failed gate"])
def test_a_curve_with_something_to_say_is_never_left_out(kind: str) -> None:
    findings = [*QUIET, *buried(kind)]
    text = summary_text(results_of(findings), about(findings))
    assert "· zz (forced" in text
    assert f"9 more curves are in the report. Chosen for this list: {RULE}." in text
    (axis,) = summary.axis_answers(report_curves(results_of(findings), {}), ["arm00"])
    assert any(row.name.endswith("zz") for row in axis.rows)
    assert (len(axis.rows), axis.more) == (6, 15)


def test_a_shown_change_goes_before_a_failed_gate_and_both_before_controls() -> None:
    failing = told(ladder(arm="failing", slope=0.0, half=0.2, failed=(1,)), shape())
    control = told(ladder(arm="arm00", estimand="sham", slope=-0.2), shape("down"))
    curves = report_curves(results_of([*QUIET, *failing, *buried("a shape"), *control]), {})

    def names(number: int) -> Sequence[str]:
        return [curve.arm for curve in selected_curves(curves, number, arms_first=["arm05"])]

    assert [names(1), names(2), names(3)] == [["zz"], ["failing", "zz"], ["arm05", "failing", "zz"]]
    assert not any(curve.is_control for curve in selected_curves(curves, 22, arms_first=[]))
    assert selected_curves(curves, 99, arms_first=[]) == curves


def test_the_page_states_the_rule_only_where_it_was_applied() -> None:
    assert RULE in report_html(results_of(QUIET), about(QUIET))
    few = QUIET[: len(QUIET) // 20]
    assert RULE not in report_html(results_of(few), about(few))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "(forced, 300 questions × 4 draws)"),
        ({4: {"n_draws": 1}}, "(forced, 300 questions × 1 to 4 draws)"),
        ({0: {"n_questions": 7}}, "(forced, 7 to 300 questions × 4 draws)"),
        ({1: {"n_questions": 1, "n_draws": 9}}, "(forced, 1 to 300 questions × 4 to 9 draws)"),
    ],
)
def test_sizes_stand_at_every_rung_where_they_differ(changes: dict[int, dict[str, int]], line: str) -> None:
    findings = [
        replace(f, **{"n_questions": 300, "n_draws": 4, **changes.get(f.at.rung or 0, {})})
        if f.kind == Kind.VALUE
        else f
        for f in ladder()
    ]
    text = summary_text(results_of(findings), about(findings))
    assert line in text
    assert ("questions × draws" in text) == bool(changes)
    if changes:
        values = [f for f in findings if f.kind == Kind.VALUE and f.metric == "mean"]
        rows = [row for row in text.splitlines() if " × " in row and "%" in row]
        assert [f"{f.n_questions} × {f.n_draws}" in row for f, row in zip(values, rows, strict=True)] == [True] * 5
