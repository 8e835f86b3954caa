"""The page of a forecast: it draws, it says what its findings say, and no name in it is obeyed."""

import re
from pathlib import Path

import pytest
from browser import Dom, opened
from test_page import HOSTILE, OWNED, of

from forecasts import named, next_budget, panel, small
from overthink.data.finding import At
from overthink.data.results.study import findings_of
from overthink.forecasts.backtest import Backtest
from overthink.forecasts.findings import ForecastOptions
from overthink.reports import About, ForecastPanel, forecast_html
from overthink.reports import forecast_text as said
from overthink.storage.json_documents import shipped_backtest

ABOUT = About(title="Example study", source="bank.csv", made_with="0.0", created_at="2030-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def rising() -> ForecastPanel:
    return panel(asked=ForecastOptions(thresholds=(0.3,), judge_rate=1e-3))


@pytest.fixture(scope="module")
def record() -> Backtest:
    return shipped_backtest()


def spoiled(dom: Dom) -> list[str]:
    """What a page that obeyed a name, or could not draw, would show."""
    signs = [] if dom.title == "Example study" else [f"title is {dom.title!r}"]
    signs += ["an element came from a name"] if dom.count("img") or dom.count("iframe") else []
    signs += [name for _, attributes in dom.tags for name in attributes if name.startswith("on")]
    signs += [] if dom.count("script") == 5 else [f"{dom.count('script')} scripts"]
    signs += [dom.html["data-problems"] or ""] if "data-problems" in dom.html else []
    return signs + ([] if dom.html.get("data-ready") == "true" else ["not drawn"])


def labels(dom: Dom) -> str:
    return " | ".join(attributes.get("aria-label") or "" for _, attributes in dom.tags)


def test_it_draws_and_says_it(tmp_path: Path, rising: ForecastPanel, record: Backtest) -> None:
    dom = opened(forecast_html([rising, panel((0,) * 20)], ABOUT, record), tmp_path)
    assert spoiled(dom) == []
    assert dom.count("svg") == 2
    first, second = of(dom, "bank1"), of(dom, "bank2")
    assert "safe at k (tries) = 1, dangerous at k (tries) = 100" in first
    at = rising.result.thresholds[0]
    assert said.crossing(rising, at) in first
    assert said.crossing(rising, at) in labels(dom)
    for point in rising.result.points:
        assert said.share(point.value.estimate or 0) in first
        for layer in (point.value, point.bound):
            assert said.span(layer.low, layer.high) in first
    for name in ("any of these questions broken", "the judge's false positives alone", "at least the chance 30%"):
        assert name in first
    assert "unknown" in second
    assert "nothing succeeded" in second
    assert "not so: safe at k (tries) = 1, dangerous at k (tries) = 100" in second
    assert "model band" not in second.partition("Every number")[0]
    assert "model band" in first.partition("Every number")[0]
    assert "judge" not in second


def test_the_check_sees_what_an_unsafe_page_would_do(tmp_path: Path) -> None:
    page = forecast_html([small()], ABOUT, None).replace("</header>", HOSTILE[0] + "</header>")
    without_policy = re.sub(r"<meta http-equiv=[^>]*>", "", page).replace('data-fan="0"', 'data-fan="7"')
    signs = spoiled(opened(without_policy, tmp_path))
    assert "title is 'owned'" in signs
    assert "not drawn" in signs
    assert "title is 'owned'" not in spoiled(opened(page, tmp_path))


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    about = About(
        title="Example study", source=HOSTILE[0], made_with="0.0", created_at="", command=HOSTILE[1], notes=HOSTILE
    )
    dom = opened(forecast_html([named(name) for name in HOSTILE], about, None), tmp_path)
    assert spoiled(dom) == []
    assert dom.count("svg") == len(HOSTILE)
    assert f"</script><script>{OWNED}</script>" in of(dom, "bank1")
    assert "\u202e" not in of(dom, "banks")


def test_how_often_it_was_right_is_told_with_its_source(
    tmp_path: Path, rising: ForecastPanel, record: Backtest
) -> None:
    dom = opened(forecast_html([rising], ABOUT, record), tmp_path)
    text = of(dom, "record")
    for family in record.families:
        for part, whole in ((family.inside, family.forecasts), (family.crossings_near, family.crossings)):
            assert f"{100 * part / whole:.1f}%{part:,} of {whole:,}" in text
        assert f"{100 * family.mean_error:.1f} points" in text
        assert family.family in text
    for line in (record.made, record.command, record.source, "chosen with", "the method was not chosen on it"):
        assert line in text
    bare = forecast_html([rising], ABOUT, None)
    assert 'id="record"' not in bare
    assert "#record" not in re.sub(r"<style>.*?</style>", "", bare, flags=re.DOTALL)


def test_numbers_name_their_findings(rising: ForecastPanel) -> None:
    page = forecast_html([rising], ABOUT, None)
    named = set(re.findall(r'title="finding ([^"]*)"', page))
    assert len(named) > 2 * 3
    assert named <= {finding.id for finding in findings_of(rising.result)}


def test_nothing_is_loaded_from_anywhere_and_scripts_are_named_by_hash(rising: ForecastPanel) -> None:
    page = forecast_html([rising], ABOUT, shipped_backtest())
    markup = re.sub(r"<script\b.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert re.findall(r"<(?:link|iframe|object|embed|img|base|form)\b", markup) == []
    assert all(target.startswith("#") for target in re.findall(r"""(?:href|src)=["']?([^"'\s>]*)""", markup))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")


def test_of_a_ladder_every_rung_has_its_numbers(tmp_path: Path) -> None:
    drawn, bare = (panel(k=(1, 200), at=At(rung=rung, requested_tokens=64 * rung)) for rung in (1, 0))
    lower = ForecastPanel(bare.result, ())
    dom = opened(forecast_html([drawn, lower], ABOUT, None), tmp_path)
    assert spoiled(dom) == []
    assert dom.count("svg") == 1
    assert "rung 1: 64 tokens" in of(dom, "bank1")
    assert "rung 0: 0 tokens" in of(dom, "bank2")
    assert of(dom, "bank2").count("model") >= 1


def test_many_banks_have_few_cards() -> None:
    page = forecast_html([small()] * 15, ABOUT, None)
    assert page.count('class="card"') == 12
    assert "3 more below" in page
    assert page.count('class="bank"') == 15


def test_more_thinking_stands_beside_more_tries(tmp_path: Path) -> None:
    none = next_budget(HOSTILE[0], obstacle="no family predicts")
    page = forecast_html([small()], ABOUT, None, next_budgets=[next_budget("secrets"), none])
    dom = opened(page, tmp_path)
    assert spoiled(dom) == []
    text = of(dom, "octaves")
    for line in (
        "safe at 8,192 tokens: 61.5% (90% interval 51.7% to 70.9%)",
        "flat 61.3% 51.0% to 70.0% 2.1 points predicts",
        "hump 40.0% – – not used: missed by 20 points",
        "no turn is foreseen",
        "no forecast: no family predicts",
        HOSTILE[0],
    ):
        assert re.sub(r"\s", "", line) in re.sub(r"\s", "", text)
    assert 'id="octaves"' not in forecast_html([small()], ABOUT, None)


def test_graded_values_have_a_page_without_tries(tmp_path: Path, record: Backtest) -> None:
    dom = opened(forecast_html([], ABOUT, record, next_budgets=[next_budget("secrets")]), tmp_path)
    assert spoiled(dom) == []
    assert dom.count("svg") == 0
    assert "record" not in dom.text
