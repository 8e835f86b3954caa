"""Figures are the page's charts as files: drawn offline, with the numbers of their findings, and named safely."""

import json
import re
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from kinds import everything
from results import results_of
from synthetic import about, ladder, study
from test_page import HOSTILE, OWNED

from overthink.data.finding import Finding
from overthink.errors import InputError
from overthink.reports import figure_formats, report_figures
from overthink.reports.charts import files as figures
from overthink.reports.charts.curve import all_charts
from overthink.reports.charts.files import palette, standalone_specification
from overthink.reports.report_curves import report_curves

SVG = "{http://www.w3.org/2000/svg}"


def drawn(findings: list[Finding], *formats: str) -> dict[str, bytes]:
    return dict(report_figures(results_of(findings), about(findings), formats))


def faults(svg: bytes) -> list[str]:
    """What a figure must not have: code, a reference to anything outside it, a colour that only a page knows."""
    told = []
    for element in ElementTree.fromstring(svg).iter():
        if element.tag.removeprefix(SVG) in {"script", "image", "foreignObject", "a", "use"}:
            told.append(element.tag)
        for name, value in element.attrib.items():
            if name.startswith("on") or name.endswith("href"):
                told.append(name)
            if name in {"fill", "stroke", "style"} and re.search(r"var\(|currentColor|url\((?!#)", value):
                told.append(value)
    return told


def words(svg: bytes) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures without pictures: only their names and how many there are."""
    monkeypatch.setitem(figures._DRAW, "svg", lambda _: b"")


@pytest.mark.usefixtures("undrawn")
def test_every_chart_of_the_page_is_a_file() -> None:
    assert sorted(drawn([*everything(), *ladder()], "svg")) == [
        "axes-curves.svg",
        "capability-sums-curves.svg",
        "capability-sums-heat-best-base.svg",
        "capability-sums-heat-majority-base.svg",
        "capability-sums-heat-pass-base.svg",
        "capability-sums-tries-base.svg",
        "safety-secrets-curves.svg",
        "safety-secrets-divergence-against-sums-base.svg",
        "safety-secrets-heat-worst-base.svg",
        "safety-secrets-tries-base.svg",
    ]


def test_a_figure_stands_alone() -> None:
    for name, svg in drawn(everything(), "svg").items():
        assert faults(svg) == [], name


def test_the_checker_sees_what_a_figure_must_not_have() -> None:
    inside = '<script/><rect fill="var(--ink)"/><rect fill="url(http://x)"/><rect fill="url(#clip)"/>'
    bad = f'<svg xmlns="{SVG[1:-1]}" onload="x">{inside}</svg>'
    assert faults(bad.encode()) == ["onload", f"{SVG}script", "var(--ink)", "url(http://x)"]


def test_the_numbers_of_a_heat_map_are_those_of_its_findings() -> None:
    findings = ladder(axis="safety", task="secrets", start=0.7, slope=-0.05)
    values = [f"{100 * f.estimate:.1f}" for f in findings if f.metric == "worst_at_k" and f.estimate is not None]
    shown = words(drawn(findings, "svg")["safety-secrets-heat-worst-base.svg"])
    assert sorted(text for text in shown if re.fullmatch(r"\d+\.\d", text)) == sorted(values)
    assert set(shown) >= {"0", "64", "1,024", "1", "2", "4"}


def test_a_figure_says_what_its_marks_mean() -> None:
    text = " ".join(words(drawn(everything(), "svg")["safety-secrets-curves.svg"]))
    assert "Safety: secrets, share of answers that are safe" in text
    for said in ("area: band that holds at all rungs at once", "pointwise interval", "corrected by human labels"):
        assert said in text
    assert "a gate failed at this rung" in text
    bare = " ".join(words(drawn(ladder(tries=()), "svg")["capability-sums-curves.svg"]))
    assert "pointwise interval" in bare
    for not_said in ("band", "corrected", "gate failed"):
        assert not_said not in bare


def test_arms_and_estimands_have_legends_where_there_are_several() -> None:
    two = ladder(arm="one", tries=()) + ladder(arm="other", tries=()) + ladder(arm="one", estimand="natural", tries=())
    assert {"one", "other", "forced", "natural"} <= set(words(drawn(two, "svg")["capability-sums-curves.svg"]))
    assert not {"base", "forced"} & set(words(drawn(ladder(tries=()), "svg")["capability-sums-curves.svg"]))


@pytest.mark.usefixtures("undrawn")
def test_hostile_names_name_no_path() -> None:
    names = [*HOSTILE, "../../etc/passwd", "C:\\con", "", "a/b", "a-b"]
    files = drawn(
        [
            replace(f, id=f"{number}{f.id}")
            for number, name in enumerate(names)
            for f in everything(task=name, against=name)
        ],
        "svg",
    )
    assert len(files) == 4 * len(names)
    assert [name for name in files if not re.fullmatch(r"[a-z0-9-]{1,190}\.svg", name)] == []


def test_hostile_names_are_drawn_as_text() -> None:
    findings = [f for name in HOSTILE for f in ladder(task=HOSTILE[0], arm=name, tries=(), efforts=(name, f"{name}2"))]
    ((name, svg),) = drawn(findings, "svg").items()
    assert name == "capability-script-script-document-title-owned-scrip-curves.svg"
    assert faults(svg) == []
    assert f"Capability: </script><script>{OWNED}</script>, share of answers that are correct" in words(svg)
    assert len(svg) < 100_000


def test_a_name_that_reads_like_a_colour_stays_a_name() -> None:
    findings = ladder(arm="var(--s1)", tries=()) + ladder(arm="currentColor", tries=())
    assert {"var(--s1)", "currentColor"} <= set(words(drawn(findings, "svg")["capability-sums-curves.svg"]))


def test_pngs_are_pictures_of_twice_the_size() -> None:
    png = drawn(ladder(tries=()), "png")["capability-sums-curves.png"]
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert width > 2 * 640
    assert height > 2 * 190


def test_the_same_findings_make_the_same_figures() -> None:
    one, again = (drawn(ladder(), "svg") for _ in range(2))
    counted = re.compile(rb"clip\d+")  # ids that the renderer counts on while it runs
    assert {name: counted.sub(b"", svg) for name, svg in one.items()} == {
        name: counted.sub(b"", svg) for name, svg in again.items()
    }


@pytest.mark.parametrize(
    ("findings", "charts"),
    [([], 0), (ladder(budgets=(64,), tries=()), 1), (ladder(counted=False, tries=(1,)), 2)],
    ids=["none", "one rung", "no tokens"],
)
def test_sparse_findings_still_make_figures(findings: list[Finding], charts: int) -> None:
    assert len(drawn(findings, "svg")) == charts


def test_without_estimates_nothing_breaks() -> None:
    findings = [replace(f, estimate=None, low=None, high=None, reason="too few") for f in everything()]
    assert "–" in words(drawn(findings, "svg")["safety-secrets-heat-worst-base.svg"])


def test_colours_are_those_of_the_light_page() -> None:
    assert palette()["var(--paper)"] == "#fff"
    assert palette()["currentColor"] == palette()["var(--ink)"] == "#1b1f24"
    templates = json.dumps(
        [chart.template for chart in all_charts(report_curves(results_of(everything()), {}), ["base"])]
    )
    assert set(re.findall(r"var\(--\w+\)", templates)) <= set(palette())


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A loopback server that writes down what was asked of it."""
    calls: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            calls.append(self.rfile.readline().decode())
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[]")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}/x.json", calls
        listening.shutdown()


