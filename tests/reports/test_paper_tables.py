"""Tables for a paper: numbers as they are stored, texts that no program takes for anything else."""

import csv
import io
import json
import string
from dataclasses import replace

import pytest
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker

from forecasts import panel
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.results.study import findings_of
from overthink.data.verdict_labels import GateLabel, ShapeLabel
from overthink.forecasts.findings import ForecastOptions
from overthink.reports.paper.contents import Content, content_findings, data_table, printed_table
from overthink.reports.paper.markup import LONGEST, latex_escape, latex_text, markdown_text
from overthink.reports.paper.table import DataTable, Heading, PrintedTable
from overthink.storage.json_documents import finite
from overthink.storage.tables.cells import csv_text

HOSTILE = (
    "=SUM(A1)", "+1", "-5", "@x", "\tq", " =x", "a_b&c%$#{}^~\\", "[x] *y*", "a--b ''c'' `d` ,,", '"q"', "<p>|pipe|",
    "café Łódź Ångström ő ą", "中文 😀", "−5 ≥ 3 ± × … –", "two\nlines\r", "\\input{/etc/passwd}", "%", "'", "1e5",
)  # fmt: skip


def curve(task: str = "sums", axis: str = "capability", rungs: int = 2, arm: str = "base") -> list[Finding]:
    """A curve with values, gates, tokens and a verdict."""
    blank = Finding("", Kind.VALUE, axis, task, arm, "forced", Metric.MEAN, At(), n_questions=12, n_draws=3)
    findings = []
    for rung in range(rungs):
        at = At(rung=rung, k=1, requested_tokens=16 * rung)
        value = replace(blank, id=f"{axis}/{task}/{rung}", at=at, estimate=(rung + 1) / 3, low=1 / 7, high=0.9)
        findings.append(replace(value, level=0.95, scorer="match"))
        gate = replace(findings[-1], id=f"{value.id}/gate", kind=Kind.GATE, metric=Metric.ERRORS, low=None, high=None)
        findings.append(replace(gate, label=GateLabel.FAILED if rung else GateLabel.PASSED, estimate=0.1 * rung))
        findings.append(replace(gate, metric=Metric.TRUNCATION, label=None, estimate=None, reason="it is unknown"))
        findings.append(replace(gate, metric=Metric.NATURAL_END, label=GateLabel.INFORMATION, estimate=0.5))
    shape = replace(findings[0], id=f"{axis}/{task}/shape", kind=Kind.SHAPE, metric=Metric.MAX_T, at=At())
    test = FindingTest("max-t", p=0.0004, p_adjusted=0.0008)
    rise = replace(shape, id=f"{shape.id}/rise", metric=Metric.RISE)
    return [*findings, replace(shape, label=ShapeLabel.UP, estimate=1 / 3, low=-0.1, test=test), rise]


STUDY = [*curve(), *curve("harm", "safety", 3), *curve("=cmd|'/c calc'!A1", "benign")]


def text_of(table: DataTable) -> str:
    return csv_text((table.columns, *table.rows))


def csv_rows(findings: list[Finding], content: Content) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(data_table(findings, content)))))


@pytest.mark.parametrize("content", list(Content))
def test_every_row_has_the_columns_of_its_header(content: Content) -> None:
    if not content_findings(STUDY, content):
        assert content in (Content.COMPARE, Content.FORECAST, Content.DIFFERENCES)
        return
    data, printed = data_table(STUDY, content), printed_table(STUDY, content, source="s")
    assert {len(row) for row in data.rows} == {len(data.columns)}
    assert {len(row) for row in printed.rows} == {len(printed.headings)}
    for row in latex_rows(latex_text(printed, label="t")):
        assert len(row) == len(printed.headings)
    table_lines = [line for line in markdown_text(printed).splitlines() if line.startswith("| ")]
    bars = {line.replace("\\|", "").count("|") for line in table_lines}
    assert bars == {len(printed.headings) + 1}


