"""What the report cannot say follows from its findings: said with its cause, and not without."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from results import results_of
from synthetic import ladder

from overthink.data.finding import At, Finding
from overthink.reports.limits import finding_limitations
from overthink.reports.report_curves import report_curves

Change = Callable[[list[Finding]], list[Finding]]


def said(findings: list[Finding]) -> str:
    return "\n".join(
        f"{limit.text} [{limit.findings}]"
        for limit in finding_limitations(findings, report_curves(results_of(findings), {}))
    )


def simultaneous(findings: list[Finding]) -> list[Finding]:
    return [replace(finding, simultaneous=True, limits=()) for finding in findings]


CAUSES: list[tuple[Change, str]] = [
    (lambda f: [*f[:-1], replace(f[-1], limits=("one language only",))], "one language only [1]"),
    (lambda f: [replace(f[0], simultaneous=False), *f[1:]], "Intervals are pointwise"),
    (lambda f: [replace(f[0], estimate=None, low=None), *f[1:]], "No estimate"),
    (lambda f: [*f, *ladder(arm="other", counted=False)], "No token count"),
    (lambda f: [*f, *ladder(arm="other", failed=(2,))], "A gate failed"),
    (
        lambda f: [*f, *ladder(arm="other", estimand="natural")],
        "“natural” budgets: the model stopped by itself",
    ),
    (
        lambda f: [*f, *ladder(arm="other", estimand="natural")],
        "Different estimands answer different questions",
    ),
    (
        lambda f: [*f, replace(f[0], kind="extreme", at=At(), label="at the floor: x")],
        "base: at the floor: x.",
    ),
]


@pytest.mark.parametrize(("cause", "sentence"), CAUSES)
def test_a_limit_is_said_where_its_cause_is_and_only_there(cause: Change, sentence: str) -> None:
    plain = simultaneous(ladder())
    assert sentence not in said(plain)
    assert sentence in said(cause(plain))
