"""The site holds every page, and its words are the code's. `make docs` builds it; nothing here needs its generator."""

import importlib.util
import inspect
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
from pages import assert_current, commands_page

import overthink
from overthink.data.finding import Finding
from overthink.data.record import Axis, Estimand, Verdict
from overthink.data.verdict_labels import ReadingLabel
from overthink.governance.statement.curve_schema import Shape
from overthink.governance.statement.schema import Strength
from overthink.governance.thresholds.registry import STATUSES
from overthink.reports.wording import ESTIMAND_TEXTS, GATE_TEXTS, SELECTOR_TEXTS

ROOT = Path(__file__).parents[2]
ENDINGS = (".md", ".ipynb")


@cache
def site() -> ModuleType:
    """The site's configuration, as the generator loads it."""
    spec = importlib.util.spec_from_file_location("site_configuration", ROOT / "docs" / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_contents() -> list[str]:
    return [page for pages in site().NAV.values() for page in pages]


def glossary(heading: str, text: str | None = None) -> list[str]:
    """The words under a heading of the glossary, in the order of the page."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") if text is None else text
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert section, f"the glossary has no heading {heading!r}"
    return re.findall(r"^\| `([^`]+)` \|", section[1], flags=re.MULTILINE)


def kinds_of_findings() -> list[str]:
    """The terms of the list in ``Finding``'s docstring."""
    return re.findall(r"^``([a-z_]+)``$", inspect.cleandoc(Finding.__doc__ or ""), flags=re.MULTILINE)


def test_every_page_in_the_contents_exists_and_is_named_once() -> None:
    pages = in_contents()
    assert [page for page in pages if not any((ROOT / f"{page}{ending}").is_file() for ending in ENDINGS)] == []
    assert len(set(pages)) == len(pages) > 10


def test_every_page_is_in_the_contents() -> None:
    folders = (ROOT, ROOT / "docs", ROOT / "docs" / "studies", ROOT / "docs" / "notebooks")
    files = [page for folder in folders for ending in ENDINGS for page in folder.glob(f"*{ending}")]
    pages = [page.relative_to(ROOT).with_suffix("") for page in files]
    assert {page.as_posix() for page in pages} - {*in_contents(), site().root_doc} == set()


def test_the_contents_are_added_to_the_home_page_and_the_decisions_to_theirs() -> None:
    for page, wanted in (
        ("README", "docs/tutorial\ndocs/models\ndocs/servers\ndocs/hf\ndocs/hosted\ndocs/arms"),
        ("decisions/README", ":glob:\n\n[0-9]*"),
    ):
        source = ["# Title"]
        site()._add_contents(None, page, source)
        assert source[0].startswith("# Title\n\n```{toctree}\n")
        assert wanted in source[0]
    untouched = ["# Title"]
    site()._add_contents(None, "docs/tutorial", untouched)
    assert untouched == ["# Title"]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Axes", [*Axis]),
        ("Verdicts", [*Verdict]),
        ("Estimands", [*Estimand]),
        ("Estimands", [*ESTIMAND_TEXTS]),
        ("Selectors", ["single", *SELECTOR_TEXTS, "all"]),
        ("Gates", [*GATE_TEXTS]),
        ("Shapes", [*get_args(Shape.model_fields["verdict"].annotation)]),
        ("Finding kinds", kinds_of_findings()),
        ("Verdicts on the reading of an arm", [*ReadingLabel]),
        ("Strengths of a claim", [*get_args(Strength)]),
        ("Thresholds on compute", [*STATUSES]),
    ],
)
def test_the_glossary_has_the_words_of_the_code(heading: str, words: list[str]) -> None:
    assert words, heading
    assert glossary(heading) == [str(word) for word in words]


def test_a_word_that_the_glossary_lacks_is_noticed() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").replace("| `dip` |", "| dip |")
    assert "dip" in glossary("Shapes")
    assert "dip" not in glossary("Shapes", text)
    assert {"value", "disagreement", "two_by_two", "no_op"} <= set(kinds_of_findings())


def test_the_reference_is_the_list_of_public_names() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    described = re.findall(r"^\.\. auto(?:function|class|exception|data):: (\w+)$", text, flags=re.MULTILINE)
    assert sorted(described) == sorted(overthink.__all__)
    listed = [name for block in re.findall(r"autosummary::\n\n((?:   \w+\n)+)", text) for name in block.split()]
    assert sorted(listed) == sorted(overthink.__all__)


def test_the_page_of_commands_is_current() -> None:
    assert_current("docs/cli.md", commands_page())


def test_a_page_that_is_not_current_is_noticed_and_stays_as_it_is() -> None:
    page = ROOT / "docs" / "cli.md"
    before = page.read_bytes()
    with pytest.raises(AssertionError, match=r"docs/cli.md is not what .* run: make pages"):
        assert_current("docs/cli.md", "# Command line\n")
    assert page.read_bytes() == before