def test_csv_numbers_are_those_of_the_findings_document() -> None:
    stored = {finding.id: json.loads(json.dumps(finite(finding))) for finding in STUDY if finding.kind == Kind.VALUE}
    rows = csv_rows(STUDY, Content.CURVES)
    assert [row["task"] for row in rows[:5]] == ["sums"] * 2 + ["harm"] * 3
    for row in rows:
        finding = stored[row["id"]]
        for name in ("estimate", "low", "high", "level", "n_questions", "n_draws"):
            assert row[name] == repr(finding[name])
        assert float(row["rung"]) == finding["at"]["rung"]
    every = csv_rows(STUDY, Content.FINDINGS)
    assert [row["id"] for row in every] == [finding.id for finding in STUDY]
    assert [row["estimate"] for row in every] == ["" if f.estimate is None else repr(f.estimate) for f in STUDY]


def test_unknown_cells_are_empty_and_the_reason_stands_elsewhere() -> None:
    (first, *rest) = curve()
    unknown = replace(first, estimate=None, low=None, high=None, reason="no answer")
    row = csv_rows([unknown, *rest], Content.CURVES)[0]
    assert (row["estimate"], row["low"], row["high"], row["reason"]) == ("", "", "", "no answer")
    printed = printed_table([unknown, *rest], Content.CURVES, source="s")
    assert printed.rows[0][4:6] == ("unknown", "none")
    assert any("no answer" in note for note in printed.notes)


def test_gates_and_verdicts_stand_beside_their_values() -> None:
    first, second = csv_rows(curve(), Content.CURVES)
    assert (first["gates"], first["gates_failed"], first["gates_not_checked"]) == ("passed", "", "truncation")
    assert (second["gates"], second["gates_failed"]) == ("failed", "errors")
    assert {row["verdict"] for row in (first, second)} == {"up"}
    (unchecked,) = [f for f in curve(rungs=1) if f.kind == Kind.GATE and f.label is None]
    alone = [f for f in curve(rungs=1) if f.kind != Kind.GATE]
    assert csv_rows([*alone, unchecked], Content.CURVES)[0]["gates"] == "not checked"
    assert csv_rows(alone, Content.CURVES)[0]["gates"] == "none recorded"
    marked = [replace(f, gates_failed=("comparability",)) if f.kind == Kind.VALUE else f for f in alone]
    assert csv_rows(marked, Content.CURVES)[0]["gates_failed"] == "comparability"
    table = printed_table(curve(), Content.CURVES, source="s")
    notes = table.notes
    assert [row[7] for row in table.rows] == ["passed, 1 not checked", "failed: errors, 1 not checked"]
    assert any("truncation not checked at 2 rungs: it is unknown." in note for note in notes)
    assert [f.metric for f in content_findings(curve(), Content.VERDICTS)] == [Metric.MAX_T]


def test_of_two_verdicts_that_on_stated_regimes_is_primary() -> None:
    findings = curve()
    shape = next(f for f in findings if f.metric == Metric.MAX_T)
    regimes = replace(shape, metric=Metric.REGIMES, label=ShapeLabel.UNDETERMINED, id="regimes")
    assert {row["verdict"] for row in csv_rows([*findings, regimes], Content.CURVES)} == {"undetermined"}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_starts_a_formula(text: str) -> None:
    findings = curve(task=text, arm=text)
    for content in (Content.CURVES, Content.FINDINGS):
        for row in csv_rows(findings, content):
            for name in ("task", "arm", "id", "reason", "verdict", "gates_failed"):
                assert not row.get(name, "").startswith(("=", "+", "-", "@", "\t", "\r"))
            assert text.strip() in row["task"]  # nothing but an apostrophe is added
            assert row["estimate"] == "" or float(row["estimate"]) >= 0


def test_negative_numbers_stay_numbers() -> None:
    assert text_of(DataTable(("a", "b"), ((-0.25, "-0.25"),))) == "a,b\n-0.25,'-0.25\n"
    assert text_of(DataTable(("a", "b"), ((float("nan"), None),))) == "a,b\n,\n"


def latex_rows(text: str) -> list[list[str]]:
    """The cells of a LaTeX table: its rows as pylatexenc reads them."""
    nodes, _, _ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    (table,) = [
        node
        for node in walk(nodes)
        if isinstance(node, LatexEnvironmentNode) and node.environmentname in ("tabular", "longtable")
    ]
    rows, cells = [], [""]
    for node in table.nodelist[1:]:  # the first is the group of column types
        source = node.latex_verbatim()
        if getattr(node, "macroname", None) == "\\":
            rows.append(cells)
            cells = [""]
        elif getattr(node, "specials_chars", None) == "&":
            cells.append("")
        else:
            cells[-1] += source
    return [row for row in rows if "\\caption" not in row[0]]


