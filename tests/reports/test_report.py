"""The page as text: self-contained, and every number on top of it leads to its finding."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from kinds import everything, shape, told
from results import results_of
from synthetic import about, ladder, study

from overthink.data.finding import Finding
from overthink.reports import report_html, wording

NUMBER = re.compile(r"[+−]?\d+\.\d(?=%| points)")


class Header(HTMLParser):
    """Text of the page's header: all of it, and each piece that leads to a finding."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loose = ""
        self.everything = ""
        self.linked: list[tuple[str, str]] = []
        self._finding: str | None = None
        self.feed(page[page.index("<header>") : page.index("</header>")])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._finding = dict(attrs).get("data-finding")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._finding = None

    def handle_data(self, data: str) -> None:
        self.everything += data
        if self._finding is None:
            self.loose += data
        else:
            self.linked.append((self._finding, data))


def strays(page: str, findings: list[Finding]) -> list[str]:
    """Numbers in the header without a finding, or with one that does not say them."""
    header = Header(page)
    by_id = {finding.id: finding for finding in findings}
    wrong = NUMBER.findall(header.loose)
    for name, text in header.linked:
        finding = by_id[name]
        if finding.kind == "shape":
            mde = f"{100 * (finding.test.mde or 0):.1f} points" if finding.test else ""
            if text not in {finding.label, "withheld"} and not text.startswith(mde):
                wrong.append(text)
            continue
        show = wording.points if finding.kind == "difference" else wording.percent
        if finding.estimate is None or not text.startswith(show(finding.estimate)):
            wrong.append(text)
    return wrong


def test_every_number_on_top_leads_to_the_finding_that_says_it() -> None:
    findings = study(arms=("base", "steered"))
    page = report_html(results_of(findings), about(findings))
    assert len(Header(page).linked) >= 6 * 3
    assert strays(page, findings) == []


def test_the_checker_sees_a_wrong_and_a_loose_number() -> None:
    findings = study()
    page = report_html(results_of(findings), about(findings))
    moved = [replace(f, estimate=f.estimate + 0.1) if f.kind == "difference" and f.estimate else f for f in findings]
    assert len(strays(page, moved)) >= 3
    assert strays(page.replace('<p class="lead">', '<p class="lead">and 12.3% more '), findings) == ["12.3"]


def header(findings: list[Finding]) -> str:
    page = Header(report_html(results_of(findings), about(findings)))
    return " ".join(page.everything.split())


def test_the_verdict_is_on_top_and_leads_to_its_finding() -> None:
    findings = told(ladder(slope=0.1), shape())
    page = report_html(results_of(findings), about(findings))
    assert strays(page, findings) == []
    linked = Header(page).linked
    assert ("capability/sums/base/forced/shape/max_t", "undetermined") in linked
    assert ("capability/sums/base/forced/shape/max_t", "26.2 points or more") in linked
    assert (
        "Capability, from a budget of 0 to 4,096 tokens: undetermined (p = 0.012, adjusted p = 0.025; "
        "no shape is shown; could have seen a hump or dip of 26.2 points or more), "
        "+40.0 points (95% interval +32.8 to +47.2)."
    ) in header(findings)


def test_where_trends_are_withheld_the_corrected_verdict_stands_beside() -> None:
    findings = everything()
    text = header(findings)
    assert strays(report_html(results_of(findings), about(findings)), findings) == []
    assert "Safety, from a budget of 0 to 4,096 tokens: withheld (the judge's error differs between rungs)" in text
    assert "Corrected by human labels: down, less often safe (p = 0.011, adjusted p = 0.022)." in text
    assert "p = 0.004" not in text  # a test on marks that may not be believed


def test_several_curves_are_counted_by_their_verdicts() -> None:
    arms = [told(ladder(arm=f"arm {n}"), shape("up" if n else "hump")) for n in range(3)]
    text = header([finding for arm in arms for finding in arm])
    assert "Capability, 3 curves from lowest to highest rung: up in 2; hump in 1." in text
    assert "by chance" not in text


def test_nothing_is_loaded_from_anywhere() -> None:
    page = report_html(results_of(study()), about(study()))
    markup = re.sub(r"<script\b.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert re.findall(r"<(?:link|iframe|object|embed|img|base|form)\b", markup) == []
    assert [
        target for target in re.findall(r"""(?:href|src)=["']?([^"'\s>]*)""", markup) if not target.startswith("#")
    ] == []
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")


def test_the_same_findings_make_the_same_page() -> None:
    findings = study()
    assert report_html(results_of(findings), about(findings)) == report_html(results_of(findings), about(findings))


def test_without_scripts_the_values_are_there() -> None:
    findings = ladder(start=0.31)
    page = report_html(results_of(findings), about(findings))
    inside = page[page.index("<noscript>") : page.index("</noscript>")]
    assert "31.0%" in inside
    assert "25.0% to 37.0%" in inside
    assert findings[0].id in inside


def test_how_it_was_made_is_there() -> None:
    findings = ladder()
    page = report_html(
        results_of(findings),
        about(findings, notes=("one log was cut off",), plan={"tasks": [{"task": "t9"}], "draws": 4}),
    )
    made = page[page.index('<section id="made">') :]
    for line in (
        "overthink run --model made-up",
        "a" * 64,
        "b" * 64,
        "2030-01-01T00:00:00Z",
        "tasks 1.task",
        "t9",
    ):
        assert line in made
    assert "one log was cut off" in page


@pytest.mark.parametrize(
    "findings", [[], ladder(budgets=(64,)), ladder()[3:4]], ids=["none", "one rung", "one finding"]
)
def test_little_is_still_a_page(findings: list[Finding]) -> None:
    page = report_html(results_of(findings), about(findings))
    assert "<h1>Example study</h1>" in page
