"""Cards stay below 2,000 bytes whatever they show, and charts show themselves as SVG without a network."""

import json
import re
from pathlib import Path

import altair as alt
import pytest
from browser import opened
from kinds import everything
from results import results_of
from synthetic import about, ladder, study, sweep
from test_figures import faults, words
from test_page import HOSTILE

from overthink.data.finding import Finding
from overthink.errors import InputError
from overthink.reports.charts.files import standalone_specification
from overthink.reports.charts.study_charts import charts_by_name, report_charts, study_chart
from overthink.reports.notebook import card
from overthink.reports.notebook.card import MOST_BYTES, card_html, card_text
from overthink.reports.notebook.lists import Charts, Findings, notebook_chart

WORST = ("\U000e0001" * 3000, "&" * 3000, "é" * 3000, *HOSTILE)
STUDIES = {
    "three axes": study(),
    "50 arms": study(arms=[f"arm {n}" for n in range(50)]),
    "60 models": sweep(60),
    "100 rungs": ladder(budgets=range(0, 4000, 40), slope=0.005),
    "one rung": ladder(budgets=(0,)),
    "nothing": [],
    "bad names": [f for n, name in enumerate(WORST) for f in ladder(task=name, arm=f"{n}{name}")],
}


def cards(findings: list[Finding], title: str = "Example study") -> tuple[str, str]:
    results, of = results_of(findings), about(findings, title=title, source="s" * 10**5)
    return card_text(results, of), card_html(results, of)


@pytest.mark.parametrize("name", STUDIES)
def test_a_card_stays_small_and_counts_what_it_leaves_out(name: str) -> None:
    findings = STUDIES[name]
    curves = len({f.key for f in findings})
    for title in ("Example study", *(WORST if name == "bad names" else ())):
        text, html = cards(findings, title)
        assert max(len(text.encode()), len(html.encode())) < MOST_BYTES
        rows = sum(line.startswith("  ") and not line.startswith("  …") for line in text.splitlines())
        for shown, left in ((rows, text), (html.count("<svg"), html)):
            more = re.search(r"… and ([\d,]+) more", left)
            assert shown + (int(more[1].replace(",", "")) if more else 0) == curves


def test_without_its_limit_a_card_would_be_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "MOST_BYTES", 10**6)
    assert min(len(part.encode()) for part in cards(STUDIES["50 arms"])) > 2000


def test_a_card_has_the_verdict_of_every_axis_and_what_qualifies_it() -> None:
    for part in cards(STUDIES["50 arms"]):
        for word in ("Capability", "Safety", "Over-refusal", "30.0% at 0 → 58.0% at 4,096 tokens"):
            assert word in part
    text, html = cards(study())
    assert "fell −18.0 points (95% interval −25.2 to −10.8); a gate failed (truncation)" in text
    assert "<b>fell</b> −18.0 points (95% interval −25.2 to −10.8); a gate failed (truncation)" in html
    assert "▃▄▄▅▅" in text


def test_the_lines_of_a_card_are_as_high_as_the_values() -> None:
    _, html = cards([*ladder(start=0.0, slope=0.25), *ladder(axis="safety", task="one", budgets=(0,))])
    assert re.findall(r"<path d='([^']+)'/></svg>", html) == ["M2 18h0L21 14L40 10L59 6L78 2", "M2 13h0"]


def test_names_of_others_are_text_on_a_card() -> None:
    _, html = cards(STUDIES["bad names"], HOSTILE[1])
    for tag in ("<script", "<img", "<svg onload", "</style"):
        assert tag not in html
    assert "&lt;" in html


def chart(findings: list[Finding], name: str | None = None, arms: list[str] | None = None):  # type: ignore[no-untyped-def]
    return notebook_chart(study_chart(results_of(findings), about(findings), name, arms))


def test_a_chart_shows_itself_as_svg_and_stays_one_of_altair() -> None:
    bundle = chart(study(), "safety").properties(title="Another title")._repr_mimebundle_()
    assert sorted(bundle) == ["application/vnd.vegalite.v6+json", "image/svg+xml", "text/plain"]
    svg = bundle["image/svg+xml"].encode()
    assert faults(svg) == []
    assert "Another title" in words(svg)
    assert len(bundle["text/plain"]) < 200
    assert bundle["application/vnd.vegalite.v6+json"]["datasets"]["points"][0]["estimate"] == 0.74


def test_a_chart_is_the_specification_of_its_figure() -> None:
    findings = [*everything(), *ladder()]
    charts = dict(charts_by_name(report_charts(results_of(findings), about(findings))))
    assert len(charts) > 8
    for name, of_report in charts.items():
        assert notebook_chart(of_report).to_dict(validate=False) == standalone_specification(of_report), name
    assert notebook_chart(charts["axes-curves"]).properties(spacing=1).to_dict() != standalone_specification(
        charts["axes-curves"]
    )


