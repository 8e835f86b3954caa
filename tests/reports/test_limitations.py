"""What a report does not say: each sentence where its cause is, and not without."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from kinds import everything, shape, told
from results import results_of
from synthetic import about, ladder, study

from overthink.data.finding import Finding
from overthink.reports import About
from overthink.reports.charts.thresholds import Thresholds
from overthink.reports.limits import limitations
from overthink.reports.report_curves import report_curves

Report = tuple[list[Finding], About]


def said(findings: list[Finding], of: About | None = None) -> str:
    topics = limitations(findings, report_curves(results_of(findings), {}), of or about(findings))
    assert all(topic.limits for topic in topics)
    return "\n".join(f"{topic.name}: {limit.text} [{limit.findings}]" for topic in topics for limit in topic.limits)


def changed(**changes: object) -> Callable[[list[Finding]], Report]:
    return lambda findings: (findings, about(findings, **changes))


def and_also(more: list[Finding]) -> Callable[[list[Finding]], Report]:
    return lambda findings: ([*findings, *more], about(findings))


CAUSES: list[tuple[Callable[[list[Finding]], Report], str]] = [
    (and_also(ladder(arm="other", tries=(1, 64))), "nor with more than 64 tries per question"),
    (and_also(ladder(arm="other", budgets=(0, 64))), "nothing above the highest rung of each curve"),
    (and_also(ladder(axis="safety", efforts=("low", "high"), tries=())), "Safety: nothing above high effort"),
    (changed(not_tried=("tools, agents and scaffolding",)), "not tried: Tools, agents and scaffolding."),
    (changed(plan={"model": "m/one", "temperature": 0.7}), "One model, m/one (temperature 0.7); nothing about others"),
    (changed(plan={"model": "m/one", "efforts": ["low"], "temperature": None}), "(temperature of the task or the pro"),
    (changed(plan=None), "One model or setting was looked at"),
    (changed(plan={"model": "m", "grader": "m/judge"}), "How often the grader m/judge is wrong was not measured"),
    (and_also(told(ladder(task="x"), shape())), "The shape of one curve is undetermined, which is not flat"),
    (changed(thresholds=Thresholds("Give it.")), "Where thresholds on training compute stand"),
    (changed(thresholds=Thresholds("Assumed.", "Analysis.")), "K* rests on a training compute that was stated"),
    (changed(never_said=("whatever it was.",)), "Whatever was measured: Whatever it was."),
    (and_also(ladder(task="more")), "40 questions of each of 2 tasks"),
    (lambda f: ([replace(one, limits=("one language only",)) for one in f], about(f)), "themselves: one language only"),
]


@pytest.mark.parametrize(("cause", "sentence"), CAUSES, ids=[sentence[:40] for _, sentence in CAUSES])
def test_a_sentence_is_there_with_its_cause_and_not_without(
    cause: Callable[[list[Finding]], Report], sentence: str
) -> None:
    findings = ladder()
    assert sentence not in said(findings)
    assert sentence in said(*cause(findings))


def test_budgets_name_the_highest_rung_and_axes_that_went_as_far_share_a_sentence() -> None:
    line = "nothing above 4,096 thinking tokens, nor between the rungs, nor with more than 4 tries per question."
    assert f"Capability: {line}" in said(ladder())
    assert f"Capability, Safety, Over-refusal: {line}" in said(study())
    assert "with more than one try per question" in said(ladder(tries=()))
    assert "nor between" not in said(ladder(budgets=(64,)))


def test_axes_that_were_not_measured_are_named() -> None:
    only = said(ladder())
    assert "Safety was not measured: the report does not say whether it stays safe." in only
    assert "Over-refusal was not measured" in only
    assert "was not measured:" not in said(study())


def test_a_judge_that_humans_checked_is_not_called_unmeasured() -> None:
    assert "How often the scorer is wrong was not measured on one curve" in said(ladder())
    assert "How often the scorer is wrong" not in said(everything())


def test_curves_without_a_test_are_counted() -> None:
    assert "No shape of one curve was tested." in said(ladder())
    assert "No shape of" not in said(told(ladder(), shape("up")))


def test_nothing_found_says_nothing_of_budgets() -> None:
    assert said([]) == ""
