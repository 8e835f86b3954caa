"""Success within a limit in a report: beside a forced ladder of its task, in its own words, and never as safety."""

from collections.abc import Sequence

import numpy as np
import pytest

from overthink.analysis import analyse_outcomes
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.study import Results
from overthink.plan.analysis import Analysis
from overthink.reports import About, report_figures, report_html, summary_text
from overthink.reports.charts.within import within_charts
from overthink.reports.summary import TextPiece
from overthink.reports.tables.within import within_line, within_tables

ABOUT = About(title="A look", source="pool", made_with="0", created_at="2030-01-01T00:00:00Z")


def rows(axis: Axis, *, arm: str = "base") -> list[RungRecord]:
    """Five questions: natural runs of 100 to 1,600 tokens, good but for the longest; a forced ladder of 0, 512."""
    made = []
    for q in range(5):
        used = 100 * 2**q
        fields = {"axis": axis, "arm": arm, "question": f"q{q}", "value": float(q < 4), "draw": 0}
        common = {"study": "s", "task": "t", "scorer": "m", "answer_tokens": 10}
        made.append(
            RungRecord(
                **fields, **common, rung=0, estimand=Estimand.NATURAL, thinking_tokens=used - 10, generated_tokens=used
            )  # type: ignore[arg-type]
        )
        for rung, budget in enumerate((0, 512)):
            fields["value"] = float(q < 1 + 2 * rung)
            more = {"requested_tokens": budget, "thinking_tokens": min(budget, used - 10), "generated_tokens": 10}
            made.append(RungRecord(**fields, **common, **more, rung=rung, estimand=Estimand.FORCED))  # type: ignore[arg-type]
    return made


def results(axes: Sequence[Axis] = (Axis.CAPABILITY, Axis.SAFETY)) -> Results:
    outcomes = from_records([row for axis in axes for row in rows(axis)])
    return analyse_outcomes(outcomes, Analysis(level=0.95), rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def both() -> Results:
    return results()


def text(cell: Sequence[TextPiece]) -> str:
    return "".join(piece.text for piece in cell)


def test_the_chart_has_a_line_of_runs_cut_afterwards_and_one_of_the_ladder(both: Results) -> None:
    capability, safety = within_charts(both.curves)
    points = capability.datasets["points"]
    cut = {p["x"]: p["estimate"] for p in points if p["kind"] == "cut"}
    assert cut == pytest.approx({128: 0.2, 256: 0.4, 512: 0.6, 1024: 0.8, 1600: 0.8})
    forced = [p for p in points if p["kind"] == "forced"]
    assert [p["estimate"] for p in forced] == pytest.approx([0.2, 0.6])
    assert all("not what a budget does" in "".join(chart.notes) for chart in (capability, safety))
    assert len({p["series"] for p in points}) == 2


def test_on_safety_both_lines_count_harm(both: Results) -> None:
    safety = within_charts(both.curves)[1]
    forced = [p for p in safety.datasets["points"] if p["kind"] == "forced"]
    assert [p["estimate"] for p in forced] == pytest.approx([0.8, 0.4])
    assert all(p["low"] <= p["estimate"] <= p["high"] for p in forced)
    assert [p["estimate"] for p in safety.datasets["points"] if p["kind"] == "cut"] == pytest.approx([0, 0, 0, 0, 0.2])
    assert "harmful within the limit" in safety.title


def test_the_table_links_every_share_to_its_finding(both: Results) -> None:
    (table,) = within_tables(both.curves)
    assert table.head == ("Curve", "Asked for", "Counted", "128", "256", "512", "1,024", "most used", "uncut")
    capability, safety = table.rows
    assert [text(cell).partition(" ")[0] for cell in capability[3:]] == [
        "20.0%",
        "40.0%",
        "60.0%",
        "80.0%",
        "1,600",
        "80.0%",
    ]
    ids = {f.id for curve in both.curves for run in curve.within for f in run.points}
    assert {piece.finding for row in table.rows for cell in row for piece in cell if piece.finding} == ids
    assert text(safety[2]) == "harmful within the limit"
    assert any("not shown to be safe" in note for note in table.notes)


def test_a_table_of_many_limits_is_thinned_from_the_top() -> None:
    values = [
        RungRecord(
            "s", "a", Axis.CAPABILITY, "t", "m", f"q{q}", 0, 0, Estimand.NATURAL, value=1.0, generated_tokens=2**q
        )
        for q in range(14)
    ]  # fmt: skip
    curves = analyse_outcomes(from_records(values), Analysis(level=0.95), rng=np.random.default_rng(0)).curves
    (table,) = within_tables(curves)
    assert table.head[3:-2] == ("1", "4", "16", "64", "256", "1,024", "4,096")
    assert within_line(curves[0]) == (
        "cut at 64 tokens: 50.0% correct within the limit, of 100.0% uncut; what a cap would have kept, not what a "
        "budget does"
    )


def test_page_terminal_and_figures_say_what_it_is(both: Results) -> None:
    page = report_html(both, ABOUT)
    assert "What would a cap have kept?" in page
    assert page.count("what a cap would have kept, not what a budget does") >= 3
    assert "cut at 512 tokens: 60.0% correct within the limit, of 80.0% uncut" in summary_text(both, ABOUT)
    names = [name for name, _ in report_figures(both, ABOUT, ["svg"])]
    assert {"capability-t-within-a-limit-m.svg", "safety-t-within-a-limit-m.svg"} <= set(names)


def test_without_runs_that_can_be_cut_nothing_is_said() -> None:
    ladder = [row for row in rows(Axis.CAPABILITY) if row.estimand is Estimand.FORCED]
    alone = analyse_outcomes(from_records(ladder), Analysis(level=0.95), rng=np.random.default_rng(0))
    assert within_charts(alone.curves) == []
    assert within_tables(alone.curves) == ()
    assert 'id="within"' not in report_html(alone, ABOUT)
    assert "cut at" not in summary_text(alone, ABOUT)
