"""The box at the pointer, on both pages: it tells of the point under the pointer, and goes when the pointer does."""

import re
from pathlib import Path

import pytest
from browser import opened
from results import results_of
from synthetic import about, study
from test_forecast_page import ABOUT

from forecasts import panel
from overthink.reports import forecast_html, report_html

POINTER = """<script>
const waiting = setInterval(() => {
  if (document.documentElement.dataset.ready !== "true") return;
  clearInterval(waiting);
  const [box, seen] = [document.getElementById("tip"), []];
  for (const mark of document.querySelectorAll("svg path")) {
    const move = (type) => mark.dispatchEvent(new PointerEvent(type, { bubbles: true, clientX: 40, clientY: 40 }));
    move("pointermove");
    if (!box.hidden) seen.push(box.textContent);
    move("mouseout");
    if (!box.hidden) seen.push("left behind");
  }
  document.documentElement.dataset.told = seen.join("|");
}, 20);
</script>"""
"""Takes the pointer over everything that is drawn. The page's own policy would not let it run."""


def told(page: str, folder: Path) -> str:
    free = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", page)
    return opened(free + POINTER, folder).html.get("data-told") or ""


@pytest.mark.parametrize("kind", ["study", "forecast"])
def test_what_is_under_the_pointer_is_told_and_goes_with_it(kind: str, tmp_path: Path) -> None:
    found = study()
    page = report_html(results_of(found), about(found)) if kind == "study" else forecast_html([panel()], ABOUT, None)
    seen = told(page, tmp_path)
    assert ("tokens per attempt: " if kind == "study" else "k = ") in seen
    assert "left behind" not in seen
    if kind == "forecast":  # the control: a box that says nothing
        assert told(page.replace("box.textContent = value;", ""), tmp_path).strip("|") == ""
