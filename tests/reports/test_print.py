"""The page on paper: nothing to click, nothing cut off, nothing torn apart, and every fold open."""

import json
from pathlib import Path
from typing import Any

import pytest
from devtools import browser
from kinds import everything
from results import results_of
from synthetic import about, ladder

from overthink.reports import report_html

_A4 = 718
"""Width in pixels of an A4 page within our margins."""

_READ = """(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (node) => node.getClientRects().length > 0;
  const style = (node, name) => getComputedStyle(node)[name];
  dispatchEvent(new Event("beforeprint"));
  return JSON.stringify({
    clickable: all("button, input, select, nav, fieldset").filter(shown).map((node) => node.id || node.tagName),
    wide: all("table, svg, .card").filter((node) => shown(node) && node.getBoundingClientRect().right > innerWidth + 2)
      .map((node) => node.closest("[id]")?.id + " " + node.tagName),
    scrolled: all("*").filter((node) => shown(node) && ["auto", "scroll"].includes(style(node, "overflowX")))
      .map((node) => node.className),
    torn: all("figure, table, .card, .panel, tr").filter((node) => style(node, "breakInside") !== "avoid")
      .map((node) => node.tagName),
    left: all("h1, h2, h3, figcaption, caption").filter((node) => style(node, "breakAfter") !== "avoid").length,
    empty: all("details").filter((node) => node.children.length < 2 || !shown(node.children[1]))
      .map((node) => node.textContent),
    folds: all("details").length,
    ink: style(document.body, "color"),
    paper: style(document.body, "backgroundColor"),
    line: getComputedStyle(document.documentElement).getPropertyValue("--s0"),
    numbers: shown(document.getElementById("numbertable")),
    note: all(".paper").filter(shown).map((node) => node.textContent).join(" "),
    charts: all("svg").filter(shown).length,
  });
})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    findings = [*everything(), *ladder()]
    file = tmp_path_factory.mktemp("print") / "page.html"
    file.write_text(report_html(results_of(findings), about(findings)), encoding="utf-8")
    return file


def state(page: Path, media: str) -> dict[str, Any]:
    """What a page shows in a medium, on a machine that prefers dark pages."""
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    values: dict[str, Any] = json.loads(browser().value(page.as_uri(), _A4, 900, _READ, media=media, features=dark))
    return values


def test_on_paper_nothing_is_clickable_cut_or_torn(page: Path) -> None:
    paper = state(page, "print")
    for fault in ("clickable", "wide", "scrolled", "torn", "empty"):
        assert paper[fault] == [], fault
    assert paper["left"] == 0
    assert paper["folds"] >= 3
    assert paper["charts"] >= 3
    assert (paper["ink"], paper["paper"], paper["line"].strip()) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)", "#0072b2")
    assert not paper["numbers"]
    assert "overthink table STUDY --what findings" in paper["note"]


def test_on_the_screen_all_of_it_is_there(page: Path) -> None:
    """The check above sees what print takes away."""
    screen = state(page, "screen")
    assert {"kless", "find", "NAV"} <= set(screen["clickable"])
    assert screen["numbers"]
    assert screen["note"] == ""
    assert screen["torn"]
    assert screen["paper"] != "rgb(255, 255, 255)"
