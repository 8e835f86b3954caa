"""The reading at K (thinking): the same thinking on every axis, in a browser, and why a curve has no value there."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from browser import opened
from results import results_of
from synthetic import about, ladder
from test_page import spoiled

from overthink.analysis.k_scale import k_scale
from overthink.data.finding import Finding
from overthink.plan.analysis import Analysis
from overthink.reports import report_html, summary_text

BUDGETS = (0, 1000, 4000)


def with_answers(findings: Sequence[Finding], answer: float) -> list[Finding]:
    """The findings with answers of so many tokens: an attempt takes them on top of its thinking."""
    tokens = {"answer_tokens": 0, "attempt_tokens": 1}
    return [
        replace(f, estimate=answer + tokens[f.metric] * (f.at.requested_tokens or 0)) if f.metric in tokens else f
        for f in findings
    ]


CAPABILITY = with_answers(ladder(budgets=BUDGETS, tries=()), 10.0)
SAFETY = with_answers(ladder(axis="safety", task="harms", budgets=BUDGETS, tries=()), 20.0)


def by_own_attempts(findings: Sequence[Finding], k: float) -> int:
    """Thinking at the highest rung whose attempt takes at most K times that of the curve's own lowest rung."""
    attempts = {f.at.requested_tokens or 0: f.estimate or 0.0 for f in findings if f.metric == "attempt_tokens"}
    return max(budget for budget, tokens in attempts.items() if tokens <= k * attempts[0])


def read(findings: list[Finding], folder: Path, fragment: str, stated: float | None = None) -> tuple[str, str]:
    """The table of values read, and the whole panel around it."""
    scale = k_scale(results_of(findings).curves, Analysis(level=0.95, k_reference=stated))
    dom = opened(
        report_html(results_of(findings), about(findings, k_scale=scale)), folder, fragment, width=1300, height=900
    )
    assert spoiled(dom) == []
    panel = " ".join((dom.text.get("byk", "") + dom.text.get("byrung", "") + dom.text.get("unlike", "")).split())
    return " ".join(dom.text["reading"].split()), panel


def test_a_multiple_of_each_curves_own_attempt_would_read_0_beside_1000_tokens() -> None:
    assert (by_own_attempts(CAPABILITY, 100), by_own_attempts(SAFETY, 100)) == (0, 1000)


@pytest.mark.parametrize(("k", "budget"), [(100, "1,000"), (399, "1,000"), (400, "4,000")])
def test_every_axis_is_read_at_the_same_thinking(k: float, budget: str, tmp_path: Path) -> None:
    table, panel = read([*CAPABILITY, *SAFETY], tmp_path, f"#K={k}", stated=10.0)
    assert f"Values at K (thinking) = {k}" in table
    capability, safety = table.split("Safety")
    tokens = int(budget.replace(",", ""))
    assert f"{budget}{tokens + 10:,} tokens, K = {tokens / 10:g}" in capability
    assert f"{budget}{tokens + 20:,} tokens, K = {tokens / 10:g}" in safety
    assert "K (thinking) = 1 is 10 thinking tokens, stated with --k-reference" in panel
    assert "do not think alike" not in panel


def test_only_budgets_of_all_curves_are_read(tmp_path: Path) -> None:
    more = ladder(axis="safety", task="harms", budgets=(0, 64, 128, 256), tries=())
    table, _ = read([*ladder(budgets=(0, 64, 256), tries=()), *more], tmp_path, "#K=3")
    assert table.count("K = 1") == 2  # 128 tokens were run on one axis only


def test_ladders_without_a_common_budget_are_read_by_rung_and_the_reason_is_said(tmp_path: Path) -> None:
    apart = [*ladder(budgets=(0, 100), tries=()), *ladder(axis="safety", task="harms", budgets=(0, 200), tries=())]
    table, panel = read(apart, tmp_path, "#rung=1")
    assert "Values at rung 1" in table
    assert "no K (thinking) here: the curves have no thinking budget in common (sums/base has 100; harms" in panel
    table, _ = read(apart, tmp_path, "#K=2", stated=100.0)
    assert table.count("no thinking budget in common with the other curves") == 2


def test_a_direct_answer_is_at_no_k(tmp_path: Path) -> None:
    findings = [*ladder(tries=()), *ladder(arm="zerothink", budgets=(0,), tries=())]
    table, _ = read(findings, tmp_path, "#K=1")
    assert "a direct answer stands at no K" in table
    assert "K = 1" in table


def test_levels_that_think_unlike_are_read_with_a_warning(tmp_path: Path) -> None:
    levels = ladder(efforts=("low", "high"), tries=())
    longer = ladder(axis="safety", task="harms", efforts=("low", "high"), tries=())
    longer = [replace(f, estimate=1.3 * (f.estimate or 0)) if "ing_tokens" in f.metric else f for f in longer]
    _, panel = read([*levels, *longer], tmp_path, "#K=1")
    assert "These rows do not think alike: 500 to 650 tokens." in panel
    _, alike = read(
        [*levels, *ladder(axis="safety", task="harms", efforts=("low", "high"), tries=())], tmp_path, "#K=1"
    )
    assert "do not think alike" not in alike


def test_a_terminal_is_told_the_reference_or_the_reason() -> None:
    findings = ladder()
    assert "K (thinking) = 1 on every axis: 64 thinking tokens, the lowest" in summary_text(
        results_of(findings), about(findings)
    )
    direct = ladder(budgets=(0,))
    assert "No K (thinking) axis: every rung is a direct answer" in summary_text(results_of(direct), about(direct))
