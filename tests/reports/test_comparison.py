"""What the page, the figures and the terminal say of arms, frontiers and the ledger."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest
from arm_pools import three
from browser import opened
from results import results_of
from synthetic import ladder

from overthink.analysis import analyse_outcomes
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.results.arms import ArmResults
from overthink.data.results.study import Results, flatten
from overthink.plan.analysis import Analysis
from overthink.reports import comparison_text, report_figures, report_html
from overthink.reports.arm_table import MITIGATION_MEANINGS, comparison
from overthink.reports.charts.arms import arm_charts
from overthink.reports.charts.frontier import frontier_charts
from overthink.reports.tables.budgets import frontier_tables
from overthink.reports.tables.ledger import ledger_tables
from overthink.reports.tables.table import Table


def about():  # type: ignore[no-untyped-def]
    from overthink.reports import About

    return About(
        title="A look", source="a pool", made_with="0", created_at="2030-01-01T00:00:00Z", notes=("Mind this.",)
    )


def compared(keeps: str = "keeps") -> Results:
    """Three arms, one of them under any name."""
    rows = [replace(row, arm=keeps) if row.arm == "keeps" else row for row in three(questions=40)]
    return analyse_outcomes(from_records(rows), Analysis(level=0.95), rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def results() -> Results:
    return compared()


@pytest.fixture(scope="module")
def found(results: Results) -> tuple[Finding, ...]:
    return flatten(results)


def texts(table: Table) -> list[list[str]]:
    return [["".join(piece.text for piece in cell) for cell in row] for row in table.rows]


def rounded(number: float) -> str:
    """One decimal; a tie, up to the last bits of the number, is rounded up."""
    return str(Decimal(f"{number:.9f}").quantize(Decimal("0.1"), ROUND_HALF_UP))


def test_every_number_of_a_comparison_leads_to_its_finding(results: Results, found: tuple[Finding, ...]) -> None:
    told = comparison(results, about())
    assert told is not None
    assert told.reference == "base"
    ids = {finding.id: finding for finding in found}
    for table in (told.verdicts, told.price, told.taxes, told.compute):
        linked = [piece for row in table.rows for cell in row for piece in cell if piece.finding]
        assert linked
        for piece in linked:
            finding = ids[piece.finding or ""]
            number = (
                rounded(100 * abs(finding.estimate or 0)) if finding.metric != "compute" else f"{finding.estimate:.2f}"
            )
            if finding.metric.endswith("_thinking") and finding.metric.startswith(("arm", "reference")):
                number = f"{finding.estimate:,.0f}"
            assert piece.text == finding.label or number in piece.text
    assert {label for label, _ in told.words} == {f.label for f in found if f.label in MITIGATION_MEANINGS}


def test_the_verdict_table_shows_the_findings_numbers(results: Results, found: tuple[Finding, ...]) -> None:
    told = comparison(results, about())
    assert told is not None
    row = next(row for row in texts(told.verdicts) if row[0].startswith("halves"))
    by_metric = {f.metric: f for f in found if f.kind == "mitigation" and f.arm == "halves"}
    shown = [
        by_metric[name].estimate or 0
        for name in ("degradation_equal_thinking", "equal_thinking", "residual_equal_thinking")
    ]
    assert [cell.split(" ")[0] for cell in row[3:6]] == [f"{100 * x:+.1f}".replace("-", "−") for x in shown]


def test_without_arms_there_is_no_comparison() -> None:
    assert comparison(results_of(ladder()), about()) is None
    assert comparison_text(results_of(ladder()), about()) == "No arm was compared with another.\n"
    assert arm_charts(results_of(ladder())) == []
    page = report_html(results_of(ladder()), about())
    for section in ("compared", "frontier", "ledger"):
        assert f'<section id="{section}">' not in page


def test_arms_stand_at_their_total_compute(results: Results, found: tuple[Finding, ...]) -> None:
    charts = arm_charts(results)
    assert [chart.name[0] for chart in charts] == ["capability", "safety", "benign"]
    safety = charts[1]
    assert list(safety.keys) == ["base", "halves", "keeps"]
    points = safety.datasets["points"]
    where = {(f.arm, f.at.rung): f.estimate for f in found if f.metric == "compared_total" and f.axis == "safety"}
    assert sorted(point["x"] for point in points) == sorted(x for x in where.values() if x is not None)
    assert all(safety.parameters["xlow"] < point["x"] < safety.parameters["xhigh"] for point in points)


def test_the_frontier_draws_the_naive_line_apart_and_calls_it_optimistic(
    results: Results, found: tuple[Finding, ...]
) -> None:
    charts = frontier_charts(results.frontiers)
    assert [chart.name[:3] for chart in charts] == [
        ("capability", "sums", "frontier"),
        ("safety", "secrets", "frontier"),
        ("benign", "harmless", "frontier"),
    ]
    points = charts[0].datasets["points"]
    assert {point["kind"] for point in points if point["name"] == "all arms"} == {"best", "naive", "difficulty"}
    assert {point["kind"] for point in points if point["name"] == "base"} == {"best"}
    assert any("optimistic" in note for note in charts[0].notes)
    assert "attacker" in charts[1].title
    naive = {f.at.total: f.estimate for f in found if f.metric == "naive_best" and f.arm == "all arms"}
    drawn = {p["x"]: p["estimate"] for p in points if p["kind"] == "naive"}
    mine = {f.at.total for f in found if f.axis == "capability" and f.metric == "naive_best"}
    assert drawn.keys() <= mine
    assert set(drawn.values()) <= {f.estimate for f in found if f.metric == "naive_best"}
    assert naive
    (capability, *_) = frontier_tables(results.frontiers)
    budgets = [float(row[1].replace(",", "")) for row in texts(capability) if row[0] == "all arms"]
    assert budgets == sorted(budgets)


def test_an_arm_called_all_arms_is_drawn_as_any_arm() -> None:
    results = compared("all arms")
    (safety,) = (chart for chart in frontier_charts(results.frontiers) if chart.name[0] == "safety")
    assert safety.keys.pop("all arms, together") == "var(--ink)"
    assert sorted(safety.keys.values()) == ["var(--s0)", "var(--s1)", "var(--s2)"]
    assert {point["kind"] for point in safety.datasets["points"] if point["name"] == "all arms"} == {"best"}


def test_the_ledger_shows_every_category_that_was_paid(results: Results) -> None:
    paid, attempt = ledger_tables(results.ledgers)
    for category in ("prompt", "thinking", "answer", "rejected", "guard", "tokens in all"):
        assert category in paid.head
        assert category in attempt.head
    assert "judge" not in paid.head  # nobody counted one
    column = paid.head.index("guard")
    by_name = {(row[0], row[1]): row for row in texts(paid)}
    assert by_name["Safety · secrets · keeps", "1,024"][column] != "–"
    assert by_name["Safety · secrets · base", "1,024"][column] == "–"
    assert all(row[paid.head.index("tokens in all")].startswith("≥") for row in texts(paid))
    asked, realised = (attempt.head.index(name) for name in ("Asked for", "Realised thinking"))
    assert [row[asked] for row in texts(attempt)[:4]] == ["0", "64", "256", "1,024"]
    assert texts(attempt)[3][realised] == "1,024"


def test_the_page_draws_its_charts_and_survives_hostile_names(tmp_path: Path) -> None:
    bad = "</script><script>document.title='taken'</script>\u202e"
    dom = opened(report_html(compared(f"keeps {bad}"), about()), tmp_path)
    assert dom.title == "A look"
    assert dom.html["data-ready"] == "true"
    assert "\u202e" not in dom.text["compared"]
    drawings = [attributes for _, attributes in dom.tags if "data-drawing" in attributes]
    assert len(drawings) == 6
    spoken = [a.get("aria-label") or "" for tag, a in dom.tags if tag == "svg" or a.get("role") == "graphics-document"]
    assert sum("attacker" in text for text in spoken) >= 1
    for words in ("mitigates", "Safety tax", "Given back"):
        assert words in dom.text["compared"]
    assert "naive best cell: optimistic" in dom.text["frontier"].lower()
    assert "guard" in dom.text["ledger"]


def test_the_terminal_says_verdicts_first_and_control_characters_are_shown() -> None:
    text = comparison_text(compared("k\x1b[2J"), about())
    assert "\x1b" not in text
    assert text.index("halves on secrets") < text.index("Verdicts on mitigations") < text.index("Safety tax")
    assert text.rstrip().endswith("Note: Mind this.")


def test_figures_of_arms_and_frontiers_are_drawn(results: Results) -> None:
    safety = Results(
        curves=tuple(curve for curve in results.curves if curve.key.axis == "safety"),
        frontiers=tuple(frontier for frontier in results.frontiers if frontier.key.axis == "safety"),
        arms=ArmResults(totals=tuple(total for total in results.arms.totals if total.key.axis == "safety")),
    )
    made = dict(report_figures(safety, about(), ["svg"]))
    names = [name for name in made if "arms" in name or "frontier" in name]
    assert names == ["safety-secrets-arms-forced.svg", "safety-secrets-frontier-forced.svg"]
    assert b"optimistic" in made[names[1]]