def walk(nodes):  # type: ignore[no-untyped-def]
    for node in nodes:
        if node is not None:
            yield node
            yield from walk(getattr(node, "nodelist", None) or ())


@pytest.mark.parametrize("rows", [len(HOSTILE), LONGEST + 5])
def test_latex_is_parsed_and_every_row_has_its_columns(rows: int) -> None:
    names = [HOSTILE[i % len(HOSTILE)] for i in range(rows)]
    headings = (Heading("A & B"), Heading("95% [x]", is_number=True), Heading("C_1"))
    table = PrintedTable(HOSTILE[6], headings, tuple((name, "1.5", name) for name in names), HOSTILE)
    text = latex_text(table, label="tab:x")
    assert text.isascii()
    assert "\\toprule" in text
    assert "\\bottomrule" in text
    assert ("longtable" in text) == (rows > LONGEST)
    parsed = latex_rows(text)
    assert {len(row) for row in parsed} == {3}
    assert len(parsed) == rows + (2 if rows > LONGEST else 1)
    assert "\\input" not in text


@pytest.mark.parametrize("text", [*HOSTILE, string.printable[:95]])
def test_what_latex_typesets_is_the_text(text: str) -> None:
    shown = LatexNodes2Text(math_mode="text").latex_to_text(latex_escape(text).replace(r"\symbol{34}", "''"))
    as_typeset = {"ˆ": "^", "-": "−", "”": '"'}
    expected = text.replace('"', "”").replace("\n", "U+000A").replace("\r", "U+000D").replace("\t", "U+0009")
    for character in "中文😀":
        expected = expected.replace(character, f"U+{ord(character):04X}")
    for old, new in as_typeset.items():
        shown, expected = shown.replace(old, new), expected.replace(old, new)
    assert shown.replace(" ", "") == expected.replace(" ", "")


def test_code_points_are_explained_only_where_there_are_any() -> None:
    table = PrintedTable("c", (Heading("A"),), (("plain",),))
    assert "code points" not in latex_text(table, label="t")
    assert "code points" in latex_text(replace(table, rows=(("中",),)), label="t")


def test_repeated_names_are_blank_in_latex_and_repeated_in_markdown() -> None:
    printed = printed_table(STUDY, Content.CURVES, source="s")
    rows = latex_rows(latex_text(printed, label="t"))[1:]
    assert [row[1].strip() for row in rows[:5]] == ["sums", "", "harm", "", ""]
    assert markdown_text(printed).count("| harm |") == 3


def test_levels_and_open_ends_are_said_where_they_differ() -> None:
    one, two = (f for f in curve() if f.kind == Kind.VALUE)
    table = printed_table([one, replace(two, level=0.9)], Content.CURVES, source="s")
    assert [row[5] for row in table.rows] == ["14.3 to 90.0 (95%)", "14.3 to 90.0 (90%)"]
    forecast = replace(one, kind=Kind.FORECAST, metric=Metric.CROSSING_BOUND, low=12.0, high=None, estimate=None)
    (row,) = printed_table([forecast], Content.FORECAST, source="s").rows
    assert "12 to open" in row


def test_k_star_is_never_settled_by_the_band_that_does_not_decide() -> None:
    """The interval of the model stands beside a verdict of the other band, so its row says which is which."""
    result = panel((3,), asked=ForecastOptions(thresholds=(0.5, 0.9))).result
    printed = printed_table(list(findings_of(result)), Content.FORECAST, source="s")
    labels = [row[-1] for row in printed.rows if row[3] == "forecast: crossing"]
    assert [label.partition(";")[0] for label in labels] == ["not resolved", "open"]
    for label, threshold in zip(labels, ("0.5", "0.9"), strict=True):
        assert f"threshold {threshold}" in label
        assert "interval by the model band; whether it is resolved, by the assumption-free band" in label