def test_a_chart_is_named_by_axis_task_or_figure() -> None:
    findings = [*study(arms=("base", "guarded")), *ladder(task="more sums")]
    results, of = results_of(findings), about(findings)
    titles = {name: study_chart(results, of, name).title for name in (None, "safety", "secrets", "capability", "sums")}
    assert titles[None] == "What more thinking does: capability, safety, over-refusal"
    assert titles["safety"] == titles["secrets"] == "Safety: secrets, share of answers that are safe"
    assert titles["capability"] == "What more thinking does: capability"
    assert titles["sums"] == "Capability: sums, share of answers that are correct"
    charts = Charts(dict(charts_by_name(report_charts(results, of))))
    assert next(iter(charts)) == "axes-curves"
    assert "safety-secrets-curves" in charts
    assert study_chart(results, of, "safety-secrets-curves").title == titles["safety"]
    assert len(repr(charts)) < 1000
    only = study_chart(results, of, "sums", ["guarded"])
    assert set(only.keys) == {"guarded"}


def test_a_chart_that_is_not_there_is_an_error_that_lists_what_is() -> None:
    findings = study(arms=[f"arm {n}" for n in range(9)])
    for name in ("saftey", "benign2"):
        with pytest.raises(
            InputError, match=r"an axis \((safety|benign), .*a task \(.*sums.*study.charts \("
        ) as failure:
            chart(findings, name)
        assert len(str(failure.value)) < 1500
    with pytest.raises(InputError, match=r"'arm 99' is no arm of this study; needed: some of arm 0, "):
        chart(findings, "safety", ["arm 99"])
    with pytest.raises(InputError, match="9 arms are given; needed: 1 to 6"):
        chart(findings, "safety", [f"arm {n}" for n in range(9)])
    with pytest.raises(InputError, match="no finding carries a value"):
        chart([], "safety")


def test_a_list_of_findings_shows_the_first_ones() -> None:
    findings = Findings(study())
    assert len(findings) > 20
    for shown in (repr(findings), findings._repr_html_()):
        assert shown.count("sums") == 20
        assert f"… and {len(findings) - 20} more" in shown
    assert "more" not in repr(Findings(findings[:3]))
    assert isinstance(findings, tuple)


RUN = "document.documentElement.dataset.ran = 1"
SCRIPTS = (f"<script>{RUN}</script>", f"</script><script>{RUN}</script>", "\u2028</ScRiPt><img src=x onerror=x>")


@pytest.mark.parametrize("task", SCRIPTS)
def test_html_of_a_chart_runs_no_script_of_others(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Altair's check of a specification takes most of the time; test_templates makes it.
    monkeypatch.setattr("altair.utils.schemapi.SchemaBase.validate", lambda chart, *_: None)
    findings = [*ladder(task=task), *ladder(axis="safety", task=task)]
    drawn, panels = chart(findings, "capability"), chart(findings)
    for each in (drawn, drawn.properties(title=task), drawn.copy(), drawn.interactive(), panels):
        file = tmp_path / "chart.html"
        each.save(file, json_kwds={"ensure_ascii": False})
        for html in (file.read_text(encoding="utf-8"), each.to_html(), each.to_html(fullhtml=False)):
            assert "<img" not in html
            assert RUN not in html.replace(f"\\u003cscript\\u003e{RUN}", "")
            assert "\u2028" not in html
    drawn.save(tmp_path / "chart.json")
    assert task.lstrip("\u2028") in json.dumps(json.loads((tmp_path / "chart.json").read_text()), ensure_ascii=False)


def test_html_of_a_chart_is_drawn_by_a_browser(tmp_path: Path) -> None:
    drawn = chart(ladder(task=SCRIPTS[1]))
    page = opened(drawn.to_html(inline=True), tmp_path)
    assert "data-ran" not in page.html
    assert page.count("path") > 9
    own = opened(alt.LayerChart.to_html(drawn, inline=True), tmp_path)  # Altair's own would run it
    assert own.html["data-ran"] == "1"


def test_a_curve_of_one_rung_has_no_verdict() -> None:
    text, html = cards(STUDIES["one rung"])
    assert "; one rung only, so no change can be shown" in text
    assert "<div> one rung only, so no change can be shown</div>" in html
    assert "<b>" not in html.partition("<br>")[2]


def test_a_name_that_is_no_chart_is_answered_with_those_that_are() -> None:
    charts = Charts(dict(charts_by_name(report_charts(results_of(study()), about(study())))))
    with pytest.raises(KeyError, match=r"no chart safety-secret; needed: one of safety-secrets-curves, "):
        charts["safety-secret"]
    with pytest.raises(KeyError, match=r"no chart 3\\\\u001b; needed: one of none"):
        Charts({})["3\x1b"]
    assert charts.get("safety-secret") is None
    assert "safety-secret" not in charts
