"""The ledger's tables beyond tokens: numbers in their own units, bounds marked, and what is unknown said once."""

from dataclasses import replace

import numpy as np
import pytest
from arm_pools import three

from overthink.analysis import analyse_outcomes
from overthink.cost.estimate import Rates
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles
from overthink.data.outcomes import from_records
from overthink.data.results.budgets import LedgerResult
from overthink.data.results.study import Results, ledger_findings
from overthink.plan.analysis import Analysis
from overthink.reports import About, report_html
from overthink.reports.tables.ledger import NO_BREAK_SPACE, ledger_tables
from overthink.reports.tables.table import Table

SHAPE = ModelShape(8e9, 8e9, layers=32, heads=32, kv_heads=8, hidden_size=4096, weight_bytes=2, cache_bytes=2)
RATES = Rates(prompt=1e-6, cached=1e-7, decoded=4e-6, source="a list of 2030-01-01")
MODEL = ModelInfo("a/model", SHAPE, RATES)
GUARD = ModelInfo("a/guard</script><b>\u202e", ModelShape(1e9, 1e9), free=True)
WORKERS = {"base": ModelRoles(MODEL), "keeps": ModelRoles(MODEL, guards=(GUARD,)), "halves": ModelRoles(MODEL)}
UNITS = ["FLOP", "effective FLOP", "USD", "seconds"]


def told(analysis: Analysis, *, seconds: float | None = None) -> tuple[LedgerResult, ...]:
    rows = [replace(row, seconds=seconds, attempt_seconds=seconds) for row in three(questions=6, draws=2)]
    return analyse_outcomes(from_records(rows), analysis, rng=np.random.default_rng(0)).ledgers


@pytest.fixture(scope="module")
def priced() -> tuple[LedgerResult, ...]:
    return told(Analysis(level=0.95, parties=WORKERS, flop_per_byte=295), seconds=1.25)


def column(table: Table, name: str) -> dict[tuple[str, str], str]:
    place = table.head.index(name)
    rows = [["".join(piece.text for piece in cell) for cell in row] for row in table.rows]
    return {(row[0], row[1]): row[place].replace(NO_BREAK_SPACE, " ") for row in rows}


def test_every_unit_has_its_column_and_every_number_its_finding(priced: tuple[LedgerResult, ...]) -> None:
    ids = {finding.id: finding for ledger in priced for finding in ledger_findings(ledger)}
    for table in ledger_tables(priced):
        assert [name for name in table.head if name in UNITS] == UNITS
        assert table.notes == ()
        for row in table.rows:
            for name, (piece,) in zip(table.head, row, strict=True):
                if name in UNITS:
                    finding = ids[piece.finding or ""]
                    bound = any(limit.startswith("at least") for limit in finding.limits)
                    assert piece.text.startswith(f"≥{NO_BREAK_SPACE}") == bound
    paid, attempt = ledger_tables(priced)
    at_zero = ("Capability · sums · base", "0")
    assert column(attempt, "FLOP")[at_zero] == "6.4 × 10¹¹"  # 40 tokens, the prompt's and the answer's, by 2 × 8 × 10⁹
    assert column(attempt, "USD")[at_zero] == "7 × 10⁻⁵"  # 30 tokens read, 10 written
    assert column(attempt, "seconds")[at_zero] == "1.25"
    assert column(paid, "seconds")[at_zero] == "15"
    assert column(attempt, "FLOP")["Capability · sums · keeps", "1,024"].startswith("≥ ")  # attention of the guard


def test_what_nobody_knows_is_left_out_and_said_once_below() -> None:
    for table in ledger_tables(told(Analysis(level=0.95))):
        assert not set(table.head) & set(UNITS)
        assert [note.partition(":")[0] for note in table.notes] == ["FLOP unknown", "USD unknown", "Seconds unknown"]
        assert "--model-shape" in table.notes[0]
    some = told(Analysis(level=0.95, parties={"base": WORKERS["base"]}))
    for table in ledger_tables(some):
        assert "FLOP" in table.head
        assert [note.partition(":")[0] for note in table.notes] == ["Seconds unknown"]
        cells = column(table, "FLOP")
        assert {text == "unknown" for (name, _), text in cells.items() if "base" not in name} == {True}
        assert {text == "unknown" for (name, _), text in cells.items() if "base" in name} == {False}


def test_the_page_shows_them_and_no_name_takes_it_over() -> None:
    about = About(title="A look", source="a pool", made_with="0", created_at="2030-01-01T00:00:00Z")
    sizeless = replace(GUARD, shape=ModelShape())
    parties = {name: replace(of_arm, guards=(sizeless,)) for name, of_arm in WORKERS.items()}
    guarded = [
        replace(ledger, rungs=ledger.rungs[3:])
        for ledger in told(Analysis(level=0.95, parties=parties))
        if ledger.key.arm == "keeps"
    ]
    page = report_html(Results(ledgers=tuple(guarded)), about)
    section = page.partition('<section id="ledger">')[2].partition("</section>")[0]
    for words in ("FLOP unknown: size of guard a/guard&lt;/script&gt;&lt;b&gt;", ">USD<", "lower bound"):
        assert words in section
    assert "<b>" not in section
    assert "\u202e" not in section
