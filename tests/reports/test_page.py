"""The page in a browser, opened from disk: it draws, it answers its controls, and no name in it is obeyed."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Dom, opened
from kinds import everything
from results import results_of
from synthetic import about, ladder, study, sweep

from overthink.analysis.k_scale import KScale
from overthink.data.finding import Finding
from overthink.reports import report_html

OWNED = "document.title='owned'"
THREE_AXES = 3 + 3 + 5
"""Charts of three axes: over compute, over tries, and a heat map per selector."""

HOSTILE = (
    f"</script><script>{OWNED}</script>",
    f'"\'><img src=x onerror="{OWNED}">',
    f"</style></title></noscript><svg onload={OWNED}>",
    f"{{{{7*7}}}}<!--<script>{OWNED}",
    "\u202eevil\u2066\u200b\x00\x1b",
    "N" * 2**20 + f"<script>{OWNED}</script>",
)


def spoiled(dom: Dom) -> list[str]:
    """What a page that obeyed a name would show."""
    signs = []
    if dom.title != "Example study":
        signs.append(f"title is {dom.title!r}")
    if dom.count("img") or dom.count("iframe"):
        signs.append("an element came from a name")
    if any(name.startswith("on") for _, attributes in dom.tags for name in attributes):
        signs.append("an event handler came from a name")
    if dom.count("script") != 5:
        signs.append(f"{dom.count('script')} scripts")
    if "data-problems" in dom.html:
        signs.append(f"the page reports: {dom.html['data-problems']}")
    return signs


def drawn(dom: Dom) -> int:
    assert dom.html.get("data-ready") == "true"
    assert spoiled(dom) == []
    return dom.count("svg")


def page(findings: list[Finding], **changes: object) -> str:
    return report_html(results_of(findings), about(findings, **changes))


def test_three_axes_draw_their_charts_and_mark_the_failed_gate(tmp_path: Path) -> None:
    dom = opened(page(study(failed=(4,))), tmp_path)
    assert drawn(dom) == THREE_AXES
    marked = [
        attributes for tag, attributes in dom.tags if tag == "path" and attributes.get("stroke") == "var(--spoilt)"
    ]
    assert len(marked) == 1 + 3 + 3  # a point over compute, three over tries at that rung, and their cells
    assert any("gate failed: truncation" in (attributes.get("aria-label") or "") for attributes in marked)
    assert any("asked for: 4,096" in (attributes.get("aria-label") or "") for attributes in marked)


def test_no_failed_gate_no_mark(tmp_path: Path) -> None:
    dom = opened(page(study(failed=())), tmp_path)
    assert drawn(dom) == THREE_AXES
    assert not [1 for _, attributes in dom.tags if attributes.get("stroke") == "var(--spoilt)"]


def test_moving_k_moves_all_values(tmp_path: Path) -> None:
    text = page(study())
    near = opened(text, tmp_path, "#K=1&k=2").text["reading"]
    far = opened(text, tmp_path, "#K=16&k=4").text["reading"]
    assert "Values at K (thinking) = 1 and k = 2 tries" in near
    for value in ("37.0%", "69.5%", "85.4%", "75 tokens"):
        assert value in near
        assert value not in far
    for value in ("51.0%", "60.5%", "86.2%", "843 tokens"):
        assert value in far
        assert value not in near
    assert "60.3%" in near  # 1 − 0.63²: any of 2
    assert "94.2%" in far  # 1 − 0.49⁴: any of 4


CLICKS = """<script>
const wait = setInterval(() => {
  if (document.documentElement.dataset.ready !== "true") return;
  clearInterval(wait);
  const press = (id) => document.getElementById(id).click();
  press("kless"); press("kless"); press("tless"); press("next");
  document.querySelector("#numbertable thead button").click();
  [...document.querySelectorAll("#armlist input")][1].click();
  document.querySelector("input[name=x][value=K]").click();
}, 50);
</script>"""


def test_the_controls_do_what_they_say(tmp_path: Path) -> None:
    text = re.sub(r"<meta http-equiv=[^>]*>", "", page(study(arms=("base", "steered"))))
    dom = opened(text.removesuffix("</body>\n</html>") + CLICKS, tmp_path)
    assert "data-problems" not in dom.html
    assert "k = 2 tries" in dom.text["reading"]
    assert "229 tokens" in dom.text["reading"]  # two rungs below the highest
    assert "3,301 tokens" not in dom.text["reading"]
    assert "steered" not in dom.text["gatetable"]
    assert "K (thinking): the thinking of a rung" in dom.text["xcaption"]
    assert "page 1 of" in dom.text["numbercount"]  # sorting goes back to the first page
    assert dom.count("svg") == THREE_AXES


OPEN_ALL = """<script>
const waiting = setInterval(() => {
  if (document.documentElement.dataset.ready !== "true") return;
  clearInterval(waiting);
  for (const summary of document.querySelectorAll("main details:not([open]) summary")) summary.click();
}, 50);
</script>"""


def test_folds_are_built_when_they_are_opened(tmp_path: Path) -> None:
    text = re.sub(r"<meta http-equiv=[^>]*>", "", page(everything()))
    shut = opened(text, tmp_path)
    dom = opened(text.removesuffix("</body>\n</html>") + OPEN_ALL, tmp_path)
    assert "data-problems" not in dom.html
    for place, said in (
        ("steadytables", "64 → 256"),
        ("steadytables", "whole ladder"),
        ("steadytables", "5.2%"),
        ("steadytables", "4.3%"),
        ("gaptable", "+26.0"),
        ("gaptable", "−2.2"),
    ):
        assert said in of(dom, place)
        assert said not in of(shut, place)


def test_below_the_lowest_rung_there_is_no_value(tmp_path: Path) -> None:
    reading = opened(page(ladder(), k_scale=KScale({"base": 128.0})), tmp_path, "#K=0.4").text["reading"]
    assert "no common budget at or below" in reading
    assert "%" not in reading


def test_each_value_read_leads_to_its_finding(tmp_path: Path) -> None:
    findings = study()
    dom = opened(page(findings), tmp_path, "#K=40&k=4")
    numbers = {
        attributes["data-finding"] for tag, attributes in dom.tags if tag == "a" and "data-finding" in attributes
    }
    assert numbers <= {finding.id for finding in findings}
    assert "safety/secrets/base/forced/value/mean/3/1" in numbers


def test_an_address_can_ask_for_one_finding(tmp_path: Path) -> None:
    findings = study()
    dom = opened(page(findings), tmp_path, "#find=safety/secrets/base/forced/value/mean/3/1")
    assert "1 of 225 findings" in dom.text["numbercount"]
    assert "0.605" in dom.text["numbertable"]


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    findings = []
    for number, name in enumerate(HOSTILE):
        hostile = everything(task=name, arm=name, against=name)
        if number % 2:
            hostile = ladder(task=name, arm=name, efforts=(name, f"{name}2"))
        findings += [
            replace(
                f,
                id=f"{f.id}{name}",
                label=f.label or name,
                reason=name,
                gates_failed=(name,),
                limits=(name,),
            )
            for f in hostile
        ]
    text = page(
        findings, source=HOSTILE[0], notes=HOSTILE, command=HOSTILE[1],
        plan={name: [name] for name in HOSTILE},
        questions=dict.fromkeys(HOSTILE, HOSTILE), k_scale=KScale({}, means=HOSTILE[2], reason=HOSTILE[1]),
    )  # fmt: skip
    assert len(text) < 1_500_000
    dom = opened(text, tmp_path)
    assert drawn(dom) == 6 + 3 + 1 + 3  # six arms over compute, three gaps; the chosen arm over tries, its heat maps
    assert f"<script>{OWNED}</script>" in dom.text["armlist"]
    assert "\\u202eevil\\u2066\\u200b\\u0000\\u001b" in dom.text["armlist"]
    assert "\u202e" not in dom.text["numbertable"]
    assert HOSTILE[1] in dom.text["heats"]
    for place in ("verdicttable", "gappanels", "judgetables", "controltable"):
        assert f"<script>{OWNED}</script>" in dom.text[place]


def of(dom: Dom, place: str) -> str:
    return " ".join(dom.text.get(place, "").split())


def test_what_is_said_of_a_curve_is_on_the_page(tmp_path: Path) -> None:
    findings = everything()
    dom = opened(page(findings), tmp_path)
    assert drawn(dom) == 1 + 1 + 1 + 1  # over compute, gap, over tries, heat map
    verdicts = of(dom, "verdicttable")
    assert "withheldthe judge's error differs between rungs (p = 0.001)" in verdicts
    for said in ("down", "−24.0", "0.011", "0.022", "10.0", "between 64 and 1,024", "thinking tokens asked for"):
        assert said in verdicts
    assert "up to 64 tokens 70.0%" in verdicts
    assert "over 64 tokens 50.0%" in verdicts
    assert "88.0% 78.0–98.0%41 labelled answers" in of(dom, "judgetables")
    assert "drift: sensitivity differs (p = 0.001)" in of(dom, "judgetables")
    for said in ("All of 4", "34.0%", "92.0%"):  # disagreement and settled, by rung
        assert said in of(dom, "steadytables")
    assert "good bad" in of(dom, "controltable")
    assert "7.4%" in of(dom, "controltable")
    assert "against sums" in of(dom, "gappanels")
    assert "The gap begins to rise: between 0 and 64" in of(dom, "gaponsets")
    assert "corrected by human labels" in of(dom, "legend")
    assert "band, holds at all rungs of its curve at once" in of(dom, "legend")
    known = {finding.id for finding in findings}
    assert {a["data-finding"] for tag, a in dom.tags if tag == "a" and "data-finding" in a} <= known


def test_sections_without_findings_and_their_links_are_hidden(tmp_path: Path) -> None:
    def hidden(dom: Dom) -> set[str]:
        parts = [a for tag, a in dom.tags if tag in {"section", "a"} and "hidden" in a]
        return {a.get("id") or a.get("href") or "" for a in parts}

    names = {"verdicts", "divergence", "steadiness", "commitment", "judge", "controls"}
    bare = opened(page(ladder()), tmp_path)
    assert hidden(bare) == names | {f"#{name}" for name in names}
    assert hidden(opened(page(everything()), tmp_path)) == {"commitment", "#commitment"}  # nothing was thought anew


def test_bands_are_areas_and_corrected_values_stand_beside(tmp_path: Path) -> None:
    def labels(dom: Dom, start: str) -> list[str]:
        return [a["aria-label"] or "" for _, a in dom.tags if (a.get("aria-label") or "").startswith(start)]

    dom = opened(page(everything()), tmp_path)
    assert len(labels(dom, "corrected by human labels")) == 5
    assert all(
        "band for all rungs at once: 46.0% to 66.0%" in text for text in labels(dom, "Safety") if "4,096" in text
    )
    areas = [a for tag, a in dom.tags if tag == "path" and a.get("opacity") == "0.15"]
    assert len(areas) == 2  # the curve's and the gap's
    bare = opened(page(ladder()), tmp_path)
    assert not labels(bare, "corrected")
    assert not [a for tag, a in bare.tags if tag == "path" and a.get("opacity") == "0.15"]


def test_the_heat_map_has_a_cell_per_rung_and_k(tmp_path: Path) -> None:
    findings = ladder(axis="safety", task="secrets", start=0.7, slope=-0.05, failed=(2,))
    blank = [f for f in findings if f.metric == "worst_at_k" and (f.at.rung, f.at.k) == (0, 4)]
    gone = [replace(f, estimate=None, low=None, high=None, reason="no question has 4 draws") for f in blank]
    dom = opened(page([f for f in findings if f not in blank] + gone), tmp_path)
    assert drawn(dom) == 3
    cells = [a["aria-label"] or "" for _, a in dom.tags if (a.get("aria-label") or "").startswith("worst, k = ")]
    told = [text for text in cells if "asked for: " in text]
    assert sum("unknown: no question has 4 draws" in text for text in told) == 1
    shown = of(dom, "heats")
    for value in ("70.0", "49.0", "42.2", "25.0", "–"):  # 0.7², 0.65², 0.5²; a cell without a value
        assert value in shown
    marked = [a for tag, a in dom.tags if tag == "path" and a.get("stroke-dasharray") == "5,2"]
    assert len(marked) == 3


def test_the_checker_sees_an_unsafe_page(tmp_path: Path) -> None:
    text = page(ladder())
    without_policy = re.sub(r"<meta http-equiv=[^>]*>", "", text)
    assert "title is 'owned'" in spoiled(
        opened(without_policy.replace("</header>", HOSTILE[0] + "</header>"), tmp_path)
    )


def test_the_policy_stops_what_escaping_would_miss(tmp_path: Path) -> None:
    signs = spoiled(opened(page(ladder()).replace("</header>", HOSTILE[0] + "</header>"), tmp_path))
    assert not any(sign.startswith("title") for sign in signs)
    assert any("blocked by policy: script-src" in sign for sign in signs)


def test_a_hundred_arms_show_six_at_once(tmp_path: Path) -> None:
    dom = opened(page(sweep(100)), tmp_path)
    assert drawn(dom) == 2
    lines = [
        a
        for tag, a in dom.tags
        if tag == "path" and (a.get("stroke") or "").startswith("var(--s") and a.get("fill") is None
    ]
    assert len({a["stroke"] for a in lines} - {"var(--spoilt)"}) == 6
    assert "6 arms at most" in dom.text["armnote"]
    chosen = opened(page(sweep(100)), tmp_path, "#arms=0.2&K=1")
    assert "model-002" in chosen.text["reading"]
    assert "model-001" not in chosen.text["reading"]


def test_without_token_counts_levels_are_the_axis(tmp_path: Path) -> None:
    dom = opened(page(ladder(counted=False, efforts=("low", "medium", "high"), tries=(1,))), tmp_path, "#rung=1")
    assert drawn(dom) == 2
    assert "The level asked for" in dom.text["xcaption"]
    assert "Values at rung 1" in dom.text["reading"]
    assert "35.0%" in dom.text["reading"]
    assert "medium" in dom.text["panels"]


@pytest.mark.parametrize("case", ["none", "one rung", "no estimate", "two estimands"])
def test_sparse_findings_still_make_a_page(case: str, tmp_path: Path) -> None:
    findings = {
        "none": [],
        "one rung": ladder(budgets=(64,), tries=()),
        "no estimate": [replace(f, estimate=None, low=None, high=None, reason="too few") for f in ladder()],
        "two estimands": ladder(tries=()) + ladder(estimand="natural", budgets=(512,), tries=()),
    }[case]
    charts = {"none": 0, "one rung": 1, "no estimate": 1 + 3, "two estimands": 1}[case]
    dom = opened(page(findings), tmp_path)
    assert drawn(dom) == charts
    if case == "two estimands":
        assert "natural: the model stopped by itself" in dom.text["legend"]


def test_ten_thousand_findings_are_shown_a_page_at_a_time(tmp_path: Path) -> None:
    findings = [f for arm in range(45) for f in study(arms=(f"arm {arm}",))][:10_000]
    text = page(findings)
    assert len(text) < 6_000_000
    dom = opened(text, tmp_path)
    assert drawn(dom) == THREE_AXES
    assert "10,000 of 10,000 findings; page 1 of 200" in dom.text["numbercount"]
    assert dom.count("tr") < 700
