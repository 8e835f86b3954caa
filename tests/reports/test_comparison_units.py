"""What the page and the terminal say of arms in another unit than tokens, and of a small model beside a larger one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from arm_pools import arm
from browser import opened

from overthink.analysis import analyse_outcomes
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles, Unit, amount, figure
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis
from overthink.data.results.budgets import FlopMatchResult
from overthink.data.results.study import Results, flatten
from overthink.plan.analysis import Analysis
from overthink.reports import About, comparison_text, report_html
from overthink.reports.arm_table import comparison
from overthink.reports.charts.arms import arm_charts
from overthink.reports.charts.frontier import frontier_charts
from overthink.reports.tables.budgets import flop_matched_table, frontier_tables
from overthink.reports.tables.table import Table

ABOUT = About(title="A look", source="a pool", made_with="0", created_at="2030-01-01T00:00:00Z")
RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
SIZES = {"small": 4e9, "large": 8e9}


def results_with(sizes: dict[str, float | None], unit: Unit = Unit.FLOP, *, maker: str = "of") -> Results:
    levels = {"small": (0.2, 0.4, 0.6, 0.8), "large": (0.3, 0.5, 0.7, 0.95)}
    rows = [row for name, means in levels.items() for row in arm(name, {Axis.CAPABILITY: means}, questions=60, draws=2)]
    parties = {name: ModelRoles(ModelInfo(f"{maker}/{name}", ModelShape(size, size))) for name, size in sizes.items()}
    decided = Analysis(level=0.95, unit=unit, parties=parties, reference="large", other_models=("small",))
    return analyse_outcomes(from_records(rows), decided, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def results() -> Results:
    return results_with(dict(SIZES))


@pytest.fixture(scope="module")
def found(results: Results) -> tuple[Finding, ...]:
    return flatten(results)


def texts(table: Table) -> list[list[str]]:
    return [["".join(piece.text for piece in cell) for cell in row] for row in table.rows]


@pytest.mark.parametrize("number", [0.00042, 0.05, 1.0, 9.996, 12.5, 999.6, 1e4, 9.996e12, 3.2e25, 4.2e-7])
@pytest.mark.parametrize("unit", list(Unit))
def test_a_figure_reads_back_as_its_number(number: float, unit: Unit) -> None:
    shown = figure(number, unit).replace(",", "")
    digits, _, power = shown.partition("10") if set(shown) & set(RAISED) else (shown, "", "0")
    read = float(digits.removesuffix(" × ") or 1) * 10.0 ** int(power.translate(str.maketrans(RAISED, "-0123456789")))
    assert read == pytest.approx(number, rel=0.05 if unit is Unit.TOKENS else 0.006)


def test_charts_and_tables_are_in_the_unit(results: Results, found: Sequence[Finding]) -> None:
    for chart in (*arm_charts(results), *frontier_charts(results.frontiers)):
        assert chart.notes[0].startswith("total FLOP, log scale")
        assert all("10" in label for label in chart.parameters["xlabels"])
        assert chart.parameters["xlow"] > 1e10
    (budgets,) = frontier_tables(results.frontiers)
    assert budgets.head[1] == "Budget, FLOP"
    told = comparison(results, ABOUT)
    assert told is not None
    assert told.compute.head[2] == "Total FLOP"
    places = [f for f in found if (f.kind, f.metric) == ("arm_difference", "equal_compute")]
    assert [row[2] for row in texts(told.compute)] == [figure(f.at.total or 0, "flop") for f in places]
    tips = [point["tip"] for chart in arm_charts(results) for point in chart.datasets["points"]]
    where = [f for f in found if f.metric == "compared_total"]
    assert all(any(amount(f.estimate or 0, "flop") in tip for tip in tips) for f in where)


def test_a_row_tells_the_numbers_of_its_findings(results: Results, found: Sequence[Finding]) -> None:
    table = flop_matched_table(results.flop_matches)
    by_id = {f.id: f for f in found}
    for row in table.rows:
        for cell in row:
            for piece in (one for one in cell if one.finding and by_id[one.finding].estimate is not None):
                assert f"{by_id[piece.finding or ''].estimate:.2g}" in piece.text
    rows = texts(table)
    assert len(rows) < len([f for f in found if f.metric == "multiple"])  # budgets that change nothing have no row
    assert rows[0][1].startswith("of/large, 1.6 × 10¹¹ FLOP")
    assert rows[0][2:4] == ["one try at rung 0", "one try at rung 1"]
    assert rows[-1][4].startswith("not reached (")
    assert rows[-1][4].endswith(" or more)")


def test_what_is_unknown_is_said_once_per_task_with_the_option_that_helps() -> None:
    some = results_with({"small": 4e9, "large": None})
    ((_, large, _, _, reason, *_),) = texts(flop_matched_table(some.flop_matches))
    assert large == "–"
    assert reason == "unknown how big of/large is; state it with --model-shape of/large=parameters:8e9 or the like"
    text = comparison_text(some, ABOUT)
    assert "FLOP unknown: size of model of/large" in text
    assert "A smaller model with more inference" in text


def test_every_larger_model_has_its_row_also_where_the_reason_is_the_same(results: Results) -> None:
    (result,) = results.flop_matches
    unknown = replace(result.matches[0].multiple, estimate=None, reason="there is one allocation only")
    both = [FlopMatchResult(result.key, larger, unknown=unknown) for larger in ("of/large", "of/huge")]
    assert [row[1] for row in texts(flop_matched_table(both))] == ["of/large", "of/huge"]
    twice = [result, replace(result, larger="of/huge")]
    rows = texts(flop_matched_table(twice))
    assert [row[2:] for row in rows[: len(rows) // 2]] == [row[2:] for row in rows[len(rows) // 2 :]]


def test_in_tokens_there_is_no_such_table(results: Results) -> None:
    plain = results_with(dict(SIZES), Unit.TOKENS)
    assert flop_matched_table(plain.flop_matches).rows == ()
    assert "A smaller model" not in comparison_text(plain, ABOUT)
    assert "A smaller model" in comparison_text(results, ABOUT)
    assert "`--by flop` counts what they compute" in " ".join(limit for f in flatten(plain) for limit in f.limits)


def test_the_page_shows_the_table_and_survives_hostile_models(tmp_path: Path) -> None:
    bad = "</script><script>document.title='taken'</script>\u202e"
    hostile = results_with(dict(SIZES), maker=bad)
    dom = opened(report_html(hostile, ABOUT), tmp_path)
    assert dom.title == "A look"
    assert dom.html["data-ready"] == "true"
    assert "\u202e" not in dom.text["compared"]
    for words in ("A smaller model with more inference", "not reached", "tokens that the larger model serves"):
        assert words in dom.text["compared"]
    assert "\u202e" not in comparison_text(hostile, ABOUT)