def fetched(server: tuple[str, list[str]], draw: str) -> tuple[str, int]:
    """Draws a chart whose data is at the server, in a process of its own; what went wrong, and how often it asked."""
    address, calls = server
    (chart,) = all_charts(report_curves(results_of(ladder(tries=())), {}), ["base"])
    specification = standalone_specification(chart)
    specification["layer"][0]["data"] = {"url": address}
    code = f"import json, sys; {draw}(json.load(sys.stdin))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(specification),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr, len(calls)


def test_nothing_is_fetched(server: tuple[str, list[str]]) -> None:
    said, calls = fetched(server, "from overthink.reports.charts.files import _svg; _svg")
    assert "External data url not allowed" in said
    assert calls == 0


def test_the_checker_sees_a_fetch(server: tuple[str, list[str]]) -> None:
    _, calls = fetched(server, "import vl_convert; vl_convert.vegalite_to_svg")
    assert calls >= 1


def test_formats_are_checked() -> None:
    assert figure_formats(["html"]) == ()
    assert figure_formats(["png", "html", "svg", "png"]) == ("svg", "png")
    with pytest.raises(InputError, match="unknown format 'bmp'; needed: html, svg, png, pdf"):
        figure_formats(["bmp"])


@pytest.mark.usefixtures("undrawn")
def test_a_study_of_many_arms_draws_those_that_the_page_shows() -> None:
    many = [f for number in range(9) for f in study(arms=(f"arm {number}",)) if not f.metric.endswith("_at_k")]
    names = ("benign-harmless", "capability-sums", "safety-secrets")
    assert sorted(drawn(many, "svg")) == ["axes-curves.svg", *(f"{name}-curves.svg" for name in names)]
