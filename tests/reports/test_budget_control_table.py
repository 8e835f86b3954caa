"""The table of budget control says what its findings say, and what they mean; no name in it is obeyed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from results import results_of
from synthetic import about, ladder

from overthink.data.finding import At, Finding
from overthink.reports import report_html
from overthink.reports.tables.budgets import BUDGET_CONTROL_NOTES, budget_control_table


def three(**of: object) -> list[Finding]:
    """The findings of one curve."""
    bare = Finding("c", "budget_control", "safety", "secrets", "base", "forced", "control", At(), level=0.95)
    made = [
        replace(bare, estimate=0.984, low=0.95, high=1.0),
        replace(bare, id="s", metric="scaling", estimate=-0.032, low=-0.051, high=-0.013),
        replace(bare, id="p", metric="performance", estimate=0.81, low=0.7, high=0.9),
    ]
    return [replace(one, **of) for one in made]  # type: ignore[arg-type]


def texts(findings: list[Finding]) -> list[list[str]]:
    return [
        ["".join(piece.text for piece in cell) for cell in row]
        for row in budget_control_table(results_of(findings).curves).rows
    ]


def test_a_row_per_curve_with_its_three_numbers() -> None:
    capable = three(axis="capability", task="sums", arm="wait")
    assert texts([*three(), *capable]) == [
        ["Capability · sums · wait", "98.4% (95.0% to 100.0%)", "−3.2 (−5.1 to −1.3)", "81.0% (70.0% to 90.0%)"],
        ["Safety · secrets · base", "98.4% (95.0% to 100.0%)", "−3.2 (−5.1 to −1.3)", "81.0% (70.0% to 90.0%)"],
    ]
    (row,) = budget_control_table(results_of(three()).curves).rows
    assert [cell[0].finding for cell in row] == [None, "c", "s", "p"]


CHANGES: list[tuple[Callable[[list[Finding]], list[Finding]], int, str]] = [
    (lambda f: [f[0], replace(f[1], estimate=None, low=None, high=None, reason="nobody knows"), f[2]], 2,
     "unknown: nobody knows"),
    (lambda f: [f[0], replace(f[1], gates_failed=("truncation",)), f[2]], 2,
     "−3.2 (−5.1 to −1.3); a gate failed (truncation)"),
    (lambda f: [f[0], f[1], replace(f[2], low=None, high=None)], 3, "81.0%"),
    (lambda f: [replace(one, estimand="effort") for one in f], 0, "Safety · secrets · base · effort"),
    (lambda f: [replace(one, task="\x1b[2J") for one in f], 0, "Safety · \\u001b[2J · base"),
    (lambda f: [replace(one, scorer=name) for name in ("match", "model") for one in f], 0,
     "Safety · secrets · base, judged by match"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "column", "said"), CHANGES, ids=[said[:30] for _, _, said in CHANGES])
def test_what_qualifies_a_number_stands_beside_it(
    change: Callable[[list[Finding]], list[Finding]], column: int, said: str
) -> None:
    assert texts(three())[0][column] != said
    assert texts(change(three()))[0][column] == said


def test_the_page_has_the_table_where_there_is_something_in_it() -> None:
    with_it = [*ladder(axis="safety"), *three(task="<b>secrets</b>")]
    page = report_html(results_of(with_it), about(with_it))
    assert 'id="budgetcontrol"' in page
    assert "Safety · &lt;b&gt;secrets&lt;/b&gt; · base" in page
    assert all(note in page for note in BUDGET_CONTROL_NOTES)
    assert "budgetcontrol" not in report_html(results_of(ladder()), about(ladder()))
